/**
 * What two lots of rows have in common cancels out: the hashes of one are added and those of the other taken away, in 65,536 sums by the first 16 bits of the hash. A bucket whose sums are
 * zero has the same rows on both sides; the others are where rows differ. 1.8 MB, whatever the number of rows.
 */
const BUCKETS = 65_536;
const WORDS = 4;

export class HashBuckets {
  readonly #sums = new Int32Array(BUCKETS * WORDS);
  readonly #counts = new Int32Array(BUCKETS);
  readonly #rows = new Uint32Array(BUCKETS);

  /** @param sign 1 for a row of one side, -1 for one of the other */
  // oxlint-disable-next-line max-params -- called for every row
  add(sign: 1 | -1, h1: number, h2: number, h3: number, h4: number): void {
    const bucket = h1 >>> 16;
    const at = bucket * WORDS;
    // Four sums of 32 bits that do not carry tell as much as one of 128.
    this.#sums[at] += sign * h1;
    this.#sums[at + 1] += sign * h2;
    this.#sums[at + 2] += sign * h3;
    this.#sums[at + 3] += sign * h4;
    this.#counts[bucket] += sign;
    this.#rows[bucket]++;
  }

  /** Buckets in which rows differ, as many as have `mostRows` rows together (at least one), and how many there are of which they are a part. */
  differing(mostRows: number): { readonly chosen: ReadonlySet<number>; readonly all: number } {
    const chosen = new Set<number>();
    let all = 0, rows = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (!this.#differs(bucket)) continue;
      all++;
      if (chosen.size > 0 && rows + this.#rows[bucket] > mostRows) continue;
      chosen.add(bucket);
      rows += this.#rows[bucket];
    }
    return { chosen, all };
  }

  #differs(bucket: number): boolean {
    const at = bucket * WORDS;
    return this.#counts[bucket] !== 0 || this.#sums[at] !== 0 || this.#sums[at + 1] !== 0 || this.#sums[at + 2] !== 0 || this.#sums[at + 3] !== 0;
  }
}

export function bucketOf(h1: number): number {
  return h1 >>> 16;
}
