/**
 * The output buffers of the parts that are alive: the one being filled and those being consumed. Who wants one more waits until one is given back, so memory
 * is `count` buffers of about a part each.
 */
import { PartPlaces } from '../part-places.ts';
import { ByteBuffer } from './byte-buffer.ts';

export class PartPool {
  readonly #capacity: number;
  readonly #free: ByteBuffer[] = [];
  readonly #places: PartPlaces;

  constructor(count: number, capacity: number, signal: AbortSignal) {
    this.#capacity = capacity;
    this.#places = new PartPlaces(count, signal);
  }

  /** An empty buffer. @throws SluiceError CANCELLED while waiting */
  async take(): Promise<ByteBuffer> {
    await this.#places.take();
    return this.#free.pop() ?? new ByteBuffer(this.#capacity);
  }

  release(buffer: ByteBuffer): void {
    buffer.length = 0;
    // One huge record must not stay paid for: such a buffer is left to the collector.
    if (buffer.bytes.length <= 2 * this.#capacity) this.#free.push(buffer);
    this.#places.give();
  }
}
