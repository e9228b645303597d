/** The one transaction that makes all tables of a run visible, and its counts. */
import type { LoadTablePlan, PublishedCounts, PublishedTable, PublishHooks } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { Circles, mayUseReplicaRole, parentsFirst } from './circles.ts';
import { readConstraintRules } from './constraint-rules.ts';
import type { Session } from './driver.ts';
import type { Ledger } from './ledger.ts';
import { JudgedTable } from './judged-table.ts';
import { Judgement } from './judgement.ts';
import { piecewiseSql } from './one-by-one.ts';
import { source, stagedSql, type StagedSql } from './publication.ts';
import { readRejected } from './read-rejected.ts';
import { rejectedTableSql } from './rejected-rows.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';
import { primaryKeySql } from './table-ddl.ts';
import type { PostgresTableLoad } from './table-load.ts';
import { UserTriggers } from './user-triggers.ts';

interface StagedLoad {
  readonly load: PostgresTableLoad;
  readonly staging: readonly string[];
  readonly judged: JudgedTable;
}

export interface PublisherOptions {
  stagingOf(plan: LoadTablePlan): readonly string[];
  /** The table of records that were left out before they were staged (table-load.ts). */
  readonly gaps: string | undefined;
  /** Of a run that can be resumed: it learns of the publication in the same transaction. */
  readonly ledger: Ledger | undefined;
  readonly signal: AbortSignal;
  readonly disableTriggers: boolean;
  /** Rows that break constraints are rejected one by one; without hooks they end the publication. */
  readonly hooks: PublishHooks | undefined;
}

export class Publisher {
  readonly #session: Session;
  readonly #loads: readonly PostgresTableLoad[];
  readonly #options: PublisherOptions;
  readonly #signal: AbortSignal;
  readonly #triggers: UserTriggers;
  readonly #circles: Circles;

  constructor(session: Session, loads: readonly PostgresTableLoad[], options: PublisherOptions) {
    this.#session = session;
    this.#loads = loads;
    this.#options = options;
    this.#signal = options.signal;
    this.#triggers = new UserTriggers(session, options.signal);
    this.#circles = new Circles(session, options.signal);
  }

