/** Steps that become ready in any order and are taken in the order of their numbers, one at a time. Whoever is too far ahead of the step that all wait for has to wait, too: what is ready and may not go yet is in memory. */
export class InOrder {
  readonly #window: number;
  readonly #ready = new Map<number, () => Promise<void>>();
  #next = 0;
  #running: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(window: number) {
    this.#window = window;
  }

  /** Resolves when the step may be begun. Rejects when an earlier one has failed. */
  async room(number: number, signal: AbortSignal): Promise<void> {
    while (number >= this.#next + this.#window && this.#failure === undefined && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#waiting.push(wake);
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    signal.throwIfAborted();
  }

  /** Resolves when this step is taken, or waits for an earlier one; whoever makes that ready takes both. Rejects when one of those that were taken now has failed. */
  ready(number: number, step: () => Promise<void>): Promise<void> {
    this.#ready.set(number, step);
    this.#running = this.#running.then(() => this.#takeAll());
    return this.#running;
  }

  /** How many were taken. */
  get taken(): number {
    return this.#next;
  }

  async #takeAll(): Promise<void> {
    try {
      for (let step = this.#ready.get(this.#next); step !== undefined; step = this.#ready.get(this.#next)) {
        this.#ready.delete(this.#next);
        await step();
        this.#next++;
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
      this.#wake();
      throw error;
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
