/**
 * Part indexes number the rows of the whole source. Where several sources go to one table each may count its parts from 0: an index that
 * was there already, and has not failed, starts a new round. Only the last ones are remembered, because parts come nearly in order.
 */
export class PartOrder {
  #base = 0;
  #highest = -1;
  readonly #bases = [0];
  readonly #recent = new Set<number>();
  /** Parts that will come again, by index. */
  readonly #failed = new Map<number, number>();

  next(index: number): number {
    const again = this.#failed.get(index);
    if (again !== undefined) {
      this.#failed.delete(index);
      return again;
    }
    if (this.#recent.has(index) || index < this.#highest - PartOrder.#window) {
      this.#base += this.#highest + 1;
      this.#bases.push(this.#base);
      this.#highest = -1;
      this.#recent.clear();
    }
    this.#highest = Math.max(this.#highest, index);
    this.#recent.add(index);
    if (this.#recent.size > PartOrder.#window) this.#recent.delete(this.#recent.values().next().value!);
    return this.#base + index;
  }

  /** Nothing of this part is there: its next attempt has the same place. */
  failed(index: number, order: number): void {
    this.#failed.set(index, order);
  }

  /** The index that the part with this place had in its own source. */
  indexOf(order: number): number {
    return order - this.#bases.findLast((base) => base <= order)!;
  }

  static readonly #window = 1024;
}
