import type { Expected, Phase, ProgressEvent } from '../../progress/progress-event.ts';
import { basisOf, doneShare, RateEstimator } from '../../progress/rate-estimator.ts';

/** A table as the display knows it. Rates and time left are undefined while they cannot be said honestly. */
export interface TableView {
  readonly name: string;
  readonly done: boolean;
  readonly rows: number;
  readonly bytes: number;
  readonly rowsPerSecond: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** From 0 to 1. */
  readonly share: number | undefined;
  readonly secondsLeft: number | undefined;
  /** What is known of the whole is an estimate. */
  readonly estimated: boolean;
}

/**
 * The state of a run, made from its events: what text progress prints. Knows nothing of terminals and asks no clock: time is that of the events
 * and of `tick`. Finished tables are only counted, so that its size is that of the tables that are moving.
 */
export class ProgressModel {
  phase: Phase | undefined;
  rssBytes = 0;
  tablesDone = 0;
  /** Of the plan, once known. */
  tablesPlanned: number | undefined;
  readonly #moving = new Map<string, MovingTable>();
  #lastDone: TableView | undefined;
  #rowsDone = 0;
  #bytesDone = 0;

  apply(event: ProgressEvent): void {
    switch (event.type) {
      case 'phase':
        this.phase = event.phase;
        return;
      case 'resources':
        this.rssBytes = event.rssBytes;
        return;
      case 'table-started':
        this.#moving.set(event.table, new MovingTable(event.table, event.expected, event.at));
        return;
      case 'table-progress':
        this.#moving.get(event.table)?.update(event.rows, event.bytes, event.expected, event.at);
        return;
      case 'table-done':
        this.#finish(event.table, event.rows, event.bytes);
        return;
      default:
    }
  }

  /** Lets rates fall while nothing comes. */
  tick(now: number): void {
    for (const table of this.#moving.values()) table.tick(now);
  }

  moving(): TableView[] {
    return Array.from(this.#moving.values(), (table) => table.view());
  }

  get lastDone(): TableView | undefined {
    return this.#lastDone;
  }

  totals(): { rows: number; bytes: number } {
    let rows = this.#rowsDone;
    let bytes = this.#bytesDone;
    for (const table of this.#moving.values()) {
      rows += table.rows;
      bytes += table.bytes;
    }
    return { rows, bytes };
  }

  #finish(name: string, rows: number, bytes: number): void {
    this.#moving.delete(name);
    this.tablesDone++;
    this.#rowsDone += rows;
    this.#bytesDone += bytes;
    this.#lastDone = { name, done: true, rows, bytes, rowsPerSecond: undefined, bytesPerSecond: undefined, share: 1, secondsLeft: undefined, estimated: false };
  }
}

class MovingTable {
  rows = 0;
  bytes = 0;
  readonly #name: string;
  readonly #rowRate = new RateEstimator();
  readonly #byteRate = new RateEstimator();
  #expected: Expected;

  constructor(name: string, expected: Expected, at: number) {
    this.#name = name;
    this.#expected = expected;
    this.tick(at);
  }

  update(rows: number, bytes: number, expected: Expected, at: number): void {
    this.rows = rows;
    this.bytes = bytes;
    this.#expected = expected;
    this.tick(at);
  }

  tick(now: number): void {
    this.#rowRate.update(this.rows, now);
    this.#byteRate.update(this.bytes, now);
  }

  view(): TableView {
    const basis = basisOf(this.#expected);
    const rate = basis === 'bytes' ? this.#byteRate : this.#rowRate;
    return {
      name: this.#name,
      done: false,
      rows: this.rows,
      bytes: this.bytes,
      rowsPerSecond: this.#rowRate.rate(),
      bytesPerSecond: this.#byteRate.rate(),
      share: doneShare(this, this.#expected),
      secondsLeft: basis === undefined ? undefined : rate.secondsLeft(this.#expected[basis]),
      estimated: !this.#expected.exact,
    };
  }
}
