/**
 * A file that appears under its name only when it is complete: it is written beside the target as `.NAME.sluice-RUN.partial`, and
 * renamed. What a killed run leaves is a hidden file that nothing reads. Without `overwrite` the name is taken by a hard link, which,
 * unlike a rename, fails when somebody else took it meanwhile.
 */
import { constants, type Stats } from 'node:fs';
import { link, lstat, open, realpath, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import type { ByteSink } from './byte-sink.ts';
import { throwIfCancelled } from './cancellation.ts';
import { EncodedOutput, type OutputEncoding } from './encoded-output.ts';
import { cutToBytes } from './names.ts';
import { targetError, unwritable } from './system-errors.ts';

export interface FileSinkOptions extends OutputEncoding {
  readonly overwrite: boolean;
  /** The run's id: two runs never write the same unfinished file. */
  readonly run: string;
  readonly signal?: AbortSignal | undefined;
  /** The name for people, where it is not the target's own. */
  readonly shownAs?: string | undefined;
}

const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** File systems without hard links answer with one of these. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/** @throws SluiceError TARGET_EXISTS, TARGET_UNWRITABLE, DISK_FULL, OPTION_UNSUPPORTED (level) */
export async function openFileSink(target: string, options: FileSinkOptions): Promise<ByteSink> {
  throwIfCancelled(options.signal);
  const name = options.shownAs ?? target;
  const found = await statTarget(target);
  if (found?.isDirectory() === true) throw unwritable(name, 'it is a folder');
  if (found !== undefined && !options.overwrite) throw new SluiceError('TARGET_EXISTS', { path: name }, { file: name });
  // Through a link the file behind it is replaced, not the link.
  const finalPath = found === undefined ? target : await realpath(target).catch(() => target);
  const partialPath = partialPathOf(finalPath, options.run);
  const sink = new FileSink(name, { finalPath, partialPath }, options);
  await sink.create(found?.isFile() === true ? found.mode & 0o777 : undefined);
  return sink;
}

/** The target, or the link itself where it leads nowhere. */
export async function statTarget(target: string): Promise<Stats | undefined> {
  try {
    const own = await lstat(target);
    return own.isSymbolicLink() ? await stat(target).catch(() => own) : own;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw targetError(error, target);
  }
}

export function partialPathOf(target: string, run: string): string {
  const ending = `.sluice-${run}.partial`;
  return join(dirname(target), `.${cutToBytes(basename(target), 254 - Buffer.byteLength(ending))}${ending}`);
}

/** How much is written between two syncs on the way. */
const SYNC_BYTES = 32 * 1024 * 1024;

class FileSink implements ByteSink {
  readonly name: string;
  readonly partialPath: string;
  readonly #finalPath: string;
  readonly #overwrite: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #output: EncodedOutput;
  #file: FileHandle | undefined;
  #inode = 0;
  #position = 0;
  #syncedTo = 0;
  #syncing: Promise<void> | undefined;
  #touched = false;
  #state: 'open' | 'finished' | 'published' | 'aborted' = 'open';

  constructor(name: string, paths: { finalPath: string; partialPath: string }, options: FileSinkOptions) {
    this.name = name;
    this.partialPath = paths.partialPath;
    this.#finalPath = paths.finalPath;
    this.#overwrite = options.overwrite;
    this.#signal = options.signal;
    this.#output = new EncodedOutput(options, (bytes) => this.#store(bytes));
  }

  get bytesWritten(): number {
    return this.#position;
  }

  /** `mode`: permissions of the file that will be replaced; a new file gets those of the process's umask. */
  async create(mode: number | undefined): Promise<void> {
    try {
      this.#file = await open(this.partialPath, CREATE_NEW, 0o666).catch(async (error: unknown) => {
        if (!hasSystemCode(error, 'EEXIST')) throw error;
        await rm(this.partialPath); // of an earlier attempt of this run
        return open(this.partialPath, CREATE_NEW, 0o666);
      });
      if (mode !== undefined) await this.#file.chmod(mode);
      this.#inode = (await this.#file.stat()).ino;
    } catch (error) {
      await this.abort();
      throw targetError(error, this.name);
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    throwIfCancelled(this.#signal);
    if (this.#state !== 'open') throw new SluiceError('INTERNAL', { reason: `${this.name} was written to after its end` });
    this.#touched = true;
    await this.#output.write(chunk);
  }

  async finish(): Promise<void> {
    if (this.#state !== 'open') return;
    try {
      if (this.#touched || !(await this.#takeForeignFile())) await this.#output.end();
      await this.#file?.sync();
      await this.#closeFile();
    } catch (error) {
      throw targetError(error, this.name);
    }
    this.#state = 'finished';
  }

  async publish(): Promise<void> {
    await this.finish();
    if (this.#state !== 'finished') return;
    throwIfCancelled(this.#signal);
    try {
      if (this.#overwrite) await rename(this.partialPath, this.#finalPath);
      else await takeName(this.partialPath, this.#finalPath);
      this.#state = 'published';
      await syncFolder(dirname(this.#finalPath));
    } catch (error) {
      if (hasSystemCode(error, 'EEXIST')) throw new SluiceError('TARGET_EXISTS', { path: this.name }, { file: this.name }, error);
      throw targetError(error, this.name);
    }
  }

  async abort(): Promise<void> {
    if (this.#state === 'published' || this.#state === 'aborted') return;
    this.#state = 'aborted';
    await this.#output.discard();
    await this.#closeFile().catch(() => undefined);
    await rm(this.partialPath, { force: true }).catch(() => undefined);
  }

  async #store(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#file!.write(bytes, at, bytes.length - at, this.#position);
        at += bytesWritten;
        this.#position += bytesWritten;
      }
    } catch (error) {
      throw targetError(error, this.name);
    }
    this.#syncAlongside();
  }

  /**
   * Has the disk write what is there while more is made, so that the sync at the end finds little left: without it a large file waits
   * for the disk twice. A failure here comes again in finish(), which syncs everything.
   */
  #syncAlongside(): void {
    if (this.#syncing !== undefined || this.#position - this.#syncedTo < SYNC_BYTES) return;
    this.#syncedTo = this.#position;
    this.#syncing = this.#file!.datasync().catch(() => undefined).finally(() => { this.#syncing = undefined; });
  }

  /** True when an engine has written the unfinished file by itself, in place or by replacing it. */
  async #takeForeignFile(): Promise<boolean> {
    const found = await stat(this.partialPath);
    if (found.size === 0 && found.ino === this.#inode) return false;
    await this.#closeFile();
    this.#file = await open(this.partialPath, 'r+');
    this.#position = found.size;
    return true;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await this.#syncing;
    await file?.close();
  }
}

/** Gives a file a name that nobody has. @throws EEXIST when somebody has it */
async function takeName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasSystemCode(error, ...NO_LINKS)) throw error;
    // Without hard links: an empty file reserves the name, and is replaced at once.
    await (await open(to, CREATE_NEW, 0o666)).close();
    await rename(from, to);
    return;
  }
  await unlink(from);
}

/** Makes a rename durable. File systems that cannot sync a folder do it by themselves or not at all. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    if (!hasSystemCode(error, 'EINVAL', 'ENOTSUP', 'EPERM', 'EBADF', 'EISDIR')) throw error;
  } finally {
    await handle.close();
  }
}
