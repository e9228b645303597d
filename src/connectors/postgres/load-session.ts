/**
 * Everything that one run loads into one database. Tables that the run creates take their parts directly; so do tables without keys and
 * triggers, where what was added can be found again; all others through staging tables. One transaction publishes all tables.
 */
import type { LoadOptions, LoadSession, LoadTablePlan, LoadTableSpec, PublishedCounts, PublishHooks, TableLoad } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { findTables } from './catalog.ts';
import type { Session } from './driver.ts';
import { checkCascades, planExistingTable, planNewTable } from './load-plan.ts';
import { Publisher } from './publisher.ts';
import { Serial } from './serial.ts';
import { SessionPool } from './session-pool.ts';
import { fitIdentifier, qualifiedName, quoteIdentifier } from './sql.ts';
import { createTableSql, rowColumn, stagingTableSql } from './table-ddl.ts';
import { PostgresTableLoad, targetDestination, type Destination } from './table-load.ts';
import { readTargetFacts } from './target-facts.ts';

export interface LoadSessionParts {
  readonly open: (signal: AbortSignal) => Promise<Session>;
  /** The connection's own session, for the catalog: plans need no other. */
  readonly withControl: <T>(work: (session: Session) => Promise<T>) => Promise<T>;
  readonly connection: string;
  readonly jobs: number;
  readonly defaultSchema: string | undefined;
}

/** Dropping a table waits for its readers; an abort does not wait for ever. */
const CLEANUP_PATIENCE = '10s';

export class PostgresLoadSession implements LoadSession {
  readonly #parts: LoadSessionParts;
  readonly #run: string;
  readonly #options: LoadOptions;
  readonly #signal: AbortSignal;
  readonly #writers: SessionPool;
  readonly #serial = new Serial();
  readonly #loads: PostgresTableLoad[] = [];
  readonly #created: string[] = [];
  readonly #createdSchemas: string[] = [];
  /** By table; each is written by one writer at a time. */
  readonly #staging = new Map<string, { all: Destination[]; free: Destination[] }>();
  /** Oids of the tables that this run replaces. */
  readonly #replaced = new Set<string>();
  #gaps: string | undefined;
  #main: Session | undefined;
  #isOver = false;

  constructor(parts: LoadSessionParts, options: LoadOptions) {
    this.#parts = parts;
    this.#run = options.run;
    this.#options = options;
    this.#signal = options.signal;
    this.#writers = new SessionPool(parts.jobs, () => parts.open(options.signal));
  }

  async plan(spec: LoadTableSpec): Promise<LoadTablePlan> {
    const { jobs, defaultSchema } = this.#parts;
    const { onError = 'stop' } = this.#options;
    const options = { signal: this.#signal, table: spec.table.name };
    return this.#parts.withControl(async (session) => {
      const [target] = await findTables(session, [fittedName(spec)], defaultSchema, this.#signal);
      if (target === undefined) return planNewTable(spec, { session, jobs, defaultSchema, onError }, options);
      if (spec.mode === 'replace') this.#replaced.add(target.oid);
      return planExistingTable(spec, target, await readTargetFacts(session, target, options), { jobs, onError });
    });
  }

