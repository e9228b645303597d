import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { SluiceError } from '../errors/sluice-error.ts';
import { feed, releaseMemory, type ZlibStream } from './zlib-feed.ts';

export interface CompressionChoice {
  readonly compression: 'gzip' | 'zstd';
  /** gzip 0 to 9, default 6; zstd −7 to 22, default 3, as their programs have it. */
  readonly level?: number | undefined;
  /** zstd only: threads besides the one that every stream has; each costs several MiB. */
  readonly workers?: number | undefined;
}

const OUTPUT_CHUNK_BYTES = 128 * 1024;
const LEVELS = { gzip: { least: 0, most: 9, normal: 6 }, zstd: { least: -7, most: 22, normal: 3 } } as const;

/** @throws SluiceError OPTION_UNSUPPORTED when the level does not exist */
function createStream(choice: CompressionChoice): ZlibStream {
  const { compression, workers = 0 } = choice;
  const { least, most, normal } = LEVELS[compression];
  const level = choice.level ?? normal;
  if (!Number.isInteger(level) || level < least || level > most) {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `level ${level}`, context: `with ${compression}: ${least} to ${most}` });
  }
  if (compression === 'gzip') return createGzip({ level, chunkSize: OUTPUT_CHUNK_BYTES });
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_nbWorkers]: workers };
  return createZstdCompress({ chunkSize: OUTPUT_CHUNK_BYTES, params });
}

/**
 * Compresses into a function that stores. zlib works in a thread of libuv; input and output memory is a few chunks, because each
 * write waits until its bytes are consumed, and the stream stops consuming while `store` is busy.
 */
export class Compressor {
  readonly #stream: ZlibStream;
  readonly #storing: Promise<void>;

  /** `store` must have taken the bytes when it resolves. */
  constructor(choice: CompressionChoice, store: (bytes: Uint8Array) => Promise<void>) {
    this.#stream = createStream(choice);
    this.#storing = this.#storeAll(store);
    this.#storing.catch(() => undefined); // thrown by the next write or by end
  }

  /** Resolves when the memory of `bytes` may be reused. */
  async write(bytes: Uint8Array): Promise<void> {
    if (await feed(this.#stream, bytes)) return;
    await this.#storing;
    throw new SluiceError('INTERNAL', { reason: 'a compressor was written to after its end' });
  }

  /** Resolves when everything is compressed and stored. */
  async end(): Promise<void> {
    this.#stream.end();
    await this.#storing;
  }

  /** Gives up; safe at any time. */
  async destroy(): Promise<void> {
    this.#stream.destroy();
    await this.#storing.catch(() => undefined);
  }

  async #storeAll(store: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    let previous: ArrayBufferLike | undefined;
    for await (const chunk of this.#stream as AsyncIterable<Buffer>) {
      if (chunk.buffer !== previous) {
        releaseMemory(previous);
        previous = chunk.buffer;
      }
      await store(chunk);
    }
  }
}
