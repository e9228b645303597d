import type { Connection, LoadSession, LoadTablePlan, TableReader, TablesReader } from '../connectors/connector.ts';
import { connectorFor } from '../connectors/registry.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { negotiate } from '../pipeline/negotiate.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { typeName } from '../rows/column-type.ts';
import { describeEncoding } from '../rows/row-encoding.ts';
import { displayName, type Column, type TableName } from '../rows/table-schema.ts';
import { matchColumns } from './column-matching.ts';
import { parseTableName } from './import-target.ts';
import { LoadRun, type RoutedPart } from '../pipeline/load-run.ts';
import { requestsFor } from './read-requests.ts';
import type { PlannedTable, Transfer, TransferPlan, TransferResult } from '../pipeline/transfer.ts';
import type { CopyOptions } from './transfer.ts';

/** A table that is copied: what is read, and how it is loaded. */
interface CopiedTable {
  readonly reader: TableReader;
  readonly load: LoadTablePlan;
}

/**
 * Prepares the copy of tables from one database to another in one consistent state of the source.
 * @throws SluiceError of both connectors
 */
export async function planCopy(options: CopyOptions, context: RunContext): Promise<Transfer> {
  context.progress({ type: 'phase', phase: 'planning', at: Date.now() });
  const common = { signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes, applicationName: `sluice copy ${context.run}`, env: context.env };
  const open: { close(): Promise<void> }[] = [];
  try {
    const from = await (await connectorFor(options.from)).connect(options.from, { ...common, create: false });
    open.unshift(from);
    const to = await (await connectorFor(options.to)).connect(options.to, { ...common, create: true, planOnly: context.planOnly });
    open.unshift(to);
    const requests = await requestsFor(from, options);
    if (options.table !== undefined && requests.length > 1) throw new SluiceError('USAGE', { what: 'A target table can only be named when one table is copied' });
    const reader = await from.openReader(requests);
    open.unshift(reader);
    const session = await to.openLoad({ run: context.run, signal: context.signal });
    const tables: CopiedTable[] = [];
    for (const table of reader.tables) tables.push({ reader: table, load: await planTable(table, options, from, to, session) });
    return new CopyTransfer(from, to, reader, session, tables, context);
  } catch (error) {
    for (const resource of open) await resource.close();
    throw error;
  }
}

async function planTable(reader: TableReader, options: CopyOptions, from: Connection, to: Connection, session: LoadSession): Promise<LoadTablePlan> {
  const name = targetName(reader, options, from, to);
  const existing = await to.describeTable(name);
  const table = displayName(name);
  const loadable = existing?.columns.filter((column) => column.filled !== 'generated').map((column) => column.name);
  const { fields } = matchColumns(reader.schema.columns, loadable, {}, table, displayName(reader.schema));
  const columns = fields.map(({ source, column }): Column => ({ ...source, name: column }));
  return session.plan({
    table: name,
    mode: options.mode,
    columns,
    primaryKey: reader.schema.primaryKey.filter((key) => columns.some((column) => column.name === key)),
    ...(options.key === undefined ? {} : { key: options.key }),
    nativeTypesOf: from.kind,
  });
}

/** Another kind of database has other schemas: only the table's own name goes there. */
function targetName(reader: TableReader, options: CopyOptions, from: Connection, to: Connection): TableName {
  if (options.table !== undefined) return parseTableName(options.table);
  const { schema, name } = reader.schema;
  return schema === undefined || from.kind !== to.kind ? { name } : { schema, name };
}

class CopyTransfer implements Transfer {
  readonly plan: TransferPlan;
  readonly #from: Connection;
  readonly #to: Connection;
  readonly #reader: TablesReader;
  readonly #tables: readonly CopiedTable[];
  readonly #context: RunContext;
  #session: LoadSession | undefined;

  constructor(from: Connection, to: Connection, reader: TablesReader, session: LoadSession, tables: readonly CopiedTable[], context: RunContext) {
    this.#from = from;
    this.#to = to;
    this.#reader = reader;
    this.#session = session;
    this.#tables = tables;
    this.#context = context;
    const planned = tables.map((table) => describeCopy(table, context));
    this.plan = { version: 1, job: 'copy', from: from.name, to: to.name, jobs: context.jobs, tables: planned, notes: [] };
  }

  async run(): Promise<TransferResult> {
    const session = this.#session!;
    this.#session = undefined;
    this.#context.progress({ type: 'phase', phase: 'moving', at: Date.now() });
    const run = new LoadRun(session, this.#tables.map((table) => table.load), this.#context);
    const tables = await run.move(this.#parts(run));
    return { tables, warnings: [] };
  }

  async close(): Promise<void> {
    await this.#session?.abort();
    await this.#reader.close();
    await this.#to.close();
    await this.#from.close();
  }

  async *#parts(run: LoadRun): AsyncGenerator<RoutedPart, void, undefined> {
    for (const { reader, load: plan } of this.#tables) {
      const rows = reader.schema.estimatedRows;
      const load = await run.open(plan, { ...(rows === undefined || rows <= 0 ? {} : { rows }), exact: false });
      const encoding = negotiate(reader.encodings(load.arrays), (offered) => load.accepts(offered), plan.table);
      const parts = reader.parts(encoding, { partBytes: this.#context.partBytes, arrays: load.arrays, signal: run.sourceSignal });
      for await (const stream of parts) yield { table: plan.table, stream };
    }
  }
}

function describeCopy({ reader, load }: CopiedTable, context: RunContext): PlannedTable {
  const { estimatedRows, estimatedBytes } = reader.schema;
  return {
    name: load.table,
    from: [displayName(reader.schema)],
    encoding: reader.encodings('json').map(describeEncoding).join(' or '),
    mode: load.mode,
    creates: load.creates,
    publication: load.publication,
    columns: load.columns.map((column) => ({ name: column.name, type: column.nativeType ?? typeName(column.type) })),
    parts: { rule: 'page ranges', bytes: context.partBytes },
    expected: { ...(estimatedRows === undefined ? {} : { rows: estimatedRows }), ...(estimatedBytes === undefined ? {} : { bytes: estimatedBytes }) },
    statements: load.statements,
  };
}
