/** The backup repositories that the server knows, by name. Requests name them; their folders are below those that the server may use. */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { lookAtRepository, openRepository } from '../../backup/open-repository.ts';
import type { Repository } from '../../backup/repository/repository.ts';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';
import type { FileAccess } from '../file-access.ts';
import type { ServerStore } from './server-store.ts';

interface Known {
  readonly name: string;
  readonly path: string;
}

export class Repositories {
  readonly #store: ServerStore;
  readonly #files: FileAccess;

  constructor(store: ServerStore, files: FileAccess) {
    this.#store = store;
    this.#files = files;
  }

  list(): Known[] {
    return this.#store.all<Known>('SELECT name, path FROM repositories ORDER BY name');
  }

  /** @throws SluiceError REPOSITORY_EXISTS, PATH_REFUSED, SOURCE_NOT_FOUND, REPOSITORY_FOREIGN and others of looking at it */
  async add(name: string, path: string): Promise<Known> {
    const real = await this.#files.forWriting(path.replace(/\/+$/, ''));
    await refuseFile(real);
    await lookAtRepository(real);
    const changed = this.#store.run('INSERT INTO repositories (name, path, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', name, real, Date.now());
    if (changed === 0) throw new SluiceError('REPOSITORY_EXISTS', { name });
    return { name, path: real };
  }

  /** @throws SluiceError REPOSITORY_NOT_NAMED */
  forget(name: string): void {
    if (this.#store.run('DELETE FROM repositories WHERE name = ?', name) === 0) throw new SluiceError('REPOSITORY_NOT_NAMED', { name });
  }

  /** Where it is, checked anew: the folders of the server may be others now. @throws SluiceError REPOSITORY_NOT_NAMED, PATH_REFUSED */
  async pathOf(name: string): Promise<string> {
    const [row] = this.#store.all<Known>('SELECT name, path FROM repositories WHERE name = ?', name);
    if (row === undefined) throw new SluiceError('REPOSITORY_NOT_NAMED', { name });
    return this.#files.forWriting(row.path);
  }

  /** @throws SluiceError as `pathOf`; REPOSITORY_UNKNOWN where there is none yet, and others of opening it */
  async open(name: string): Promise<Repository> {
    return (await openRepository(await this.pathOf(name), '/')).repository;
  }
}

async function refuseFile(path: string): Promise<void> {
  const found: Stats | undefined = await stat(path).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found !== undefined && !found.isDirectory()) throw new SluiceError('REQUEST_INVALID', { what: 'path is no folder' });
}
