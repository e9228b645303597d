import { SluiceError } from '../errors/sluice-error.ts';

/** How many rows may be rejected: a number, or a share of the rows read. */
export type MaxErrors = { readonly rows: number } | { readonly percent: number };

/** Counts rejected rows of a run against its limit. A number ends the run as soon as it is passed; a share can only be judged when all is read. */
export class RejectionLimit {
  readonly #limit: MaxErrors | undefined;
  #rejected = 0;

  constructor(limit: MaxErrors | undefined) {
    this.#limit = limit;
  }

  get rejected(): number {
    return this.#rejected;
  }

  /** @throws SluiceError TOO_MANY_REJECTED */
  add(count: number): void {
    this.#rejected += count;
    if (this.#limit === undefined || !('rows' in this.#limit) || this.#rejected <= this.#limit.rows) return;
    throw new SluiceError('TOO_MANY_REJECTED', { rejected: this.#rejected, limit: this.#limit.rows });
  }

  /** Before anything is published. @throws SluiceError TOO_MANY_REJECTED */
  judge(read: number): void {
    if (this.#limit === undefined || !('percent' in this.#limit)) return;
    if (this.#rejected * 100 > this.#limit.percent * read) {
      throw new SluiceError('TOO_MANY_REJECTED', { rejected: `${this.#rejected} of ${read}`, limit: `${this.#limit.percent}%` });
    }
  }
}
