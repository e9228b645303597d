/**
 * A load that quarantines. The engine has no savepoints: a statement that fails takes its whole transaction with it, and with it every part before. So the rows wait in a scratch
 * database of their own, attached beside the target, where each part is one transaction: a part that fails leaves nothing there and can be tried again with care. When all
 * parts are in, the rows are judged (judgement.ts), the rejected ones handed over, and one transaction of the target takes the rest: publishing is still COMMIT.
 *
 * The price, also when no row is bad, is that rows are written twice, the second time from columns to columns and by all threads. The scratch database lies in the
 * engine's own temporary folder, which goes with the engine; it keeps no log, because nobody would read it again.
 *
 * The lane in which the engine reads a file itself is not taken: a part that fails there is the whole file, and cannot be taken apart. Every format that offers it offers text too. Only a table
 * whose values text cannot carry exactly is still loaded so, all or nothing.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { quoteIdentifier, quoteString, quoteTable } from '../../engine/quoting.ts';
import { textOf } from '../../engine/text-expressions.ts';
import type { LoadSession, LoadTablePlan, LoadTableSpec, PublishedCounts, PublishHooks, TableLoad } from '../connector.ts';
import { judge } from './judgement.ts';
import { planLoad, typesOf } from './load-plan.ts';
import { keepLast, mergeInto } from './merge-upsert.ts';
import { PublicationEntry } from './publication-entry.ts';
import { rowBatches } from './row-batches.ts';
import { SessionOfRun, type LoadSessionContext } from './session-of-run.ts';
import { ordinalName, StagedTable } from './staged-table.ts';
import { StagedTableLoad } from './staged-writer.ts';
import { LoadingTable } from './table-load.ts';

/** Names of attached databases are the engine's, not the connection's. */
let sessions = 0;

export class StagedLoadSession extends SessionOfRun implements LoadSession {
  readonly scratch = `sluice_staging_${sessions++}`;
  readonly #path: string;
  readonly #tables = new Map<string, StagedTable>();
  #connection: EngineConnection | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** @param folder for the scratch database */
  constructor(context: LoadSessionContext, folder: string) {
    super(context);
    this.#path = join(folder, `${this.scratch}.duckdb`);
  }

  async plan(spec: LoadTableSpec): Promise<LoadTablePlan> {
    const plan = await planLoad(this.context.catalog, spec, this.context.name);
    return { ...plan, publication: 'staged' };
  }

  async begin(plan: LoadTablePlan): Promise<TableLoad> {
    await this.#begun();
    const ordinal = ordinalName(plan);
    const quoted = this.quoted(`t${this.#tables.size}`);
    const rows = new LoadingTable(plan, { quoted, ordinal }, await typesOf(plan, this.context.catalog), this.runOptions(plan.table));
    const table = new StagedTable(plan, rows, ordinal);
    this.#tables.set(plan.table, table);
    return new StagedTableLoad(this, table);
  }

