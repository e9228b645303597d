import type { FastifyReply } from 'fastify';
import { redactText } from '../../config/redact.ts';
import { z } from 'zod';
import type { Connection } from '../../connectors/connector.ts';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { reportError } from '../../jobs/receipt.ts';
import { typeName } from '../../rows/column-type.ts';
import { displayName, type Column, type TableSchema } from '../../rows/table-schema.ts';
import { suggest } from '../../transfer/column-matching.ts';
import { parseTableName } from '../../transfer/import-target.ts';
import { readPageAt } from '../../transfer/table-position.ts';
import { countRows, readPage } from '../../transfer/table-page.ts';
import { extendSurvey } from '../../transfer/table-survey.ts';
import type { ServerContext } from '../context.ts';
import { countTable, createConnection, listConnections, listRows, listTables, MAX_OFFSET, removeConnection, showTable, testConnection, tryConnection } from '../contracts/connections.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Router } from '../http/router.ts';
import { surveyAnew } from '../runs/table-memory.ts';
import { present } from '../present.ts';
import { namesOf } from './import.ts';

/** Well within the time of a look. */
const SURVEY_MS = 8000;
/** Several that ask at once get the same. */
const COUNT_KEPT_MS = 5000;

/** Of the values of a page, together. */
const PAGE_CHARACTERS = 8_000_000;
const LEAST_CELL = 10;

const tableCursor = z.strictObject({ after: z.string().max(1000) });
const rowCursor = z.union([z.strictObject({ key: z.array(z.string().max(10_000)).min(1).max(100) }), z.strictObject({ offset: z.int().min(0).max(MAX_OFFSET) })]);

export function bindConnections(router: Router, context: ServerContext): void {
  const { connections, looks } = context;
  router.bind(listConnections, () => ({ items: connections.list() }));
  router.bind(createConnection, ({ body }) => connections.add(body.name, body.url));
  router.bind(removeConnection, ({ params }) => connections.remove(params.connection));
  router.bind(tryConnection, async ({ body }) => test(await connections.checkedUrl(body.url), context));
  router.bind(testConnection, ({ params }) => test(connections.urlOf(params.connection), context));
  router.bind(listTables, ({ params, query }) => looks.look(connections.urlOf(params.connection), async (connection) => {
    const after = decodeCursor(query.cursor, tableCursor)?.after;
    const wanted = query.search?.toLowerCase();
    const tables = (await connection.listTables()).map((table) => ({ name: displayName(table), table }))
      .filter(({ name }) => (wanted === undefined || name.toLowerCase().includes(wanted)) && (after === undefined || name > after))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
    const page = tables.slice(0, query.limit);
    return { items: page.map(({ table }) => tableAnswer(table)), next: tables.length > query.limit ? encodeCursor({ after: page.at(-1)!.name }) : null };
  }));
  router.bind(showTable, ({ params }) => looks.look(connections.urlOf(params.connection), async (connection) => tableAnswer(await tableOf(connection, params.table))));
  router.bind(countTable, ({ params, reply }) => looks.look(connections.urlOf(params.connection), async (connection, signal) => {
    const table = await tableOf(connection, params.table);
    return count(connection, table, { url: connections.urlOf(params.connection), signal }, context);
  }, goneSignal(reply)));
  router.bind(listRows, ({ params, query, reply }) => looks.look(connections.urlOf(params.connection), async (connection, signal) => {
    const table = await tableOf(connection, params.table);
    if (query.position !== undefined) return pageAt(connection, table, { ...query, position: query.position, url: connections.urlOf(params.connection), signal }, context);
    const from = decodeCursor(query.cursor, rowCursor);
    if (from !== undefined && ('key' in from ? from.key.length !== table.primaryKey.length || from.key.some((value) => value.includes('\0')) : table.primaryKey.length > 0)) throw new SluiceError('REQUEST_INVALID', { what: 'cursor is none of this table' });
    const { columns, rows, cut, order, next } = await readPage(connection, { table, limit: query.limit, maxCell: cellOf(query, table), signal, ...present({ columns: namesOf(query.columns, 'columns'), from }) });
    const isTooFar = next !== undefined && 'offset' in next && next.offset > MAX_OFFSET;
    return { columns: columns.map(columnAnswer), rows: rows.map((row) => [...row]), cut: cut.map(([row, column]) => [row, column] as [number, number]), order, position: null, total: { rows: table.estimatedRows ?? null, exact: false }, next: next === undefined || isTooFar ? null : encodeCursor(next) };
  }, goneSignal(reply)));
}

