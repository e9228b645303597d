/** Names of the objects of a repository (docs/backup-format.md, "Objects"). */

export const MARKER = 'sluice-repository.json';
export const README = 'readme.txt';

export const CHUNKS = 'chunks/';
export const BACKUPS = 'backups/';
export const LOCKS = 'locks/';
export const VERIFIED = 'verified/';

/** Lower-case hex of the SHA-256 of a chunk's content. */
export type ChunkId = string;

const CHUNK_OBJECT = /^chunks\/([0-9a-f]{2})\/([0-9a-f]{64})\.zst$/;
const BACKUP_OBJECT = /^backups\/(\d{8}-\d{6}-[0-9a-z]{4})\.json$/;

export function chunkObject(id: ChunkId): string {
  return `${CHUNKS}${id.slice(0, 2)}/${id}.zst`;
}

/** Undefined for what is no chunk, or lies in another's folder. */
export function chunkOfObject(name: string): ChunkId | undefined {
  const match = CHUNK_OBJECT.exec(name);
  return match !== null && match[2].startsWith(match[1]) ? match[2] : undefined;
}

export function backupObject(backup: string): string {
  return `${BACKUPS}${backup}.json`;
}

export function backupOfObject(name: string): string | undefined {
  return BACKUP_OBJECT.exec(name)?.[1];
}

/** `20261122-070405-k3f9`: UTC, with the milliseconds as two digits of base 32, so that names sort by time also within a second; and two random characters. */
export function newBackupName(now: Date): string {
  const milliseconds = now.getUTCMilliseconds().toString(32).padStart(2, '0');
  return `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${milliseconds}${randomText(2)}`;
}

export function randomText(length: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => '0123456789abcdefghijklmnopqrstuv'[byte & 31]).join('');
}
