import { Compressor, type CompressionChoice } from './compress.ts';
import { GatheredOutput } from './gathered-output.ts';
import type { Compression } from './names.ts';

/** Large enough that a system call is nothing beside its copy, small enough that four of them are no memory. */
const WRITE_BYTES = 512 * 1024;
/** What zlib gets at once: below this the hand-over to its thread costs more than the work. */
const COMPRESS_BYTES = 256 * 1024;

export interface OutputEncoding {
  readonly compression: Compression;
  readonly level?: number | undefined;
  readonly workers?: number | undefined;
}

/** The way from what a format writes to what is stored: gather, compress where asked, gather. Shared by all sinks. */
export class EncodedOutput {
  readonly #input: GatheredOutput;
  readonly #compressor: Compressor | undefined;
  readonly #stored: GatheredOutput | undefined;

  /** `store` gets large pieces in order, one at a time. @throws SluiceError OPTION_UNSUPPORTED for a level that does not exist */
  constructor(encoding: OutputEncoding, store: (bytes: Uint8Array) => Promise<void>) {
    const { compression } = encoding;
    if (compression === 'none') {
      this.#input = new GatheredOutput(store, WRITE_BYTES);
      return;
    }
    const choice: CompressionChoice = { compression, level: encoding.level, workers: encoding.workers };
    const stored = new GatheredOutput(store, WRITE_BYTES);
    const compressor = new Compressor(choice, (bytes) => stored.write(bytes));
    this.#stored = stored;
    this.#compressor = compressor;
    this.#input = new GatheredOutput((bytes) => compressor.write(bytes), COMPRESS_BYTES);
  }

  /** Takes the bytes before it resolves. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#input.write(bytes);
  }

  /** Stores what is left, with the end of the compressed data. */
  async end(): Promise<void> {
    await this.#input.flush();
    await this.#compressor?.end();
    await this.#stored?.flush();
  }

  /** Stops and forgets; nothing is stored after it resolves. */
  async discard(): Promise<void> {
    await this.#compressor?.destroy();
    await this.#input.discard();
    await this.#stored?.discard();
  }
}
