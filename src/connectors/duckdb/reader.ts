/**
 * Reading: all tables of a run in one transaction on one connection, which is one consistent state. Statements run one after the other; the
 * engine is parallel inside each.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { columnTypeOf } from '../../engine/column-types.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import type { EngineColumn } from '../../engine/engine-type.ts';
import { hasFloat, parquetItems, WITHOUT_DICTIONARIES } from '../../engine/parquet-values.ts';
import { quoteIdentifier, quotePath, quoteString, quoteTable } from '../../engine/quoting.ts';
import { PIPE_ENCODINGS, readColumns, readParts } from '../../engine/read-parts.ts';
import { textOf, type ArrayText } from '../../engine/text-expressions.ts';
import { createFifo } from '../../io/fifo.ts';
import type { PartStream } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import type { NativeFileTarget, ReadTableRequest, TableReader, TablesReader } from '../connector.ts';

/** Stands for the name under which another engine attaches this file. */
const ATTACHED = 'sluice:attached';

export interface ReaderContext {
  /** The database file. */
  readonly path: string;
  /** Of the connection, for messages. */
  readonly name: string;
  readonly signal: AbortSignal;
}

export async function openTablesReader(connection: EngineConnection, requests: readonly ReadTableRequest[], context: ReaderContext): Promise<TablesReader> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  const tables: TableReader[] = [];
  for (const request of requests) tables.push(await openTable(connection, request, context));
  return { tables, close: () => connection.close() };
}

async function openTable(connection: EngineConnection, request: ReadTableRequest, context: ReaderContext): Promise<TableReader> {
  if (request.kind === 'query') return openQuery(connection, request.name, request.sql, context);
  const { table, columns, where } = request;
  const wanted = columns === undefined ? table.columns : columns.map((name) => columnNamed(table, name));
  // On a line of its own, so that a comment at its end does not swallow the bracket.
  const relation = `${quoteTable(table)}${where === undefined ? '' : ` WHERE (${where}\n)`}`;
  const items = wanted.map((column) => quoteIdentifier(column.name)).join(', ');
  const userSql = where !== undefined;
  if (userSql && !(await connection.isSingleQuery(`SELECT 1 FROM ${relation}`).catch(() => true))) throw severalStatements();
  const found = await connection.columns(`SELECT ${items} FROM ${relation}`, { userSql, table: displayName(table), connection: context.name });
  const counted = await connection.value(`SELECT count(*) FROM ${relation}`, { userSql, signal: context.signal });
  const schema = { ...table, columns: wanted, primaryKey: columns === undefined ? table.primaryKey : [], estimatedRows: Number(counted) };
  return new EngineTableReader(connection, { schema, columns: found, relation, where, userSql, count: Number(counted) }, context);
}

async function openQuery(connection: EngineConnection, name: string, sql: string, context: ReaderContext): Promise<TableReader> {
  const query = sql.replace(/[;\s]+$/, '');
  if (!(await connection.isSingleQuery(query))) throw severalStatements();
  const columns = await connection.columns(query, { userSql: true, connection: context.name });
  const schema: TableSchema = {
    name,
    columns: columns.map((column) => ({ name: column.name, type: columnTypeOf(column.type), nullable: true, nativeType: column.type.sql })),
    primaryKey: [],
    indexes: [],
  };
  return new EngineTableReader(connection, { schema, columns, relation: `(${query}\n)`, where: undefined, userSql: true, count: undefined }, context);
}

function severalStatements(): SluiceError {
  return new SluiceError('QUERY_INVALID', { reason: 'it must be one SELECT statement' });
}

function columnNamed(table: TableSchema, name: string): TableSchema['columns'][number] {
  const column = table.columns.find((one) => one.name === name);
  if (column !== undefined) return column;
  const suggestion = `There is: ${table.columns.slice(0, 20).map((one) => `"${one.name}"`).join(', ')}.`;
  throw new SluiceError('COLUMN_UNKNOWN', { table: displayName(table), column: name, suggestion }, { table: displayName(table), column: name });
}

interface ReadTable {
  readonly schema: TableSchema;
  readonly columns: readonly EngineColumn[];
  /** What stands after FROM. */
  readonly relation: string;
  readonly where: string | undefined;
  readonly userSql: boolean;
  /** The table's own count in this state; a query is not run twice only to be counted. */
  readonly count: number | undefined;
}

class EngineTableReader implements TableReader {
  readonly schema: TableSchema;
  readonly #connection: EngineConnection;
  readonly #table: ReadTable;
  readonly #context: ReaderContext;