  /** @param reopen opens another session, to ask what became of a commit whose answer was lost */
  async publish(reopen: () => Promise<Session>): Promise<ReadonlyMap<string, PublishedCounts>> {
    const session = this.#session;
    await session.query('BEGIN', { signal: this.#signal });
    let counts: Map<string, PublishedCounts>;
    try {
      counts = await this.#publishAll();
    } catch (error) {
      if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await this.#commit(reopen);
    return counts;
  }

  async #publishAll(): Promise<Map<string, PublishedCounts>> {
    const counts = new Map<string, PublishedCounts>();
    for (const load of this.#loads) {
      if (load.plan.creates && load.plan.key.length > 0) await this.#query(primaryKeySql(load.plan), load);
      if (load.plan.publication === 'direct') counts.set(load.plan.table, { written: load.written, skipped: 0, duplicate: 0 });
    }
    const groups = await this.#groups(this.#loads.filter((load) => load.plan.publication === 'staged'));
    const staged = groups.flat();
    const mayReplicate = await mayUseReplicaRole(this.#session, this.#signal);
    await this.#lock(staged);
    if (this.#options.disableTriggers) for (const { load } of staged) await this.#triggers.disable(load);
    for (const group of groups) if (group.length > 1) await this.#circles.defer(group.map(({ judged }) => judged));
    await this.#circles.deferInbound(staged.filter(({ load }) => load.plan.mode === 'replace').map(({ judged }) => judged));
    const removed = await this.#remove(groups);
    const judgement = new Judgement(this.#options.disableTriggers);
    for (const group of groups) {
      if (this.#options.hooks !== undefined) await judgement.judge(group.map(({ judged }) => judged));
      for (const one of group) counts.set(one.load.plan.table, await this.#insert(one, group, mayReplicate));
    }
    await this.#circles.restore();
    await this.#triggers.enable();
    await this.#report(staged);
    for (const { load, staging } of staged) if (staging.length > 0) await this.#query(`DROP TABLE ${staging.join(', ')}`, load);
    if (this.#options.gaps !== undefined) await this.#session.query(`DROP TABLE ${this.#options.gaps}`, { signal: this.#signal });
    for (const load of this.#loads) await this.#advanceSequences(load);
    for (const [load, count] of removed) counts.set(load.plan.table, { ...counts.get(load.plan.table)!, removed: count });
    await this.#enter(counts);
    return counts;
  }

  /** In the order of their numbers, so that two runs do not wait for each other. Writers wait for the end of the publication, readers do not. */
  async #lock(staged: readonly StagedLoad[]): Promise<void> {
    const locks = new Map<bigint, { sql: string; load: PostgresTableLoad }>();
    for (const { load, judged } of staged) {
      const sql = this.#options.hooks === undefined ? stagedSql(load.plan, [], load.target, load.facts).lock : undefined;
      if (sql !== undefined) locks.set(BigInt(load.target.oid), { sql, load });
      if (this.#options.hooks === undefined) continue;
      const { rules } = judged;
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
  async #remove(groups: readonly (readonly StagedLoad[])[]): Promise<ReadonlyMap<PostgresTableLoad, number>> {
    const removed = new Map<PostgresTableLoad, number>();
    for (const group of groups.toReversed()) {
      const replaced = group.filter(({ load }) => load.plan.mode === 'replace');
      if (group.length > 1) for (const { load } of replaced) removed.set(load, await this.#count(`SELECT pg_catalog.count(*) FROM ${load.target.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(load.plan.name)}`, load));
      for (const { load } of replaced.toReversed()) {
        const { count } = await this.#query(stagedSql(load.plan, [], load.target, load.facts).remove!, load);
        if (!removed.has(load)) removed.set(load, count);
      }
    }
    return removed;
  }

  async #insert({ load, staging, judged }: StagedLoad, group: readonly StagedLoad[], mayReplicate: boolean): Promise<PublishedCounts> {
    const quarantines = this.#options.hooks !== undefined;
    if (staging.length === 0) return { written: 0, skipped: 0, duplicate: 0, ...(quarantines ? { rejected: 0 } : {}) };
    const sqlNow = (): StagedSql => stagedSql(load.plan, staging, load.target, load.facts, judged.exclusion);
    // Without triggers and rules every row that is not written was a duplicate: nothing has to be counted.
    const mustCount = load.plan.mode === 'upsert' && (quarantines || load.facts.hasTriggers || sqlNow().update !== undefined);
    const { written, piecewise } = quarantines ? await this.#insertOrReject(judged, sqlNow, group, mayReplicate) : { written: await this.#insertAll(load, sqlNow()), piecewise: false };
    const sql = sqlNow();
    const staged = load.written - judged.rejectedCount;
    const rest = quarantines ? { rejected: judged.rejectedCount } : {};
    if (written === staged) return { written, skipped: 0, duplicate: 0, ...rest };
    await this.#assertAllThere(load, staging);
    if (sql.countLatest === undefined) return { written, skipped: staged - written, duplicate: 0, ...rest };
    const latest = mustCount ? await this.#count(sql.countLatest, load) : undefined;
    // In pieces a row may have been written by several rows of the source: the last one counts.
    if (piecewise && latest !== undefined) return { written: latest, skipped: 0, duplicate: staged - latest, ...rest };
    if (latest === undefined || sql.keepsExisting) return { written, skipped: 0, duplicate: staged - written, ...rest };
    return { written, skipped: latest - written, duplicate: staged - latest, ...rest };
  }

  async #insertAll(load: PostgresTableLoad, sql: StagedSql): Promise<number> {
    const updated = sql.update === undefined ? 0 : await this.#count(sql.update, load);
    return updated + (await this.#query(sql.insert, load)).count;
  }

  /** What could not be judged shows when the rows are inserted, then piece by piece. */
  async #insertOrReject(table: JudgedTable, sqlNow: () => StagedSql, group: readonly StagedLoad[], mayReplicate: boolean): Promise<{ written: number; piecewise: boolean }> {
    const { load } = table;
    const isReplica = mayReplicate && this.#needsNoTriggers(table);
    const written = await table.attempt(async () => {
      if (isReplica) await table.query('SET LOCAL session_replication_role TO replica');
      const count = await this.#insertAll(load, sqlNow());
      if (isReplica) await table.query('SET LOCAL session_replication_role TO DEFAULT');
      return count;
    });
    if (written !== undefined) return { written, piecewise: false };
    await this.#circles.defer(group.map(({ judged }) => judged));
    for (const staging of table.staging) await table.query(`CREATE INDEX ON ${staging} (${table.row}); ANALYZE ${staging}`);
    // The table of rejected rows grows meanwhile: it is always looked at.
    const candidates = `(SELECT ${table.row} AS n FROM ${source(load.plan, table.staging, { rejected: table.rejected })} AS staged)`;
    const { insertRange } = stagedSql(load.plan, table.staging, load.target, load.facts, table.rejected);
    const [create, call, drop] = piecewiseSql({ candidates, insertRange, rejected: table.rejected });
    await table.query(create);
    const done = Number((await table.query(call)).rows[0][0]);
    await table.query(drop);
    table.rejectedCount = await this.#count(`SELECT pg_catalog.count(*) FROM ${table.rejected}`, load);
    return { written: done, piecewise: true };
  }

  /** Its foreign keys are judged and its parents are held, so the server need not ask for each row again; nothing else would be left out. */
  #needsNoTriggers({ load, rules, isFullyJudged }: JudgedTable): boolean {
    const { facts, plan } = load;
    return isFullyJudged && plan.mode !== 'upsert' && rules.lockable && rules.foreignKeys.length > 0 && rules.foreignKeys.every((key) => key.parentLockable)
      && !rules.uniques.some((rule) => rule.deferrable) && !facts.hasRules && (!facts.hasTriggers || this.#options.disableTriggers);
  }

  async #enter(counts: ReadonlyMap<string, PublishedCounts>): Promise<void> {
    const { ledger } = this.#options;
    if (ledger === undefined) return;
    const tables = this.#loads.map(({ plan, totals, written }): [string, PublishedTable] => [plan.table, { ...totals, written, published: counts.get(plan.table) ?? { written: 0, skipped: 0, duplicate: 0 } }]);
    await this.#session.query(`${ledger.publishedSql(new Map(tables))}; ${ledger.dropStagedSql()}`, { signal: this.#signal });
  }

  async #report(staged: readonly StagedLoad[]): Promise<void> {
    const { hooks, gaps } = this.#options;
    if (hooks === undefined) return;
    for (const { judged } of staged) {
      if (judged.rejectedCount === 0) continue;
      for await (const rows of readRejected(this.#session, judged, gaps, this.#signal)) await hooks.rejected(judged.load.plan.table, rows);
    }
    await hooks.judged();
  }

  /** An unlogged table is empty after a crash of the server: its rows must not pass for rows that a trigger has left out. */
  async #assertAllThere(load: PostgresTableLoad, staging: readonly string[]): Promise<void> {
    const found = await this.#count(`SELECT pg_catalog.sum(n) FROM (${staging.map((table) => `SELECT pg_catalog.count(*) AS n FROM ${table}`).join(' UNION ALL ')}) AS counts`, load);
    if (found === load.written) return;
    const { table } = load.plan;
    throw new SluiceError('RECEIPT_UNBALANCED', { table, read: load.written, written: found, rejected: 0, duplicate: 0, skipped: 0 }, { table });
  }

  /** Parents before children; tables that refer to each other in a circle are one group. */
  async #groups(loads: readonly PostgresTableLoad[]): Promise<StagedLoad[][]> {
    const staged: StagedLoad[] = [];
    for (const [i, load] of loads.entries()) {
      const staging = this.#options.stagingOf(load.plan);
      const rules = await readConstraintRules(this.#session, load.target, new Set(load.plan.columns.map(({ name }) => name)), { signal: this.#signal, table: load.plan.table });
      const judged = new JudgedTable(this.#session, load, staging, rules, i + 1, this.#signal);
      if (this.#options.hooks !== undefined) await judged.query(rejectedTableSql(judged.rejected));
      staged.push({ load, staging, judged });
    }
    const parents = new Map(staged.map(({ load, judged }) => [load.target.oid, judged.rules.foreignKeys.map((key) => key.parentOid)]));
    const byOid = new Map(staged.map((one) => [one.load.target.oid, one]));
    return parentsFirst(parents).map((oids) => oids.map((oid) => byOid.get(oid)!));
  }

  /**
   * Numbers that were loaded must not be handed out again: a column's own sequence goes on behind the largest. Never backwards, and only
   * where the user may change it. Not undone by a rollback, which does no harm: it only leaves numbers out.
   */
  async #advanceSequences(load: PostgresTableLoad): Promise<void> {
    const name = qualifiedName(load.plan.name);
    const numbered = load.target.columns.filter((column) => column.type.kind === 'integer' && column.filled !== undefined && column.filled !== 'generated' && load.plan.columns.some((loaded) => loaded.name === column.name));
    for (const column of numbered) {
      const owned = await this.#query(`SELECT s.seqrelid::pg_catalog.regclass::text, s.seqmax FROM pg_catalog.pg_sequence s
        WHERE s.seqrelid = pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence(${quoteLiteral(name)}, ${quoteLiteral(column.name)})) AND s.seqincrement > 0
          AND pg_catalog.has_sequence_privilege(s.seqrelid, 'UPDATE') AND pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')`, load);
      const [sequence, most] = owned.rows[0] ?? [];
      if (sequence == null) continue;
      await this.#query(`SELECT pg_catalog.setval(${quoteLiteral(sequence)}, largest.value) FROM ${sequence} AS own,
        (SELECT pg_catalog.max(${quoteIdentifier(column.name)})::bigint AS value FROM ${name}) AS largest
        WHERE largest.value <= ${most} AND largest.value > CASE WHEN own.is_called THEN own.last_value ELSE own.last_value - 1 END`, load);
    }
  }

  /** A commit is not cancelled: from here on the run has happened. Where its answer is lost, the server is asked. */
  async #commit(reopen: () => Promise<Session>): Promise<void> {
    const { rows } = await this.#session.query('SELECT pg_catalog.pg_current_xact_id()', { signal: this.#signal });
    const transaction = rows[0][0]!;
    try {
      await this.#session.query('COMMIT');
    } catch (error) {
      if (!(error instanceof SluiceError && error.code === 'CONNECTION_LOST') || !(await hasCommitted(transaction, reopen))) throw error;
    }
  }

  async #count(sql: string, load: PostgresTableLoad): Promise<number> {
    return Number((await this.#query(sql, load)).rows[0][0]);
  }

  #query(sql: string, load: PostgresTableLoad): ReturnType<Session['query']> {
    return this.#session.query(sql, { signal: this.#signal, table: load.plan.table });
  }
}

async function hasCommitted(transaction: string, reopen: () => Promise<Session>): Promise<boolean> {
  const session = await reopen().catch(() => undefined);
  try {
    const answer = await session?.query(`SELECT pg_catalog.pg_xact_status('${transaction}'::pg_catalog.xid8)`);
    return answer?.rows[0]?.[0] === 'committed';
  } catch {
    return false;
  } finally {
    await session?.close();
  }
}
