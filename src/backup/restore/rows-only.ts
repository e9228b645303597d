/**
 * Restores rows into tables that are there (`--data-only`), the way an import goes: staged beside, then published together in one transaction, which takes keys off tables that are empty and builds them again. With a
 * condition (`--where`) everything is one transaction of one session, through a temporary table.
 */
import type { Connection, LoadSession, LoadTablePlan } from '../../connectors/connector.ts';
import type { RestoredTable, RestoreTarget } from '../../connectors/restore-target.ts';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { foreignKeyOrder } from '../../pipeline/foreign-key-order.ts';
import { LoadRun, type RoutedPart } from '../../pipeline/load-run.ts';
import type { TableReceipt } from '../../pipeline/receipt.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import type { MissingPart, PlannedTable, Transfer, TransferPlan, TransferResult } from '../../pipeline/transfer.ts';
import { COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import type { PartStream } from '../../rows/part.ts';
import { displayName, type TableName } from '../../rows/table-schema.ts';
import type { BackupRestoreOptions } from './options.ts';
import type { RestoreSource, SourcePart, SourceTable } from './restore-source.ts';
import { keptState } from './restore-state.ts';
import { isDamage } from './row-restore.ts';
import { isChosen } from './selection.ts';

export interface RowsOnlyParts {
  readonly options: BackupRestoreOptions;
  readonly context: RunContext;
  readonly source: RestoreSource;
  readonly connection: Connection;
  readonly missing: MissingPart[];
}

interface ChosenTable {
  readonly source: SourceTable;
  readonly plan: LoadTablePlan;
}

export async function planRowsOnly(parts: RowsOnlyParts): Promise<Transfer> {
  const { options, context, connection } = parts;
  if (options.where !== undefined && options.clean === true) throw new SluiceError('USAGE', { what: '--where and --clean exclude each other: what does not meet the condition would be gone' });
  const session = await connection.openLoad({ run: context.run, signal: context.signal, atOnce: true, resumable: options.where === undefined, resumes: context.resumed !== undefined, isDone: context.isDone });
  try {
    return new RowsOnly(parts, session, await chooseTables(parts, session));
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** Parents before children. Tables of the backup that the target has not are refused: their rows would be lost without a word. */
async function chooseTables({ options, source, connection }: RowsOnlyParts, session: LoadSession): Promise<ChosenTable[]> {
  const chosen = new Map<string, ChosenTable>();
  for await (const table of source.tables()) {
    if (!isChosen({ tables: options.tables, exclude: options.exclude }, table.name)) continue;
    const name = targetName(table.into, options);
    const existing = await connection.describeTable(name);
    if (existing === undefined) throw new SluiceError('TABLE_UNKNOWN', { table: displayName(name), connection: connection.name, suggestion: 'Leave it out with --exclude, choose others with --table, or restore without --data-only.' });
    const columns = (table.shape.columns ?? existing.columns.filter(({ filled }) => filled !== 'generated').map((column) => column.name)).map((column) => existing.columns.find(({ name: own }) => own === column) ?? { name: column, type: { kind: 'text' as const }, nullable: true });
    if (columns.length === 0) {
      // Nothing of its rows but their number.
      if (table.rows === 0) continue;
      throw new SluiceError('OPTION_UNSUPPORTED', { option: `--data-only of ${displayName(name)}`, context: 'here: it has no column that rows could fill. Leave it out with --exclude' }, { table: displayName(name) });
    }
    const plan = await session.plan({ table: name, mode: options.clean === true ? 'replace' : 'append', columns });
    chosen.set(displayName(existing), { source: table, plan });
  }
  if (chosen.size === 0) throw new SluiceError('BACKUP_EMPTY', { source: source.name });
  const references = await connection.listReferences();
  const { tables } = foreignKeyOrder([...chosen.keys()], references.map(({ table, parent }) => [displayName(table), displayName(parent)] as const));
  return tables.map((name) => chosen.get(name)!);
}

function targetName({ schema = 'public', name }: TableName, { mapSchemas }: BackupRestoreOptions): TableName {
  return { schema: mapSchemas?.[schema] ?? schema, name };
}

class RowsOnly implements Transfer {
  readonly plan: TransferPlan;
  suspended = false;
  readonly #parts: RowsOnlyParts;
  readonly #tables: readonly ChosenTable[];
  #session: LoadSession | undefined;

  constructor(parts: RowsOnlyParts, session: LoadSession, tables: readonly ChosenTable[]) {
    this.#parts = parts;
    this.#session = session;
    this.#tables = tables;
    const { source, connection, context } = parts;
    this.plan = { version: 1, job: 'restore', from: source.name, to: connection.name, jobs: context.jobs, tables: tables.map((table) => planned(table, source)), notes: notesOf(parts) };
  }

  async run(): Promise<TransferResult> {
    const { context, options } = this.#parts;
    const session = this.#session!;
    this.#session = undefined;
    context.progress({ type: 'phase', phase: 'moving', at: Date.now() });
    const tables = options.where === undefined ? await this.#load(session) : await this.#insertMatching(session, options.where);
    const { missing } = this.#parts;
    return { tables, warnings: notesOf(this.#parts), ...(missing.length === 0 ? {} : { missing }), forget: async () => session.forget?.() };
  }

  async giveUp(): Promise<void> {
    const session = this.#session!;
    if (await session.published?.() !== undefined) throw new SluiceError('DISCARD_REFUSED', { run: this.#parts.context.run, reason: 'its rows are published already' });
    this.#session = undefined;
    for (const { plan } of this.#tables) await session.begin(plan);
    await session.abort();
  }

  async close(): Promise<void> {
    const { connection, source } = this.#parts;
    const session = this.#session;
    this.#session = undefined;
    await (this.#parts.context.resumed === undefined ? session?.abort() : session?.suspend?.());
    await connection.close();
    await source.close();
  }

  async #load(session: LoadSession): Promise<TableReceipt[]> {
    const { context, options, source } = this.#parts;
    const published = await session.published?.();
    if (published !== undefined) return [...published].map(([name, { read, rejected, skipped, bytes, published: { written, skipped: left, duplicate } }]) => ({ name, read, written, rejected, duplicate, skipped: skipped + left, bytes }));
    context.keep(keptState(options, source, this.#parts.connection.name));
    this.suspended = true;
    const run = new LoadRun(session, this.#tables.map(({ plan }) => plan), context);
    try {
      return await run.move(this.#routed(run));
    } catch (error) {
      this.suspended = run.suspended;
      throw error;
    }
  }

  async *#routed(run: LoadRun): AsyncGenerator<RoutedPart, void, undefined> {
    for (const { source, plan } of this.#tables) {
      const load = await run.open(plan, { ...(source.rows === undefined ? {} : { rows: source.rows }), bytes: source.bytes, exact: source.rows !== undefined });
      const encoding: RowEncoding = source.shape.encoding === 'copy-binary' ? { kind: 'copy-binary', types: (source.types ?? []).map(withoutModifiers) } : COPY_TEXT;
      if (!load.accepts(encoding)) {
        const columns = plan.columns.map(({ nativeType }) => nativeType).join(', ');
        throw new SluiceError('OPTION_UNSUPPORTED', { option: `Loading ${plan.table}`, context: `with columns of other types: the backup has (${source.types?.join(', ')}), the table (${columns})` }, { table: plan.table });
      }
      for await (const part of source.parts(run.sourceSignal)) yield { table: plan.table, stream: this.#stream(part, encoding, plan.table) };
    }
  }

  #stream(part: SourcePart, encoding: RowEncoding, table: string): PartStream {
    return {
      part: { index: part.index, interval: { kind: 'whole' } }, encoding, chunks: part.chunks, release: () => void part.skip?.(),
      counts: () => ({ read: part.counts().rows, skipped: 0, bytes: part.counts().bytes }),
      locate: async () => ({ file: `${this.#parts.source.name}, ${table}, ${part.place}` }),
    };
  }

  /** Rows that are there already break the keys, and then nothing is restored. */
  async #insertMatching(session: LoadSession, where: string): Promise<TableReceipt[]> {
    await session.abort();
    const { connection, context } = this.#parts;
    const target = await connection.openRestore!({ run: context.run, signal: context.signal, resumes: false, noOwner: true, unqualified: false, clean: false, isDone: context.isDone });
    const receipts: TableReceipt[] = [];
    await target.inOneTransaction(async (copy) => {
      for (const { source: table, plan } of this.#tables) {
        const described = await this.#describe(target, plan, table);
        let read = 0, written = 0, bytes = 0;
        for await (const part of table.parts(context.signal)) {
          try {
            written += await copy(described, { ...table.shape, where }, part);
          } catch (error) {
            throw isDamage(error) ? toSluiceError(error).locatedAt({ table: plan.table, part: part.index }) : error;
          }
          read += part.counts().rows;
          bytes += part.counts().bytes;
        }
        receipts.push({ name: plan.table, read, written, rejected: 0, duplicate: 0, skipped: read - written, bytes });
      }
    });
    for (const note of notesOf(this.#parts)) context.progress({ type: 'note', message: note, at: Date.now() });
    return receipts;
  }

  async #describe(target: RestoreTarget, plan: LoadTablePlan, { name }: SourceTable): Promise<RestoredTable> {
    const [found] = await target.describe([{ name, into: plan.name }]);
    if (found === undefined) throw new SluiceError('TABLE_UNKNOWN', { table: plan.table, connection: this.#parts.connection.name, suggestion: 'It was there a moment ago.' });
    return found;
  }
}

/** What of the backup is not restored is said. */
function notesOf({ source, options }: RowsOnlyParts): string[] {
  return [...source.notes, ...(source.hasLargeObjects && options.tables === undefined ? ['Large objects of the backup are left out: --data-only restores rows of tables'] : [])];
}

/** `numeric(10,2)[]` as `numeric[]`: values of one type have one binary form. */
export function withoutModifiers(type: string): string {
  return type.replace(/\(\d+(?:,-?\d+)?\)/g, '');
}

function planned({ source, plan }: ChosenTable, { name }: RestoreSource): PlannedTable {
  return {
    name: plan.table, from: [name], encoding: source.shape.encoding, mode: plan.mode, creates: false, publication: plan.publication, columns: plan.columns.map((column) => ({ name: column.name, type: column.nativeType ?? column.type.kind })),
    parts: { rule: 'as in the backup', bytes: 2 * 1024 * 1024 }, expected: { ...(source.rows === undefined ? {} : { rows: source.rows }), bytes: source.bytes }, statements: plan.statements,
  };
}
