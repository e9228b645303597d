/**
 * Makes large writes of small ones. Two buffers take turns: one is filled while the other is being stored, so that the producer
 * waits for the disk only when it is faster than the disk.
 */
export class GatheredOutput {
  readonly #store: (bytes: Uint8Array) => Promise<void>;
  readonly #capacity: number;
  #filling: Buffer | undefined;
  #other: Buffer | undefined;
  #filled = 0;
  #storing: Promise<void> = Promise.resolve();

  /** `store` gets the bytes in order, one call at a time, and must have taken them when it resolves. */
  constructor(store: (bytes: Uint8Array) => Promise<void>, capacity: number) {
    this.#store = store;
    this.#capacity = capacity;
  }

  /** Takes the bytes before it resolves. A failure to store is thrown by the next call. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length >= this.#capacity) {
      await this.flush();
      await this.#store(bytes);
      return;
    }
    let taken = 0;
    while (taken < bytes.length) {
      this.#filling ??= Buffer.allocUnsafeSlow(this.#capacity);
      const count = Math.min(this.#capacity - this.#filled, bytes.length - taken);
      this.#filling.set(bytes.subarray(taken, taken + count), this.#filled);
      this.#filled += count;
      taken += count;
      if (this.#filled === this.#capacity) await this.#turn();
    }
  }

  /** Resolves when everything is stored. */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#storing;
  }

  async #turn(): Promise<void> {
    await this.#storing;
    if (this.#filled === 0) return;
    const full = this.#filling!.subarray(0, this.#filled);
    [this.#filling, this.#other] = [this.#other, this.#filling];
    this.#filled = 0;
    this.#storing = this.#store(full);
    this.#storing.catch(() => undefined); // thrown by the next await of it
  }

  /** Waits until nothing is being stored any more, whatever came of it, and drops the rest. */
  async discard(): Promise<void> {
    await this.#storing.catch(() => undefined);
    this.#filled = 0;
    this.#filling = undefined;
    this.#other = undefined;
  }
}
