import type { Expected } from './progress-event.ts';

/**
 * Speed and remaining time of something that counts up. The rate is an average that forgets: a sample's weight halves every
 * `halfLifeMs`, so a slow start or a stall is felt but does not rule for ever. The average is divided by the weight gathered so far,
 * otherwise the first seconds would read too low.
 *
 * It says nothing rather than something false: no rate before `warmUpMs` of samples, no time left when the whole is unknown,
 * was underestimated, or nothing moves.
 */
export class RateEstimator {
  readonly #halfLifeMs: number;
  readonly #warmUpMs: number;
  #startedAt: number | undefined;
  #lastAt = 0;
  #lastTotal = 0;
  #weighted = 0;
  #weight = 0;

  constructor(options: { halfLifeMs?: number; warmUpMs?: number } = {}) {
    this.#halfLifeMs = options.halfLifeMs ?? 8_000;
    this.#warmUpMs = options.warmUpMs ?? 2_000;
  }

  /** @param total counted since the start; @param at in milliseconds, of any clock that does not run backwards */
  update(total: number, at: number): void {
    if (this.#startedAt === undefined) {
      this.#startedAt = at;
      this.#lastAt = at;
      this.#lastTotal = total;
      return;
    }
    const elapsed = at - this.#lastAt;
    if (elapsed <= 0) return;
    const newness = 1 - 0.5 ** (elapsed / this.#halfLifeMs);
    const rate = Math.max(0, total - this.#lastTotal) / (elapsed / 1000);
    this.#weighted += newness * (rate - this.#weighted);
    this.#weight += newness * (1 - this.#weight);
    this.#lastAt = at;
    this.#lastTotal = total;
  }

  /** Per second; undefined until enough is known. */
  rate(): number | undefined {
    if (this.#startedAt === undefined || this.#lastAt - this.#startedAt < this.#warmUpMs) return undefined;
    return this.#weighted / this.#weight;
  }

  /** Seconds until `whole` is reached at the present rate; undefined when that cannot be said honestly. */
  secondsLeft(whole: number | undefined): number | undefined {
    const rate = this.rate();
    if (whole === undefined || rate === undefined || rate <= 0 || this.#lastTotal >= whole) return undefined;
    return (whole - this.#lastTotal) / rate;
  }
}

/** What measures how far something is: bytes where their whole is known, because they flow evenly and rows are counted part by part; else rows. */
export type ProgressBasis = 'bytes' | 'rows';

export function basisOf(expected: Expected): ProgressBasis | undefined {
  if (expected.bytes !== undefined && expected.bytes > 0) return 'bytes';
  return expected.rows !== undefined && expected.rows > 0 ? 'rows' : undefined;
}

/** Done share from 0 to 1; undefined when the whole is unknown or turned out larger than expected. */
export function doneShare(done: { readonly rows: number; readonly bytes: number }, expected: Expected): number | undefined {
  const basis = basisOf(expected);
  if (basis === undefined) return undefined;
  const share = done[basis] / expected[basis]!;
  return share > 1 ? undefined : share;
}
