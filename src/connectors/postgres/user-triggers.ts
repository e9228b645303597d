/** Switches the triggers of users off within a transaction, each of them, and on again as it was. */
import type { Session } from './driver.ts';
import { quoteIdentifier } from './sql.ts';
import type { PostgresTableLoad } from './table-load.ts';

const ENABLE: Readonly<Record<string, string>> = { O: 'ENABLE TRIGGER', R: 'ENABLE REPLICA TRIGGER', A: 'ENABLE ALWAYS TRIGGER' };

export class UserTriggers {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #enable: { readonly sql: string; readonly table: string }[] = [];

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** @throws SluiceError PERMISSION_DENIED only the owner of a table may */
  async disable({ target, plan }: PostgresTableLoad): Promise<void> {
    const options = { signal: this.#signal, table: plan.table };
    const { rows } = await this.#session.query(`
      WITH tree AS (SELECT ${target.oid}::oid AS oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(${target.oid}))
      SELECT g.tgrelid::pg_catalog.regclass, g.tgname, g.tgenabled FROM pg_catalog.pg_trigger g JOIN tree ON tree.oid = g.tgrelid
      WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' ORDER BY 1, 2`, options);
    for (const [table, name, state] of rows) {
      const alter = `ALTER TABLE ONLY ${table}`;
      await this.#session.query(`${alter} DISABLE TRIGGER ${quoteIdentifier(name!)}`, options);
      this.#enable.push({ sql: `${alter} ${ENABLE[state!]} ${quoteIdentifier(name!)}`, table: plan.table });
    }
  }

  async enable(): Promise<void> {
    if (this.#enable.length === 0) return;
    // A table with triggers that still have to fire cannot be altered.
    await this.#session.query('SET CONSTRAINTS ALL IMMEDIATE', { signal: this.#signal });
    for (const { sql, table } of this.#enable) await this.#session.query(sql, { signal: this.#signal, table });
  }
}
