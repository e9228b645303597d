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

/**
 * Opens what `REPOSITORY` or `REPOSITORY@BACKUP` names. A folder whose own name has an @ is taken as it is.
 * @throws SluiceError REPOSITORY_UNKNOWN, REPOSITORY_TOO_NEW, REPOSITORY_DAMAGED, OPTION_UNSUPPORTED
 */
export async function openRepository(text: string, cwd: string): Promise<RepositoryReference> {
  if (SCHEME.test(text)) throw new SluiceError('OPTION_UNSUPPORTED', { option: `A repository at ${text.replace(/:\/\/.*/s, '://…')}`, context: 'yet: name a folder' });
  const whole = await LocalStorage.open(resolve(cwd, text));
  if (whole !== undefined) return { repository: await Repository.open(whole), backup: undefined };
  const at = text.lastIndexOf('@');
  const storage = at > 0 ? await LocalStorage.open(resolve(cwd, text.slice(0, at))) : undefined;
  if (storage === undefined) throw new SluiceError('REPOSITORY_UNKNOWN', { path: resolve(cwd, text) });
  return { repository: await Repository.open(storage), backup: text.slice(at + 1) };
}
