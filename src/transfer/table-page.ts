/**
 * A page of a table's rows as text, for people to look at: each row by the database's own text of its values, cut by the database where they are long, so that a page is
 * small whatever is in it.
 *
 * A table with a primary key is paged by it (the next page begins behind the last key: as quick at row 100,000,000 as at row 1). Others are paged by place, which the database counts through.
 */
import type { Connection } from '../connectors/connector.ts';
import { quoteIdentifier, quoteString, quoteTable } from '../engine/quoting.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { copyTextRows } from '../rows/copy-text-rows.ts';
import { COPY_TEXT } from '../rows/row-encoding.ts';
import { displayName, type Column, type TableSchema } from '../rows/table-schema.ts';
import type { RowPlace } from './row-map.ts';

export interface PageRequest {
  readonly table: TableSchema;
  /** Default all. */
  readonly columns?: readonly string[];
  readonly limit: number;
  /** Longer values are cut to so many characters. */
  readonly maxCell: number;
  readonly from?: PagePlace;
  readonly signal: AbortSignal;
}

/** Where a page begins: behind a key, at a place, or where a map of the rows (row-map.ts) says. */
export type PagePlace = { readonly key: readonly string[] } | { readonly offset: number } | RowPlace;

export interface TablePage {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Row and column of values that were cut. */
  readonly cut: readonly (readonly [number, number])[];
  readonly order: 'key' | 'place';
  /** Undefined at the end. */
  readonly next: PagePlace | undefined;
}

/** @throws SluiceError COLUMN_UNKNOWN, and of the connector */
export async function readPage(connection: Connection, request: PageRequest): Promise<TablePage> {
  const { table, limit, maxCell, from } = request;
  const columns = wantedColumns(request);
  const keys = from !== undefined && 'skip' in from && from.keys === undefined ? [] : table.primaryKey;
  const order = keys.length > 0 ? 'key' : 'place';
  const shown = columns.map(({ name }) => `left(CAST(${quoteIdentifier(name)} AS text), ${maxCell + 1})`);
  // One more than wanted says whether there is another page. Values get names of their own: those of columns may repeat a key's.
  const items = [...shown, ...keys.map((name) => `CAST(${quoteIdentifier(name)} AS text)`)].map((item, index) => `${item} AS ${quoteIdentifier(`c${index}`)}`);
  const sql = [`SELECT ${items.join(', ')} FROM ${relationOf(table, connection.kind)}`, ...placeOf(from, keys, connection.kind), `LIMIT ${limit + 1}`, ...offsetOf(from)].join('\n');
  const read = await readText(connection, sql, items.length, request.signal);
  const page = read.slice(0, limit);
  const cut: [number, number][] = [];
  const rows = page.map((row, index) => columns.map((_, at) => {
    const value = row[at];
    // Counted as the database counts, in code points.
    if (value === null || value.length <= maxCell) return value;
    const letters = Array.from(value);
    if (letters.length <= maxCell) return value;
    cut.push([index, at]);
    return letters.slice(0, maxCell).join('');
  }));
  const last = page.at(-1);
  const hasMore = read.length > limit && last !== undefined;
  const next: PagePlace = order === 'key' ? { key: (last ?? []).slice(columns.length).map((value) => value ?? '') } : { offset: (from !== undefined && 'offset' in from ? from.offset : 0) + page.length };
  return { columns, rows, cut, order, next: hasMore ? next : undefined };
}

/** PostgreSQL has no name for "the schema that comes first": a name without one is found by the search path, as it was when the table was described. */
export function relationOf(table: TableSchema, kind: Connection['kind']): string {
  return kind === 'postgres' && table.schema === undefined ? quoteIdentifier(table.name) : quoteTable(table);
}

function wantedColumns({ table, columns }: PageRequest): readonly Column[] {
  if (columns === undefined) return table.columns;
  return columns.map((name) => {
    const column = table.columns.find((one) => one.name === name);
    if (column !== undefined) return column;
    throw new SluiceError('COLUMN_UNKNOWN', { table: displayName(table), column: name, suggestion: `It has: ${table.columns.map((one) => one.name).slice(0, 20).join(', ')}` }, { table: displayName(table), column: name });
  });
}

function offsetOf(from: PagePlace | undefined): string[] {
  if (from === undefined || 'key' in from) return [];
  const rows = 'offset' in from ? from.offset : from.skip;
  return rows === 0 ? [] : [`OFFSET ${rows}`];
}

function placeOf(from: PagePlace | undefined, keys: readonly string[], kind: Connection['kind']): string[] {
  if (from !== undefined && 'skip' in from) return [...(from.where === undefined ? [] : [`WHERE ${from.where}`]), ...(from.orderBy === undefined ? [] : [`ORDER BY ${from.orderBy}`])];
  if (keys.length === 0) return [];
  const names = keys.map(quoteIdentifier);
  const order = `ORDER BY ${names.join(', ')}`;
  if (from === undefined || !('key' in from)) return [order];
  const values = from.key.map(quoteString);
  return [`WHERE ${kind === 'postgres' ? `(${names.join(', ')}) > (${values.join(', ')})` : behind(names, values)}`, order];
}

/** What a comparison of rows means, for an engine that does not give its literals the types of the columns. */
function behind(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `(${[...names.slice(0, index).map((one, at) => `${one} = ${values[at]}`), `${name} > ${values[index]}`].join(' AND ')})`).join(' OR ');
}

/** The result of a query as the database's own text; small results only. */
export async function readText(connection: Connection, sql: string, width: number, signal: AbortSignal): Promise<(string | null)[][]> {
  const reader = await connection.openReader([{ kind: 'query', name: 'page', sql }]);
  try {
    const rows: (string | null)[][] = [];
    for await (const part of reader.tables[0].parts(COPY_TEXT, { partBytes: PART_BYTES, arrays: 'postgres', signal })) {
      for await (const row of copyTextRows(part.chunks, width)) rows.push(row);
    }
    return rows;
  } finally {
    await reader.close();
  }
}

const PART_BYTES = 2 ** 20;
