import { resolve } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import { Repository } from './repository/repository.ts';
import { LocalStorage } from './storage/local-storage.ts';

export interface RepositoryReference {
  readonly repository: Repository;
  /** As it was written behind the last `@`: a name or the beginning of one. */
  readonly backup: string | undefined;
}

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;

/** What stands in the way of writing backups there, before anything is written. The folder need not be there yet. @throws SluiceError REPOSITORY_FOREIGN, REPOSITORY_TOO_NEW, REPOSITORY_DAMAGED */
export async function lookAtRepository(path: string): Promise<void> {
  const storage = await LocalStorage.open(path);
  if (storage !== undefined) await Repository.openIfThere(storage);
}

/** The repository in that folder, made where there is none. @throws SluiceError as `lookAtRepository`, and TARGET_UNWRITABLE, DISK_FULL */
export async function createRepository(path: string): Promise<Repository> {
  return Repository.openOrCreate(await LocalStorage.create(path));
}

/** A folder for backups as an option names it, absolute. @throws SluiceError OPTION_UNSUPPORTED */
export function repositoryPath(text: string, cwd: string): string {
  refuseScheme(text);
  return resolve(cwd, text);
}

function refuseScheme(text: string): void {
  if (SCHEME.test(text)) throw new SluiceError('OPTION_UNSUPPORTED', { option: `A repository at ${text.replace(/:\/\/.*/s, '://…')}`, context: 'yet: name a folder' });
}

/**
 * Opens what `REPOSITORY` or `REPOSITORY@BACKUP` names. A folder whose own name has an @ is taken as it is.
 * @throws SluiceError REPOSITORY_UNKNOWN, REPOSITORY_TOO_NEW, REPOSITORY_DAMAGED, OPTION_UNSUPPORTED
 */
export async function openRepository(text: string, cwd: string): Promise<RepositoryReference> {
  refuseScheme(text);
  const whole = await LocalStorage.open(resolve(cwd, text));
  if (whole !== undefined) return { repository: await Repository.open(whole), backup: undefined };
  const at = text.lastIndexOf('@');
  const storage = at > 0 ? await LocalStorage.open(resolve(cwd, text.slice(0, at))) : undefined;
  if (storage === undefined) throw new SluiceError('REPOSITORY_UNKNOWN', { path: resolve(cwd, text) });
  return { repository: await Repository.open(storage), backup: text.slice(at + 1) };
}
