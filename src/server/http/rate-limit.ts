/** Token buckets: so many at once, and so many a second in the long run. Memory is bounded: of too many the one that was not used for longest is forgotten. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes one; false when there is none. */
  take(who: string, now: number = performance.now()): boolean {
    const bucket = this.#fill(who, now);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #fill(who: string, now: number): { tokens: number; at: number } {
    const known = this.#buckets.get(who);
    const tokens = known === undefined ? this.#burst : Math.min(this.#burst, known.tokens + ((now - known.at) / 1000) * this.#perSecond);
    const bucket = { tokens, at: now };
    this.#buckets.delete(who);
    this.#buckets.set(who, bucket);
    if (this.#buckets.size > MOST_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }
}

const MOST_BUCKETS = 10_000;
