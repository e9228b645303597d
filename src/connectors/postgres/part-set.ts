import { SluiceError } from '../../errors/sluice-error.ts';

/** Which parts, and the hashes of those that have one. */
export class PartSet {
  count = 0;
  #bits = new Uint32Array(32);
  #hashes = new Map<number, number>();

  add(part: number, hash: number | undefined): void {
    if (!Number.isSafeInteger(part) || part < 0) throw new SluiceError('INTERNAL', { reason: `the ledger has a part ${part}` });
    const word = Math.floor(part / 32);
    if (word >= this.#bits.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[word] |= 1 << part % 32;
    this.count++;
    if (hash !== undefined) this.#hashes.set(part, hash);
  }

  has(part: number): boolean {
    return ((this.#bits[Math.floor(part / 32)] ?? 0) & (1 << part % 32)) !== 0;
  }

  hash(part: number): number | undefined {
    return this.#hashes.get(part);
  }
}
