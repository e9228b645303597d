import { SluiceError } from '../errors/sluice-error.ts';

/** How many rows may be rejected before nothing is published; a percentage is of the rows read, in the whole run. */
export type ErrorLimit = { readonly kind: 'rows'; readonly rows: number } | { readonly kind: 'percent'; readonly percent: number };

/** Counts rejected rows of a run against its limit. A number ends the run as soon as it is passed; a share can only be judged when all is read. */
export class RejectionLimit {
  readonly #limit: ErrorLimit | undefined;
  #rejected = 0;

  constructor(limit: ErrorLimit | undefined) {
    this.#limit = limit;
  }

  get rejected(): number {
    return this.#rejected;
  }

  /** @throws SluiceError TOO_MANY_REJECTED */
  add(count: number): void {
    this.#rejected += count;
    if (this.#limit === undefined || this.#limit.kind !== 'rows' || this.#rejected <= this.#limit.rows) return;
    throw new SluiceError('TOO_MANY_REJECTED', { rejected: this.#rejected, limit: this.#limit.rows });
  }

  /** Before anything is published. @throws SluiceError TOO_MANY_REJECTED */
  judge(read: number): void {
    if (this.#limit === undefined || this.#limit.kind !== 'percent') return;
    if (this.#rejected * 100 > this.#limit.percent * read) {
      throw new SluiceError('TOO_MANY_REJECTED', { rejected: `${this.#rejected} of ${read}`, limit: `${this.#limit.percent}%` });
    }
  }
}
