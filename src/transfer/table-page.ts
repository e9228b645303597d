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

/** Where a page begins: behind a key, or at a place. */
export type PagePlace = { readonly key: readonly string[] } | { readonly offset: number };

export interface TablePage {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Row and column of values that were cut. */
  readonly cut: readonly (readonly [number, number])[];
  readonly order: 'key' | 'place';
  /** Undefined at the end. */
  readonly next: PagePlace | undefined;
}

/** What of a page is read, and how. */
export interface PageItems {
  readonly columns: readonly Column[];
  /** Of the SELECT: the shown values, then those of the key, each with a name of its own. */
  readonly list: string;
  readonly width: number;
}

export function itemsOf({ table, columns: wanted, maxCell }: Pick<PageRequest, 'table' | 'columns' | 'maxCell'>, keys: readonly string[]): PageItems {
  const columns = wantedColumns(table, wanted);
  const shown = columns.map(({ name }) => `left(CAST(${quoteIdentifier(name)} AS text), ${maxCell + 1})`);
  // Those of columns may repeat a key's.
  const items = [...shown, ...keys.map((name) => `CAST(${quoteIdentifier(name)} AS text)`)].map((item, index) => `${item} AS ${quoteIdentifier(`c${index}`)}`);
  return { columns, list: items.join(', '), width: items.length };
}

/** The values of the columns, cut; and where they were. */
export function cutRows(read: readonly (readonly (string | null)[])[], columns: readonly Column[], maxCell: number): Pick<TablePage, 'rows' | 'cut'> {
  const cut: [number, number][] = [];
  const rows = read.map((row, index) => columns.map((_, at) => {
    const value = row[at];
    // Counted as the database counts, in code points.
    if (value === null || value.length <= maxCell) return value;
    const letters = Array.from(value);
    if (letters.length <= maxCell) return value;
    cut.push([index, at]);
    return letters.slice(0, maxCell).join('');
  }));
  return { rows, cut };
}

/** @throws SluiceError COLUMN_UNKNOWN, and of the connector */
export async function readPage(connection: Connection, request: PageRequest): Promise<TablePage> {
  const { table, limit, maxCell, from } = request;
  const keys = table.primaryKey;
  const { columns, list, width } = itemsOf(request, keys);
  const order = keys.length > 0 ? 'key' : 'place';
  // One more than wanted says whether there is another page.
  const sql = [`SELECT ${list} FROM ${relationOf(table, connection.kind)}`, ...placeOf(from, keys, connection.kind), `LIMIT ${limit + 1}`, ...(from !== undefined && 'offset' in from ? [`OFFSET ${from.offset}`] : [])].join('\n');
  const read = await readText(connection, sql, width, request.signal);
  const page = read.slice(0, limit);
  const { rows, cut } = cutRows(page, columns, maxCell);
  const last = page.at(-1);
  const hasMore = read.length > limit && last !== undefined;
  const next: PagePlace = order === 'key' ? { key: (last ?? []).slice(columns.length).map((value) => value ?? '') } : { offset: (from !== undefined && 'offset' in from ? from.offset : 0) + page.length };
  return { columns, rows, cut, order, next: hasMore ? next : undefined };
}

/** PostgreSQL has no name for "the schema that comes first": a name without one is found by the search path, as it was when the table was described. */
export function relationOf(table: TableSchema, kind: Connection['kind']): string {
  return kind === 'postgres' && table.schema === undefined ? quoteIdentifier(table.name) : quoteTable(table);
}

function wantedColumns(table: TableSchema, columns: readonly string[] | undefined): readonly Column[] {
  if (columns === undefined) return table.columns;
  return columns.map((name) => {
    const column = table.columns.find((one) => one.name === name);
    if (column !== undefined) return column;
    throw new SluiceError('COLUMN_UNKNOWN', { table: displayName(table), column: name, suggestion: `It has: ${table.columns.map((one) => one.name).slice(0, 20).join(', ')}` }, { table: displayName(table), column: name });
  });
}

function placeOf(from: PagePlace | undefined, keys: readonly string[], kind: Connection['kind']): string[] {
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

/** All rows of a table, exactly. The embedded database knows them, PostgreSQL counts through an index where it has one. */
export async function countRows(connection: Connection, table: TableSchema, signal: AbortSignal): Promise<number> {
  const [[count]] = await readText(connection, `SELECT count(*) FROM ${relationOf(table, connection.kind)}`, 1, signal);
  return Number(count);
}

/** The rows of a query, as text. */
// oxlint-disable-next-line max-params -- a query and what is known of it
export async function readText(connection: Connection, sql: string, width: number, signal: AbortSignal): Promise<(string | null)[][]> {
  if (connection.readRows !== undefined) return connection.readRows(sql, signal);
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
