/** Decompression of an archive's data, as a stream in constant memory. What is wrong with them is damage of the archive. */
import { gunzipSync, inflateSync } from 'node:zlib';
import { SluiceError } from '../../errors/sluice-error.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import { decompress } from '../../io/decompress.ts';
import { decompressLz4 } from '../../io/lz4-frames.ts';
import { CompressedDataError } from '../../io/zstd-frames.ts';
import { damagedArchive } from './archive-errors.ts';
import type { ArchivePieces } from './archive-file.ts';

/** `zlib` is what a custom archive calls gzip: the same data without gzip's head and checksum. */
export type StoredCompression = 'none' | 'zlib' | 'gzip' | 'lz4' | 'zstd';

export interface PackedData {
  readonly compression: StoredCompression;
  /** The archive or a file of it, and what of it this is: for messages. */
  readonly source: string;
  readonly what: string;
  readonly signal: AbortSignal;
}

const SMALL_BYTES = 1024 * 1024;

/** Yields the content, valid until the next pull. Nothing stored is no content, whatever the compression: pg_dump begins to compress with the first byte. Closes `stored`. @throws SluiceError ARCHIVE_DAMAGED, CANCELLED, and what `stored` throws */
export async function* unpack(stored: ArchivePieces, { compression, source, what, signal }: PackedData): ArchivePieces {
  try {
    for await (const piece of decompressed(stored, compression, source)) {
      throwIfCancelled(signal);
      yield piece;
    }
  } catch (error) {
    if (error instanceof CompressedDataError) throw damagedArchive(source, `${what} cannot be decompressed: ${error.message}`, undefined, error);
    if (error instanceof SluiceError && error.code === 'COMPRESSION_CORRUPT') throw damagedArchive(source, `${what} cannot be decompressed: ${String(error.facts.reason)}`, undefined, error);
    throw error;
  } finally {
    await stored.return();
  }
}

async function* decompressed(stored: ArchivePieces, compression: StoredCompression, source: string): ArchivePieces {
  if (compression === 'none') {
    yield* stored;
    return;
  }
  const { value } = await stored.next();
  if (value === undefined) return;
  const first = Buffer.from(value), second = await stored.next();
  const small = second.done === true ? unpackSmall(first, compression) : undefined;
  if (small !== undefined) {
    if (small.length > 0) yield small;
    return;
  }
  const all = startingWith(first, second, stored);
  for await (const piece of compression === 'lz4' ? decompressLz4(all) : decompress(all, compression, source)) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** A stream for each of a million small large objects would take a hundred times as long. Undefined where it is not small, or not whole: the stream then says what is wrong. */
function unpackSmall(stored: Buffer, compression: StoredCompression): Buffer | undefined {
  if (compression !== 'zlib' && compression !== 'gzip') return undefined;
  try {
    // Typed without `info`, which makes them give the engine, too: it knows whether it has consumed everything.
    const result: unknown = (compression === 'zlib' ? inflateSync : gunzipSync)(stored, { info: true, maxOutputLength: SMALL_BYTES });
    const { buffer, engine } = result as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
    return engine.bytesWritten === stored.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}

/** The rest by hand: `for await` would close it before a pull that is under way has ended. */
async function* startingWith(first: Buffer, second: IteratorResult<Buffer, void>, rest: ArchivePieces): ArchivePieces {
  yield first;
  for (let next = second; next.done !== true; next = await rest.next()) yield next.value;
}
