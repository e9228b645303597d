/** The one transaction that makes all tables of a run visible, and its counts. */
import type { LoadTablePlan, PublishedCounts } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Session } from './driver.ts';
import { stagedSql, type StagedSql } from './publication.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';
import { primaryKeySql } from './table-ddl.ts';
import type { PostgresTableLoad } from './table-load.ts';

interface StagedLoad {
  readonly load: PostgresTableLoad;
  readonly staging: readonly string[];
  readonly sql: StagedSql;
}

export class Publisher {
  readonly #session: Session;
  readonly #loads: readonly PostgresTableLoad[];
  readonly #stagingOf: (plan: LoadTablePlan) => readonly string[];
  readonly #signal: AbortSignal;

  constructor(session: Session, loads: readonly PostgresTableLoad[], stagingOf: (plan: LoadTablePlan) => readonly string[], signal: AbortSignal) {
    this.#session = session;
    this.#loads = loads;
    this.#stagingOf = stagingOf;
    this.#signal = signal;
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
    const staged = await this.#inOrder(this.#loads.filter((load) => load.plan.publication === 'staged'));
    // Rows that refer to others go before them and come after them.
    for (const { load, sql } of staged) if (sql.lock !== undefined) await this.#query(sql.lock, load);
    const removed = new Map<PostgresTableLoad, number>();
    for (const { load, sql } of staged.toReversed()) if (sql.remove !== undefined) removed.set(load, (await this.#query(sql.remove, load)).count);
    for (const one of staged) {
      const gone = removed.get(one.load);
      counts.set(one.load.plan.table, { ...(await this.#insert(one)), ...(gone === undefined ? {} : { removed: gone }) });
    }
    for (const { load, staging } of staged) if (staging.length > 0) await this.#query(`DROP TABLE ${staging.join(', ')}`, load);
    for (const load of this.#loads) await this.#advanceSequences(load);
    return counts;
  }

  async #insert({ load, staging, sql }: StagedLoad): Promise<PublishedCounts> {
    if (staging.length === 0) return { written: 0, skipped: 0, duplicate: 0 };
    const staged = load.written;
    // Without triggers and rules every row that is not written was a duplicate: nothing has to be counted.
    const mustCount = sql.countLatest !== undefined && (load.facts.hasTriggers || sql.update !== undefined);
    const latest = mustCount ? await this.#count(sql.countLatest, load) : undefined;
    const updated = sql.update === undefined ? 0 : await this.#count(sql.update, load);
    const written = updated + (await this.#query(sql.insert, load)).count;
    if (written === staged) return { written, skipped: 0, duplicate: 0 };
    await this.#assertAllThere(load, staging);
    if (sql.countLatest === undefined) return { written, skipped: staged - written, duplicate: 0 };
    if (latest === undefined || sql.keepsExisting) return { written, skipped: 0, duplicate: staged - written };
    return { written, skipped: latest - written, duplicate: staged - latest };
  }

  /** An unlogged table is empty after a crash of the server: its rows must not pass for rows that a trigger has left out. */
  async #assertAllThere(load: PostgresTableLoad, staging: readonly string[]): Promise<void> {
    const found = await this.#count(`SELECT pg_catalog.sum(n) FROM (${staging.map((table) => `SELECT pg_catalog.count(*) AS n FROM ${table}`).join(' UNION ALL ')}) AS counts`, load);
    if (found === load.written) return;
    const { table } = load.plan;
    throw new SluiceError('RECEIPT_UNBALANCED', { table, read: load.written, written: found, rejected: 0, duplicate: 0, skipped: 0 }, { table });
  }

  /** Parents before children, by the foreign keys among these tables; within a circle as the run has them. */
  async #inOrder(loads: readonly PostgresTableLoad[]): Promise<StagedLoad[]> {
    const staged = loads.map((load) => {
      const staging = this.#stagingOf(load.plan);
      return { load, staging, sql: stagedSql(load.plan, staging, load.target, load.facts) };
    });
    if (staged.length < 2) return staged;
    const oids = loads.map((load) => load.target.oid);
    const { rows } = await this.#session.query(`SELECT conrelid, confrelid FROM pg_catalog.pg_constraint
      WHERE contype = 'f' AND conrelid = ANY ('{${oids.join(',')}}'::oid[]) AND confrelid = ANY ('{${oids.join(',')}}'::oid[]) AND conrelid <> confrelid`, { signal: this.#signal });
    const parents = new Map<string, string[]>();
    for (const [child, parent] of rows) parents.set(child!, [...(parents.get(child!) ?? []), parent!]);
    const byOid = new Map(staged.map((one) => [one.load.target.oid, one]));
    const ordered = new Set<StagedLoad>();
    const visited = new Set<string>();
    const visit = (oid: string): void => {
      if (visited.has(oid)) return;
      visited.add(oid);
      for (const parent of parents.get(oid) ?? []) visit(parent);
      ordered.add(byOid.get(oid)!);
    };
    oids.forEach(visit);
    return [...ordered];
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
