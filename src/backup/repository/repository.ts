/**
 * A repository: its marker, its backups, and the way to its chunks. Opening one only reads; what is written by a newer format is refused before anything is looked at or changed.
 */
import { randomUUID } from 'node:crypto';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Storage } from '../storage/storage.ts';
import { ChunkStore } from './chunk-store.ts';
import { MANIFEST_FORMAT, manifestSchema, type Manifest } from './manifest.ts';
import { backupObject, backupOfObject, BACKUPS, MARKER, README } from './object-names.ts';
import { checkDocument, DocumentDamage, sealDocument, unsealDocument } from './sealed-document.ts';
import { object, string, integer, time, oneOf, list, type ShapeOf } from './shape.ts';

/** Of the repository as a whole: its objects, their names and who may write when. */
const REPOSITORY_FORMAT = 1;
/** What this version can read beyond its format. A repository that uses others is refused. */
const KNOWN_FEATURES: readonly string[] = [];

const markerSchema = object({
  kind: oneOf('sluice repository'),
  format: oneOf(REPOSITORY_FORMAT),
  id: string,
  createdAt: time,
  features: list(string),
});

/** What every format of the marker has, so that a newer one can be told from a damaged one. */
const anyMarkerSchema = object({ kind: oneOf('sluice repository'), format: integer(), features: list(string) });
const anyManifestSchema = object({ format: integer() });

const README_TEXT = `This folder is a backup repository of Sluice. Nothing in it is to be edited or renamed.

backups/  one JSON document for each backup, in two lines: the document, and its SHA-256
chunks/   the content, in files that \`zstd -d\` decompresses, named by the SHA-256 of their content
locks/    who works on the repository at the moment
verified/ when which chunks were last checked
tmp/      what is being written; leftovers of killed processes

\`sluice backups FOLDER\` lists the backups, \`sluice verify FOLDER\` checks them. docs/backup-format.md of
Sluice describes every byte, and how to recover a table without Sluice, with zstd and psql alone.
`;

/** A backup as it is listed: complete, or with what is wrong with its manifest. */
export type ListedBackup = { readonly backup: string; readonly manifest: Manifest } | { readonly backup: string; readonly damage: SluiceError };

export class Repository {
  readonly storage: Storage;
  readonly chunks: ChunkStore;
  readonly id: string;

  private constructor(storage: Storage, id: string) {
    this.storage = storage;
    this.chunks = new ChunkStore(storage);
    this.id = id;
  }

  /** @throws SluiceError REPOSITORY_UNKNOWN, REPOSITORY_TOO_NEW, REPOSITORY_DAMAGED, SOURCE_UNREADABLE */
  static async open(storage: Storage): Promise<Repository> {
    const bytes = await storage.get(MARKER);
    if (bytes === undefined) throw new SluiceError('REPOSITORY_UNKNOWN', { path: storage.name });
    try {
      const document = unsealDocument(bytes);
      refuseNewer(checkDocument(anyMarkerSchema, document), storage.name);
      return new Repository(storage, checkDocument(markerSchema, document).id);
    } catch (error) {
      if (!(error instanceof DocumentDamage)) throw error;
      throw new SluiceError('REPOSITORY_DAMAGED', { path: storage.name, object: MARKER, reason: error.message }, { file: MARKER }, error);
    }
  }

  /** Undefined where one can be made: the storage is empty. @throws SluiceError REPOSITORY_FOREIGN, and those of `open` */
  static async openIfThere(storage: Storage): Promise<Repository | undefined> {
    if (await storage.get(MARKER) !== undefined) return Repository.open(storage);
    for await (const { name } of storage.list('')) {
      // Written before the marker: an earlier attempt was killed, or another process is making the repository right now.
      if (name !== README && name !== MARKER) throw new SluiceError('REPOSITORY_FOREIGN', { path: storage.name, found: name });
    }
    return undefined;
  }

