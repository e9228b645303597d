/**
 * The bytes of one part that waits for its turn. Grows by doubling up to its cap and is reused, so that memory settles at what the
 * parts really need and never passes the cap.
 */
export class PartBuffer {
  readonly #cap: number;
  #bytes: Uint8Array;
  #length = 0;

  constructor(cap: number) {
    this.#cap = cap;
    this.#bytes = new Uint8Array(0);
  }

  /** Copies the chunk in; false (and nothing copied) when it does not fit under the cap. */
  add(chunk: Uint8Array): boolean {
    const needed = this.#length + chunk.length;
    if (needed > this.#cap) return false;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#cap, Math.max(needed, this.#bytes.length * 2, 64 * 1024)));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
    return true;
  }

  /** Valid until the next add or clear. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}
