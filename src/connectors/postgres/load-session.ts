/**
 * Everything that one run loads into one database. Tables that the run creates take their parts directly; so do tables without keys and
 * triggers, where what was added can be found again; all others through staging tables. One transaction publishes all tables.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommittedParts, LoadOptions, LoadSession, LoadTablePlan, LoadTableSpec, PublishedCounts, PublishedTable, PublishHooks, TableLoad } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { TableName } from '../../rows/table-schema.ts';
import { findTables, type CatalogTable } from './catalog.ts';
import type { QueryOptions, Session } from './driver.ts';
import { EarlyPublication } from './early-publication.ts';
import { Ledger, type MadeObject, type PartEntry } from './ledger.ts';
import { inTransaction, MadeObjects } from './made-objects.ts';
import { checkCascades, planExistingTable, planNewTable } from './load-plan.ts';
import { Publisher } from './publisher.ts';
import { RestoreLedger } from './restore-ledger.ts';
import { Serial } from './serial.ts';
import { SessionPool } from './session-pool.ts';
import { fitIdentifier, qualifiedName, quoteIdentifier } from './sql.ts';
import { createTableSql, stagingTableSql } from './table-ddl.ts';
import { PostgresTableLoad, targetDestination, type Destination } from './table-load.ts';
import { readTargetFacts, type TargetFacts } from './target-facts.ts';

interface KnownTable {
  readonly target: CatalogTable;
  readonly facts: TargetFacts;
}

export interface LoadSessionParts {
  /** A table that was just described on this connection, once: asking again costs a hundredth of a second. */
  readonly described: (name: TableName) => CatalogTable | undefined;
  readonly open: (signal: AbortSignal) => Promise<Session>;
  /** The connection's own session, for the catalog: plans need no other. */
  readonly withControl: <T>(work: (session: Session) => Promise<T>) => Promise<T>;
  readonly connection: string;
  readonly jobs: number;
  readonly defaultSchema: string | undefined;
}

