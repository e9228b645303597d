/** How many parts of a source that cannot seek may have their bytes in memory at once: who wants to keep one more waits until one is given back. */
import { cancellationOf } from '../io/cancellation.ts';

export class PartPlaces {
  readonly #signal: AbortSignal;
  readonly #waiting: (() => void)[] = [];
  #left: number;

  constructor(count: number, signal: AbortSignal) {
    this.#left = count;
    this.#signal = signal;
  }

  /** @throws SluiceError CANCELLED while waiting */
  async take(): Promise<void> {
    while (this.#left === 0) await this.#given();
    this.#left--;
  }

  give(): void {
    this.#left++;
    this.#waiting.shift()?.();
  }

  async #given(): Promise<void> {
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
