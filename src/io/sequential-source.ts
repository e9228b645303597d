import { SluiceError } from '../errors/sluice-error.ts';
import { DEFAULT_CHUNK_BYTES, limitChunks, PeekableBytes, releasing, type ByteChunks } from './byte-chunks.ts';
import type { ByteSource } from './byte-source.ts';
import { linkCancellation } from './cancellation.ts';
import { decompress, detectCompression, MAGIC_BYTES } from './decompress.ts';
import type { Compression, NameParts } from './names.ts';

type ReadArguments = NonNullable<Parameters<ByteSource['read']>[0]>;

/** What is known of a stream before its first byte, and how to get its bytes. */
export interface SequentialInput {
  readonly name: string;
  readonly parts: NameParts;
  readonly storedBytes?: number | undefined;
  readonly fingerprint?: string | undefined;
  /** The stored bytes. A pull that is waiting must end with an error soon after the signal is aborted. */
  readonly open: (signal: AbortSignal) => ByteChunks;
}

/**
 * A source that can be read once, from the start: standard input, a pipe, a device, an HTTP answer. What `head` has looked at is kept
 * and yielded again by `read`.
 */
export class SequentialSource implements ByteSource {
  readonly name: string;
  readonly stem: string;
  readonly extension: string;
  readonly compression: Compression;
  readonly storedBytes?: number;
  readonly bytes?: number;
  readonly seekable = false;
  readonly repeatable = false;
  readonly fingerprint?: string;
  storedBytesRead = 0;
  readonly #stop: AbortController;
  readonly #unlink: () => void;
  readonly #content: PeekableBytes;
  #consumed = false;

  private constructor(input: SequentialInput, compression: Compression, stored: PeekableBytes, cancel: { stop: AbortController; unlink: () => void }) {
    this.name = input.name;
    this.stem = input.parts.stem;
    this.extension = input.parts.extension;
    this.compression = compression;
    if (input.storedBytes !== undefined) this.storedBytes = input.storedBytes;
    if (input.storedBytes !== undefined && compression === 'none') this.bytes = input.storedBytes;
    if (input.fingerprint !== undefined) this.fingerprint = input.fingerprint;
    this.#stop = cancel.stop;
    this.#unlink = cancel.unlink;
    this.#content = compression === 'none' ? stored : new PeekableBytes(decompress(this.#counted(stored.rest()), compression, input.name));
  }

  /**
   * Waits for the first bytes, because they say whether the rest is compressed. `signal` ends everything that is done with the source.
   * @throws SluiceError what `input.open` throws
   */
  static async open(input: SequentialInput, signal: AbortSignal | undefined): Promise<SequentialSource> {
    const stop = new AbortController();
    const unlink = linkCancellation(signal, stop);
    const stored = new PeekableBytes(input.open(stop.signal));
    try {
      const compression = detectCompression(await stored.peek(MAGIC_BYTES), input.parts.compression);
      return new SequentialSource(input, compression, stored, { stop, unlink });
    } catch (error) {
      unlink();
      stop.abort();
      await stored.close();
      throw error;
    }
  }

  read(options: ReadArguments = {}): ByteChunks {
    if ((options.start ?? 0) !== 0 || options.end !== undefined) throw misuse(`a range of ${this.name}, which cannot seek, was asked for`);
    if (this.#consumed) throw misuse(`${this.name} was to be read twice`);
    this.#consumed = true;
    return this.#read(options.chunkBytes ?? DEFAULT_CHUNK_BYTES, options.signal);
  }

  #read(chunkBytes: number, signal: AbortSignal | undefined): ByteChunks {
    const unlink = linkCancellation(signal, this.#stop);
    const rest = this.#content.rest();
    const content = this.compression === 'none' ? this.#counted(rest) : rest;
    return releasing(limitChunks(content, chunkBytes), this.#stop.signal, () => {
      unlink();
      this.#unlink();
      this.#stop.abort();
    });
  }

  head(bytes: number): Promise<Uint8Array> {
    if (this.#consumed) throw misuse(`the head of ${this.name} was asked for after reading it`);
    return this.#content.peek(bytes);
  }

  async close(): Promise<void> {
    this.#consumed = true;
    this.#unlink();
    this.#stop.abort();
    await this.#content.close();
  }

  async *#counted(stored: ByteChunks): ByteChunks {
    for await (const chunk of stored) {
      yield chunk;
      this.storedBytesRead += chunk.length;
    }
  }
}

function misuse(reason: string): SluiceError {
  return new SluiceError('INTERNAL', { reason });
}
