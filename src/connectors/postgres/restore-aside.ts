/**
 * `--clean` without a moment in which neither the old nor the new is there: what is in the way is moved into schemas of the run (`sluice_RUN_1` …), which costs no time whatever its size, and dropped when
 * its replacement is complete. Objects outside of schemas get another name. A restore that is given up moves everything back.
 *
 * Nothing is moved when something that stays depends on it (a view, a foreign key, a column of its type): dropping it later would take that along.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Definition } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import { entryName, objectOf } from './restore-definition.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';

const RELATION = `SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, oid, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
  FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`;
const TYPE = `SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 'TYPE' FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE t.oid = pg_catalog.to_regtype($1) AND coalesce(c.relkind, 'c') = 'c'`;
const ROUTINE = `SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, oid, CASE prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regprocedure($1)`;
const lookedUp = (catalog: string, word: string, lookup: string): string => `SELECT 'pg_catalog.${catalog}'::pg_catalog.regclass::oid, f.oid, '${word}' FROM (SELECT pg_catalog.${lookup}($1)::oid AS oid) f WHERE f.oid IS NOT NULL`;

/** Kinds that stand in schemas: how one is found by its name in SQL. */
const IN_SCHEMAS: Readonly<Record<string, string>> = {
  TABLE: RELATION, VIEW: RELATION, 'MATERIALIZED VIEW': RELATION, 'FOREIGN TABLE': RELATION, SEQUENCE: RELATION,
  TYPE, DOMAIN: TYPE, 'SHELL TYPE': TYPE, FUNCTION: ROUTINE, PROCEDURE: ROUTINE, AGGREGATE: ROUTINE,
  OPERATOR: lookedUp('pg_operator', 'OPERATOR', 'to_regoperator'), COLLATION: lookedUp('pg_collation', 'COLLATION', 'to_regcollation'),
  STATISTICS: `SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::oid, s.oid, 'STATISTICS' FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname) = pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(part) FROM pg_catalog.unnest(pg_catalog.parse_ident($1)) part), '.')`,
};
const TYPED: ReadonlySet<string> = new Set(['FUNCTION', 'PROCEDURE', 'AGGREGATE', 'OPERATOR']);

/** Kinds outside of schemas, by their catalog and the column of their name. */
const NAMED: Readonly<Record<string, readonly [catalog: string, column: string]>> = {
  PUBLICATION: ['pg_publication', 'pubname'], 'EVENT TRIGGER': ['pg_event_trigger', 'evtname'], SERVER: ['pg_foreign_server', 'srvname'], 'FOREIGN DATA WRAPPER': ['pg_foreign_data_wrapper', 'fdwname'],
  SUBSCRIPTION: ['pg_subscription', 'subname'],
};

const MOST_NAMED = 5;

export class Aside {
  readonly #session: Session;
  readonly #ledger: RestoreLedger;
  readonly #options: QueryOptions;
  readonly #schemas = new Map<string, string>();

