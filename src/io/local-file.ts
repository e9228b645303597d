import { open } from 'node:fs/promises';
import { SluiceError } from '../errors/sluice-error.ts';
import { copyOf, DEFAULT_CHUNK_BYTES, limitChunks, releasing, type ByteChunks } from './byte-chunks.ts';
import type { ByteSource } from './byte-source.ts';
import { linkCancellation } from './cancellation.ts';
import { COMPRESSED_CHUNK_BYTES, decompress, detectCompression, MAGIC_BYTES } from './decompress.ts';
import { fingerprintOf, readFileRange } from './file-range.ts';
import { splitName, type Compression, type NameParts } from './names.ts';
import { sourceError } from './system-errors.ts';

type ReadArguments = NonNullable<Parameters<ByteSource['read']>[0]>;

/**
 * A regular file. Uncompressed, any ranges of it can be read at the same time; compressed, every read starts at the beginning. Files
 * are open only while they are read, so that a folder may hold any number of them.
 */
export class LocalFile implements ByteSource {
  readonly name: string;
  readonly path: string;
  readonly stem: string;
  readonly extension: string;
  readonly compression: Compression;
  readonly storedBytes: number;
  readonly bytes?: number;
  readonly seekable: boolean;
  readonly repeatable = true;
  readonly fingerprint: string;
  storedBytesRead = 0;
  #head: Uint8Array | undefined;

  constructor(path: string, parts: NameParts, content: { compression: Compression; size: number; fingerprint: string }) {
    this.name = path;
    this.path = path;
    this.stem = parts.stem;
    this.extension = parts.extension;
    this.compression = content.compression;
    this.storedBytes = content.size;
    this.seekable = content.compression === 'none';
    if (this.seekable) this.bytes = content.size;
    this.fingerprint = content.fingerprint;
  }

  read(options: ReadArguments = {}): ByteChunks {
    const { start = 0, end, chunkBytes = DEFAULT_CHUNK_BYTES, signal } = options;
    if (this.compression === 'none') {
      return this.#stored(start, Math.min(end ?? this.storedBytes, this.storedBytes), chunkBytes, signal);
    }
    if (start !== 0 || end !== undefined) throw new SluiceError('INTERNAL', { reason: `a range of ${this.name}, which is compressed, was asked for` });
    return this.#decompressed(this.compression, chunkBytes, signal);
  }

  async head(bytes: number): Promise<Uint8Array> {
    const known = this.#head;
    if (known !== undefined && (known.length >= bytes || known.length === this.bytes)) return known.subarray(0, bytes);
    const gathered: Uint8Array[] = [];
    let left = bytes;
    const range = this.seekable ? { end: bytes } : {};
    for await (const chunk of this.read(range)) {
      const wanted = copyOf(chunk.subarray(0, left));
      gathered.push(wanted);
      left -= wanted.length;
      if (left <= 0) break;
    }
    this.#head = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered);
    return this.#head;
  }

  close(): Promise<void> {
    this.#head = undefined;
    return Promise.resolve();
  }

  #stored(start: number, end: number, chunkBytes: number, signal: AbortSignal | undefined): ByteChunks {
    return readFileRange({ path: this.path, start, end, chunkBytes, fingerprint: this.fingerprint, signal });
  }

  #decompressed(compression: 'gzip' | 'zstd', chunkBytes: number, signal: AbortSignal | undefined): ByteChunks {
    const stop = new AbortController();
    const unlink = linkCancellation(signal, stop);
    const content = decompress(this.#counted(stop.signal), compression, this.name);
    return releasing(limitChunks(content, chunkBytes), stop.signal, () => {
      unlink();
      stop.abort();
    });
  }

  async *#counted(signal: AbortSignal): ByteChunks {
    this.storedBytesRead = 0;
    for await (const chunk of this.#stored(0, this.storedBytes, COMPRESSED_CHUNK_BYTES, signal)) {
      yield chunk;
      this.storedBytesRead += chunk.length;
    }
  }
}

/**
 * Looks at a regular file: its identity and, by its first bytes, its compression. Answers undefined when the file has bytes although
 * its size is 0, as those of /proc do: such a file must be read to its end, not to its size.
 * @throws SluiceError SOURCE_NOT_FOUND, SOURCE_UNREADABLE
 */
export async function openRegularFile(path: string): Promise<LocalFile | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat({ bigint: true });
      const magic = Buffer.alloc(MAGIC_BYTES);
      const { bytesRead } = await file.read(magic, 0, MAGIC_BYTES, 0);
      if (stat.size === 0n && bytesRead > 0) return undefined;
      const parts = splitName(path);
      const compression = detectCompression(magic.subarray(0, bytesRead), parts.compression);
      return new LocalFile(path, parts, { compression, size: Number(stat.size), fingerprint: fingerprintOf(stat) });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw sourceError(error, path);
  }
}