  /** Opens the repository, and makes it where the storage is empty. @throws SluiceError REPOSITORY_FOREIGN, those of `open`, and those of writing */
  static async openOrCreate(storage: Storage): Promise<Repository> {
    if (await Repository.openIfThere(storage) === undefined) {
      await storage.putIfAbsent(README, [Buffer.from(README_TEXT)]);
      await storage.putIfAbsent(MARKER, sealDocument({ kind: 'sluice repository', format: REPOSITORY_FORMAT, id: randomUUID(), createdAt: new Date().toISOString(), features: [] }));
      await storage.flush();
    }
    return Repository.open(storage);
  }

  /** Names of the complete backups, oldest first. */
  async backupNames(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.storage.list(BACKUPS)) {
      const backup = backupOfObject(name);
      if (backup !== undefined) names.push(backup);
    }
    return names.toSorted();
  }

  /** Oldest first; damaged ones are told and not thrown, so that the others can be used. */
  async *backups(): AsyncGenerator<ListedBackup, void, undefined> {
    for (const backup of await this.backupNames()) {
      try {
        yield { backup, manifest: await this.manifest(backup) };
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        // Removed between the list and now.
        if (error.code === 'BACKUP_UNKNOWN') continue;
        if (error.code !== 'BACKUP_DAMAGED' && error.code !== 'REPOSITORY_TOO_NEW') throw error;
        yield { backup, damage: error };
      }
    }
  }

  /** @throws SluiceError BACKUP_UNKNOWN, BACKUP_DAMAGED, REPOSITORY_TOO_NEW */
  async manifest(backup: string): Promise<Manifest> {
    const bytes = await this.storage.get(backupObject(backup));
    if (bytes === undefined) throw new SluiceError('BACKUP_UNKNOWN', { backup, path: this.storage.name, candidates: 'no backup of that name' });
    try {
      const document = unsealDocument(bytes);
      const { format } = checkDocument(anyManifestSchema, document);
      if (format > MANIFEST_FORMAT) throw new SluiceError('REPOSITORY_TOO_NEW', { path: `${this.storage.name}@${backup}`, found: `manifest format ${format}`, known: `${MANIFEST_FORMAT}` });
      const manifest = checkDocument(manifestSchema, document);
      if (manifest.backup !== backup) throw new DocumentDamage(`it is the manifest of ${manifest.backup}`);
      return manifest;
    } catch (error) {
      if (!(error instanceof DocumentDamage)) throw error;
      throw new SluiceError('BACKUP_DAMAGED', { backup, reason: `its manifest: ${error.message}` }, { file: backupObject(backup) }, error);
    }
  }

  /** The backup of that name or of which that is the beginning; the newest for undefined. @throws SluiceError BACKUP_UNKNOWN, BACKUP_AMBIGUOUS */
  async find(wanted: string | undefined): Promise<string> {
    const names = await this.backupNames();
    const found = wanted === undefined ? names.slice(-1) : names.filter((name) => name === wanted || (wanted !== '' && name.startsWith(wanted)));
    if (found.length === 1) return found[0];
    const path = this.storage.name;
    if (found.length > 1) throw new SluiceError('BACKUP_AMBIGUOUS', { path, candidates: found.join(', ') });
    throw new SluiceError('BACKUP_UNKNOWN', { backup: wanted ?? 'newest', path, candidates: names.length === 0 ? 'none' : names.slice(-5).toReversed().join(', ') });
  }
}

function refuseNewer({ format, features }: ShapeOf<typeof anyMarkerSchema>, path: string): void {
  if (format > REPOSITORY_FORMAT) throw new SluiceError('REPOSITORY_TOO_NEW', { path, found: `format ${format}`, known: `format ${REPOSITORY_FORMAT}` });
  const unknown = features.filter((feature) => !KNOWN_FEATURES.includes(feature));
  if (unknown.length > 0) throw new SluiceError('REPOSITORY_TOO_NEW', { path, found: `it uses ${unknown.join(', ')}`, known: KNOWN_FEATURES.join(', ') || 'none of that' });
}
