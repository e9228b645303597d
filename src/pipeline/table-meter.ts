import type { Expected, PartState, ProgressListener } from '../progress/progress-event.ts';

const INTERVAL_MS = 100;

/**
 * Counts what has moved of one table and tells the listener at most ten times a second, so that progress costs nothing per chunk.
 * `rows` are counted when a part is complete; bytes as they flow.
 */
export class TableMeter {
  rows = 0;
  bytes = 0;
  readonly #table: string;
  readonly #listener: ProgressListener;
  readonly #expected: Expected;
  #last = 0;

  constructor(table: string, expected: Expected, listener: ProgressListener) {
    this.#table = table;
    this.#expected = expected;
    this.#listener = listener;
    listener({ type: 'table-started', table, expected, at: Date.now() });
  }

  addBytes(count: number): void {
    this.bytes += count;
    this.#tell();
  }

  addRows(count: number): void {
    this.rows += count;
    this.#tell();
  }

  /** @param part its index within the table */
  part(part: number, state: PartState): void {
    this.#listener({ type: 'part', table: this.#table, part, state, at: Date.now() });
  }

  done(): void {
    this.#listener({ type: 'table-done', table: this.#table, rows: this.rows, bytes: this.bytes, at: Date.now() });
  }

  #tell(): void {
    const now = Date.now();
    if (now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#listener({ type: 'table-progress', table: this.#table, rows: this.rows, bytes: this.bytes, expected: this.#expected, at: now });
  }
}
