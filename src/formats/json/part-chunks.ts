import type { ByteBuffer } from './byte-buffer.ts';

/** Small enough for a socket to take one after the other, large enough to cost nothing. */
const CHUNK_BYTES = 64 * 1024;

/** The bytes of a finished part, once. Gives the buffer back when all is pulled or the iteration ends early. Not a generator: one that was never started does not notice its end. */
export class PartChunks implements AsyncIterableIterator<Uint8Array, void, undefined> {
  #buffer: ByteBuffer | undefined;
  readonly #release: (buffer: ByteBuffer) => void;
  #at = 0;

  constructor(buffer: ByteBuffer, release: (buffer: ByteBuffer) => void) {
    this.#buffer = buffer;
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#at === buffer.length) return this.return();
    const end = Math.min(this.#at + CHUNK_BYTES, buffer.length);
    const value = buffer.bytes.subarray(this.#at, end);
    this.#at = end;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer !== undefined) this.#release(buffer);
    return { done: true, value: undefined };
  }
}
