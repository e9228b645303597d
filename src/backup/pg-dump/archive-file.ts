/** The bytes of an archive, of which any ranges can be read at the same time: a file, or content of a backup repository (our backups keep the archive of their schema so). */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { SluiceError } from '../../errors/sluice-error.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import { fingerprintOf } from '../../io/file-range.ts';
import { sourceError } from '../../io/system-errors.ts';
import type { ChunkStore } from '../repository/chunk-store.ts';
import { CHUNK_BYTES, type Content } from '../repository/content.ts';
import { damagedArchive } from './archive-errors.ts';

/** Pieces are valid until the next pull, and never empty. */
export type ArchivePieces = AsyncGenerator<Buffer, void, undefined>;

export interface ArchiveFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: number;
  /** Exactly the bytes from `start` to `end`, which are within the file. */
  read(start: number, end: number, signal?: AbortSignal): ArchivePieces;
  /** To be asked when everything that was wanted has been read. @throws SluiceError SOURCE_CHANGED when somebody has written to it since it was opened */
  refuseChange(): Promise<void>;
  close(): Promise<void>;
}

const PIECE_BYTES = 128 * 1024;

/** A regular file, open until it is closed. */
export class LocalArchiveFile implements ArchiveFile {
  readonly name: string;
  readonly bytes: number;
  readonly #handle: FileHandle;
  readonly #fingerprint: string;

  private constructor(path: string, handle: FileHandle, stat: { readonly size: bigint; readonly mtimeNs: bigint }) {
    this.name = path;
    this.bytes = Number(stat.size);
    this.#handle = handle;
    this.#fingerprint = fingerprintOf(stat);
  }

  /**
   * @param followLinks false for names that come from an archive: a link in it could lead to any file of this machine
   * @throws SluiceError SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_IS_DIRECTORY, ARCHIVE_DAMAGED
   */
  static async open(path: string, followLinks: boolean): Promise<LocalArchiveFile> {
    let handle: FileHandle | undefined;
    try {
      // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW));
      const stat = await handle.stat({ bigint: true });
      if (stat.isDirectory()) throw new SluiceError('SOURCE_IS_DIRECTORY', { path }, { file: path });
      if (!stat.isFile()) throw damagedArchive(path, 'it is no regular file');
      return new LocalArchiveFile(path, handle, stat);
    } catch (error) {
      await handle?.close();
      if (!followLinks && (error as NodeJS.ErrnoException).code === 'ELOOP') throw damagedArchive(path, 'it is a symbolic link, which could lead to any file of this machine', undefined, error);
      throw sourceError(error, path);
    }
  }

  async *read(start: number, end: number, signal?: AbortSignal): ArchivePieces {
    const length = Math.min(PIECE_BYTES, end - start);
    let current: Buffer = Buffer.allocUnsafeSlow(length), spare: Buffer | undefined;
    let ahead: Promise<number> | undefined = start < end ? this.#fill(current, start, end) : undefined;
    try {
      for (let position = start; ahead !== undefined; ) {
        const count = await ahead;
        ahead = undefined;
        throwIfCancelled(signal);
        if (count === 0) throw new SluiceError('SOURCE_CHANGED', { source: this.name }, { file: this.name, byte: position });
        position += count;
        const piece = current.subarray(0, count);
        spare ??= Buffer.allocUnsafeSlow(Math.min(length, end - position));
        // The next is read while the consumer works on this one.
        if (position < end) ahead = this.#fill(spare, position, end);
        yield piece;
        [current, spare] = [spare, current];
      }
    } catch (error) {
      throw sourceError(error, this.name);
    } finally {
      await ahead?.catch(() => undefined);
    }
  }

  async refuseChange(): Promise<void> {
    if (fingerprintOf(await this.#handle.stat({ bigint: true })) !== this.#fingerprint) throw new SluiceError('SOURCE_CHANGED', { source: this.name }, { file: this.name });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #fill(buffer: Buffer, position: number, end: number): Promise<number> {
    const reading = this.#handle.read(buffer, 0, Math.min(buffer.length, end - position), position).then((result) => result.bytesRead);
    reading.catch(() => undefined); // it is awaited at the next pull, which may never come
    return reading;
  }
}

/** Content of a repository, whose chunks are all as long as a chunk can be, but for the last: where a byte is need not be looked up. */
export class ContentArchiveFile implements ArchiveFile {
  readonly name: string;
  readonly bytes: number;
  readonly #store: ChunkStore;
  readonly #content: Content;
  /** The chunk that was read last: the next statement is most likely in it, too. */
  #last: { readonly index: number; readonly chunk: Promise<Buffer> } | undefined;

  constructor(store: ChunkStore, content: Content, name: string) {
    this.name = name;
    this.bytes = content.bytes;
    this.#store = store;
    this.#content = content;
  }

  async *read(start: number, end: number, signal?: AbortSignal): ArchivePieces {
    for (let position = start; position < end; ) {
      throwIfCancelled(signal);
      const index = Math.floor(position / CHUNK_BYTES), from = position - index * CHUNK_BYTES;
      const chunk = await this.#chunk(index);
      const piece = chunk.subarray(from, Math.min(chunk.length, end - index * CHUNK_BYTES));
      if (piece.length === 0) throw damagedArchive(this.name, 'its chunks are shorter than they should be', position);
      position += piece.length;
      yield piece;
    }
  }

  /** Chunks never change. */
  refuseChange(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#last = undefined;
    return Promise.resolve();
  }

  #chunk(index: number): Promise<Buffer> {
    const id = this.#content.chunks.at(index);
    if (id === undefined) throw damagedArchive(this.name, 'it has fewer chunks than bytes', index * CHUNK_BYTES);
    if (this.#last?.index !== index) this.#last = { index, chunk: this.#store.get(id) };
    return this.#last.chunk;
  }
}