  begin(plan: LoadTablePlan): Promise<TableLoad> {
    return this.#serial.run(async () => {
      const main = await this.#mainSession();
      if (plan.creates) await this.#create(main, plan);
      const [target] = await findTables(main, [plan.name], undefined, this.#signal);
      if (target === undefined) throw new SluiceError('TABLE_UNKNOWN', { table: plan.table, connection: this.#parts.connection, suggestion: 'It was there when the run was planned.' }, { table: plan.table });
      const facts = await readTargetFacts(main, target, { signal: this.#signal, table: plan.table });
      checkCascades(plan, facts, this.#replaced);
      this.#staging.set(plan.table, { all: [], free: [] });
      const load = new PostgresTableLoad({
        plan, target, facts,
        signal: this.#signal,
        acquire: () => this.#writers.acquire(),
        release: (session) => this.#writers.release(session),
        takeDestination: () => this.#takeDestination(plan),
        takeGaps: () => this.#takeGaps(),
        returnDestination: (destination) => void this.#staging.get(plan.table)!.free.push(destination),
      });
      this.#loads.push(load);
      return load;
    });
  }

  async publish(hooks?: PublishHooks): Promise<ReadonlyMap<string, PublishedCounts>> {
    try {
      await this.#writers.close();
      if (this.#main === undefined) return new Map();
      const publisher = new Publisher(this.#main, this.#loads, {
        stagingOf: (plan) => this.#staging.get(plan.table)!.all.map(({ name }) => name),
        gaps: this.#gaps, signal: this.#signal, disableTriggers: this.#options.disableTriggers === true,
        hooks: this.#options.onError === 'quarantine' ? hooks : undefined,
      });
      const counts = await publisher.publish(() => this.#parts.open(new AbortController().signal));
      this.#isOver = true;
      await this.close();
      return counts;
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#writers.close();
    try {
      await this.#serial.run(() => this.#undo());
    } finally {
      await this.close();
    }
  }

  /** Ends the sessions; what was neither published nor aborted is aborted. */
  async close(): Promise<void> {
    if (!this.#isOver) await this.abort();
    await this.#writers.close();
    await this.#main?.close();
  }

  async #mainSession(): Promise<Session> {
    this.#main ??= await this.#parts.open(this.#signal);
    return this.#main;
  }

  async #create(main: Session, plan: LoadTablePlan): Promise<void> {
    const options = { signal: this.#signal, table: plan.table };
    const schema = plan.name.schema!;
    const exists = await main.query('SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)', { ...options, values: [schema] });
    const isNewSchema = exists.rows[0][0] !== 't';
    // Noted before: after a lost answer the abort looks for them. A table that was there before is never noted.
    await main.query('BEGIN', options);
    try {
      if (isNewSchema) await main.query(`CREATE SCHEMA ${quoteIdentifier(schema)}`, options);
      await main.query(createTableSql(plan), options);
      if (isNewSchema) this.#createdSchemas.push(quoteIdentifier(schema));
      this.#created.push(qualifiedName(plan.name));
      await main.query('COMMIT', { table: plan.table });
    } catch (error) {
      if (main.usable) await main.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** The target itself, or a staging table that no writer has: made when there is none. */
  #takeDestination(plan: LoadTablePlan): Promise<Destination> {
    if (plan.publication !== 'staged') return Promise.resolve(targetDestination(plan));
    const staging = this.#staging.get(plan.table)!;
    const free = staging.free.pop();
    if (free !== undefined) return Promise.resolve(free);
    return this.#serial.run(async () => {
      const main = await this.#mainSession();
      const options = { signal: this.#signal, table: plan.table };
      const number = [...this.#staging.values()].reduce((sum, { all }) => sum + all.length, 1);
      const name = qualifiedName({ schema: plan.name.schema!, name: fitIdentifier(`sluice_${this.#run}_${number}`) });
      const destination: Destination = { name, sequence: undefined };
      staging.all.push(destination);
      await main.query(stagingTableSql(plan, name), options);
      const { rows } = await main.query('SELECT pg_catalog.pg_get_serial_sequence($1, $2)', { ...options, values: [name, rowColumn(plan)] });
      const made = { name, sequence: rows[0][0]! };
      staging.all[staging.all.indexOf(destination)] = made;
      return made;
    });
  }

  #takeGaps(): Promise<string> {
    return this.#serial.run(async () => {
      if (this.#gaps !== undefined) return this.#gaps;
      const main = await this.#mainSession();
      const schema = this.#loads.find(({ plan }) => plan.publication === 'staged')!.plan.name.schema!;
      this.#gaps = qualifiedName({ schema, name: fitIdentifier(`sluice_${this.#run}_gaps`) });
      await main.query(`CREATE UNLOGGED TABLE ${this.#gaps} (load oid, before bigint, gap bigint, PRIMARY KEY (load, before, gap))`, { signal: this.#signal });
      return this.#gaps;
    });
  }

  /** Leaves the database as it was. Without a connection to it nothing can be done: the error that led here says so. */
  async #undo(): Promise<void> {
    const staging = [...this.#staging.values()].flatMap(({ all }) => all.map(({ name }) => name));
    if (this.#gaps !== undefined) staging.push(this.#gaps);
    const changed = this.#loads.filter((load) => load.needsUndo && load.transactions.length > 0);
    if (staging.length + this.#created.length + changed.length + this.#createdSchemas.length === 0) return;
    try {
      await this.#main?.close();
      this.#main = await this.#parts.open(new AbortController().signal);
      await this.#undoWith(this.#main, [...staging, ...this.#created], changed);
    } catch (error) {
      if (!(error instanceof SluiceError && error.retryable)) throw error;
    }
  }

  async #undoWith(session: Session, tables: readonly string[], changed: readonly PostgresTableLoad[]): Promise<void> {
    await session.query(`BEGIN; SET LOCAL lock_timeout TO '${CLEANUP_PATIENCE}'`);
    for (const table of tables) await session.query(`DROP TABLE IF EXISTS ${table}`);
    for (const load of changed) await session.query(undoSql(load), { table: load.plan.table });
    await session.query('COMMIT');
    // Only where nobody has put anything else into it meanwhile.
    for (const schema of this.#createdSchemas) await session.query(`DROP SCHEMA IF EXISTS ${schema}`).catch(() => undefined);
  }
}

/**
 * The rows that these transactions of ours have added, found by the transaction that wrote them. Rows that somebody has updated since are
 * his now and stay. There is an undo only where the counter of transactions has never started again (target-facts.ts), and no trigger.
 */
function undoSql(load: PostgresTableLoad): string {
  const only = load.target.kind === 'table' ? 'ONLY ' : '';
  return `DELETE FROM ${only}${qualifiedName(load.plan.name)} WHERE xmin = ANY ('{${load.transactions.join(',')}}'::pg_catalog.xid[])`;
}

function fittedName(spec: LoadTableSpec): LoadTableSpec['table'] {
  return { ...spec.table, name: fitIdentifier(spec.table.name) };
}
