import { z } from 'zod';
import { connectionName, count, cursor, names, page, tableName } from './common.ts';
import { route } from './route-contract.ts';

const connection = z.object({
  name: z.string(),
  kind: z.enum(['postgres', 'duckdb', 'unknown']),
  url: z.string().describe('Without secrets'),
  origin: z.enum(['embedded', 'configuration', 'stored']).describe('Stored ones were made over HTTP and can be removed'),
});
export type ConnectionListing = z.infer<typeof connection>;

const testResult = z.object({ ok: z.boolean(), name: z.string(), version: z.string().nullable(), tables: z.int().nullable(), error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).nullable() });

const column = z.object({ name: z.string(), type: z.string(), nullable: z.boolean() });

const table = z.object({
  name: z.string(),
  columns: z.array(column),
  primaryKey: z.array(z.string()),
  estimatedRows: z.number().nullable(),
  estimatedBytes: z.number().nullable(),
});

const url = z.string().min(1).max(4000);
const nameParams = z.object({ connection: connectionName });
const tableParams = z.object({ connection: connectionName, table: tableName });
export const MAX_OFFSET = 100_000;
const MAX_POSITION = 1e12;

export const listConnections = route({
  id: 'listConnections', method: 'GET', path: '/api/v1/connections', access: 'viewer', tag: 'connections',
  summary: 'All connections, without secrets',
  success: { status: 200, description: 'By name', body: z.object({ items: z.array(connection) }) },
});

export const createConnection = route({
  id: 'createConnection', method: 'POST', path: '/api/v1/connections', access: 'admin', tag: 'connections',
  summary: 'Store a connection; its URL is encrypted at rest',
  body: z.strictObject({ name: connectionName, url }),
  success: { status: 201, description: 'Stored', body: connection },
});

export const removeConnection = route({
  id: 'removeConnection', method: 'DELETE', path: '/api/v1/connections/{connection}', access: 'admin', tag: 'connections',
  summary: 'Remove a stored connection',
  params: nameParams,
  success: { status: 204, description: 'Removed' },
});

export const tryConnection = route({
  id: 'tryConnection', method: 'POST', path: '/api/v1/connection-tests', access: 'admin', tag: 'connections',
  summary: 'Test a URL before it is stored',
  body: z.strictObject({ url }),
  success: { status: 200, description: 'What came of it', body: testResult },
});

export const testConnection = route({
  id: 'testConnection', method: 'POST', path: '/api/v1/connections/{connection}/test', access: 'operator', tag: 'connections',
  summary: 'Test a connection',
  params: nameParams,
  success: { status: 200, description: 'What came of it', body: testResult },
});

export const listTables = route({
  id: 'listTables', method: 'GET', path: '/api/v1/connections/{connection}/tables', access: 'viewer', tag: 'tables',
  summary: 'The tables of a database',
  params: nameParams,
  query: z.object({ search: z.string().max(300).optional(), cursor: cursor.optional(), limit: count(1, 1000).default(100) }),
  success: { status: 200, description: 'A page, by name', body: page(table) },
});

export const showTable = route({
  id: 'showTable', method: 'GET', path: '/api/v1/connections/{connection}/tables/{table}', access: 'viewer', tag: 'tables',
  summary: 'Columns, key and estimates of a table',
  params: tableParams,
  success: { status: 200, description: 'The table', body: table },
});

export const listRows = route({
  id: 'listRows', method: 'GET', path: '/api/v1/connections/{connection}/tables/{table}/rows', access: 'viewer', tag: 'tables',
  summary: 'Rows of a table, page by page or from a position',
  description: `With \`cursor\`, tables with a primary key are paged by it, however large they are; others by their place, up to row ${MAX_OFFSET}.
With \`position\`, rows are found anywhere and \`next\` is null. Tables of an embedded database are in the order of insertion, any position in some ten milliseconds, \`total\` exact. PostgreSQL has no positions: tables with a
primary key are in the order of the key, others as they lie. A position near a page that was shown in the last minute is counted through from there; the first that is far has the table surveyed (every so many rows a mark is kept, for ten
minutes), for at most 8 seconds a request: POSITION_UNREACHABLE says how far that is, and asked again it goes on. \`total\` is its estimate until all was counted. What others insert or delete meanwhile moves what is behind it. Views, foreign tables and
partitioned tables without a key are reached up to row ${MAX_OFFSET}. Values are the database's own text, null is NULL; no value passes through a number of JavaScript.`,
  params: tableParams,
  query: z.object({ columns: names.optional(), cursor: cursor.optional(), position: z.coerce.number().int().min(-MAX_POSITION).max(MAX_POSITION).optional().describe('From 0; negative: from the end, -1 is the last row. Not with `cursor`'), limit: count(1, 1000).default(100), maxCell: count(10, 100_000).default(1000).describe('Longer values are cut, and said to be; shorter ones, too, where rows and columns together would be more than 8 million characters') }),
  success: {
    status: 200, description: 'A page',
    body: z.object({
      columns: z.array(column),
      rows: z.array(z.array(z.string().nullable())),
      cut: z.array(z.tuple([z.int(), z.int()])).describe('Row and column of values that were cut'),
      order: z.enum(['key', 'place']),
      position: z.number().nullable().describe('Of the first row, where it was asked for and is known'),
      total: z.object({ rows: z.number().nullable(), exact: z.boolean() }).describe('Rows of the table; null: unknown'),
      next: z.string().nullable(),
    }),
  },
});

export const countTable = route({
  id: 'countTable', method: 'GET', path: '/api/v1/connections/{connection}/tables/{table}/count', access: 'viewer', tag: 'tables',
  summary: 'How many rows a table has: they are counted',
  description: 'Exactly, where 8 seconds are enough; else `exact` is false and `rows` an estimate: asked again, they are counted on from there.',
  params: tableParams,
  success: { status: 200, description: 'The count', body: z.object({ rows: z.int(), exact: z.boolean(), reachable: z.int().describe('How many of them `position` reaches') }) },
});

export const connectionContracts = [listConnections, createConnection, removeConnection, tryConnection, testConnection, listTables, showTable, listRows, countTable] as const;
