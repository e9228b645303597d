/**
 * Rows of a table by their position, for a grid that jumps anywhere. The order is stable, and what a position means is the same for every page.
 *
 * The embedded database: in the order of insertion, which is that of its row ids. Where no row was ever deleted the id is the position; else the ids are counted through, and only they.
 *
 * PostgreSQL has no positions: rows are in the order of the key, or, without one, as they lie. A position near a place that is known is counted through from there: pages that were shown before (`Anchors`), or
 * marks of a survey of the table (table-survey.ts), which is begun when a position is far from all of them, and goes on for as long as a request may take.
 */
import type { Connection } from '../connectors/connector.ts';
import { quoteIdentifier, quoteString } from '../engine/quoting.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { displayName, type TableSchema } from '../rows/table-schema.ts';
import { extendSurvey, kindOf, type TableSurvey } from './table-survey.ts';
import { cutRows, itemsOf, readText, relationOf, type PageRequest, type TablePage } from './table-page.ts';

export interface PositionRequest extends Omit<PageRequest, 'from'> {
  /** From 0; negative: from the end (-1 is the last row). */
  readonly position: number;
  readonly anchors: Anchors;
  /** Of tables of PostgreSQL. */
  readonly survey: TableSurvey;
  /** How long may be counted for one page. */
  readonly surveyMs: number;
  /** What was found out of the table before, and is still so. */
  readonly extent?: TableExtent | undefined;
  /** Of what can neither be surveyed nor ordered. */
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
/** What is counted through for a page without a survey. */
const NEAR_ROWS = 200_000;

/** @throws SluiceError COLUMN_UNKNOWN, POSITION_UNREACHABLE, and of the connector */
export async function readPageAt(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  if (connection.kind === 'duckdb') return pageOfEmbedded(connection, request);
  return request.table.primaryKey.length > 0 ? pageByKey(connection, request) : pageByPlace(connection, request);
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
  const { table, maxCell, signal, anchors } = request;
  const keys = table.primaryKey;
  const { columns, list, width } = itemsOf(request, keys);
  const relation = relationOf(table, connection.kind);
  const isFromEnd = request.position < 0 && -request.position <= NEAR_ROWS;
  const position = isFromEnd ? null : await absolute(connection, request);
  const sql = position === null ? fromEnd(list, relation, keys, request) : await fromAnchor(connection, { ...request, position }, list);
  const read = await readText(connection, sql, width, signal);
  if (isFromEnd) read.reverse();
  const keyOf = (row: readonly (string | null)[]): string[] => row.slice(columns.length).map((value) => value ?? '');
  if (position !== null && read.length > 0) {
    anchors.add(position, keyOf(read[0]));
    anchors.add(position + read.length - 1, keyOf(read.at(-1)!));
  }
  return { columns, ...cutRows(read, columns, maxCell), order: 'key', position, total: totalOf(request, position, read.length) };
}

/** From the beginning, also where it was said from the end. */
async function absolute(connection: Connection, request: PositionRequest): Promise<number> {
  const { table, position, survey, surveyMs, signal } = request;
  if (position >= 0) return position;
  await extendSurvey(connection, table, survey, { milliseconds: surveyMs, signal });
  if (!survey.isComplete) throw tooFar(request);
  return Math.max(0, survey.counted + position);
}

/** The key at the position is found in the index alone; rows are only read from there on. */
// oxlint-disable-next-line max-params -- the parts of a statement
async function fromAnchor(connection: Connection, request: PositionRequest, list: string): Promise<string> {
  const { table, position, limit, survey } = request;
  const names = table.primaryKey.map(quoteIdentifier).join(', ');
  const relation = relationOf(table, connection.kind);
  await reach(connection, request, () => position - anchorOf(request).position);
  const anchor = anchorOf(request);
  const after = anchor.key === undefined ? '' : `WHERE (${names}) >= (${anchor.key.map(quoteString).join(', ')})`;
  const skipped = position - anchor.position;
  // Behind the end that is known there is nothing to be counted through.
  if (survey.isComplete && skipped > Math.max(NEAR_ROWS, survey.spacing)) return `SELECT ${list} FROM ${relation} LIMIT 0`;
  const begin = skipped === 0 ? after : `WHERE (${names}) >= (SELECT ${names} FROM ${relation} ${after} ORDER BY ${names} LIMIT 1 OFFSET ${skipped})`;
  return `SELECT ${list} FROM ${relation} ${begin} ORDER BY ${names} LIMIT ${limit}`;
}

function anchorOf({ position, anchors, survey }: PositionRequest): { readonly position: number; readonly key: readonly string[] | undefined } {
  const [shown, mark] = [anchors.before(position), survey.before(position)];
  if (mark !== undefined && (shown === undefined || mark.position > shown.position)) return { position: mark.position, key: mark.place };
  return shown ?? { position: 0, key: undefined };
}

/** Surveys the table where a position is too far from what is known. @throws SluiceError POSITION_UNREACHABLE when the time was not enough */
async function reach(connection: Connection, request: PositionRequest, distance: () => number): Promise<void> {
  const { table, position, limit, survey, surveyMs, signal } = request;
  const isFar = (): boolean => !survey.isComplete && distance() > Math.max(NEAR_ROWS, survey.spacing);
  if (!isFar()) return;
  await extendSurvey(connection, table, survey, { to: position + limit, milliseconds: surveyMs, signal });
  if (isFar()) throw tooFar(request);
}

// oxlint-disable-next-line max-params -- the parts of a statement
function fromEnd(list: string, relation: string, keys: readonly string[], { position, limit }: PositionRequest): string {
  const names = keys.map((name) => `${quoteIdentifier(name)} DESC`).join(', ');
  const count = Math.min(limit, -position);
  return `SELECT ${list} FROM ${relation} ORDER BY ${names} LIMIT ${count}${-position > count ? ` OFFSET ${-position - count}` : ''}`;
}

/** In the order in which rows lie in the table. A range of tuple ids, and not a plain scan: that one may begin anywhere when another is under way. */
async function pageByPlace(connection: Connection, request: PositionRequest): Promise<PositionedPage> {
  const { table, limit, maxCell, signal, survey, maxOffset } = request;
  const kind = await kindOf(connection, table, survey, signal);
  const relation = relationOf(table, connection.kind);
  const { columns, list, width } = itemsOf(request, []);
  let position = request.position;
  let chosen = '';
  let isOpen = true;
  if (kind === 'none') {
    if (position < 0 || position > maxOffset) throw unreachable(displayName(table), `it has no key and no pages of its own, and is counted through only up to row ${maxOffset}`);
    chosen = `LIMIT ${limit} OFFSET ${position}`;
  } else {
    position = await absolute(connection, request);
    await reach(connection, { ...request, position }, () => position + limit - survey.counted);
    const [from, to] = [survey.before(position), survey.after(position + limit)];
    const until = to?.place[0] ?? (survey.isComplete || position + limit > survey.counted ? undefined : String(survey.nextPage));
    isOpen = until === undefined;
    chosen = `WHERE ctid >= '(${from?.place[0] ?? 0},0)'::tid${until === undefined ? '' : ` AND ctid < '(${until},0)'::tid ORDER BY ctid`} LIMIT ${limit} OFFSET ${position - (from?.position ?? 0)}`;
  }
  const read = await readText(connection, `SELECT ${list} FROM ${relation} ${chosen}`, width, signal);
  return { columns, ...cutRows(read, columns, maxCell), order: 'place', position, total: totalOf(request, isOpen ? position : null, read.length) };
}

/** @param position of a page that ends early only with the table; else null */
// oxlint-disable-next-line max-params -- a page and where it is
function totalOf({ table, limit, survey }: PositionRequest, position: number | null, found: number): PositionedPage['total'] {
  if (position !== null && found < limit && (found > 0 || position === 0)) return { rows: position + found, exact: true };
  return survey.isComplete ? { rows: survey.counted, exact: true } : estimateOf(table);
}

function tooFar({ table, survey }: PositionRequest): SluiceError {
  return unreachable(displayName(table), `its rows are counted to find that one, and so far that is up to row ${survey.counted}; asked again, it is counted further`);
}

function estimateOf({ estimatedRows }: TableSchema): { rows: number | null; exact: boolean } {
  return { rows: estimatedRows === undefined || estimatedRows < 0 ? null : Math.round(estimatedRows), exact: false };
}

function unreachable(table: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('POSITION_UNREACHABLE', { table, reason }, { table }, cause);
}
