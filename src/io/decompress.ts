/**
 * Decompression of a stream of chunks, in constant memory whatever the data say: zlib works in a thread of libuv, at most one input
 * chunk and a few output chunks exist at a time, and a slow consumer stops the input.
 *
 * Whether data are compressed is decided by their first bytes, not by a name. All gzip members, all zstd frames and nothing else
 * must follow: data that are cut off, damaged or followed by something else are an error, because rows would be lost silently.
 */
import { constants, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import type { ByteChunks } from './byte-chunks.ts';
import type { Compression } from './names.ts';
import { feed, releaseMemory, type ZlibStream } from './zlib-feed.ts';
import { CompressedDataError, startsZstd, ZstdFrames } from './zstd-frames.ts';

/** As many bytes from the start as `detectCompression` needs. */
export const MAGIC_BYTES = 4;

/** Of stored data, on the way in. Larger reads save calls, not time: zlib is the slow end. */
export const COMPRESSED_CHUNK_BYTES = 64 * 1024;

const OUTPUT_CHUNK_BYTES = 128 * 1024;

/** 128 MiB of window at most, as the zstd program has it without `--long`. */
const ZSTD_MAX_WINDOW_LOG = 27;

/**
 * `claimed` is what the file's name says; it matters only for a file that is cut off inside the magic number itself, which is
 * damaged and not a short text.
 */
export function detectCompression(head: Uint8Array, claimed: Compression): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b && (head.length < 3 || head[2] === 8)) return 'gzip';
  if (startsZstd(head)) return 'zstd';
  if (head.length === 0 || head.length >= MAGIC_BYTES) return 'none';
  if (claimed === 'gzip' && head[0] === 0x1f && head.length === 1) return 'gzip';
  if (claimed === 'zstd' && [0x28, 0xb5, 0x2f].every((byte, at) => at >= head.length || head[at] === byte)) return 'zstd';
  return 'none';
}

/**
 * Yields the decompressed bytes, valid until the next pull. `input` is closed when the iteration ends, also early; a pending pull of
 * it must then be ended by the caller (by the signal that the input listens to).
 * @throws SluiceError COMPRESSION_CORRUPT, and whatever `input` throws
 */
export async function* decompress(input: ByteChunks, compression: 'gzip' | 'zlib' | 'zstd', source: string, { zstdWindowLog = ZSTD_MAX_WINDOW_LOG }: { readonly zstdWindowLog?: number } = {}): ByteChunks {
  const stream = decompressor(compression, zstdWindowLog);
  stream.on('error', () => undefined); // a failure found after the last output has no reader to go to; `feeding` has it
  let offset = 0;
  let abandoned = false;
  let previous: ArrayBufferLike | undefined;
  const feeding = (compression === 'zstd' ? feedZstd : feedZlib)(stream, input, () => abandoned).catch((error: unknown) => error as Error);
  void feeding.then((failure) => failure instanceof Error && stream.destroy(failure));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (chunk.buffer !== previous) {
        releaseMemory(previous);
        previous = chunk.buffer;
      }
      offset += chunk.length;
      yield chunk;
    }
    const failure = await feeding;
    if (failure instanceof Error) throw failure;
    releaseMemory(previous);
  } catch (error) {
    throw corruption(error, source, offset);
  } finally {
    abandoned = true;
    stream.destroy();
    await feeding; // the last output buffer is not released here: a thread may still be writing to it
    await input.return();
  }
}

function decompressor(compression: 'gzip' | 'zlib' | 'zstd', zstdWindowLog: number): ZlibStream {
  if (compression === 'gzip') return createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES });
  if (compression === 'zlib') return createInflate({ chunkSize: OUTPUT_CHUNK_BYTES });
  return createZstdDecompress({ chunkSize: OUTPUT_CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } });
}

/** zlib goes through concatenated gzip members by itself, and stops at the first byte that starts none. */
async function feedZlib(stream: ZlibStream, input: ByteChunks, abandoned: () => boolean): Promise<void> {
  let fed = 0;
  let ended = false;
  for await (const chunk of input) {
    if (ended) {
      refuseGarbage(chunk);
    } else if (await feed(stream, chunk)) {
      fed += chunk.length;
    } else {
      if (abandoned() || stream.errored !== null) return;
      refuseGarbage(chunk.subarray(stream.bytesWritten - fed));
      ended = true;
    }
  }
  if (!ended) stream.end();
}

/** Zero bytes may follow the last member: tapes and block devices pad with them, and gzip itself passes over them. */
function refuseGarbage(rest: Uint8Array): void {
  if (rest.some((byte) => byte !== 0)) throw new CompressedDataError('bytes that are no gzip data follow it');
}

async function feedZstd(stream: ZlibStream, input: ByteChunks, abandoned: () => boolean): Promise<void> {
  const frames = new ZstdFrames();
  for await (const chunk of input) {
    for (const piece of frames.pieces(chunk)) {
      if (await feed(stream, piece)) continue;
      if (abandoned() || stream.errored !== null) return;
      throw new CompressedDataError('its frames do not fit together');
    }
  }
  frames.end();
  stream.end();
}

const REASONS: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: 'it ends too early',
  ZSTD_error_frameParameter_windowTooLarge: 'it needs a window of more than 128 MiB',
  ZSTD_error_dictionary_wrong: 'it was compressed with a dictionary',
  ZSTD_error_checksum_wrong: 'the checksum does not fit',
};

function corruption(error: unknown, source: string, byte: number): unknown {
  const place = { file: source, byte };
  if (error instanceof CompressedDataError) return new SluiceError('COMPRESSION_CORRUPT', { source, reason: error.message }, place, error);
  if (!(error instanceof Error)) return error;
  const code = String((error as NodeJS.ErrnoException).code);
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return error;
  if (hasSystemCode(error, 'Z_MEM_ERROR', 'ZSTD_error_memory_allocation')) return error;
  return new SluiceError('COMPRESSION_CORRUPT', { source, reason: REASONS[code] ?? error.message.toLowerCase() }, place, error);
}
