/**
 * A set of files that appear together. A folder that does not exist yet is written under a hidden name beside it and renamed as a
 * whole, which is atomic. Into an existing folder the files are renamed one after the other, when all are complete; if one of these
 * renames fails, the files that are new are taken away again.
 */
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import type { ByteSink } from './byte-sink.ts';
import { throwIfCancelled } from './cancellation.ts';
import { openFileSink, partialPathOf, statTarget, syncFolder, type FileSinkOptions } from './file-sink.ts';
import type { OutputEncoding } from './encoded-output.ts';
import { targetError, unwritable } from './system-errors.ts';

export interface FolderSink {
  readonly folder: string;
  /** A file of the folder. It is published by the folder and not by itself. @throws SluiceError as openFileSink does */
  createFile(name: string, encoding: OutputEncoding): Promise<ByteSink>;
  /** Makes all files visible; finishes those that are not. @throws SluiceError TARGET_EXISTS, TARGET_UNWRITABLE, DISK_FULL */
  publish(): Promise<void>;
  /** Removes what was written, and the folder if this created it; safe after failures and twice, does nothing after publish. */
  abort(): Promise<void>;
}

export type FolderSinkOptions = Pick<FileSinkOptions, 'overwrite' | 'run' | 'signal'>;

interface FolderFile {
  readonly name: string;
  readonly sink: ByteSink;
  readonly isNew: boolean;
}

/** @throws SluiceError TARGET_UNWRITABLE, TARGET_EXISTS when the path is a file */
export async function openFolderSink(folder: string, options: FolderSinkOptions): Promise<FolderSink> {
  throwIfCancelled(options.signal);
  const found = await statTarget(folder);
  if (found !== undefined && !found.isDirectory()) throw unwritable(folder, 'it is a file, and a folder is needed here');
  if (found !== undefined) return new FolderOfFiles(folder, undefined, undefined, options);
  const target = resolve(folder);
  const staging = partialPathOf(target, options.run);
  try {
    const created = await mkdir(dirname(target), { recursive: true });
    await rm(staging, { recursive: true, force: true }); // of an earlier attempt of this run
    await mkdir(staging);
    return new FolderOfFiles(folder, staging, created, options);
  } catch (error) {
    throw targetError(error, folder);
  }
}

class FolderOfFiles implements FolderSink {
  readonly folder: string;
  readonly #options: FolderSinkOptions;
  /** Where a new folder is written. */
  readonly #staging: string | undefined;
  /** The outermost of the parent folders that were created for it. */
  readonly #createdParent: string | undefined;
  readonly #files: FolderFile[] = [];
  #state: 'open' | 'published' | 'aborted' = 'open';

  constructor(folder: string, staging: string | undefined, createdParent: string | undefined, options: FolderSinkOptions) {
    this.folder = folder;
    this.#staging = staging;
    this.#createdParent = createdParent;
    this.#options = options;
  }

  async createFile(name: string, encoding: OutputEncoding): Promise<ByteSink> {
    const shown = join(this.folder, name);
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) throw unwritable(shown, 'it is not the name of a file in the folder');
    if (this.#files.some((file) => file.name === name)) throw new SluiceError('TARGET_EXISTS', { path: shown }, { file: shown });
    const path = join(this.#staging ?? this.folder, name);
    const isNew = (await statTarget(path)) === undefined;
    const sink = await openFileSink(path, { ...this.#options, ...encoding, shownAs: shown });
    this.#files.push({ name, sink, isNew });
    return sink;
  }

  async publish(): Promise<void> {
    if (this.#state !== 'open') return;
    for (const { sink } of this.#files) await sink.finish();
    throwIfCancelled(this.#options.signal);
    await this.#publishFiles();
    if (this.#staging !== undefined) await this.#publishFolder(this.#staging);
    this.#state = 'published';
  }

  async #publishFiles(): Promise<void> {
    const published: FolderFile[] = [];
    try {
      for (const file of this.#files) {
        await file.sink.publish();
        published.push(file);
      }
    } catch (error) {
      const taken = published.filter((file) => file.isNew).map((file) => rm(join(this.#staging ?? this.folder, file.name), { force: true }));
      await Promise.allSettled(taken);
      throw error;
    }
  }

  async #publishFolder(staging: string): Promise<void> {
    const target = resolve(this.folder);
    try {
      await rename(staging, target); // fails when the folder has appeared meanwhile and holds anything
      await syncFolder(dirname(target));
    } catch (error) {
      if (hasSystemCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw new SluiceError('TARGET_EXISTS', { path: this.folder }, { file: this.folder }, error);
      throw targetError(error, this.folder);
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    for (const { sink } of this.#files) await sink.abort();
    if (this.#staging !== undefined) await rm(this.#staging, { recursive: true, force: true }).catch(() => undefined);
    if (this.#createdParent !== undefined) await removeEmpty(resolve(this.folder), this.#createdParent);
  }
}

/** Removes the empty folders from `outermost` down to the parent of `target`, deepest first; one that holds something stays. */
async function removeEmpty(target: string, outermost: string): Promise<void> {
  for (let folder = dirname(target); folder.startsWith(outermost); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
