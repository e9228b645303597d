/**
 * What the conformance suites ask of a database besides its connector: a way in that owes nothing to Sluice, and short forms of the calls of
 * the Connection contract.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Connection, ConnectorKind, LoadSession, LoadTablePlan, LoadTableSpec, PublishedCounts, ReadTableRequest, TableLoad, TableReader } from '../../src/connectors/connector.ts';
import { connectorFor } from '../../src/connectors/registry.ts';
import type { PartStream } from '../../src/rows/part.ts';
import { COPY_TEXT } from '../../src/rows/row-encoding.ts';
import type { TableName } from '../../src/rows/table-schema.ts';

/** A row as text by column; null is NULL. */
export type Row = readonly (string | null)[];

export interface DatabaseUnderTest {
  readonly kind: ConnectorKind;
  /** A new empty database; gives its URL. */
  createDatabase(): Promise<string>;
  /** Runs statements in a session of their own; the last one's rows as text. An embedded database must not be open elsewhere. */
  sql(url: string, text: string): Promise<Row[]>;
  /** What a run left behind that is neither a user's table nor its rows: sessions, staging tables, files. Empty is right. */
  leftovers(url: string): Promise<string[]>;
  readonly traits: Traits;
}

/** Where the databases rightly differ. */
export interface Traits {
  /** Two sessions may be open at once, also from other processes. */
  readonly server: boolean;
  readonly mostColumns: number;
  /** `A` and `a` are two names. */
  readonly caseSensitive: boolean;
  /** Longest name in bytes. */
  readonly longestName: number;
}

export const never = new AbortController().signal;

/** A folder for the whole file, removed at its end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-conformance-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface ConnectChoice {
  readonly signal?: AbortSignal;
  readonly jobs?: number;
  readonly create?: boolean;
}

export async function connect(url: string, { signal = never, jobs = 2, create = true }: ConnectChoice = {}): Promise<Connection> {
  const connector = await connectorFor(url);
  return connector.connect(url, { signal, jobs, create, engineMemoryBytes: 512 * 1024 * 1024, applicationName: 'sluice test', env: { HOME: '/nonexistent' } });
}

export async function withConnection<T>(url: string, work: (connection: Connection) => Promise<T>, choice: ConnectChoice = {}): Promise<T> {
  const connection = await connect(url, choice);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\b': '\\b', '\f': '\\f', '\v': '\\v' };

/** A record in the copy-text encoding. */
export function copyText(row: Row): string {
  // oxlint-disable-next-line no-control-regex -- these are what the encoding escapes
  return `${row.map((value) => value?.replace(/[\\\t\n\r\b\f\v]/g, (character) => ESCAPES[character]) ?? '\\N').join('\t')}\n`;
}

/** Records of the copy-text encoding as rows; written only from its definition in row-encoding.ts. */
export function parseCopyText(text: string): Row[] {
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new Error('the last record is not ended');
  const letters = new Map(Object.entries(ESCAPES).map(([character, escape]) => [escape[1], character]));
  return text.slice(0, -1).split('\n').map((line) => line.split('\t').map((field) => (field === '\\N' ? null : field.replace(/\\(.)/gsu, (_, letter: string) => letters.get(letter) ?? letter))));
}

export function copyTextPart(index: number, rows: Iterable<Row> | AsyncIterable<Row>, onEnd: () => void = () => undefined): PartStream {
  let read = 0;
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const row of rows) {
        const record = Buffer.from(copyText(row));
        read++;
        bytes += record.length;
        yield record;
      }
    } finally {
      onEnd();
    }
  }
  return { part: { index, interval: { kind: 'whole' } }, encoding: COPY_TEXT, chunks: chunks(), firstRow: 1, counts: () => ({ read, skipped: 0, bytes }) };
}

/** Writes one part with a writer of its own. */
export async function writePart(load: TableLoad, index: number, rows: Iterable<Row> | AsyncIterable<Row>): Promise<number> {
  const writer = await load.openWriter();
  try {
    return (await writer.write(copyTextPart(index, rows), () => undefined)).written;
  } finally {
    await writer.close();
  }
}

/** Loads one table by the contract, each list of rows as a part, and publishes. A failure aborts. */
export async function loadRows(connection: Connection, spec: LoadTableSpec, parts: readonly (readonly Row[])[]): Promise<PublishedCounts> {
  const { counts } = await inSession(connection, async (session) => {
    const load = await session.begin(await session.plan(spec));
    for (const [index, rows] of parts.entries()) await writePart(load, index, rows);
    return load.plan;
  });
  return [...counts.values()][0];
}

/** Does the work in a load session; publishes what it did, aborts when it fails. */
export async function inSession<T>(connection: Connection, work: (session: LoadSession) => Promise<T>, signal: AbortSignal = never): Promise<{ result: T; counts: ReadonlyMap<string, PublishedCounts> }> {
  const session = await connection.openLoad({ run: `t${Math.random().toString(36).slice(2, 10)}`, signal });
  try {
    const result = await work(session);
    return { result, counts: await session.publish() };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

export async function planOf(connection: Connection, spec: LoadTableSpec): Promise<LoadTablePlan> {
  const session = await connection.openLoad({ run: 'planonly', signal: never });
  try {
    return await session.plan(spec);
  } finally {
    await session.abort();
  }
}

export interface ReadChoice {
  readonly columns?: readonly string[];
  readonly where?: string;
  readonly partBytes?: number;
}

export async function tableRequest(connection: Connection, name: TableName, { columns, where }: ReadChoice = {}): Promise<ReadTableRequest> {
  const table = await connection.describeTable(name);
  if (table === undefined) throw new Error(`there is no table ${name.name}`);
  return { kind: 'table', table, ...(columns === undefined ? {} : { columns }), ...(where === undefined ? {} : { where }) };
}

/** All rows of an open table as text, arrays as JSON. */
export async function drainReader(reader: TableReader, partBytes = 64 * 1024): Promise<Row[]> {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const part of reader.parts(COPY_TEXT, { partBytes, arrays: 'json', signal: never })) {
    for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
    read += part.counts().read;
  }
  const rows = parseCopyText(Buffer.concat(chunks).toString());
  if (rows.length !== read) throw new Error(`${rows.length} rows came, and ${read} were counted`);
  return rows;
}

export async function readRows(connection: Connection, table: TableName | string, choice: ReadChoice = {}): Promise<Row[]> {
  const request = await tableRequest(connection, typeof table === 'string' ? { name: table } : table, choice);
  const reader = await connection.openReader([request]);
  try {
    return await drainReader(reader.tables[0], choice.partBytes);
  } finally {
    await reader.close();
  }
}

/** Rows in an order of their own, for tables that have none. */
export function sorted(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

export async function tableNames(connection: Connection): Promise<string[]> {
  return (await connection.listTables()).map(({ name }) => name).sort();
}

/** The error that the work must end with. */
export async function failureOf(work: Promise<unknown>): Promise<Error & { code: string; at: Record<string, unknown>; hint: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error & { code: string; at: Record<string, unknown>; hint: string };
  }
  throw new Error('no error was thrown');
}
