/**
 * Keys and indexes of empty tables, taken off while rows go in and built again from all of them: several times cheaper than keeping them row by row, and foreign keys are validated by
 * one join. Everything happens within the publishing transaction; nobody ever sees a table without its keys.
 *
 * It is done only where what is taken off comes back exactly as it was: by its owner, from the server's own definitions, and with nothing attached that
 * a definition does not say (comments, replica identity, views that depend on a key, a tablespace of its own …). All else stays where it is.
 * Exclusion constraints stay, too. The tables are locked against readers, for whom they are empty anyway.
 */
import type { QueryOptions, Row, Session } from './driver.ts';
import type { JudgedTable } from './judged-table.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

/** How a key or an index is built. */
interface KeyStatements {
  /** Of the index, or of the foreign key. */
  readonly name: string;
  readonly build: readonly string[];
}

/** Statements of one table, in order. */
interface TableKeys {
  readonly drop: string[];
  readonly indexes: KeyStatements[];
  /** The foreign keys that lead from this table, to tables whose keys are off, too. */
  readonly dropReferences: string[];
  readonly references: KeyStatements[];
}

type KeyKind = 'indexes' | 'references';

/** How long the tables may be waited for: the other way to publish needs no such lock. */
const PATIENCE = '1s';

export class BulkKeys {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  /** By oid. */
  readonly #keys = new Map<string, TableKeys>();

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  /** The keys of this table are off. */
  has({ load }: JudgedTable): boolean {
    return this.#keys.has(load.target.oid);
  }

  /** All its foreign keys are off, too: none is looked up row by row. */
  hasNoReferences({ load, rules }: JudgedTable): boolean {
    return this.#keys.get(load.target.oid)?.references.length === rules.foreignKeys.length;
  }