function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => { if (!raw.writableFinished) gone.abort(); });
  return gone.signal;
}

/** All rows, or as many as can be counted in the time that a look may take; asked again, on from there. What is whole is counted anew. */
// oxlint-disable-next-line max-params -- the table, and what is asked of it
async function count(connection: Connection, table: TableSchema, { url, signal }: { readonly url: string; readonly signal: AbortSignal }, { tables }: ServerContext) {
  if (connection.kind === 'duckdb') {
    const rows = await countRows(connection, table, signal);
    return { rows, exact: true, reachable: rows };
  }
  const memory = await tables.of(url, displayName(table));
  if (memory.survey.isComplete && Date.now() - memory.surveySince > COUNT_KEPT_MS) surveyAnew(memory);
  const { survey } = memory;
  await extendSurvey(connection, table, survey, { milliseconds: SURVEY_MS, signal });
  if (survey.kind === 'none') {
    const rows = await countRows(connection, table, signal);
    return { rows, exact: true, reachable: Math.min(rows, MAX_OFFSET) };
  }
  return survey.isComplete ? { rows: survey.counted, exact: true, reachable: survey.counted } : { rows: Math.max(Math.round(table.estimatedRows ?? 0), survey.counted), exact: false, reachable: survey.counted };
}

/** How much of a value is shown: less than was asked for where so many rows and columns would make a page that is too large to be held. */
function cellOf({ limit, maxCell, columns }: Pick<PositionQuery, 'limit' | 'maxCell' | 'columns'>, table: TableSchema): number {
  const width = namesOf(columns, 'columns')?.length ?? table.columns.length;
  return Math.max(LEAST_CELL, Math.min(maxCell, Math.floor(PAGE_CHARACTERS / (limit * Math.max(1, width)))));
}

interface PositionQuery {
  readonly position: number;
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly maxCell: number;
  readonly columns?: string | string[] | undefined;
  readonly url: string;
  readonly signal: AbortSignal;
}

// oxlint-disable-next-line max-params -- the table, and what is asked of it
async function pageAt(connection: Connection, table: TableSchema, query: PositionQuery, { tables }: ServerContext) {
  if (query.cursor !== undefined) throw new SluiceError('REQUEST_INVALID', { what: 'position and cursor exclude each other' });
  const memory = await tables.of(query.url, displayName(table));
  const { position, limit, signal } = query;
  const page = await readPageAt(connection, { table, position, limit, maxCell: cellOf(query, table), signal, maxOffset: MAX_OFFSET, anchors: memory.anchors, survey: memory.survey, surveyMs: SURVEY_MS, extent: memory.extent, ...present({ columns: namesOf(query.columns, 'columns') }) });
  memory.extent = page.extent;
  return { columns: page.columns.map(columnAnswer), rows: page.rows.map((row) => [...row]), cut: page.cut.map(([row, column]) => [row, column] as [number, number]), order: page.order, position: page.position, total: { ...page.total }, next: null };
}

async function test(url: string, { looks }: ServerContext): Promise<{ ok: boolean; name: string; version: string | null; tables: number | null; error: { code: string; message: string; hint: string } | null }> {
  try {
    return await looks.look(url, async (connection) => ({ ok: true, name: connection.name, version: connection.serverVersion, tables: (await connection.listTables()).length, error: null }));
  } catch (error) {
    const { code, message, hint } = reportError(toSluiceError(error));
    return { ok: false, name: redactText(url), version: null, tables: null, error: { code, message, hint } };
  }
}

async function tableOf(connection: Connection, name: string): Promise<TableSchema> {
  const table = await connection.describeTable(parseTableName(name));
  if (table !== undefined) return table;
  throw new SluiceError('TABLE_UNKNOWN', { table: name, connection: connection.name, suggestion: suggest(name, (await connection.listTables()).map(displayName)) }, { table: name });
}

function tableAnswer(table: TableSchema): { name: string; columns: ReturnType<typeof columnAnswer>[]; primaryKey: string[]; estimatedRows: number | null; estimatedBytes: number | null } {
  return { name: displayName(table), columns: table.columns.map(columnAnswer), primaryKey: [...table.primaryKey], estimatedRows: table.estimatedRows ?? null, estimatedBytes: table.estimatedBytes ?? null };
}

function columnAnswer(column: Column): { name: string; type: string; nullable: boolean } {
  return { name: column.name, type: column.nativeType ?? typeName(column.type), nullable: column.nullable };
}
