/** Reads tables and queries in one snapshot, each table in parts. */
import type { ReadTableRequest, TableReader, TablesReader } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { PartStream } from '../../rows/part.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type MeasuredKind, type TableSchema } from '../../rows/table-schema.ts';
import { describeTypes, findTables, publicColumn, type CatalogColumn, type CatalogTable } from './catalog.ts';
import { copyOut, type CopyOutCounts } from './copy-out.ts';
import { describeStatement } from './describe-statement.ts';
import type { Session } from './driver.ts';
import { measureColumns } from './measure-columns.ts';
import { planParts, queryStatement, readUnits, type PlannedPart, type Selection } from './part-plan.ts';
import { Snapshot } from './snapshot.ts';
import { qualifiedName } from './sql.ts';

export interface ReaderParts {
  /** Outside of the snapshot, for the catalog. */
  readonly control: Session;
  readonly open: () => Promise<Session>;
  readonly jobs: number;
  readonly defaultSchema: string | undefined;
  readonly signal: AbortSignal;
}

type PartOptions = Parameters<TableReader['parts']>[1];

/** @throws SluiceError TABLE_UNKNOWN, COLUMN_UNKNOWN, QUERY_INVALID, PERMISSION_DENIED */
export async function openTablesReader(requests: readonly ReadTableRequest[], parts: ReaderParts): Promise<TablesReader> {
  const found = await findRequested(requests, parts);
  const lockNames = [...found.values()].filter((table) => table.kind === 'table' || table.kind === 'partitioned');
  const locks = await lockable(lockNames, parts);
  const snapshot = await Snapshot.take(parts.open, parts.jobs, locks, parts.signal);
  try {
    // Read again under the lock: nobody changes these tables any more.
    const locked = await findRequested(requests, parts);
    const tables: TableReader[] = [];
    for (const request of requests) {
      tables.push(request.kind === 'query' ? await queryReader(request, snapshot, parts) : await relationReader(request, locked.get(displayName(request.table))!, snapshot, parts));
    }
    return { tables, close: () => snapshot.close() };
  } catch (error) {
    await snapshot.close();
    throw error;
  }
}

/** By display name, as requested. */
async function findRequested(requests: readonly ReadTableRequest[], { control, defaultSchema, signal }: ReaderParts): Promise<Map<string, CatalogTable>> {
  const names = requests.flatMap((request) => (request.kind === 'table' ? [request.table] : []));
  const tables = await findTables(control, names, defaultSchema, signal);
  return new Map(names.map((name, i) => {
    const table = tables[i];
    if (table !== undefined) return [displayName(name), table];
    throw new SluiceError('TABLE_UNKNOWN', { table: displayName(name), connection: control.target.name, suggestion: 'It was there before: something has dropped or renamed it.' }, { table: displayName(name) });
  }));
}

/** LOCK TABLE asks for the right to read the whole table; who may read single columns only goes without. */
async function lockable(tables: readonly CatalogTable[], { control, signal }: ReaderParts): Promise<string[]> {
  if (tables.length === 0) return [];
  const { rows } = await control.query(`SELECT pg_catalog.has_table_privilege(oid, 'SELECT') FROM pg_catalog.unnest('{${tables.map((table) => table.oid).join(',')}}'::oid[]) WITH ORDINALITY AS t(oid, n) ORDER BY n`, { signal });
  return tables.filter((_, i) => rows[i][0] === 't').map((table) => `${table.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(table.name)}`);
}

async function relationReader(request: ReadTableRequest & { kind: 'table' }, table: CatalogTable, snapshot: Snapshot, parts: ReaderParts): Promise<TableReader> {
  const { where } = request;
  const columns = request.columns === undefined ? table.columns : request.columns.map((name) => columnNamed(table, name));
  if (where !== undefined) await checkCondition(table, where, snapshot, parts);
  const schema = readSchema(table, columns, where !== undefined);
  return new PostgresTableReader(schema, columns, snapshot, async function* plan(encoding, { partBytes, arrays, signal }) {
    const units = await snapshot.withCoordinator((session) => readUnits(session, table.oid, { signal, table: displayName(schema) }));
    yield* planParts(units, { columns, where, arrays, encoding }, partBytes);
  }, where !== undefined, canScanTwice(table) ? rowsOf(table, where) : undefined);
}

/** A view or a foreign table may answer otherwise, or at great cost, when it is asked again. */
function canScanTwice({ kind }: CatalogTable): boolean {
  return kind === 'table' || kind === 'partitioned' || kind === 'materialized';
}

function rowsOf(table: CatalogTable, where: string | undefined): string {
  return `${table.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(table.name)}${where === undefined ? '' : ` WHERE (${where}\n)`}`;
}

function columnNamed(table: CatalogTable, name: string): CatalogColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  const facts = { table: displayName(table.schema), column: name, suggestion: `It has: ${table.columns.map((known) => known.name).join(', ')}` };
  throw new SluiceError('COLUMN_UNKNOWN', facts, { table: displayName(table.schema), column: name });
}

