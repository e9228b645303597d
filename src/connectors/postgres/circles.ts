/**
 * Tables that refer to each other in a circle have no order in which every statement leaves all keys whole. Within the publishing transaction their foreign
 * keys are judged at its end: those that cannot wait are made to, by who owns the table, and are afterwards what they were.
 */
import type { Session } from './driver.ts';
import type { JudgedTable } from './judged-table.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

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
        const name = qualifiedName({ schema: plan.name.schema!, name: key.name });
        const id = JSON.stringify([load.target.oid, key.name]);
        if (!oids.has(key.parentOid) || this.#deferred.has(id) || !(key.deferrable || rules.owned)) continue;
        this.#deferred.add(id);
        const alter = `ALTER TABLE ${qualifiedName(plan.name)} ALTER CONSTRAINT ${quoteIdentifier(key.name)}`;
        const options = { signal: this.#signal, table: plan.table };
        if (!key.deferrable) {
          await this.#session.query(`${alter} DEFERRABLE`, options);
          this.#restore.push({ sql: `${alter} NOT DEFERRABLE`, table: plan.table });
        }
        await this.#session.query(`SET CONSTRAINTS ${name} DEFERRED`, options);
      }
    }
  }

  /** Whatever was to wait is judged now. */
  async restore(): Promise<void> {
    if (this.#deferred.size === 0) return;
    await this.#session.query('SET CONSTRAINTS ALL IMMEDIATE', { signal: this.#signal });
    for (const { sql, table } of this.#restore) await this.#session.query(sql, { signal: this.#signal, table });
  }
}

/** @param parents the tables that each table refers to; others are ignored @returns groups, parents first; the members of a group refer to each other */
export function parentsFirst(parents: ReadonlyMap<string, readonly string[]>): string[][] {
  const groups: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const visit = (table: string): void => {
    index.set(table, index.size);
    low.set(table, index.get(table)!);
    stack.push(table);
    onStack.add(table);
    for (const parent of parents.get(table)!) {
      if (!parents.has(parent)) continue;
      if (!index.has(parent)) visit(parent);
      if (onStack.has(parent)) low.set(table, Math.min(low.get(table)!, low.get(parent)!));
    }
    if (low.get(table) !== index.get(table)) return;
    const group = stack.splice(stack.indexOf(table));
    for (const member of group) onStack.delete(member);
    groups.push(group);
  };
  for (const table of parents.keys()) if (!index.has(table)) visit(table);
  return groups;
}

/** Whether triggers, those of foreign keys among them, may be left out in a transaction. */
export async function mayUseReplicaRole(session: Session, signal: AbortSignal): Promise<boolean> {
  const sql = session.version >= 150_000
    ? `SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')`
    : `SELECT pg_catalog.current_setting('is_superuser') = 'on'`;
  return (await session.query(sql, { signal })).rows[0][0] === 't';
}
