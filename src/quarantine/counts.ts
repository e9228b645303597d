import type { ErrorCode } from '../errors/error-codes.ts';
import type { CodeCounts, TableCounts } from './quarantined-row.ts';

/** Rows per table and code; as large as there are tables, whatever the number of rows. */
export class RejectionCounts {
  readonly #tables = new Map<string, Map<ErrorCode, number>>();

  /** @param sign -1 takes them away again */
  add(table: string, codes: CodeCounts, sign: 1 | -1 = 1): void {
    const known = this.#tables.get(table) ?? new Map<ErrorCode, number>();
    this.#tables.set(table, known);
    for (const [code, rows] of Object.entries(codes) as [ErrorCode, number][]) known.set(code, (known.get(code) ?? 0) + sign * rows);
  }

  get total(): number {
    return this.tables().reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Tables that have rejected rows; codes in the order of their names, so that the same rows give the same text. */
  tables(): TableCounts[] {
    return [...this.#tables].map(([table, codes]) => {
      const sorted = [...codes].filter(([, rows]) => rows > 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
      return { table, rows: sorted.reduce((sum, [, rows]) => sum + rows, 0), codes: Object.fromEntries(sorted) };
    }).filter(({ rows }) => rows > 0);
  }
}
