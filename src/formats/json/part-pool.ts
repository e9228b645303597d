/**
 * The output buffers of the parts that are alive: the one being filled and those being consumed. Who wants one more waits until one is given back, so memory
 * is `count` buffers of about a part each.
 */
import { cancellationOf } from '../../io/cancellation.ts';
import type { SpareBuffers } from '../spare-buffers.ts';
import { ByteBuffer } from './byte-buffer.ts';

export class PartPool {
  readonly #capacity: number;
  readonly #signal: AbortSignal;
  readonly #spare: SpareBuffers;
  readonly #waiting: (() => void)[] = [];
  #left: number;

  // oxlint-disable-next-line max-params -- the pool's size, and who it works for
  constructor(count: number, capacity: number, spare: SpareBuffers, signal: AbortSignal) {
    this.#left = count;
    this.#capacity = capacity;
    this.#spare = spare;
    this.#signal = signal;
  }

  /** An empty buffer. @throws SluiceError CANCELLED while waiting */
  async take(): Promise<ByteBuffer> {
    while (this.#left === 0) await this.#released();
    this.#left--;
    return new ByteBuffer(this.#spare.take(this.#capacity));
  }

  release(buffer: ByteBuffer): void {
    // One huge record must not stay paid for: such a buffer is left to the collector.
    if (buffer.bytes.length <= 2 * this.#capacity) this.#spare.give(buffer.bytes);
    this.#left++;
    this.#waiting.shift()?.();
  }

  async #released(): Promise<void> {
    const signal = this.#signal;
    if (signal.aborted) throw cancellationOf(signal);
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => reject(cancellationOf(signal));
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}
