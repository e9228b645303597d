/**
 * Memory for bytes that wait, in blocks of one size: at most `bytes` in all, made when first needed and used again. Whoever is served first may
 * have one block more, so that others who hold all of the rest cannot lock it out.
 */
export class BlockPool {
  readonly blockBytes: number;
  readonly #most: number;
  readonly #free: Uint8Array[] = [];
  #out = 0;

  constructor(bytes: number, blockBytes: number) {
    this.blockBytes = Math.max(1, Math.min(blockBytes, bytes));
    this.#most = Math.max(1, Math.floor(bytes / this.blockBytes));
  }

  /** Undefined when there is none now. */
  take(isFirst: boolean): Uint8Array | undefined {
    if (this.#out >= this.#most + (isFirst ? 1 : 0)) return undefined;
    this.#out++;
    return this.#free.pop() ?? new Uint8Array(this.blockBytes);
  }

  release(block: Uint8Array): void {
    this.#out--;
    this.#free.push(block);
  }
}
