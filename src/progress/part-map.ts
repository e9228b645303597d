/**
 * The parts of a run by state, in the order in which they began, for a picture of it. Its size is bounded: a cell stands for one part until there are more than `MOST_CELLS`, then for two, four and so on, so
 * that a run of a million parts is as small as one of a thousand.
 */
import type { PartState, ProgressEvent } from './progress-event.ts';

/** Plain data: stored with the run, sent to whoever looks. */
export interface PartMapData {
  /** Parts in a cell. */
  readonly span: number;
  /** Parts that have begun. */
  readonly begun: number;
  /** Of the whole run, estimated from its plan; null when that is unknown. */
  readonly expected: number | null;
  /** A letter a cell, what is worst or most alive in it: `f` failed, `t` waiting to be tried again, `m` moving, `r` done with rows rejected, `d` done. */
  readonly cells: string;
  readonly moving: number;
  readonly retrying: number;
  readonly done: number;
  /** Of those that are done. */
  readonly rejected: number;
  readonly failed: number;
  /** Where tables begin, by the number of their first part; of many the first. */
  readonly tables: readonly { readonly table: string; readonly from: number }[];
}

const MOST_CELLS = 512;
const MOST_TABLES = 200;
const STATES: readonly PartState[] = ['moving', 'retrying', 'done', 'rejected', 'failed'];
type Counts = Record<PartState, number>;

export class PartMap {
  readonly #cells: Counts[] = [];
  readonly #tables = new Map<string, number>();
  /** Of parts that are not done: their number and state. */
  readonly #open = new Map<string, { readonly number: number; state: PartState }>();
  #span = 1;
  #begun = 0;
  #expected: number | null = null;
  #isChanged = false;

  get hasParts(): boolean {
    return this.#begun > 0;
  }

  expect(parts: number | null): void {
    this.#expected = parts;
  }

  apply({ table, part, state }: Extract<ProgressEvent, { type: 'part' }>): void {
    const key = `${table} ${part}`;
    const known = this.#open.get(key);
    const number = known?.number ?? this.#begin(table);
    const cell = this.#cells[Math.floor(number / this.#span)];
    if (known !== undefined) cell[known.state]--;
    cell[state]++;
    if (state === 'moving' || state === 'retrying') this.#open.set(key, { number, state });
    else this.#open.delete(key);
    this.#isChanged = true;
  }

  /** Whether anything is new since this was asked last. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  data(): PartMapData {
    const totals = emptyCounts();
    for (const cell of this.#cells) for (const state of STATES) totals[state] += cell[state];
    return {
      span: this.#span, begun: this.#begun, expected: this.#expected, cells: this.#cells.map(letterOf).join(''),
      moving: totals.moving, retrying: totals.retrying, done: totals.done + totals.rejected, rejected: totals.rejected, failed: totals.failed,
      tables: [...this.#tables].map(([table, from]) => ({ table, from })),
    };
  }

  #begin(table: string): number {
    const number = this.#begun++;
    if (!this.#tables.has(table) && this.#tables.size < MOST_TABLES) this.#tables.set(table, number);
    if (Math.floor(number / this.#span) >= MOST_CELLS) this.#widen();
    const cell = Math.floor(number / this.#span);
    this.#cells[cell] ??= emptyCounts();
    return number;
  }

  #widen(): void {
    this.#span *= 2;
    const pairs = Math.ceil(this.#cells.length / 2);
    for (let i = 0; i < pairs; i++) {
      const merged = this.#cells[2 * i];
      const other: Counts | undefined = this.#cells[2 * i + 1];
      if (other !== undefined) for (const state of STATES) merged[state] += other[state];
      this.#cells[i] = merged;
    }
    this.#cells.length = pairs;
  }
}

function emptyCounts(): Counts {
  return { moving: 0, retrying: 0, done: 0, rejected: 0, failed: 0 };
}

function letterOf({ moving, retrying, rejected, failed }: Counts): string {
  return failed > 0 ? 'f' : retrying > 0 ? 't' : moving > 0 ? 'm' : rejected > 0 ? 'r' : 'd';
}
