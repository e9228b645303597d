/**
 * Finds row N of a table, however large it is, without counting through all rows before it: a map holds, for every so many rows, where they begin, and a page starts there and skips the few
 * that are left. Its size is bounded (MOST_MARKS), so that the step grows with the table. It is made by one pass over the key's index, or over the counts of ranges of places, and is right for
 * the table as it was then.
 *
 * - DuckDB: by row id, which counts from 0; no pass where nothing was deleted.
 * - PostgreSQL, with a primary key: in the order of the key, every so many rows a key.
 * - PostgreSQL, without: in the order of places; rows are counted for ranges of pages.
 * - What has neither key nor places (a view): by counting through, and so only near the beginning.
 */
import type { Connection } from '../connectors/connector.ts';
import { quoteIdentifier, quoteString } from '../engine/quoting.ts';
import type { TableSchema } from '../rows/table-schema.ts';
import { readText, relationOf } from './table-page.ts';

/** Rows from here on, in this order, but for the first `skip`. All of it is made here: no text of a client is in it. */
export interface RowPlace {
  readonly where?: string;
  readonly orderBy?: string;
  /** The order is the one of the primary key. */
  readonly keys?: true;
  readonly skip: number;
}

export interface RowMap {
  /** All rows of the table, exactly. */
  readonly rows: number;
  readonly order: 'key' | 'place';
  /** Where row `at` (from 0) is; undefined when it is too far to count there. */
  place(at: number): RowPlace | undefined;
}

const MOST_MARKS = 4000;
/** Skipped in no time. */
const LEAST_STEP = 2000;
/** As far as rows are counted through one by one. */
const MOST_SKIPPED = 1_000_000;

/** Near the beginning of a table no map is needed: the same rows as with one, while it is still being made. Undefined where that is not certain. */
export function beginning(kind: Connection['kind'], table: TableSchema, at: number): RowPlace | undefined {
  if (at > LEAST_STEP) return undefined;
  if (kind === 'duckdb') return { skip: at };
  return table.primaryKey.length === 0 ? undefined : { orderBy: table.primaryKey.map(quoteIdentifier).join(', '), keys: true, skip: at };
}

/** @throws SluiceError of the connector */
export async function mapRows(connection: Connection, table: TableSchema, signal: AbortSignal): Promise<RowMap> {
  const relation = relationOf(table, connection.kind);
  const ask = (sql: string, width: number): Promise<(string | null)[][]> => readText(connection, sql, width, signal);
  if (connection.kind === 'duckdb') return mapByRowId(relation, ask);
  if (table.primaryKey.length > 0) return mapByKey(relation, table, ask);
  return mapByPages(relation, ask);
}

type Ask = (sql: string, width: number) => Promise<(string | null)[][]>;

interface Mark {
  /** Rows before it. */
  readonly row: number;
  readonly where: string;
}

async function mapByRowId(relation: string, ask: Ask): Promise<RowMap> {
  const [counted] = await ask(`SELECT count(*), coalesce(max(rowid), -1) FROM ${relation}`, 2).catch(() => []);
  // A view has no row ids.
  if (counted === undefined) return mapByCounting(relation, ask);
  const [rows, last] = counted.map(Number);
  if (rows === last + 1) return { rows, order: 'place', place: (at) => ({ where: `rowid >= ${at}`, orderBy: 'rowid', skip: 0 }) };
  const step = Math.max(LEAST_STEP, Math.ceil((last + 1) / MOST_MARKS));
  const ranges = await ask(`SELECT rowid // ${step}, count(*) FROM ${relation} GROUP BY 1 ORDER BY 1`, 2);
  return markedMap(marksOf(ranges, (range) => `rowid >= ${range * step}`), rows, 'rowid');
}

async function mapByKey(relation: string, table: TableSchema, ask: Ask): Promise<RowMap> {
  const [[count]] = await ask(`SELECT count(*) FROM ${relation}`, 1);
  const rows = Number(count);
  const names = table.primaryKey.map(quoteIdentifier);
  const order = names.join(', ');
  const step = Math.max(LEAST_STEP, Math.ceil(rows / MOST_MARKS));
  const texts = names.map((name, index) => `CAST(${name} AS text) AS k${index}`).join(', ');
  const found = rows <= step ? [] : await ask(`SELECT n, ${names.map((_, index) => `k${index}`).join(', ')} FROM (SELECT ${texts}, row_number() OVER (ORDER BY ${order}) - 1 AS n FROM ${relation}) AS numbered WHERE n % ${step} = 0 ORDER BY n`, names.length + 1);
  const marks = found.map(([row, ...key]): Mark => ({ row: Number(row), where: `(${order}) >= (${key.map((value) => quoteString(value ?? '')).join(', ')})` }));
  return markedMap(marks, rows, order, true);
}

async function mapByPages(relation: string, ask: Ask): Promise<RowMap> {
  const [[kind, pages]] = await ask(`SELECT relkind, pg_relation_size(oid) / current_setting('block_size')::int FROM pg_class WHERE oid = ${quoteString(relation)}::regclass`, 2);
  if (kind !== 'r' && kind !== 'm') return mapByCounting(relation, ask);
  const step = Math.max(16, Math.ceil((Number(pages) + 1) / MOST_MARKS));
  const ranges = await ask(`SELECT range, (SELECT count(*) FROM ${relation} WHERE ctid >= format('(%s,0)', range * ${step})::tid AND ctid < format('(%s,0)', (range + 1) * ${step})::tid) FROM generate_series(0, ${Math.floor(Number(pages) / step)}) AS range ORDER BY range`, 2);
  const marks = marksOf(ranges, (range) => `ctid >= '(${range * step},0)'::tid`);
  // Scanned by places the rows come in their order; to sort them would read the rest of the table first.
  return markedMap(marks, ranges.reduce((sum, [, count]) => sum + Number(count), 0), undefined);
}

async function mapByCounting(relation: string, ask: Ask): Promise<RowMap> {
  const [[count]] = await ask(`SELECT count(*) FROM ${relation}`, 1);
  return { rows: Number(count), order: 'place', place: (at) => (at > MOST_SKIPPED ? undefined : { skip: at }) };
}

function marksOf(ranges: readonly (readonly (string | null)[])[], where: (range: number) => string): Mark[] {
  let row = 0;
  return ranges.map(([range, count]) => {
    const mark = { row, where: where(Number(range)) };
    row += Number(count);
    return mark;
  });
}

function markedMap(marks: readonly Mark[], rows: number, orderBy: string | undefined, isByKey = false): RowMap {
  const shared = { ...(orderBy === undefined ? {} : { orderBy }), ...(isByKey ? { keys: true as const } : {}) };
  return {
    rows, order: isByKey ? 'key' : 'place',
    place(at) {
      const mark = lastAtOrBefore(marks, at);
      return mark === undefined ? { ...shared, skip: at } : { ...shared, where: mark.where, skip: at - mark.row };
    },
  };
}

function lastAtOrBefore(marks: readonly Mark[], row: number): Mark | undefined {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle].row <= row) low = middle + 1;
    else high = middle;
  }
  return marks[low - 1];
}