  /** Takes the keys off the tables where that can be done, within the transaction. */
  async takeOff(tables: readonly JudgedTable[]): Promise<void> {
    if (tables.length === 0) return;
    const plans = await this.#plan(tables);
    if (plans.size === 0) return;
    await this.#query(`SAVEPOINT sluice_keys; SET LOCAL lock_timeout TO '${PATIENCE}'`);
    try {
      const chosen = tables.filter(({ load }) => plans.has(load.target.oid)).toSorted((a, b) => (BigInt(a.load.target.oid) < BigInt(b.load.target.oid) ? -1 : 1));
      await this.#query(`LOCK TABLE ${chosen.map(({ load }) => `ONLY ${qualifiedName(load.plan.name)}`).join(', ')} IN ACCESS EXCLUSIVE MODE`);
      const areEmpty = (await this.#query(`SELECT ${chosen.map(({ load }) => `NOT EXISTS (SELECT FROM ONLY ${qualifiedName(load.plan.name)})`).join(' AND ')}`)).rows[0][0] === 't';
      // Another run may have changed something before the lock.
      const still = await this.#plan(chosen);
      if (!areEmpty || JSON.stringify([...still]) !== JSON.stringify([...plans])) throw new Error('not as it was');
      const drops = (['dropReferences', 'drop'] as const).flatMap((step) => [...still.values()].flatMap((keys) => keys[step]));
      if (drops.length > 0) await this.#query(drops.join('; '));
      for (const [oid, keys] of still) this.#keys.set(oid, keys);
      await this.#query('RELEASE SAVEPOINT sluice_keys');
    } catch (error) {
      this.#keys.clear();
      if (this.#signal.aborted || !this.#session.usable) throw error;
      await this.#query('ROLLBACK TO SAVEPOINT sluice_keys');
    }
    await this.#query(`SET LOCAL lock_timeout TO '0'`);
  }

  /**
   * Builds them from the rows that are there now; the tables that they refer to are built already, or in the same group.
   * @param only whether it is wanted, where others are built already
   * @throws SluiceError *_VIOLATED
   */
  async build(group: Iterable<JudgedTable>, kind: KeyKind, only: (table: JudgedTable, name: string) => boolean = () => true): Promise<void> {
    for (const table of group) {
      const { load } = table;
      for (const { name, build } of this.#keys.get(load.target.oid)?.[kind] ?? []) {
        if (only(table, name)) await this.#query(build.join('; '), { signal: this.#signal, table: load.plan.table });
      }
    }
  }

  /** Builds those of one table that the rows allow, of all or of these. @returns the names of the others */
  async tryToBuild(table: JudgedTable, kind: KeyKind, only: (name: string) => boolean = () => true): Promise<ReadonlySet<string>> {
    const refused = new Set<string>();
    for (const { name, build } of this.#keys.get(table.load.target.oid)?.[kind] ?? []) if (only(name) && !(await table.attemptStatements(build))) refused.add(name);
    return refused;
  }

  #query(sql: string, options: QueryOptions = { signal: this.#signal }): ReturnType<Session['query']> {
    return this.#session.query(sql, options);
  }

  async #plan(tables: readonly JudgedTable[]): Promise<Map<string, TableKeys>> {
    const oids = tables.map(({ load }) => load.target.oid).join(', ');
    const able = new Set((await this.#query(ableSql(oids))).rows.map(([oid]) => oid!));
    const indexes = (await this.#query(indexSql(oids))).rows;
    for (const [oid, , , , , , , isPlain] of indexes) if (isPlain !== 't') able.delete(oid!);
    const references = (await this.#query(referenceSql(oids))).rows;
    // A key that others refer to can only be taken off together with what refers to it.
    for (let before = -1; before !== able.size;) {
      before = able.size;
      for (const [child, parent, , , , isPlain] of references) if (able.has(parent!) && (isPlain !== 't' || !able.has(child!))) able.delete(parent!);
    }
    const plans = new Map([...able].map((oid): [string, TableKeys] => [oid, { drop: [], indexes: [], dropReferences: [], references: [] }]));
    for (const [child, parent, table, name, definition] of references) {
      const plan = plans.get(child!);
      if (plan === undefined || !able.has(parent!)) continue;
      plan.dropReferences.push(`ALTER TABLE ONLY ${table} DROP CONSTRAINT ${quoteIdentifier(name!)}`);
      plan.references.push({ name: name!, build: [`ALTER TABLE ONLY ${table} ADD CONSTRAINT ${quoteIdentifier(name!)} ${definition}`] });
    }
    for (const row of indexes) addIndex(plans.get(row[0]!), row);
    return plans;
  }
}

function addIndex(plan: TableKeys | undefined, [, schema, table, name, definition, constraint, deferral]: Row): void {
  if (plan === undefined || constraint === 'x') return;
  const index = quoteIdentifier(name!);
  plan.drop.push(constraint === null ? `DROP INDEX ${schema}.${index}` : `ALTER TABLE ONLY ${table} DROP CONSTRAINT ${index}`);
  const adopt = `ALTER TABLE ONLY ${table} ADD CONSTRAINT ${index} ${constraint === 'p' ? 'PRIMARY KEY' : 'UNIQUE'} USING INDEX ${index}${deferral}`;
  plan.indexes.push({ name: name!, build: constraint === null ? [definition!] : [definition!, adopt] });
}

const NAME = `pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)`;

/** Plain tables of this user, for which nobody waits with a trigger. */
function ableSql(oids: string): string {
  return `
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE c.oid IN (${oids}) AND c.relkind = 'r' AND NOT c.relispartition AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid OR h.inhrelid = c.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_enabled <> 'D')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND CASE WHEN g.tgisinternal THEN g.tgenabled <> 'O' ELSE g.tgenabled <> 'D' END)
    ORDER BY c.oid`;
}

/** The last column: that nothing is attached to the index which its definition does not say. */
function indexSql(oids: string): string {
  const described = (catalog: string, oid: string): string => `EXISTS (SELECT FROM pg_catalog.pg_description d WHERE d.classoid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objoid = ${oid})`;
  return `
    SELECT i.indrelid, pg_catalog.quote_ident(n.nspname), ${NAME}, ic.relname, pg_catalog.pg_get_indexdef(i.indexrelid), k.contype,
      CASE WHEN k.condeferred THEN ' DEFERRABLE INITIALLY DEFERRED' WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END,
      k.contype = 'x' IS TRUE OR (i.indisvalid AND i.indisready AND NOT i.indisreplident AND NOT i.indisclustered AND ic.reltablespace = 0
        AND NOT ${described('pg_class', 'ic.oid')} AND (k.oid IS NULL OR NOT ${described('pg_constraint', 'k.oid')})
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = ic.oid AND a.attstattarget >= 0)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = ic.oid AND d.deptype IN ('e', 'x'))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype <> 'i' AND d.classid <> 'pg_catalog.pg_constraint'::pg_catalog.regclass
          AND ((d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.refobjid = k.oid) OR (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = ic.oid))))
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
      JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid IN (${oids}) ORDER BY i.indexrelid`;
}

/** Foreign keys from or to the tables; the last column: that its definition says all of it. */
function referenceSql(oids: string): string {
  return `
    SELECT k.conrelid, k.confrelid, ${NAME}, k.conname, pg_catalog.pg_get_constraintdef(k.oid),
      k.conparentid = 0 AND k.convalidated AND NOT EXISTS (SELECT FROM pg_catalog.pg_description d WHERE d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objoid = k.oid)
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND (k.conrelid IN (${oids}) OR k.confrelid IN (${oids})) ORDER BY k.oid`;
}