  constructor(session: Session, ledger: RestoreLedger, options: QueryOptions) {
    this.#session = session;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** All of it or nothing. @throws SluiceError RESTORE_CLEAN_BLOCKED */
  async move(definitions: readonly Definition[]): Promise<void> {
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      // Sequences of columns go with their tables.
      const isSequence = ({ description }: Definition): number => (description === 'SEQUENCE' ? 1 : 0);
      for (const definition of definitions.toSorted((a, b) => isSequence(a) - isSequence(b))) await this.#moveOne(definition);
      const blocked = await this.#dependents();
      if (blocked.length > 0) throw new SluiceError('RESTORE_CLEAN_BLOCKED', { connection: this.#session.target.name, objects: `${blocked.slice(0, MOST_NAMED).join(', ')}${blocked.length > MOST_NAMED ? ` and ${blocked.length - MOST_NAMED} more` : ''}` });
      await this.#query(this.#ledger.entrySql('step', 0, 'aside'));
    });
  }

  /** What was moved is not needed any more. Something that has begun to depend on it keeps it: then it is said. */
  async drop(): Promise<string[]> {
    const blocked = await this.#dependents();
    if (blocked.length > 0) return blocked;
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const named = await this.#query(`SELECT word, now_named FROM ${this.#ledger.moved} WHERE now_named IS NOT NULL ORDER BY CASE word WHEN 'SERVER' THEN 1 WHEN 'FOREIGN DATA WRAPPER' THEN 2 ELSE 0 END`);
      const drop = async (words: (word: string) => boolean): Promise<void> => {
        for (const [word, name] of named.rows) if (words(word!)) await this.#query(`DROP ${word} IF EXISTS ${quoteIdentifier(name!)} ${word === 'SERVER' || word === 'FOREIGN DATA WRAPPER' ? 'CASCADE' : ''}`);
      };
      const isForeign = (word: string): boolean => word === 'SERVER' || word === 'FOREIGN DATA WRAPPER';
      await drop((word) => !isForeign(word));
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)} CASCADE`);
      await drop(isForeign);
    });
    return [];
  }

  async moveBack(): Promise<void> {
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const { rows } = await this.#query(`SELECT word, was_in, was_named, now_named, (pg_catalog.pg_identify_object(class, object, 0)).identity FROM ${this.#ledger.moved} ORDER BY n DESC`);
      for (const [word, schema, was, now, identity] of rows) {
        await this.#query(now === null ? `ALTER ${word} ${identity} SET SCHEMA ${quoteIdentifier(schema!)}` : `ALTER ${word} ${quoteIdentifier(now)} RENAME TO ${quoteIdentifier(was!)}`);
      }
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)}`);
      await this.#query(`DELETE FROM ${this.#ledger.moved}`);
    });
  }

  async #moveOne(definition: Definition): Promise<void> {
    const { description, tag, namespace, dropSql } = definition;
    const lookup = IN_SCHEMAS[description], named = NAMED[description];
    if (named !== undefined) return this.#rename(description, tag, named);
    if (lookup === undefined) return;
    const name = TYPED.has(description) ? (objectOf(dropSql) ?? '').slice(description.length + 1) : qualifiedName({ schema: namespace, name: tag });
    const { rows } = await this.#query(lookup, [name]);
    if (rows.length === 0) return;
    const [catalog, oid, word] = rows[0];
    await this.#query(`INSERT INTO ${this.#ledger.moved} (class, object, word, was_in) VALUES (${catalog}, ${oid}, ${quoteLiteral(word!)}, ${quoteLiteral(namespace)})`);
    const aside = await this.#asideFor(namespace);
    try {
      await this.#query(`ALTER ${word} ${name} SET SCHEMA ${quoteIdentifier(aside)}`);
    } catch (error) {
      const cause = error instanceof SluiceError ? (error.cause as Error | undefined) : undefined;
      throw new SluiceError('RESTORE_CLEAN_BLOCKED', { connection: this.#session.target.name, objects: `${entryName(definition)} cannot be moved (${cause?.message ?? String(error)})` }, {}, error);
    }
  }

  async #rename(word: string, name: string, [catalog, column]: readonly [string, string]): Promise<void> {
    const { rows } = await this.#query(`SELECT 'pg_catalog.${catalog}'::pg_catalog.regclass::oid, oid FROM pg_catalog.${catalog} WHERE ${column} = $1`, [name]);
    if (rows.length === 0) return;
    const now = `${this.#ledger.schema}_${rows[0][1]}`;
    await this.#query(`INSERT INTO ${this.#ledger.moved} (class, object, word, was_named, now_named) VALUES (${rows[0][0]}, ${rows[0][1]}, ${quoteLiteral(word)}, ${quoteLiteral(name)}, ${quoteLiteral(now)}); ALTER ${word} ${quoteIdentifier(name)} RENAME TO ${quoteIdentifier(now)}`);
  }

  async #asideFor(namespace: string): Promise<string> {
    const known = this.#schemas.get(namespace);
    if (known !== undefined) return known;
    const made = `${this.#ledger.schema}_${this.#schemas.size + 1}`;
    await this.#query(`CREATE SCHEMA ${quoteIdentifier(made)}`);
    this.#schemas.set(namespace, made);
    return made;
  }

  async #asideSchemas(): Promise<string[]> {
    const { rows } = await this.#query(`SELECT nspname FROM pg_catalog.pg_namespace WHERE ${this.#isAside('nspname')} ORDER BY nspname`);
    return rows.map(([name]) => name!);
  }

  #isAside(column: string): string {
    return `pg_catalog.starts_with(${column}, ${quoteLiteral(`${this.#ledger.schema}_`)})`;
  }

  /** What stays and depends on what was moved, in the server's words. */
  async #dependents(): Promise<string[]> {
    const { rows } = await this.#query(`
      WITH aside AS (SELECT oid FROM pg_catalog.pg_namespace WHERE ${this.#isAside('nspname')}),
      inside AS (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM aside)
        UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM aside)
        UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, oid FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM aside)),
      outside AS (SELECT DISTINCT d.classid, d.objid, d.objsubid,
          CASE d.classid
            WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = d.objid)
            WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN (SELECT typnamespace FROM pg_catalog.pg_type WHERE oid = d.objid)
            WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid = d.objid)
            WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN (SELECT connamespace FROM pg_catalog.pg_constraint WHERE oid = d.objid)
            WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN (SELECT c.relnamespace FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class WHERE w.oid = d.objid)
            WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN (SELECT c.relnamespace FROM pg_catalog.pg_attrdef a JOIN pg_catalog.pg_class c ON c.oid = a.adrelid WHERE a.oid = d.objid)
            WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN (SELECT c.relnamespace FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid WHERE g.oid = d.objid)
            WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN (SELECT c.relnamespace FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid WHERE p.oid = d.objid)
            ELSE NULL END AS home
        FROM pg_catalog.pg_depend d JOIN inside i ON d.refclassid = i.class AND d.refobjid = i.oid
        WHERE d.deptype IN ('n', 'a') AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass,
          'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass))
      SELECT DISTINCT CASE classid WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN (SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0) FROM pg_catalog.pg_rewrite w WHERE w.oid = objid)
        ELSE pg_catalog.pg_describe_object(classid, objid, objsubid) END FROM outside
      WHERE home IS NOT NULL AND home NOT IN (SELECT oid FROM aside) AND home <> 'pg_toast'::pg_catalog.regnamespace ORDER BY 1`);
    return rows.map(([text]) => text!);
  }

  #query(sql: string, values?: readonly string[]): ReturnType<Session['query']> {
    return this.#session.query(sql, values === undefined ? this.#options : { ...this.#options, values });
  }
}
