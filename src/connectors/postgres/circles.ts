/**
 * Tables that refer to each other in a circle have no order in which every statement leaves all keys whole, and a table that is emptied and filled again is for a moment
 * without the rows that tables outside the run refer to. Within the publishing transaction such foreign keys are judged at its end: those that cannot wait are made to, by
 * who owns the table, and are afterwards what they were.
 */
import type { Session } from './driver.ts';
import type { JudgedTable } from './judged-table.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

/** Names are quoted. */
interface DeferredKey {
  readonly id: string;
  readonly table: string;
  /** The table for messages. */
  readonly shown: string;
  readonly name: string;
  readonly key: string;
  readonly deferrable: boolean;
}

export class Circles {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #deferred = new Set<string>();
  readonly #restore: { readonly sql: string; readonly table: string }[] = [];

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** The keys among these tables, also those of a table to itself. Those that may not be changed stay, and may fail. */
  async defer(group: readonly JudgedTable[]): Promise<void> {
    const oids = new Set(group.map(({ load }) => load.target.oid));
    for (const { load, rules } of group) {
      const { plan } = load;
      for (const key of rules.foreignKeys) {
        if (!oids.has(key.parentOid) || !(key.deferrable || rules.owned)) continue;
        const name = qualifiedName({ schema: plan.name.schema!, name: key.name });
        await this.#defer({ id: JSON.stringify([load.target.oid, key.name]), table: qualifiedName(plan.name), shown: plan.table, name, key: quoteIdentifier(key.name), deferrable: key.deferrable });
      }
    }
  }

  /**
   * The keys of other tables into those that are emptied, where rows depend on them. A key that forbids the removal itself (RESTRICT) stays and fails, and so does one
   * whose table belongs to somebody else.
   */
  async deferInbound(emptied: readonly JudgedTable[]): Promise<void> {
    const oids = emptied.map(({ load }) => load.target.oid).join(', ');
    if (oids === '') return;
    const { rows } = await this.#session.query(`
      SELECT k.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(k.conname), k.condeferrable,
        (SELECT pg_catalog.string_agg('t.' || pg_catalog.quote_ident(a.attname) || ' IS NOT NULL', ' AND ') FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
      FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE k.contype = 'f' AND k.confrelid IN (${oids}) AND k.conrelid NOT IN (${oids}) AND k.confdeltype = 'a' AND k.conparentid = 0
        AND (k.condeferrable OR pg_catalog.pg_has_role(c.relowner, 'USAGE')) AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
      ORDER BY k.oid`, { signal: this.#signal });
    for (const [id, table, schema, key, deferrable, refers] of rows) {
      const asked = await this.#session.query(`SELECT EXISTS (SELECT FROM ${table} AS t WHERE ${refers})`, { signal: this.#signal, table: table! });
      if (asked.rows[0][0] === 't') await this.#defer({ id: id!, table: table!, shown: table!, name: `${schema}.${key}`, key: key!, deferrable: deferrable === 't' });
    }
  }

  async #defer({ id, table, shown, name, key, deferrable }: DeferredKey): Promise<void> {
    if (this.#deferred.has(id)) return;
    this.#deferred.add(id);
    const alter = `ALTER TABLE ${table} ALTER CONSTRAINT ${key}`;
    const options = { signal: this.#signal, table: shown };
    if (!deferrable) {
      await this.#session.query(`${alter} DEFERRABLE`, options);
      this.#restore.push({ sql: `${alter} NOT DEFERRABLE`, table: shown });
    }
    await this.#session.query(`SET CONSTRAINTS ${name} DEFERRED`, options);
  }

  /** Whatever was to wait is judged now. */
  async restore(): Promise<void> {
    if (this.#deferred.size === 0) return;
    await this.#session.query('SET CONSTRAINTS ALL IMMEDIATE', { signal: this.#signal });
    for (const { sql, table } of this.#restore) await this.#session.query(sql, { signal: this.#signal, table });
  }
}

/** Whether triggers, those of foreign keys among them, may be left out in a transaction. */
export async function mayUseReplicaRole(session: Session, signal: AbortSignal): Promise<boolean> {
  const sql = session.version >= 150_000
    ? `SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')`
    : `SELECT pg_catalog.current_setting('is_superuser') = 'on'`;
  return (await session.query(sql, { signal })).rows[0][0] === 't';
}
