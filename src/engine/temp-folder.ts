/**
 * Where the engine puts what does not fit into memory, and a load its scratch database: a private folder, preferably beside the database. It goes when the engine is closed. What a process that
 * was killed has left goes when the same database is next opened for writing: the lock on the file says that nobody uses it.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';

/** @param beside the folder that is wanted; where it cannot be, and by default, it is in the system's folder */
export async function makeTempFolder(beside: string | undefined, database: string): Promise<string> {
  if (beside !== undefined) {
    const made = await mkdtemp(join(beside, prefixOf(database))).catch(() => undefined);
    if (made !== undefined) return made;
  }
  const parent = tmpdir();
  try {
    return await mkdtemp(join(parent, 'sluice-engine-'));
  } catch (error) {
    const code = hasSystemCode(error, 'ENOSPC', 'EDQUOT') ? 'DISK_FULL' : 'TARGET_UNWRITABLE';
    throw new SluiceError(code, { path: parent, reason: (error as Error).message }, { file: parent }, error);
  }
}

/** To be called while the database is open for writing. @param own stays */
export async function removeStaleTempFolders(beside: string, database: string, own: string): Promise<void> {
  const prefix = prefixOf(database);
  for (const name of await readdir(beside).catch(() => [])) {
    const path = join(beside, name);
    if (name.startsWith(prefix) && path !== own) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function prefixOf(database: string): string {
  return `.sluice-engine-${createHash('sha256').update(basename(database)).digest('hex').slice(0, 12)}-`;
}
