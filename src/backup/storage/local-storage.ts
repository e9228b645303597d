/**
 * A repository in a folder. An object is a file: it is written under a name of its own in `tmp/`, synced, and then linked to its name, which fails when somebody has it. So a name never
 * stands for half an object, and what a killed process leaves is in `tmp/`. With `putSoon` the sync and the link come in the background (one-by-one.ts).
 * Folders (and with them names) are synced by `flush`, each once, instead of after every put: that would double the time of small objects.
 *
 * Private to its owner: folders 0700, files 0600.
 */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, mkdir, open, opendir, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';
import { syncFolder } from '../../io/file-sink.ts';
import { sourceError, targetError, unwritable } from '../../io/system-errors.ts';
import { OneByOne } from './one-by-one.ts';
import { isObjectName, type ByteRange, type Storage, type StoredObject } from './storage.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const TEMPORARY = 'tmp';

/** Files that are written and not synced: each is an open file. */
const MOST_SYNCING = 64;

/** File systems without hard links answer with one of these. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

export class LocalStorage implements Storage {
  readonly name: string;
  readonly #root: string;
  /** Folders with names that may not be durable yet. */
  #unsynced = new Set<string>();
  readonly #made = new Set<string>();
  readonly #syncing = new OneByOne(MOST_SYNCING);

  private constructor(root: string) {
    this.name = root;
    this.#root = root;
  }

  /** A folder that is there. @throws SluiceError SOURCE_UNREADABLE; undefined when there is none */
  static async open(root: string): Promise<LocalStorage | undefined> {
    try {
      return (await stat(root)).isDirectory() ? new LocalStorage(root) : undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw sourceError(error, root);
    }
  }

  /** Makes the folder where it is not there; the folder above must be. @throws SluiceError TARGET_UNWRITABLE, DISK_FULL */
  static async create(root: string): Promise<LocalStorage> {
    try {
      await mkdir(root, { mode: FOLDER_MODE });
      await syncFolder(dirname(root));
    } catch (error) {
      if (!hasSystemCode(error, 'EEXIST')) throw targetError(error, root);
      if (!(await stat(root)).isDirectory()) throw unwritable(root, 'it is a file, and a folder is needed');
    }
    return new LocalStorage(root);
  }

  async putIfAbsent(name: string, content: readonly Uint8Array[]): Promise<boolean> {
    const path = this.#path(name);
    const { temporary, file } = await this.#write(path, content);
    return this.#publish(path, temporary, file);
  }

  async putSoon(name: string, content: readonly Uint8Array[]): Promise<{ readonly stored: Promise<boolean> }> {
    const path = this.#path(name);
    await this.#syncing.room();
    const { temporary, file } = await this.#write(path, content);
    const stored = this.#syncing.add(name, () => this.#publish(path, temporary, file), () => discard(temporary, file));
    stored.catch(() => undefined); // nobody has to wait for it
    return { stored };
  }

  /** The object under a name of its own, open and not synced. */
  async #write(path: string, content: readonly Uint8Array[]): Promise<{ readonly temporary: string; readonly file: FileHandle }> {
    const temporary = join(this.#root, TEMPORARY, randomUUID());
    let file: FileHandle | undefined;
    try {
      await this.#makeFolder(join(this.#root, TEMPORARY));
      await this.#makeFolder(dirname(path));
      file = await open(temporary, CREATE_NEW, FILE_MODE);
      await writeAll(file, content);
      return { temporary, file };
    } catch (error) {
      await discard(temporary, file);
      throw targetError(error, path);
    }
  }

  async #publish(path: string, temporary: string, file: FileHandle): Promise<boolean> {
    try {
      await file.sync();
      const isNew = await takeName(temporary, path);
      this.#unsynced.add(dirname(path));
      return isNew;
    } catch (error) {
      throw targetError(error, path);
    } finally {
      await discard(temporary, file);
    }
  }

  async get(name: string, range?: ByteRange): Promise<Buffer | undefined> {
    const path = this.#path(name);
    await this.#syncing.settled(name);
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      const { size } = await file.stat();
      const start = Math.min(range?.start ?? 0, size);
      return await readRange(file, start, Math.min(range?.end ?? size, size));
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw sourceError(error, path);
    } finally {
      await file?.close();
    }
  }

  async stat(name: string): Promise<StoredObject | undefined> {
    const path = this.#path(name);
    await this.#syncing.settled(name);
    const found = await statFile(path);
    if (found === undefined) return undefined;
    // Who asks may rely on it, and whoever has put it may not have synced its name.
    this.#unsynced.add(dirname(path));
    return { name, bytes: found.size, modifiedAt: found.mtimeMs };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject, void, undefined> {
    if (prefix !== '' && !isObjectName(prefix.slice(0, -1))) throw misnamed(prefix);
    let folder;
    try {
      folder = await opendir(join(this.#root, prefix));
    } catch (error) {
      if (isAbsence(error)) return;
      throw sourceError(error, join(this.#root, prefix));
    }
    for await (const entry of folder) {
      const name = prefix + entry.name;
      // Not ours: an editor's or a file manager's own file, or an unfinished put.
      if (!isObjectName(name) || name === TEMPORARY) continue;
      if (entry.isDirectory()) yield* this.list(`${name}/`);
      else {
        const found = await statFile(join(this.#root, name));
        if (found !== undefined) yield { name, bytes: found.size, modifiedAt: found.mtimeMs };
      }
    }
  }

  async delete(name: string): Promise<void> {
    const path = this.#path(name);
    await this.#syncing.settled(name);
    try {
      await unlink(path);
    } catch (error) {
      if (isAbsence(error)) return;
      throw targetError(error, path);
    }
    this.#unsynced.add(dirname(path));
  }

  async flush(): Promise<void> {
    await this.#syncing.all();
    const folders = this.#unsynced;
    this.#unsynced = new Set();
    try {
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.#unsynced.add(folder);
      throw targetError(error, this.#root);
    }
  }

  async removeLeftovers(olderThanMs: number): Promise<number> {
    const before = Date.now() - olderThanMs;
    let removed = 0;
    const folder = join(this.#root, TEMPORARY);
    try {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name);
        const found = await statFile(path);
        if (found === undefined || found.mtimeMs > before) continue;
        await rm(path, { force: true });
        removed++;
      }
    } catch (error) {
      if (!isAbsence(error)) throw targetError(error, folder);
    }
    return removed;
  }

  #path(name: string): string {
    if (!isObjectName(name) || name === TEMPORARY || name.startsWith(`${TEMPORARY}/`)) throw misnamed(name);
    return join(this.#root, name);
  }

  /** The root must be there: a disk that is not mounted must not be taken for an empty repository. */
  async #makeFolder(folder: string): Promise<void> {
    if (folder === this.#root || this.#made.has(folder)) return;
    await this.#makeFolder(dirname(folder));
    try {
      await mkdir(folder, { mode: FOLDER_MODE });
    } catch (error) {
      if (!hasSystemCode(error, 'EEXIST')) throw error;
    }
    this.#made.add(folder);
    this.#unsynced.add(dirname(folder));
  }
}

async function discard(temporary: string, file: FileHandle | undefined): Promise<void> {
  await file?.close().catch(() => undefined);
  await rm(temporary, { force: true }).catch(() => undefined);
}

async function writeAll(file: FileHandle, content: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev(content);
  // A file may take less than all at once: what is left goes piece by piece.
  let at = 0;
  for (const piece of content) {
    const rest = piece.subarray(Math.max(0, bytesWritten - at));
    at += piece.length;
    if (rest.length > 0) await file.writeFile(rest);
  }
}

/** False when somebody has the name. */
async function takeName(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'EEXIST')) return false;
    if (!hasSystemCode(error, ...NO_LINKS)) throw error;
  }
  // Without hard links two that put one name at the same moment may both succeed, the later with its content. In a repository that is harmless: equal names have equal content.
  if (await statFile(to) !== undefined) return false;
  await rename(from, to);
  return true;
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, end - start));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function statFile(path: string): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw sourceError(error, path);
  }
}

/** A folder is no object. */
function isAbsence(error: unknown): boolean {
  return hasSystemCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR');
}

function misnamed(name: string): SluiceError {
  return new SluiceError('INTERNAL', { reason: `"${name}" cannot be the name of an object in a repository` });
}
