/**
 * Rows of a table by their position, for a grid that jumps anywhere. The order is stable, and what a position means is the same for every page.
 *
 * The embedded database: in the order of insertion, which is that of its row ids. Where no row was ever deleted the id is the position; else the ids are counted through, and only they.
 *
 * PostgreSQL has no positions. A table with a primary key is in the order of the key; a position is found by counting through the key's index from the nearest place that is known
 * (`Anchors`: the pages that were shown before), so a far jump costs the time of that count, and those near it are immediate. From the end it
 * is as quick as from the beginning. Without a key rows are counted through, so far and no farther.
 */
import type { Connection } from '../connectors/connector.ts';
import { quoteIdentifier, quoteString } from '../engine/quoting.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { displayName, type TableSchema } from '../rows/table-schema.ts';
import { cutRows, itemsOf, readText, relationOf, type PageRequest, type TablePage } from './table-page.ts';

export interface PositionRequest extends Omit<PageRequest, 'from'> {
  /** From 0; negative: from the end (-1 is the last row). */
  readonly position: number;
  readonly anchors: Anchors;
  /** What was found out of the table before, and is still so. */
  readonly extent?: TableExtent | undefined;
  /** Of tables without a key. */
  readonly maxOffset: number;
}

export interface TableExtent {
  readonly rows: number;
  /** Row ids are positions. */
  readonly isDense: boolean;
}

export interface PositionedPage extends Pick<TablePage, 'columns' | 'rows' | 'cut' | 'order'> {
  /** Of the first row; null where it is not known: of pages from the end of a table that cannot be counted at once. */
  readonly position: number | null;
  /** Null: unknown. */
  readonly total: { readonly rows: number | null; readonly exact: boolean };
  readonly extent?: TableExtent;
}

/** Positions whose keys are known, of one table. */
export class Anchors {
  readonly #keys = new Map<number, readonly string[]>();

