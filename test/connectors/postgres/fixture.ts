// What the tests of the PostgreSQL connector share: a database of one's own, loading from text, reading into text.
import pg from 'pg';
import type { Connection, LoadTableSpec, PublishedCounts, ReadTableRequest, TableReader } from '../../../src/connectors/connector.ts';
import { postgresConnector } from '../../../src/connectors/postgres/postgres-connector.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';
import type { PartStream } from '../../../src/rows/part.ts';
import { CANONICAL_CSV, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import type { Column } from '../../../src/rows/table-schema.ts';
import { createDatabase } from '../../helpers/postgres-server.ts';

export interface Database {
  readonly url: string;
  readonly admin: pg.Client;
  /** Rows as arrays of the server's text. */
  sql(text: string): Promise<(string | null)[][]>;
  close(): Promise<void>;
}

export async function openDatabase(url?: string): Promise<Database> {
  const own = url ?? (await createDatabase());
  const admin = new pg.Client({ connectionString: own, types: { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig });
  admin.on('error', () => undefined);
  await admin.connect();
  return {
    url: own,
    admin,
    sql: async (text) => {
      const result: pg.QueryResult | pg.QueryResult[] = await admin.query({ text, rowMode: 'array' });
      const last = Array.isArray(result) ? result.at(-1) : result;
      return (last?.rows ?? []) as (string | null)[][];
    },
    close: () => admin.end(),
  };
}

export function connect(url: string, options: { signal?: AbortSignal; jobs?: number; env?: NodeJS.ProcessEnv } = {}): Promise<Connection> {
  return postgresConnector.connect(url, {
    signal: options.signal ?? new AbortController().signal,
    jobs: options.jobs ?? 2,
    engineMemoryBytes: 0,
    applicationName: 'sluice test',
    create: false,
    env: options.env ?? { HOME: '/nonexistent' },
  });
}

export function columns(spec: Record<string, ColumnType | string>): Column[] {
  return Object.entries(spec).map(([name, type]) => ({ name, nullable: true, type: typeof type === 'string' ? ({ kind: type } as ColumnType) : type }));
}

export const INTEGER: ColumnType = { kind: 'integer', bits: 32 };

/** A part made of these chunks. */
export function partOf(index: number, chunks: Iterable<string | Uint8Array> | AsyncIterable<Uint8Array>, encoding: RowEncoding = CANONICAL_CSV): PartStream {
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  return { part: { index, interval: { kind: 'whole' } }, encoding, chunks: bytes(), counts: () => ({ read: 0, skipped: 0, bytes: 0 }) };
}

/** Loads parts of CSV text into one table and publishes; parts are written by `jobs` writers at once. */
export async function loadCsv(connection: Connection, spec: LoadTableSpec, parts: readonly string[], options: { encoding?: RowEncoding; run?: string } = {}): Promise<PublishedCounts> {
  const session = await connection.openLoad({ run: options.run ?? 'test', signal: new AbortController().signal });
  try {
    const load = await session.begin(await session.plan(spec));
    await Promise.all(parts.map(async (text, index) => {
      const writer = await load.openWriter();
      try {
        await writer.write(partOf(index, [text], options.encoding), () => undefined);
      } finally {
        await writer.close();
      }
    }));
    return [...(await session.publish()).values()][0];
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** All parts of a table, in order, as one text, and what their counts say. */
export async function readAll(reader: TableReader, kind: RowEncoding['kind'] = 'csv', options: { partBytes?: number; arrays?: 'postgres' | 'json' } = {}): Promise<{ bytes: Buffer; rows: number; parts: PartStream[] }> {
  const arrays = options.arrays ?? 'postgres';
  const encoding = reader.encodings(arrays).find((offered) => offered.kind === kind);
  if (encoding === undefined) throw new Error(`no ${kind} is offered`);
  const chunks: Buffer[] = [];
  const parts: PartStream[] = [];
  let rows = 0;
  for await (const part of reader.parts(encoding, { partBytes: options.partBytes ?? 1 << 20, arrays, signal: new AbortController().signal })) {
    for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
    rows += part.counts().read;
    parts.push(part);
  }
  return { bytes: Buffer.concat(chunks), rows, parts };
}

export async function readText(connection: Connection, request: ReadTableRequest, kind: RowEncoding['kind'] = 'csv', arrays: 'postgres' | 'json' = 'postgres'): Promise<string> {
  const reader = await connection.openReader([request]);
  try {
    return (await readAll(reader.tables[0], kind, { arrays })).bytes.toString();
  } finally {
    await reader.close();
  }
}

export async function tableRequest(connection: Connection, name: string, extra: { columns?: readonly string[]; where?: string } = {}): Promise<ReadTableRequest> {
  const table = await connection.describeTable({ name });
  if (table === undefined) throw new Error(`no table ${name}`);
  return { kind: 'table', table, ...extra };
}

/** Waits until the server has no more than these sessions of ours (the last ones may just be ending); gives their number. */
export async function openSessions(database: Database, expected: number): Promise<number> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const [[count]] = await database.sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice test' AND datname = current_database()`);
    if (Number(count) <= expected || Date.now() > deadline) return Number(count);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
