/** Ranges of heap pages, the end exclusive and possibly infinite. So many are kept apart at most; beyond that neighbours become one range that has both and what is between. */
const MOST_RANGES = 5000;

export type PageRange = readonly [first: number, end: number];

export class PageRanges {
  /** In order; none touches another. */
  #ranges: [number, number][] = [];

  get all(): readonly PageRange[] {
    return this.#ranges;
  }

  add(first: number, end: number): void {
    // They come nearly in order: the place is near the end.
    let at = this.#ranges.length;
    while (at > 0 && this.#ranges[at - 1][1] >= first) at--;
    let last = at;
    const joined: [number, number] = [first, end];
    for (; last < this.#ranges.length && this.#ranges[last][0] <= end; last++) {
      joined[0] = Math.min(joined[0], this.#ranges[last][0]);
      joined[1] = Math.max(joined[1], this.#ranges[last][1]);
    }
    this.#ranges.splice(at, last - at, joined);
    if (this.#ranges.length > MOST_RANGES) this.#thin();
  }

  overlaps(first: number, end: number): boolean {
    return this.#ranges.some((range) => range[0] < end && first < range[1]);
  }

  #thin(): void {
    const joined: [number, number][] = [];
    for (let at = 0; at < this.#ranges.length; at += 2) joined.push([this.#ranges[at][0], (this.#ranges[at + 1] ?? this.#ranges[at])[1]]);
    this.#ranges = joined;
  }
}
