/**
 * The one transaction that makes all tables of a run visible, and its counts: `begin` locks and empties the tables, `publishGroup` judges and inserts the rows of
 * one group of tables (parents first), `finish` does what needs all of them, and commits. The groups may come one after the other while later
 * tables are still being staged (early-publication.ts).
 */
import type { LoadTablePlan, PublishedCounts, PublishedTable, PublishHooks } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { parentsFirst } from '../../rows/parents-first.ts';
import { BulkInsert } from './bulk-insert.ts';
import { BulkKeys } from './bulk-keys.ts';
import { Circles, mayUseReplicaRole } from './circles.ts';
import { readConstraintRules } from './constraint-rules.ts';
import type { Session } from './driver.ts';
import type { Ledger } from './ledger.ts';
import { JudgedTable } from './judged-table.ts';
import { Judgement } from './judgement.ts';
import { piecewiseSql } from './one-by-one.ts';
import { source, stagedSql, type StagedSql } from './publication.ts';
import { readRejected } from './read-rejected.ts';
import { JUDGED, rejectedTableSql } from './rejected-rows.ts';
import { advanceSequences } from './sequences.ts';
import { keysHold, needsNoTriggers, WORTH_HOLDING_ROWS } from './set-wise-keys.ts';
import { qualifiedName } from './sql.ts';
import { commitSurely } from './sure-commit.ts';
import { primaryKeySql } from './table-ddl.ts';
import type { PostgresTableLoad } from './table-load.ts';
import { UserTriggers } from './user-triggers.ts';

/** Tables that refer to each other in a circle, or one table. */
type Group = readonly JudgedTable[];

export interface PublisherOptions {
  /** The staging tables that there are now. */
  stagingOf(plan: LoadTablePlan): readonly string[];
  /** Of a run that can be resumed: it learns of the publication in the same transaction. */
  readonly ledger: Ledger | undefined;
  readonly signal: AbortSignal;
  readonly disableTriggers: boolean;
  /** Rows that break constraints are rejected one by one; otherwise they end the publication. */
  readonly quarantines: boolean;
}

interface Inserted {
  readonly written: number;
  /** Row by row: a row may have been written by several rows of the source. */
  readonly piecewise: boolean;
}

/** What `finish` needs besides. */
export interface PublisherEnd {
  readonly hooks: PublishHooks | undefined;
  /** The table of records that were left out before they were staged (table-load.ts). */
  readonly gaps: string | undefined;
  /** Staging tables that hold nothing, if they are there at all. */
  readonly strays: readonly string[];
  /** Opens another session, to ask what became of a commit whose answer was lost. */
  reopen(): Promise<Session>;
}

/** How long the tables may be waited for when the publication begins early: later it can wait as long as it must. */
const EARLY_PATIENCE = '1s';

export class Publisher {
  readonly #session: Session;
  readonly #loads: readonly PostgresTableLoad[];
  readonly #options: PublisherOptions;
  readonly #signal: AbortSignal;
  readonly #triggers: UserTriggers;
  readonly #circles: Circles;
  readonly #bulk: BulkKeys;
  readonly #counts = new Map<string, PublishedCounts>();
  readonly #judgement: Judgement;
  readonly #inBulk: BulkInsert;
  #groups: readonly Group[] = [];
  #done = 0;
  #mayReplicate = false;
  #removed: ReadonlyMap<PostgresTableLoad, number> = new Map();

  constructor(session: Session, loads: readonly PostgresTableLoad[], options: PublisherOptions) {
    this.#session = session;
    this.#loads = loads;
    this.#options = options;
    this.#signal = options.signal;
    this.#triggers = new UserTriggers(session, options.signal);
    this.#circles = new Circles(session, options.signal);
    this.#bulk = new BulkKeys(session, options.signal);
    this.#judgement = new Judgement(options.disableTriggers);
    this.#inBulk = new BulkInsert({ keys: this.#bulk, judgement: this.#judgement, triggersAreOff: options.disableTriggers, insert: (table, inGroup, rows) => this.#insertWithoutKeys(table, inGroup, rows) });
  }

  /** The tables (display names) of the group that is published next; undefined after the last one. */
  get next(): readonly string[] | undefined {
    return this.#groups[this.#done]?.map(({ load }) => load.plan.table);
  }

