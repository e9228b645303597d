/** Which way `sluice restore` takes: what a backup repository or pg_dump has written is restored as a database, everything else as files of rows. */
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceError } from '../../errors/sluice-error.ts';
import { openRepository } from '../open-repository.ts';
import { isDumpArchive, openDumpArchive } from '../pg-dump/open-dump-archive.ts';
import { MARKER } from '../repository/object-names.ts';
import { openArchiveSource } from './archive-source.ts';
import { openRepositorySource } from './repository-source.ts';
import type { RestoreSource } from './restore-source.ts';

export async function isBackup(source: string): Promise<boolean> {
  return isRepository(source) || isDumpArchive(source);
}

/** @param onDamage with it, what can be read of damaged lists is restored */
export async function openRestoreSource(source: string, onDamage?: (error: SluiceError) => void): Promise<RestoreSource> {
  if (!isRepository(source)) return openArchive(resolve(source));
  const { repository, backup } = await openRepository(source, process.cwd());
  return openRepositorySource(repository, backup, onDamage);
}

async function openArchive(path: string): Promise<RestoreSource> {
  const archive = await openDumpArchive(path);
  try {
    return await openArchiveSource(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

function isRepository(source: string): boolean {
  if (source === '-' || /^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return false;
  const at = source.lastIndexOf('@');
  return [source, ...(at > 0 ? [source.slice(0, at)] : [])].some((folder) => existsSync(join(resolve(folder), MARKER)));
}
