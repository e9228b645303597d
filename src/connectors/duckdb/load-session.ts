/**
 * A load: one transaction for everything a run loads, so that publishing is COMMIT and aborting ROLLBACK. The engine takes one writer; it is
 * parallel inside a statement. DuckDB has no savepoints: after a failed statement the transaction is lost, and so is the session.
 */
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import { displayName, type TableName } from '../../rows/table-schema.ts';
import type { LoadSession, LoadTablePlan, LoadTableSpec, PublishedCounts, TableLoad } from '../connector.ts';
import { planLoad, typesOf } from './load-plan.ts';
import { keepLast, mergeInto, rejectNullKeys } from './merge-upsert.ts';
import { PublicationEntry } from './publication-entry.ts';
import { SessionOfRun } from './session-of-run.ts';
import { DuckdbTableLoad } from './table-writer.ts';
import { LoadingTable } from './table-load.ts';

export class DuckdbLoadSession extends SessionOfRun implements LoadSession {
  readonly #tables = new Map<string, LoadingTable>();
  #connection: EngineConnection | undefined;
  #failure: SluiceError | undefined;
  #attached = 0;
  #ended = false;

  plan(spec: LoadTableSpec): Promise<LoadTablePlan> {
    return planLoad(this.context.catalog, spec, this.context.name);
  }

  async begin(plan: LoadTablePlan): Promise<TableLoad> {
    const connection = await this.#begun();
    const run = this.runOptions(plan.table);
    const table = await this.guarded(async () => {
      const types = await typesOf(plan, this.context.catalog);
      const staged = plan.mode === 'upsert' && !plan.creates;
      const landing = staged ? stagingName(plan, this.#tables.size) : plan.name;
      const loading = new LoadingTable(plan, { quoted: quoteTable(landing), ...(landing.schema === undefined ? {} : { schema: landing.schema }) }, types, run);
      if (staged) await this.#createStaging(connection, loading, plan, run);
      if (plan.mode === 'replace' && !plan.creates) loading.removed = await connection.run(`DELETE FROM ${quoteTable(plan.name)}`, run);
      if (!plan.creates) loading.before = staged ? 0 : await this.#count(connection, plan.name, run);
      return loading;
    });
    this.#tables.set(plan.table, table);
    return new DuckdbTableLoad(this, table);
  }

  async publish(): Promise<ReadonlyMap<string, PublishedCounts>> {
    if (this.#failure !== undefined) throw this.#failure;
    const counts = new Map<string, PublishedCounts>();
    const connection = this.#connection;
    if (connection !== undefined) {
      await this.guarded(async () => {
        await this.useThreads(this.context.threads);
        for (const [name, table] of this.#tables) counts.set(name, await this.#complete(connection, table));
        if (this.context.resumable) await new PublicationEntry(this.context.run).write(connection, [...this.#tables.values()], counts, this.runOptions());
        await connection.run('COMMIT', this.runOptions());
      });
      this.context.onPublished();
      // Moves the rows out of the log, so that the file alone is the database. Another open transaction only puts it off.
      await connection.run('CHECKPOINT').catch(() => undefined);
    }
    await this.#end();
    return counts;
  }

  async abort(): Promise<void> {
    await this.#end();
  }

  /** The session's connection, within its transaction. @throws the failure that ended the transaction */
  get connection(): EngineConnection {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#connection!;
  }

  /** Runs work inside the transaction; any failure ends the session. */
  async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#failure ??= toSluiceError(error);
      throw this.#failure;
    }
  }

  /** True while nothing but this table would be lost by starting the transaction anew. */
  isAlone(table: LoadingTable): boolean {
    return table.inserted === 0 && table.plan.creates && this.#tables.size === 1 && this.#attached === 0;
  }

  /** Undoes everything, for a session that `isAlone` with its table. */
  async startAnew(): Promise<void> {
    await this.#connection!.run('ROLLBACK');
    await this.#connection!.run('BEGIN TRANSACTION');
  }

  /** Makes another DuckDB file readable in this transaction. @returns its name within statements */
  async attach(path: string, quotedPath: string): Promise<string> {
    const alias = `sluice_source_${this.#attached++}`;
    await this.connection.run(`ATTACH ${quotedPath} AS ${quoteIdentifier(alias)} (READ_ONLY)`, { ...this.runOptions(), path });
    return alias;
  }

  async #begun(): Promise<EngineConnection> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new SluiceError('INTERNAL', { reason: 'the load has ended' });
    if (this.#connection === undefined) {
      this.#connection = await this.context.connect();
      if (this.context.resumable) await PublicationEntry.dropDone(this.#connection, this.context.isDone, this.runOptions());
      await this.#connection.run('BEGIN TRANSACTION', this.runOptions());
    }
    return this.#connection;
  }

  async #createStaging(connection: EngineConnection, loading: LoadingTable, plan: LoadTablePlan, run: RunOptions): Promise<void> {
    const columns = plan.columns.map((column) => quoteIdentifier(column.name)).join(', ');
    // A table of the file and not a temporary one: those spill without compression.
    await connection.run(`CREATE TABLE ${loading.quoted} AS SELECT ${columns} FROM ${quoteTable(plan.name)} LIMIT 0`, run);
  }

  async #complete(connection: EngineConnection, table: LoadingTable): Promise<PublishedCounts> {
    const { plan } = table;
    const run = this.runOptions(plan.table);
    await table.finish(connection);
    if (plan.mode !== 'upsert') {
      const written = await this.#count(connection, plan.name, run) - table.before;
      await table.addKey(connection);
      return { written, skipped: 0, duplicate: 0, ...(table.removed === undefined ? {} : { removed: table.removed }) };
    }
    await rejectNullKeys(connection, plan, table.quoted, run);
    const duplicate = await keepLast(connection, plan, table.quoted, 'rowid', run);
    if (plan.creates) {
      await table.addKey(connection);
      return { written: await this.#count(connection, plan.name, run), skipped: 0, duplicate };
    }
    const written = await mergeInto(connection, plan, table.quoted, run);
    await connection.run(`DROP TABLE ${table.quoted}`, run);
    return { written, skipped: 0, duplicate };
  }

  async #count(connection: EngineConnection, table: TableName, run: RunOptions): Promise<number> {
    return Number(await connection.value(`SELECT count(*) FROM ${quoteTable(table)}`, run));
  }

  /** Leaving a connection rolls its transaction back. */
  async #end(): Promise<void> {
    this.#ended = true;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      await connection.run('ROLLBACK').catch(() => undefined);
      for (let i = 0; i < this.#attached; i++) await connection.run(`DETACH ${quoteIdentifier(`sluice_source_${i}`)}`).catch(() => undefined);
      await connection.close();
    }
  }
}

function stagingName(plan: LoadTablePlan, number: number): TableName {
  return { ...plan.name, name: `sluice_staging_${number}_${displayName(plan.name)}`.slice(0, 200) };
}
