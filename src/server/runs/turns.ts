import { SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf } from '../../io/cancellation.ts';

/** So many at once; others wait, in order, and of those not too many. For work that holds memory of its own, whoever asks for it. */
export class Turns {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting = new Set<() => void>();
  #underway = 0;

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws SluiceError SERVER_BUSY; the signal's reason while it waits; what `work` throws */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#underway >= this.#atOnce) await this.#wait(signal);
    else this.#underway++;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // The turn goes on to the next, and stays counted.
      if (next === undefined) this.#underway--;
      else next();
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) throw new SluiceError('SERVER_BUSY', { reason: `${this.#waiting.size} wait for the same already` });
    return new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(go);
        reject(cancellationOf(signal));
      };
      const go = (): void => {
        this.#waiting.delete(go);
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(go);
    });
  }
}
