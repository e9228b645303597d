/**
 * Memory that the sources of one run hand on to each other. Without it, each of many small files would take the buffers of its parts anew, and what the
 * earlier ones have left stays paid for until the collector comes by.
 */
import { releaseMemory } from '../io/zlib-feed.ts';

export class SpareBuffers {
  #most: number;
  readonly #free: Uint8Array[] = [];

  /** @param most buffers that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** At least `capacity` bytes, with anything in them. */
  take(capacity: number): Uint8Array {
    const last = this.#free.pop();
    return last !== undefined && last.length >= capacity ? last : Buffer.allocUnsafeSlow(capacity);
  }

  give(bytes: Uint8Array): void {
    if (this.#free.length < this.#most) this.#free.push(bytes);
    else releaseMemory(bytes.buffer);
  }

  /** Nothing more is read: what is free, or becomes free later, goes back to the system at once. */
  close(): void {
    this.#most = 0;
    for (const bytes of this.#free.splice(0)) releaseMemory(bytes.buffer);
  }
}