/** Only what is read: a key that is not read whole is none, and an estimate says nothing of a condition. */
function readSchema(table: CatalogTable, columns: readonly CatalogColumn[], isFiltered: boolean): TableSchema {
  const { estimatedRows, estimatedBytes, ...schema } = table.schema;
  const names = new Set(columns.map((column) => column.name));
  const estimates = { ...(estimatedRows === undefined ? {} : { estimatedRows }), ...(estimatedBytes === undefined ? {} : { estimatedBytes }) };
  return {
    ...schema,
    columns: columns.map(publicColumn),
    primaryKey: schema.primaryKey.every((name) => names.has(name)) ? schema.primaryKey : [],
    ...(isFiltered ? {} : estimates),
  };
}

async function checkCondition(table: CatalogTable, where: string, snapshot: Snapshot, { signal }: ReaderParts): Promise<void> {
  const sql = `SELECT 1 FROM ${qualifiedName(table.name)} WHERE (${where}\n)`;
  await snapshot.withCoordinator((session) => describeStatement(session, sql, { table: displayName(table.schema), signal }));
}

async function queryReader(request: ReadTableRequest & { kind: 'query' }, snapshot: Snapshot, { signal }: ReaderParts): Promise<TableReader> {
  // One statement is meant; a semicolon at its end is habit.
  const sql = request.sql.replace(/[;\s]+$/, '');
  const columns = await snapshot.withCoordinator(async (session) => {
    const fields = await describeStatement(session, sql, { table: request.name, signal });
    if (fields === undefined) throw new SluiceError('QUERY_INVALID', { reason: 'it returns no rows' }, { table: request.name });
    return describeTypes(session, fields, signal);
  });
  const schema: TableSchema = { name: request.name, columns: columns.map(publicColumn), primaryKey: [], indexes: [] };
  return new PostgresTableReader(schema, columns, snapshot, async function* plan(encoding, { arrays }) {
    yield { interval: { kind: 'whole' }, sql: queryStatement(sql, { columns, where: undefined, arrays, encoding }), unit: undefined };
  }, true);
}

type Plan = (encoding: RowEncoding, options: PartOptions) => AsyncGenerator<PlannedPart, void, undefined>;

class PostgresTableReader implements TableReader {
  readonly schema: TableSchema;
  readonly #columns: readonly CatalogColumn[];
  readonly #snapshot: Snapshot;
  readonly #plan: Plan;
  /** Part of the statement is the user's own text. */
  readonly #isQuery: boolean;
  /** Only where the rows can be scanned once more. */
  readonly measuredSchema?: (kinds: readonly MeasuredKind[], signal: AbortSignal) => Promise<TableSchema>;

  constructor(schema: TableSchema, columns: readonly CatalogColumn[], snapshot: Snapshot, plan: Plan, isQuery: boolean, relation?: string) {
    this.schema = schema;
    this.#columns = columns;
    this.#snapshot = snapshot;
    this.#plan = plan;
    this.#isQuery = isQuery;
    if (relation !== undefined) this.measuredSchema = (kinds, signal) => this.#measure(relation, kinds, signal);
  }

  encodings(arrays: Selection['arrays']): readonly RowEncoding[] {
    const isPortable = this.#columns.every((column) => column.portable && !(arrays === 'json' && column.type.kind === 'array'));
    const binary: RowEncoding[] = isPortable ? [{ kind: 'copy-binary', types: this.#columns.map((column) => column.binaryType) }] : [];
    return [...binary, CANONICAL_CSV, COPY_TEXT];
  }

  /** @param relation the rows as SQL after FROM */
  async #measure(relation: string, kinds: readonly MeasuredKind[], signal: AbortSignal): Promise<TableSchema> {
    const columns = await this.#snapshot.withCoordinator((session) => measureColumns(session, this.schema.columns, kinds, relation, { signal, table: displayName(this.schema) }));
    return { ...this.schema, columns };
  }

  async *parts(encoding: RowEncoding, options: PartOptions): AsyncGenerator<PartStream, void, undefined> {
    let index = 0;
    for await (const part of this.#plan(encoding, options)) yield this.#stream(part, index++, encoding, options.signal);
  }

  #stream({ interval, sql, unit }: PlannedPart, index: number, encoding: RowEncoding, signal: AbortSignal): PartStream {
    const counts: CopyOutCounts = { rows: 0, bytes: 0, arrived: 0 };
    const copyOptions = { binary: encoding.kind === 'copy-binary', table: displayName(this.schema), signal, isQuery: this.#isQuery };
    return {
      part: { index, interval },
      encoding,
      framed: true,
      chunks: this.#snapshot.read(unit, (session) => copyOut(session, sql, copyOptions, counts), signal),
      counts: () => ({ read: counts.rows, skipped: 0, bytes: counts.bytes, arrived: counts.arrived }),
    };
  }
}