  /** The nearest at or before a position. */
  before(position: number): { readonly position: number; readonly key: readonly string[] } | undefined {
    let best: number | undefined;
    for (const known of this.#keys.keys()) if (known <= position && (best === undefined || known > best)) best = known;
    return best === undefined ? undefined : { position: best, key: this.#keys.get(best)! };
  }

  add(position: number, key: readonly string[]): void {
    this.#keys.delete(position);
    this.#keys.set(position, key);
    // The oldest goes; each costs little and saves a count.
    if (this.#keys.size > MOST_ANCHORS) this.#keys.delete(this.#keys.keys().next().value!);
  }
}

const MOST_ANCHORS = 500;

/** @throws SluiceError COLUMN_UNKNOWN, POSITION_UNREACHABLE, and of the connector */
export async function readPageAt(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  if (connection.kind === 'duckdb') return pageOfEmbedded(connection, request);
  return request.table.primaryKey.length > 0 ? pageByKey(connection, request) : pageByCount(connection, request);
}

async function pageOfEmbedded(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  const { table, limit, maxCell, signal } = request;
  const relation = relationOf(table, connection.kind);
  const extent = request.extent ?? await extentOf(connection, relation, signal);
  const position = request.position < 0 ? Math.max(0, extent.rows + request.position) : request.position;
  const { columns, list, width } = itemsOf(request, []);
  const chosen = extent.isDense ? `rowid BETWEEN ${position} AND ${position + limit - 1}` : `rowid IN (SELECT rowid FROM ${relation} LIMIT ${limit} OFFSET ${position})`;
  const read = position >= extent.rows ? [] : await readText(connection, `SELECT ${list} FROM ${relation} WHERE ${chosen} ORDER BY rowid LIMIT ${limit}`, width, signal);
  return { columns, ...cutRows(read, columns, maxCell), order: 'place', position, total: { rows: extent.rows, exact: true }, extent };
}

async function extentOf(connection: Connection, relation: string, signal: AbortSignal): Promise<TableExtent> {
  const [[rows, last]] = await readText(connection, `SELECT count(*), max(rowid) FROM ${relation}`, 2, signal).catch((error: unknown) => {
    // A view has no row ids.
    throw error instanceof SluiceError && error.code === 'QUERY_INVALID' ? unreachable(relation, 'it is no table', error) : error;
  });
  return { rows: Number(rows), isDense: last === null || Number(last) === Number(rows) - 1 };
}

async function pageByKey(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  const { table, limit, maxCell, signal, anchors } = request;
  const keys = table.primaryKey;
  const { columns, list, width } = itemsOf(request, keys);
  const relation = relationOf(table, connection.kind);
  const isFromEnd = request.position < 0;
  const sql = isFromEnd ? fromEnd(list, relation, keys, request) : fromAnchor(list, relation, keys, request);
  const read = await readText(connection, sql, width, signal);
  if (isFromEnd) read.reverse();
  const keyOf = (row: readonly (string | null)[]): string[] => row.slice(columns.length).map((value) => value ?? '');
  const position = isFromEnd ? null : request.position;
  if (position !== null && read.length > 0) {
    anchors.add(position, keyOf(read[0]));
    anchors.add(position + read.length - 1, keyOf(read.at(-1)!));
  }
  // A page that ends early ends with the table.
  const isEnd = position !== null && read.length < limit && (read.length > 0 || position === 0);
  return { columns, ...cutRows(read, columns, maxCell), order: 'key', position, total: isEnd ? { rows: position + read.length, exact: true } : estimateOf(table) };
}

/** The key at the position is found in the index alone; rows are only read from there on. */
// oxlint-disable-next-line max-params -- the parts of a statement
function fromAnchor(list: string, relation: string, keys: readonly string[], { position, limit, anchors }: PositionRequest): string {
  const names = keys.map(quoteIdentifier).join(', ');
  const anchor = anchors.before(position);
  const after = anchor === undefined ? '' : `WHERE (${names}) >= (${anchor.key.map(quoteString).join(', ')})`;
  const skipped = position - (anchor?.position ?? 0);
  const begin = skipped === 0 ? after : `WHERE (${names}) >= (SELECT ${names} FROM ${relation} ${after} ORDER BY ${names} LIMIT 1 OFFSET ${skipped})`;
  return `SELECT ${list} FROM ${relation} ${begin} ORDER BY ${names} LIMIT ${limit}`;
}

// oxlint-disable-next-line max-params -- the parts of a statement
function fromEnd(list: string, relation: string, keys: readonly string[], { position, limit }: PositionRequest): string {
  const names = keys.map((name) => `${quoteIdentifier(name)} DESC`).join(', ');
  const count = Math.min(limit, -position);
  return `SELECT ${list} FROM ${relation} ORDER BY ${names} LIMIT ${count}${-position > count ? ` OFFSET ${-position - count}` : ''}`;
}

async function pageByCount(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  const { table, limit, maxCell, signal, position, maxOffset } = request;
  if (position < 0 || position > maxOffset) throw unreachable(displayName(table), `it has no primary key, and rows are counted through only up to row ${maxOffset}`);
  const { columns, list, width } = itemsOf(request, []);
  const read = await readText(connection, `SELECT ${list} FROM ${relationOf(table, connection.kind)} LIMIT ${limit} OFFSET ${position}`, width, signal);
  const isEnd = read.length < limit && (read.length > 0 || position === 0);
  return { columns, ...cutRows(read, columns, maxCell), order: 'place', position, total: isEnd ? { rows: position + read.length, exact: true } : estimateOf(table) };
}

function estimateOf({ estimatedRows }: TableSchema): { rows: number | null; exact: boolean } {
  return { rows: estimatedRows === undefined || estimatedRows < 0 ? null : Math.round(estimatedRows), exact: false };
}

function unreachable(table: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('POSITION_UNREACHABLE', { table, reason }, { table }, cause);
}