/** How long a server that went away is waited for, to learn what it has committed: the pauses add up to about half a minute. */
const LONGEST_PAUSE_MS = 12_800;
const PUBLICATION_TRIES = 5;
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
  /** Also by earlier sessions of the run. */
  readonly #made: MadeObjects;
  #ledger: Ledger | undefined;
  #isTakenUp = false;
  /** By table; each is written by one writer at a time. */
  readonly #staging = new Map<string, { all: Destination[]; free: Destination[] }>();
  /** Oids of the tables that this run replaces. */
  readonly #replaced = new Set<string>();
  /** By table: tables that were there when they were planned. */
  readonly #planned = new Map<string, KnownTable>();
  #gaps: string | undefined;
  #early: EarlyPublication | undefined;
  #main: Session | undefined;
  #isOver = false;

  constructor(parts: LoadSessionParts, options: LoadOptions) {
    this.#parts = parts;
    this.#run = options.run;
    this.#options = options;
    this.#signal = options.signal;
    this.#made = new MadeObjects(() => this.#ledger, options.signal);
    this.#writers = new SessionPool(parts.jobs, () => parts.open(options.signal));
  }

  async plan(spec: LoadTableSpec): Promise<LoadTablePlan> {
    const { jobs, defaultSchema } = this.#parts;
    const { onError = 'stop', atOnce = false } = this.#options;
    const options = { signal: this.#signal, table: spec.table.name };
    return this.#parts.withControl(async (session) => {
      const name = fittedName(spec);
      const target = this.#parts.described(name) ?? (await findTables(session, [name], defaultSchema, this.#signal))[0];
      if (target === undefined) return planNewTable(spec, { session, jobs, defaultSchema, onError }, options);
      if (spec.mode === 'replace') this.#replaced.add(target.oid);
      const facts = await readTargetFacts(session, target, options);
      const plan = planExistingTable(spec, target, facts, { jobs, onError, atOnce });
      this.#planned.set(plan.table, { target, facts });
      return plan;
    });
  }

  begin(plan: LoadTablePlan): Promise<TableLoad> {
    return this.#serial.run(async () => {
      const main = await this.#mainSession();
      await this.#openLedger(main, plan);
      const isMade = this.#made.ofKind('table').some(({ name }) => name === qualifiedName(plan.name));
      if (plan.creates && !isMade) await this.#create(main, plan);
      const { target, facts } = await this.#known(main, plan) ?? await this.#find(main, plan);
      // What was begun was allowed then; which other tables are replaced along is not planned again.
      if (!this.#isTakenUp) checkCascades(plan, facts, this.#replaced);
      const staging = this.#made.ofKind('staging').filter(({ table }) => table === plan.table).map(({ name, sequence }): Destination => ({ name, sequence }));
      this.#staging.set(plan.table, { all: staging, free: [...staging] });
      const load = new PostgresTableLoad({
        plan, target, facts,
        signal: this.#signal,
        committed: await this.#committed(main, plan),
        ledger: () => this.#ledger,
        hasCommitted: (entry) => this.#hasCommitted(entry),
        acquire: () => this.#writers.acquire(),
        release: (session) => this.#writers.release(session),
        takeDestination: () => this.#takeDestination(plan),
        takeGaps: () => this.#takeGaps(),
        returnDestination: (destination) => void this.#staging.get(plan.table)!.free.push(destination),
      });
      if (this.#isTakenUp && load.needsUndo) load.takeUp(await this.#ledger!.transactions(main, plan.table, { signal: this.#signal }));
      this.#loads.push(load);
      return load;
    });
  }

  /** The table as it was planned, if it is still the same. */
  async #known(main: Session, plan: LoadTablePlan): Promise<KnownTable | undefined> {
    const known = this.#planned.get(plan.table);
    if (known === undefined || plan.creates) return undefined;
    const { rows } = await main.query('SELECT pg_catalog.to_regclass($1)::oid', { signal: this.#signal, table: plan.table, values: [qualifiedName(plan.name)] });
    return rows[0][0] === known.target.oid ? known : undefined;
  }

  async #find(main: Session, plan: LoadTablePlan): Promise<KnownTable> {
    const [target] = await findTables(main, [plan.name], undefined, this.#signal);
    if (target === undefined) throw new SluiceError('TABLE_UNKNOWN', { table: plan.table, connection: this.#parts.connection, suggestion: 'It was there when the run was planned.' }, { table: plan.table });
    return { target, facts: await readTargetFacts(main, target, { signal: this.#signal, table: plan.table }) };
  }

  /** The ledger comes before anything else is made, so that nothing is ever made without being known. */
  async #openLedger(main: Session, plan: LoadTablePlan): Promise<void> {
    if (this.#options.resumable !== true || this.#ledger !== undefined) return;
    const options = { signal: this.#signal };
    const isDone = this.#options.isDone ?? (() => false);
    await Ledger.dropDone(main, isDone, options);
    await RestoreLedger.dropDone(main, isDone, options);
    if (this.#options.resumes === true) this.#ledger = await Ledger.find(main, this.#run, options);
    if (this.#ledger !== undefined) {
      this.#isTakenUp = true;
      this.#made.note(...await this.#ledger.made(main, options));
      return;
    }
    const schema = plan.name.schema!;
    const ledger = Ledger.at(schema, this.#run);
    const isNewSchema = !(await schemaExists(main, schema, options));
    const made: MadeObject = { kind: 'schema', name: quoteIdentifier(schema), table: plan.table, number: 0 };
    if (isNewSchema) this.#made.note(made);
    this.#ledger = ledger;
    await inTransaction(main, options, [
      ...(isNewSchema ? [`CREATE SCHEMA ${quoteIdentifier(schema)}`] : []), ledger.createSql(), ...(isNewSchema ? [ledger.madeSql(made)] : []),
    ]);
  }

  async #committed(main: Session, plan: LoadTablePlan): Promise<CommittedParts | undefined> {
    return this.#isTakenUp ? this.#ledger!.committed(main, plan.table, plan.publication === 'staged', { signal: this.#signal }) : undefined;
  }

  /** Staging tables that were made although nobody heard of it: without a row, and in nobody's way. */
  #strays(): string[] {
    const known = new Set([...this.#staging.values()].flatMap(({ all }) => all.map(({ name }) => name)));
    return this.#made.ofKind('staging').map(({ name }) => name).filter((name) => !known.has(name));
  }

  /** Asked when the connection is gone: the server may need a moment to be there again, and to end what it was doing. */
  async #hasCommitted(entry: PartEntry): Promise<boolean> {
    for (let pauseMs = 100; ; pauseMs *= 2) {
      try {
        const session = await this.#parts.open(this.#signal);
        try {
          return await this.#ledger!.hasCommitted(session, entry);
        } finally {
          await session.close();
        }
      } catch (error) {
        if (!(error instanceof SluiceError && error.retryable) || pauseMs > LONGEST_PAUSE_MS) throw error;
        await sleep(pauseMs, undefined, { signal: this.#signal });
      }
    }
  }

  async published(): Promise<ReadonlyMap<string, PublishedTable> | undefined> {
    return this.#serial.run(async () => {
      const main = await this.#mainSession();
      const options = { signal: this.#signal };
      const ledger = await Ledger.find(main, this.#run, options);
      const published = await ledger?.published(main, options);
      if (published === undefined) return undefined;
      this.#ledger = ledger;
      this.#isOver = true;
      return published;
    });
  }

  async forget(): Promise<void> {
    if (this.#ledger === undefined) return;
    const session = await this.#parts.open(new AbortController().signal);
    try {
      await session.query(this.#ledger.dropSql());
    } finally {
      await session.close();
    }
  }

  /** Rows that others can already see among their own are taken back where the server can be reached; all the rest waits. */
  async suspend(): Promise<void> {
    if (this.#loads.some((load) => load.needsUndo && load.hasAdded)) return this.abort();
    this.#isOver = true;
    await this.close();
  }

  complete(table: string): void {
    const mayBeEarly = this.#loads.every(({ plan }) => plan.publication === 'staged' && !plan.creates && plan.mode !== 'upsert');
    if (!mayBeEarly || this.#isOver) return;
    this.#early ??= new EarlyPublication(() => this.#parts.open(this.#signal), (session) => this.#publisherOn(session));
    this.#early.complete(table);
  }

  async publish(hooks?: PublishHooks): Promise<ReadonlyMap<string, PublishedCounts>> {
    try {
      await this.#writers.close();
      if (this.#loads.length === 0) return new Map();
      // It may have been thrown out while others worked.
      const main = await this.#mainSession();
      for (const load of this.#loads) await load.assertStagedAreThere(main);
      const end = { hooks, gaps: this.#gaps, strays: this.#strays(), reopen: () => this.#parts.open(new AbortController().signal) };
      let begun = await this.#early?.take();
      const counts = await this.#publishAgain(() => {
        const early = begun;
        begun = undefined;
        return early === undefined ? this.#publisherOn(main).publish(end) : early.finish(end);
      }, hooks);
      this.#isOver = true;
      await this.close();
      return counts;
    } catch (error) {
      // Of a load that can go on the caller says whether it is suspended or given up.
      if (this.#ledger === undefined) await this.abort();
      throw error;
    }
  }

  #publisherOn(session: Session): Publisher {
    return new Publisher(session, this.#loads, {
      stagingOf: (plan) => this.#staging.get(plan.table)!.all.map(({ name }) => name),
      ledger: this.#ledger, signal: this.#signal, disableTriggers: this.#options.disableTriggers === true, quarantines: this.#options.onError === 'quarantine',
    });
  }

  /** Who writes to the same tables meanwhile may be in the way: the server then ends one of both, and nothing of the publication is left. */
  async #publishAgain<T>(publish: () => Promise<T>, hooks: PublishHooks | undefined): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await publish();
      } catch (error) {
        if (!(error instanceof SluiceError && error.code === 'DEADLOCK') || tries === PUBLICATION_TRIES || this.#signal.aborted) throw error;
        await sleep(250 * 2 ** tries * (0.5 + Math.random()), undefined, { signal: this.#signal });
        await hooks?.restarted?.();
      }
    }
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#early?.close();
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
    await this.#early?.close();
    await this.#writers.close();
    await this.#main?.close();
  }

  async #mainSession(): Promise<Session> {
    if (this.#main?.usable === false) {
      await this.#main.close();
      this.#main = undefined;
    }
    this.#main ??= await this.#parts.open(this.#signal);
    return this.#main;
  }

  async #create(main: Session, plan: LoadTablePlan): Promise<void> {
    const schema = plan.name.schema!;
    const { table } = plan;
    if (!(await schemaExists(main, schema, { signal: this.#signal, table }))) {
      await this.#made.make(main, { kind: 'schema', name: quoteIdentifier(schema), table, number: this.#made.nextNumber() }, [`CREATE SCHEMA ${quoteIdentifier(schema)}`]);
    }
    // A table that was there before is never noted as made.
    const made: MadeObject = { kind: 'table', name: qualifiedName(plan.name), table, number: this.#made.nextNumber() };
    await this.#made.make(main, made, [createTableSql(plan)]).catch((error: unknown) => {
      if (error instanceof SluiceError && error.code === 'TABLE_EXISTS') this.#made.forget(made);
      throw error;
    });
  }

  /** The target itself, or a staging table that no writer has: made when there is none. */
  #takeDestination(plan: LoadTablePlan): Promise<Destination> {
    if (plan.publication !== 'staged') return Promise.resolve(targetDestination(plan));
    const staging = this.#staging.get(plan.table)!;
    const free = staging.free.pop();
    if (free !== undefined) return Promise.resolve(free);
    return this.#serial.run(async () => {
      const main = await this.#mainSession();
      const number = this.#made.nextNumber();
      const name = qualifiedName({ schema: plan.name.schema!, name: fitIdentifier(`sluice_${this.#run}_${number}`) });
      // Named here: what the server calls it by itself is not known before it is made.
      const sequence = qualifiedName({ schema: plan.name.schema!, name: fitIdentifier(`sluice_${this.#run}_${number}_row`) });
      await this.#made.make(main, { kind: 'staging', name, table: plan.table, sequence, number }, [stagingTableSql(plan, name, sequence)]);
      const made: Destination = { name, sequence };
      staging.all.push(made);
      return made;
    });
  }

  #takeGaps(): Promise<string> {
    return this.#serial.run(async () => {
      this.#gaps ??= this.#made.ofKind('gaps')[0]?.name;
      if (this.#gaps !== undefined) return this.#gaps;
      const main = await this.#mainSession();
      const schema = this.#loads.find(({ plan }) => plan.publication === 'staged')!.plan.name.schema!;
      const name = qualifiedName({ schema, name: fitIdentifier(`sluice_${this.#run}_gaps`) });
      await this.#made.make(main, { kind: 'gaps', name, table: '', number: this.#made.nextNumber() }, [`CREATE UNLOGGED TABLE ${name} (load oid, before bigint, gap bigint, PRIMARY KEY (load, before, gap))`]);
      this.#gaps = name;
      return name;
    });
  }

  /** Leaves the database as it was. Without a connection to it nothing can be done: the error that led here says so. */
  async #undo(): Promise<void> {
    const changed = this.#loads.filter((load) => load.needsUndo && load.transactions.length > 0);
    if (this.#made.count + changed.length === 0 && this.#ledger === undefined) return;
    try {
      await this.#main?.close();
      this.#main = await this.#parts.open(new AbortController().signal);
      await this.#undoWith(this.#main, changed);
    } catch (error) {
      if (!(error instanceof SluiceError && error.retryable)) throw error;
    }
  }

  async #undoWith(session: Session, changed: readonly PostgresTableLoad[]): Promise<void> {
    await session.query(`BEGIN; SET LOCAL lock_timeout TO '${CLEANUP_PATIENCE}'`);
    await this.#made.dropTables(session);
    for (const load of changed) await session.query(undoSql(load), { table: load.plan.table });
    if (this.#ledger !== undefined) await session.query(this.#ledger.dropSql());
    await session.query('COMMIT');
    await this.#made.dropSchemas(session);
  }
}

async function schemaExists(session: Session, schema: string, options: QueryOptions): Promise<boolean> {
  const { rows } = await session.query('SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)', { ...options, values: [schema] });
  return rows[0][0] === 't';
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