  constructor(connection: EngineConnection, table: ReadTable, context: ReaderContext) {
    this.schema = table.schema;
    this.#connection = connection;
    this.#table = table;
    this.#context = context;
  }

  encodings(): readonly RowEncoding[] {
    return [{ kind: 'file' }, ...PIPE_ENCODINGS];
  }

  async *parts(encoding: RowEncoding, options: { partBytes: number; arrays: ArrayText; signal: AbortSignal }): AsyncGenerator<PartStream, void, undefined> {
    if (encoding.kind === 'file') {
      yield this.#attachedPart();
      return;
    }
    yield* readParts({
      connection: this.#connection, columns: readColumns(this.#table.columns), relation: this.#table.relation,
      encoding, ...options, openPipe: createFifo, table: displayName(this.schema), context: this.#errorContext(),
    });
  }

  async writeFile(target: NativeFileTarget, signal: AbortSignal): Promise<{ read: number; written: number }> {
    const { columns, relation, count } = this.#table;
    const items = target.format === 'parquet'
      ? parquetItems(columns.map(({ name, type }) => ({ name, type, expression: quoteIdentifier(name) })))
      : columns.map(({ name, type }) => `${textOf(type, quoteIdentifier(name), 'json')} AS ${quoteIdentifier(name)}`).join(', ');
    const options = target.format === 'parquet' ? `${parquetOptions(target)}${await this.#dictionaries(signal)}` : csvOptions(target);
    const statement = `COPY (SELECT ${items} FROM ${relation}) TO ${quoteString(target.path)} (${options}, USE_TMP_FILE false)`;
    const copied = await this.#connection.run(statement, { ...this.#errorContext(), path: target.path, signal });
    const written = target.format === 'parquet'
      ? Number(await this.#connection.value(`SELECT sum(num_rows) FROM parquet_file_metadata(${quotePath(target.path)})`, { path: target.path, signal }))
      : copied;
    return { read: count ?? copied, written };
  }

  /** The option that keeps negative zeros, where there are any: a table is asked, a query is not run twice for that. */
  async #dictionaries(signal: AbortSignal): Promise<string> {
    const { columns, relation, count } = this.#table;
    const floats = columns.filter(({ type }) => hasFloat(type));
    if (floats.length === 0) return '';
    if (count === undefined || floats.some(({ type }) => type.kind !== 'scalar')) return WITHOUT_DICTIONARIES;
    const names = floats.map(({ name }) => quoteIdentifier(name));
    const negativeZero = names.map((name) => `(${name} = 0 AND signbit(${name}))`).join(' OR ');
    const found = await this.#connection.value(`SELECT count(*) FROM (SELECT 1 FROM (SELECT ${names.join(', ')} FROM ${relation}) WHERE ${negativeZero} LIMIT 1)`, { ...this.#errorContext(), signal });
    return Number(found) === 0 ? '' : WITHOUT_DICTIONARIES;
  }

  /** Between two DuckDB files: the other end's engine reads this file by itself, with every type as it is. */
  #attachedPart(): PartStream {
    const { schema, columns, count, where } = this.#table;
    if (count === undefined) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'A query', context: 'as the source of a copy between DuckDB files' });
    const table = `${quoteIdentifier(ATTACHED)}.${quoteTable(schema)}`;
    return {
      part: { index: 0, interval: { kind: 'whole' } },
      encoding: { kind: 'file' },
      firstRow: 1,
      chunks: noChunks(),
      counts: () => ({ read: count, skipped: 0, bytes: 0 }),
      file: {
        path: this.#context.path,
        relation: where === undefined ? table : `(SELECT * FROM ${table} WHERE (${where}\n))`,
        expressions: columns.map((column) => quoteIdentifier(column.name)),
        attach: ATTACHED,
      },
    };
  }

  #errorContext(): { connection: string; table: string; userSql: boolean } {
    return { connection: this.#context.name, table: displayName(this.schema), userSql: this.#table.userSql };
  }
}

async function* noChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  // The engine at the other end reads by itself.
}

function parquetOptions(target: NativeFileTarget): string {
  return `FORMAT parquet, COMPRESSION ${target.compression === 'none' ? 'uncompressed' : target.compression}`;
}

function csvOptions(target: NativeFileTarget): string {
  const { delimiter, header } = target.csv ?? { delimiter: ',', header: true };
  return `FORMAT csv, HEADER ${header}, DELIMITER ${quoteString(delimiter)}, QUOTE '"', ESCAPE '"', NULLSTR '', COMPRESSION ${target.compression}`;
}
