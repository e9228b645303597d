/**
 * The output buffers of the parts that are alive: the one being filled and those being consumed. Who wants one more waits until one is given back, so memory
 * is `count` buffers of about a part each.
 */
import { PartPlaces } from '../part-places.ts';
import type { SpareBuffers } from '../spare-buffers.ts';
import { ByteBuffer } from './byte-buffer.ts';

export class PartPool {
  readonly #capacity: number;
  readonly #spare: SpareBuffers;
  readonly #places: PartPlaces;

  // oxlint-disable-next-line max-params -- the pool's size, and who it works for
  constructor(count: number, capacity: number, spare: SpareBuffers, signal: AbortSignal) {
    this.#capacity = capacity;
    this.#spare = spare;
    this.#places = new PartPlaces(count, signal);
  }

  /** An empty buffer. @throws SluiceError CANCELLED while waiting */
  async take(): Promise<ByteBuffer> {
    await this.#places.take();
    return new ByteBuffer(this.#spare.take(this.#capacity));
  }

  release(buffer: ByteBuffer): void {
    // One huge record must not stay paid for: such a buffer is left to the collector.
    if (buffer.bytes.length <= 2 * this.#capacity) this.#spare.give(buffer.bytes);
    this.#places.give();
  }
}