  /** Everything at once. */
  async publish(end: PublisherEnd): Promise<ReadonlyMap<string, PublishedCounts>> {
    await this.#within(() => this.#begin());
    return this.finish(end);
  }

  /**
   * Begins while tables are still being staged.
   * @returns false, with nothing begun, when that would be in the way of others: a table has rows, or is in use
   */
  async beginEarly(): Promise<boolean> {
    await this.#session.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout TO '${EARLY_PATIENCE}'`, { signal: this.#signal });
    const isFree = await this.#takeIfEmpty().catch((error: unknown) => {
      if (this.#signal.aborted || !this.#session.usable) throw error;
      return false;
    });
    await this.#session.query(isFree ? `SET LOCAL lock_timeout TO '0'` : 'ROLLBACK', { signal: this.#signal });
    return isFree;
  }

  /** Asked before any lock, so that a table with rows is not even touched, and again under the locks. */
  async #takeIfEmpty(): Promise<boolean> {
    if (!(await this.#areEmpty())) return false;
    await this.#readAndLock();
    if (!(await this.#areEmpty())) return false;
    await this.#switchOff();
    this.#removed = new Map(this.#loads.filter(({ plan }) => plan.mode === 'replace').map((load) => [load, 0]));
    await this.#takeKeysOff();
    return true;
  }

  /** All rows of its tables are staged. */
  async publishGroup(): Promise<void> {
    const group = this.#groups[this.#done];
    const areOff = group.filter((table) => this.#bulk.has(table));
    // Of tables that depend on each other all or none.
    if (areOff.length > 0 && areOff.length < group.length) {
      await this.#bulk.build(areOff, 'indexes');
      await this.#bulk.build(areOff, 'references');
    }
    if (areOff.length < group.length || !(await this.#insertInBulk(group))) await this.#insertInOrder(group);
    this.#done++;
  }

  async #insertInOrder(group: Group): Promise<void> {
    if (this.#options.quarantines && group.every((table) => !table.isJudged)) await this.#judgement.judge(group);
    for (const one of group) this.#counts.set(one.load.plan.table, await this.#insert(one, (sqlNow) => (this.#options.quarantines ? this.#insertOrReject(one, sqlNow, group) : this.#insertOrFail(one, sqlNow(), group))));
  }

  /** First as if hardly anything were bad; then without all that can be judged before. @returns false, with the keys in place and no row, when that cannot be said of all */
  async #insertInBulk(group: Group): Promise<boolean> {
    if (!this.#options.quarantines) return this.#countBulk(await this.#inBulk.all(group));
    const sound = await this.#inBulk.allSound(group);
    if (sound !== undefined) return this.#countBulk(sound);
    await this.#judgement.judge(group);
    for (const one of group) one.isJudged = true;
    const judged = group.every(({ isFullyJudged }) => isFullyJudged) ? await group[0].attempt(() => this.#inBulk.all(group)) : undefined;
    if (judged !== undefined) return this.#countBulk(judged);
    await this.#bulk.build(group, 'indexes');
    await this.#bulk.build(group, 'references');
    return false;
  }

  async #countBulk(written: ReadonlyMap<JudgedTable, number>): Promise<true> {
    for (const [table, count] of written) {
      const { load, staging, rejectedCount } = table;
      const skipped = load.written - rejectedCount - count;
      if (skipped !== 0) await this.#assertAllThere(load, staging);
      this.#counts.set(load.plan.table, { written: count, skipped, duplicate: 0, ...(this.#options.quarantines ? { rejected: rejectedCount } : {}) });
    }
    return true;
  }

  /** Foreign keys that lead to tables outside the run are still there. */
  async #insertWithoutKeys(table: JudgedTable, group: Group, rows: string | undefined): Promise<number> {
    if (table.staging.length === 0) return 0;
    const holds = !this.#bulk.hasNoReferences(table) && this.#mayHoldKeys(table) && await keysHold(table, group, this.#options.disableTriggers);
    return this.#insertAll(table, this.#sqlOf(table, rows), holds);
  }

  #sqlOf({ load, staging, exclusion }: JudgedTable, rows?: string): StagedSql {
    return stagedSql(load.plan, staging, { target: load.target, facts: load.facts, rejected: exclusion, rows, isInOrder: staging.length === 1 && load.isInOrder });
  }

  /** The groups that are left, and the commit. After a failure nothing is published. */
  async finish(end: PublisherEnd): Promise<ReadonlyMap<string, PublishedCounts>> {
    await this.#within(async () => {
      // As early as it can be: while the server goes on, the run finds the rejected records in their sources.
      for (const group of this.#groups.slice(0, this.#done)) await this.#report(group, end);
      while (this.#done < this.#groups.length) {
        await this.publishGroup();
        await this.#report(this.#groups[this.#done - 1], end);
      }
      await this.#complete(end);
    });
    await commitSurely(this.#session, () => end.reopen(), this.#signal);
    return this.#counts;
  }

  async #within(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#session.usable) await this.#session.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async #begin(): Promise<void> {
    await this.#session.query('BEGIN', { signal: this.#signal });
    for (const load of this.#loads) {
      if (load.plan.creates && load.plan.key.length > 0) await this.#query(primaryKeySql(load.plan), load);
      if (load.plan.publication === 'direct') this.#counts.set(load.plan.table, { written: load.written, skipped: 0, duplicate: 0 });
    }
    await this.#readAndLock();
    await this.#switchOff();
    await this.#circles.deferInbound(this.#groups.flat().filter(({ load }) => load.plan.mode === 'replace'));
    this.#removed = await this.#remove();
    if (this.#loads.reduce((sum, load) => sum + load.written, 0) >= WORTH_HOLDING_ROWS) await this.#takeKeysOff();
  }

  async #takeKeysOff(): Promise<void> {
    await this.#bulk.takeOff(this.#groups.flat().filter(({ load }) => load.plan.mode !== 'upsert' && load.target.kind === 'table'));
  }

  async #readAndLock(): Promise<void> {
    // Rows are compared and sorted in bulk, as the server does when it builds an index or validates a key.
    await this.#session.query(`SELECT pg_catalog.set_config('work_mem', GREATEST(w.setting::int, m.setting::int)::text, true)
      FROM pg_catalog.pg_settings w, pg_catalog.pg_settings m WHERE w.name = 'work_mem' AND m.name = 'maintenance_work_mem'; SET LOCAL synchronize_seqscans TO off`, { signal: this.#signal });
    this.#mayReplicate = await mayUseReplicaRole(this.#session, this.#signal);
    this.#groups = await this.#readGroups(this.#loads.filter((load) => load.plan.publication === 'staged'));
    await this.#lock(this.#groups.flat());
  }

  async #switchOff(): Promise<void> {
    if (this.#options.disableTriggers) for (const { load } of this.#groups.flat()) await this.#triggers.disable(load);
    for (const group of this.#groups) if (group.length > 1) await this.#circles.defer(group);
  }

  async #areEmpty(): Promise<boolean> {
    if (this.#loads.length === 0) return true;
    return (await this.#session.query(`SELECT ${this.#loads.map(({ plan }) => `NOT EXISTS (SELECT FROM ${qualifiedName(plan.name)})`).join(' AND ')}`, { signal: this.#signal })).rows[0][0] === 't';
  }

  async #complete({ hooks, gaps, strays }: PublisherEnd): Promise<void> {
    await this.#circles.restore();
    await this.#triggers.enable();
    if (this.#options.quarantines) await hooks?.judged();
    for (const { load, staging } of this.#groups.flat()) if (staging.length > 0) await this.#query(`DROP TABLE ${staging.join(', ')}`, load);
    if (strays.length > 0) await this.#session.query(`DROP TABLE IF EXISTS ${strays.join(', ')}`, { signal: this.#signal });
    if (gaps !== undefined) await this.#session.query(`DROP TABLE ${gaps}`, { signal: this.#signal });
    for (const load of this.#loads) await advanceSequences(this.#session, load, { signal: this.#signal, table: load.plan.table });
    for (const [load, count] of this.#removed) this.#counts.set(load.plan.table, { ...this.#counts.get(load.plan.table)!, removed: count });
    await this.#enter();
  }

  /** In the order of their numbers, so that two runs do not wait for each other. Writers wait for the end of the publication, readers do not. */
  async #lock(tables: readonly JudgedTable[]): Promise<void> {
    const locks = new Map<bigint, { sql: string; load: PostgresTableLoad }>();
    for (const table of tables) {
      const { load, rules } = table;
      const judges = this.#options.quarantines || this.#mayHoldKeys(table);
      const sql = judges ? undefined : stagedSql(load.plan, [], { target: load.target, facts: load.facts }).lock;
      if (sql !== undefined) locks.set(BigInt(load.target.oid), { sql, load });
      if (!judges) continue;
      for (const key of rules.foreignKeys) {
        // Nobody may take a parent away between the judgement and the commit.
        const oid = BigInt(key.parentOid);
        if (key.parentLockable && !locks.has(oid)) locks.set(oid, { sql: `LOCK TABLE ${key.parent} IN SHARE MODE`, load });
      }
      const isTable = load.target.kind === 'table' || load.target.kind === 'partitioned';
      if (rules.lockable && isTable) locks.set(BigInt(load.target.oid), { sql: `LOCK TABLE ${load.target.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(load.plan.name)} IN SHARE ROW EXCLUSIVE MODE`, load });
    }
    for (const [, { sql, load }] of [...locks].toSorted(([a], [b]) => (a < b ? -1 : 1))) await this.#query(sql, load);
  }

  /** Rows that refer to others go before them. Within a circle rows may go along with others: they are counted before. */
  async #remove(): Promise<ReadonlyMap<PostgresTableLoad, number>> {
    const removed = new Map<PostgresTableLoad, number>();
    for (const group of this.#groups.toReversed()) {
      const replaced = group.filter(({ load }) => load.plan.mode === 'replace');
      if (group.length > 1) for (const { load } of replaced) removed.set(load, await this.#count(`SELECT pg_catalog.count(*) FROM ${load.target.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(load.plan.name)}`, load));
      for (const { load } of replaced.toReversed()) {
        const { count } = await this.#query(stagedSql(load.plan, [], { target: load.target, facts: load.facts }).remove!, load);
        if (!removed.has(load)) removed.set(load, count);
      }
    }
    return removed;
  }

  async #insert(table: JudgedTable, write: (sqlNow: () => StagedSql) => Promise<Inserted>): Promise<PublishedCounts> {
    const { load, staging } = table;
    const { quarantines } = this.#options;
    if (staging.length === 0) return { written: 0, skipped: 0, duplicate: 0, ...(quarantines ? { rejected: 0 } : {}) };
    const sqlNow = (): StagedSql => this.#sqlOf(table);
    // Without triggers and rules every row that is not written was a duplicate: nothing has to be counted.
    const mustCount = load.plan.mode === 'upsert' && (quarantines || load.facts.hasTriggers || sqlNow().update !== undefined);
    const { written, piecewise } = await write(sqlNow);
    const sql = sqlNow();
    const staged = load.written - table.rejectedCount;
    const rest = quarantines ? { rejected: table.rejectedCount } : {};
    if (written === staged && !piecewise) return { written, skipped: 0, duplicate: 0, ...rest };
    await this.#assertAllThere(load, staging);
    if (sql.countLatest === undefined) return { written, skipped: staged - written, duplicate: 0, ...rest };
    const latest = mustCount ? await this.#count(sql.countLatest, load) : undefined;
    // In pieces a row may have been written by several rows of the source: the last one counts.
    if (piecewise && latest !== undefined) return { written: latest, skipped: 0, duplicate: staged - latest, ...rest };
    if (latest === undefined || sql.keepsExisting) return { written, skipped: 0, duplicate: staged - written, ...rest };
    return { written, skipped: latest - written, duplicate: staged - latest, ...rest };
  }

  async #insertAll({ load }: JudgedTable, sql: StagedSql, isReplica: boolean): Promise<number> {
    if (isReplica) await this.#query('SET LOCAL session_replication_role TO replica', load);
    const updated = sql.update === undefined ? 0 : await this.#count(sql.update, load);
    const { count } = await this.#query(sql.insert, load);
    if (isReplica) await this.#query('SET LOCAL session_replication_role TO DEFAULT', load);
    return updated + count;
  }

  /** Where a parent is missing, the insert says so, as it says everything else. */
  async #insertOrFail(table: JudgedTable, sql: StagedSql, group: Group): Promise<Inserted> {
    const holds = this.#mayHoldKeys(table) && await keysHold(table, group, this.#options.disableTriggers);
    return { written: await this.#insertAll(table, sql, holds), piecewise: false };
  }

  /** While parts are still to come, their number is not known: then the tables are empty, and nobody is kept from anything. */
  #mayHoldKeys(table: JudgedTable): boolean {
    const { load } = table;
    return this.#mayReplicate && (load.written === 0 || load.written >= WORTH_HOLDING_ROWS) && needsNoTriggers(table, this.#options.disableTriggers);
  }

  /** What could not be judged shows when the rows are inserted, then piece by piece. */
  async #insertOrReject(table: JudgedTable, sqlNow: () => StagedSql, group: Group): Promise<Inserted> {
    const { load } = table;
    const isReplica = this.#mayReplicate && table.isFullyJudged && needsNoTriggers(table, this.#options.disableTriggers);
    const written = await table.attempt(() => this.#insertAll(table, sqlNow(), isReplica));
    if (written !== undefined) return { written, piecewise: false };
    await this.#circles.defer(group);
    const pieces = piecewiseSql({
      candidates: source(load.plan, table.staging, { rejected: table.rejected }), number: table.row,
      write: (rows) => stagedSql(load.plan, table.staging, { target: load.target, facts: load.facts, rows }),
      rejected: JUDGED, load: table.number,
    });
    await table.query(pieces.prepare);
    const done = Number((await table.query(pieces.call)).rows[0][0]);
    await table.query(pieces.cleanUp);
    table.rejectedCount = await this.#count(`SELECT pg_catalog.count(*) FROM ${table.rejected} AS rejected`, load);
    return { written: done, piecewise: true };
  }

  async #enter(): Promise<void> {
    const { ledger } = this.#options;
    if (ledger === undefined) return;
    const tables = this.#loads.map(({ plan, totals, written }): [string, PublishedTable] => [plan.table, { ...totals, written, published: this.#counts.get(plan.table) ?? { written: 0, skipped: 0, duplicate: 0 } }]);
    await this.#session.query(`${ledger.publishedSql(new Map(tables))}; ${ledger.dropStagedSql()}`, { signal: this.#signal });
  }

  async #report(group: Group, { hooks, gaps }: PublisherEnd): Promise<void> {
    if (hooks === undefined) return;
    for (const table of group) {
      if (table.rejectedCount === 0) continue;
      for await (const rows of readRejected(this.#session, table, gaps, this.#signal)) await hooks.rejected(table.load.plan.table, rows);
    }
  }

  /** An unlogged table is empty after a crash of the server: its rows must not pass for rows that a trigger has left out. */
  async #assertAllThere(load: PostgresTableLoad, staging: readonly string[]): Promise<void> {
    const found = await this.#count(`SELECT pg_catalog.sum(n) FROM (${staging.map((table) => `SELECT pg_catalog.count(*) AS n FROM ${table}`).join(' UNION ALL ')}) AS counts`, load);
    if (found === load.written) return;
    const { table } = load.plan;
    throw new SluiceError('RECEIPT_UNBALANCED', { table, read: load.written, written: found, rejected: 0, duplicate: 0, skipped: 0 }, { table });
  }

  /** Parents before children; tables that refer to each other in a circle are one group. */
  async #readGroups(loads: readonly PostgresTableLoad[]): Promise<Group[]> {
    const constraints = await readConstraintRules(this.#session, loads.map(({ target, plan }) => ({ table: target, loaded: new Set(plan.columns.map(({ name }) => name)) })), { signal: this.#signal });
    if (this.#options.quarantines && loads.length > 0) await this.#session.query(rejectedTableSql(JUDGED), { signal: this.#signal });
    const tables = loads.map((load, i) => new JudgedTable(this.#session, load, () => this.#options.stagingOf(load.plan), constraints[i], i + 1, this.#signal));
    const parents = new Map(tables.map(({ load, rules }) => [load.target.oid, rules.foreignKeys.map((key) => key.parentOid)]));
    const byOid = new Map(tables.map((table) => [table.load.target.oid, table]));
    return parentsFirst(parents).map((oids) => oids.map((oid) => byOid.get(oid)!));
  }

  async #count(sql: string, load: PostgresTableLoad): Promise<number> {
    return Number((await this.#query(sql, load)).rows[0][0]);
  }

  #query(sql: string, load: PostgresTableLoad): ReturnType<Session['query']> {
    return this.#session.query(sql, { signal: this.#signal, table: load.plan.table });
  }
}