  async publish(hooks?: PublishHooks): Promise<ReadonlyMap<string, PublishedCounts>> {
    if (hooks === undefined) throw new SluiceError('INTERNAL', { reason: 'a load that quarantines is published without a place for the rows that it rejects' });
    const counts = new Map<string, PublishedCounts>();
    const connection = this.#connection;
    if (connection !== undefined) {
      await this.useThreads(this.context.threads);
      const ordered = await judge([...this.#tables.values()], { connection, run: (table) => this.runOptions(table) });
      const rejected = new Map<StagedTable, number>();
      for (const table of this.#tables.values()) rejected.set(table, await this.#handOver(table, hooks));
      await hooks.judged();
      for (const [table, published] of await this.#move(connection, ordered, rejected)) counts.set(table.plan.table, published);
      this.context.onPublished();
      await connection.run('CHECKPOINT').catch(() => undefined);
    }
    await this.#end();
    return counts;
  }

  async abort(): Promise<void> {
    await this.#end();
  }

  get connection(): EngineConnection {
    if (this.#connection === undefined) throw new SluiceError('INTERNAL', { reason: 'the load has ended' });
    return this.#connection;
  }

  /** The quoted name of a table in the scratch database. */
  quoted(name: string): string {
    return `${quoteIdentifier(this.scratch)}.${quoteTable({ name })}`;
  }

  /** Runs work in a transaction of the scratch database, alone; a failure leaves nothing of it. */
  transaction<T>(work: (connection: EngineConnection) => Promise<T>): Promise<T> {
    const now = this.#writing.then(() => inTransaction(this.connection, work));
    this.#writing = now.catch(() => undefined);
    return now;
  }

  /** Before the rows of a table: what it becomes stays when the part that needed it fails. */
  alone<T>(work: (connection: EngineConnection) => Promise<T>): Promise<T> {
    const now = this.#writing.then(() => work(this.connection));
    this.#writing = now.catch(() => undefined);
    return now;
  }

  async #begun(): Promise<void> {
    if (this.#ended) throw new SluiceError('INTERNAL', { reason: 'the load has ended' });
    if (this.#connection !== undefined) return;
    const connection = await this.context.connect();
    this.#connection = connection;
    if (this.context.resumable) await PublicationEntry.dropDone(connection, this.context.isDone, this.runOptions());
    await connection.run(`ATTACH ${quoteString(this.#path)} AS ${quoteIdentifier(this.scratch)} (RECOVERY_MODE 'no_wal_writes')`, { ...this.runOptions(), path: this.#path });
  }

  /** Gives the rejected rows away and takes them out. @returns how many */
  async #handOver(table: StagedTable, hooks: PublishHooks): Promise<number> {
    const { connection } = this;
    const { plan, ordinal, rows } = table;
    const run = this.runOptions(plan.table);
    const texts = rows.columns.map(({ name, type }, i) => {
      const text = `CAST(${textOf(type!, `s.${quoteIdentifier(name)}`, 'json')} AS VARCHAR)`;
      return `${table.hasAside ? `coalesce(${text}, (SELECT any_value(t) FROM ${table.aside} AS a WHERE a.o = r.o AND a.c = ${i}))` : text} AS x${i}`;
    });
    const select = `SELECT r.o, r.v, ${texts.join(', ')} FROM ${table.rejects} AS r JOIN ${table.quoted} AS s ON s.${ordinal} = r.o`;
    let rejected = 0;
    if (await connection.value(`SELECT 1 FROM ${table.rejects} LIMIT 1`, run) === undefined) return 0;
    for await (const batch of rowBatches(connection, { table: this.quoted('batches'), select, fields: texts.length, run })) {
      rejected += batch.length;
      await hooks.rejected(plan.table, batch.map((row) => table.rejection(row.ordinal, row.verdict, row.values)));
    }
    const removed = await connection.run(`DELETE FROM ${table.quoted} WHERE ${ordinal} IN (SELECT o FROM ${table.rejects})`, run);
    if (removed !== rejected) throw new SluiceError('INTERNAL', { reason: `${removed} rows of ${plan.table} were rejected, and ${rejected} were handed over` });
    return rejected;
  }

  /** The one transaction of the target: children go before parents, parents come before children. */
  async #move(connection: EngineConnection, tables: readonly StagedTable[], rejected: ReadonlyMap<StagedTable, number>): Promise<Map<StagedTable, PublishedCounts>> {
    const counts = new Map<StagedTable, PublishedCounts>();
    const duplicates = new Map<StagedTable, number>();
    for (const table of tables) {
      const { plan } = table;
      if (plan.mode === 'upsert') duplicates.set(table, await keepLast(connection, plan, table.quoted, table.ordinal, this.runOptions(plan.table)));
    }
    return inTransaction(connection, async () => {
      const removed = new Map<StagedTable, number>();
      for (const table of tables.toReversed()) {
        const { plan } = table;
        if (plan.mode === 'replace' && !plan.creates) removed.set(table, await connection.run(`DELETE FROM ${quoteTable(plan.name)}`, this.runOptions(plan.table)));
      }
      for (const table of tables) {
        const gone = removed.get(table);
        const written = await this.#insert(connection, table);
        counts.set(table, { written, skipped: 0, duplicate: duplicates.get(table) ?? 0, rejected: rejected.get(table) ?? 0, ...(gone === undefined ? {} : { removed: gone }) });
      }
      if (this.context.resumable) await this.#enter(connection, counts);
      return counts;
    });
  }

  async #enter(connection: EngineConnection, counts: ReadonlyMap<StagedTable, PublishedCounts>): Promise<void> {
    const published = new Map([...counts].map(([{ plan }, one]) => [plan.table, one]));
    await new PublicationEntry(this.context.run).write(connection, [...counts.keys()].map(({ rows }) => rows), published, this.runOptions());
  }

  /** @returns the rows that the target has more, or other */
  async #insert(connection: EngineConnection, table: StagedTable): Promise<number> {
    const { plan } = table;
    const run = this.runOptions(plan.table);
    const target = quoteTable(plan.name);
    if (plan.creates) {
      if (plan.name.schema !== undefined) await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(plan.name.schema)}`, run);
      await table.rows.createAs(connection, target, false);
    }
    const names = plan.columns.map((column) => quoteIdentifier(column.name)).join(', ');
    const count = async (): Promise<number> => Number(await connection.value(`SELECT count(*) FROM ${target}`, run));
    const before = await count();
    let merged = 0;
    for (const rows of waves(table)) {
      if (plan.mode === 'upsert' && !plan.creates) merged += await mergeInto(connection, plan, rows, run);
      else await connection.run(`INSERT INTO ${target} (${names}) SELECT ${names} FROM ${rows} AS s`, run);
    }
    return plan.mode === 'upsert' && !plan.creates ? merged : await count() - before;
  }

  async #end(): Promise<void> {
    this.#ended = true;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    await connection.run('ROLLBACK').catch(() => undefined);
    await connection.run(`DETACH ${quoteIdentifier(this.scratch)}`).catch(() => undefined);
    await connection.close();
    await unlink(this.#path).catch(() => undefined);
  }
}

async function inTransaction<T>(connection: EngineConnection, work: (connection: EngineConnection) => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await work(connection);
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw toSluiceError(error);
  }
}

/** What can be inserted at once: all of it, or of rows that refer to each other one generation. */
function waves(table: StagedTable): string[] {
  if (table.waves === 0) return [table.quoted];
  return Array.from({ length: table.waves }, (_, depth) => `(SELECT w.* FROM ${table.quoted} AS w JOIN ${table.depths} AS d ON w.${table.ordinal} = d.o WHERE d.depth = ${depth})`);
}
