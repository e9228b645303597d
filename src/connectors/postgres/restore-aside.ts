/**
 * `--clean` without a moment in which neither the old nor the new is there: what is in the way is moved into schemas of the run (`sluice_RUN_1` …), which costs no time whatever its size, and dropped when
 * its replacement is complete. Objects outside of schemas get another name. A restore that is given up moves everything back.
 *
 * Nothing is moved when something that stays depends on it (a view, a foreign key, a column of its type): dropping it later would take that along.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Definition } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import { entryName } from './restore-definition.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { findImmovable, findMovable, findRenamable, type FoundObject } from './restore-lookup.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

/** They hold what others are made of, and go last. */
const FOREIGN: ReadonlySet<string> = new Set(['SERVER', 'FOREIGN DATA WRAPPER']);

/** `evtenabled` as `ALTER EVENT TRIGGER` says it. */
const FIRES: Readonly<Record<string, string>> = { O: 'ENABLE', D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' };

/** What stands in the schemas of the run. */
const IN_ASIDE = ([['class', 'rel'], ['type', 'typ'], ['proc', 'pro'], ['operator', 'opr'], ['opclass', 'opc'], ['opfamily', 'opf'], ['collation', 'coll'], ['ts_config', 'cfg'], ['ts_dict', 'dict'], ['ts_parser', 'prs'], ['ts_template', 'tmpl']] as const)
  .map(([catalog, prefix]) => `SELECT 'pg_catalog.pg_${catalog}'::pg_catalog.regclass AS class, oid FROM pg_catalog.pg_${catalog} WHERE ${prefix}namespace IN (SELECT oid FROM aside)`).join(' UNION ALL ');

const MOST_NAMED = 5;

export class Aside {
  readonly #session: Session;
  readonly #ledger: RestoreLedger;
  readonly #options: QueryOptions;
  readonly #schemas = new Map<string, string>();
  /** Event triggers, by oid. */
  #enabled: ReadonlyMap<string, string> = new Map();

  constructor(session: Session, ledger: RestoreLedger, options: QueryOptions) {
    this.#session = session;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** All of it or nothing. @throws SluiceError RESTORE_CLEAN_BLOCKED */
  async move(definitions: readonly Definition[]): Promise<void> {
    // As they are: some are disabled for the transaction that follows.
    this.#enabled = new Map((await this.#query('SELECT oid, evtenabled FROM pg_catalog.pg_event_trigger')).rows.map(([oid, enabled]) => [oid!, enabled!]));
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const byId = new Map(definitions.map((definition) => [definition.id, definition]));
      // All are looked up first: their names have those of others in them, which go, too.
      const movable = await findMovable(this.#session, definitions, this.#options), renamable = await findRenamable(this.#session, definitions, this.#options);
      // Sequences of columns go with their tables.
      const isSequence = ({ word }: FoundObject): number => (word === 'SEQUENCE' ? 1 : 0);
      for (const found of movable.toSorted((a, b) => isSequence(a) - isSequence(b))) await this.#moveOne(found, byId.get(found.id)!);
      for (const found of renamable) await this.#rename(found, byId.get(found.id)!);
      for (const { id } of await findImmovable(this.#session, definitions, this.#options)) await this.#query(this.#ledger.entrySql('step', id, 'kept'));
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
      const named = (await this.#query(`SELECT word, now_named FROM ${this.#ledger.moved} WHERE now_named IS NOT NULL ORDER BY word DESC`)).rows;
      for (const [word, name] of named) {
        if (FOREIGN.has(word!)) continue;
        // Nothing is asked of the server at its other end.
        if (word === 'SUBSCRIPTION') await this.#query(`ALTER SUBSCRIPTION ${quoteIdentifier(name!)} DISABLE; ALTER SUBSCRIPTION ${quoteIdentifier(name!)} SET (slot_name = NONE)`);
        await this.#query(`DROP ${word} IF EXISTS ${quoteIdentifier(name!)}`);
      }
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)} CASCADE`);
      for (const [word, name] of named) if (FOREIGN.has(word!)) await this.#query(`DROP ${word} IF EXISTS ${quoteIdentifier(name!)} CASCADE`);
    });
    return [];
  }

  async moveBack(): Promise<void> {
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const { rows } = await this.#query(`SELECT word, coalesce(was_in, was_enabled), was_named, now_named, class, object FROM ${this.#ledger.moved} ORDER BY n DESC`);
      for (const [word, schema, was, now, classId, oid] of rows) {
        if (now !== null) await this.#query(`ALTER ${word} ${quoteIdentifier(now)} RENAME TO ${quoteIdentifier(was!)}${word === 'EVENT TRIGGER' ? `; ALTER EVENT TRIGGER ${quoteIdentifier(was!)} ${FIRES[schema!]}` : ''}`);
        else await this.#setSchema({ word: word!, classId: classId!, oid: oid! }, schema!);
      }
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)}`);
      await this.#query(`DELETE FROM ${this.#ledger.moved}`);
    });
  }

  async #moveOne(found: FoundObject, definition: Definition): Promise<void> {
    const { namespace } = definition;
    try {
      const aside = await this.#asideFor(namespace);
      for (const object of [found, ...await this.#companionsOf(found)]) {
        const isMoved = await this.#setSchema(object, aside);
        if (isMoved) await this.#query(`INSERT INTO ${this.#ledger.moved} (class, object, word, was_in) VALUES (${object.classId}, ${object.oid}, ${quoteLiteral(object.word)}, ${quoteLiteral(namespace)})`);
      }
    } catch (error) {
      throw this.#unmoved(definition, error);
    }
  }

  /** False where it is there already: what belongs to something else goes with that. */
  async #setSchema({ word, classId, oid }: Omit<FoundObject, 'id'>, schema: string): Promise<boolean> {
    const { rows } = await this.#query(`SELECT identity, schema FROM pg_catalog.pg_identify_object(${classId}, ${oid}, 0)`);
    const [identity, now] = rows[0] ?? [];
    if (identity == null || now === quoteIdentifier(schema) || now === schema) return false;
    await this.#query(`ALTER ${word} ${identity} SET SCHEMA ${quoteIdentifier(schema)}`);
    return true;
  }

  /** The multirange of a range, and the functions that make values of both: they have names of their own, and stay where they are. */
  async #companionsOf({ id, oid, word }: FoundObject): Promise<FoundObject[]> {
    if (word !== 'TYPE') return [];
    const { rows } = await this.#query(`
      WITH ranges AS (SELECT rngtypid AS own, rngmultitypid AS multirange FROM pg_catalog.pg_range WHERE rngtypid = ${oid})
      SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, multirange, 'TYPE' FROM ranges
      UNION ALL SELECT d.classid, d.objid, 'FUNCTION' FROM ranges JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
        AND d.refobjid IN (own, multirange) AND d.deptype = 'i'`);
    return rows.map(([classId, object, kind]) => ({ id, classId: classId!, oid: object!, word: kind! }));
  }

  async #rename({ classId, oid, word }: FoundObject, definition: Definition): Promise<void> {
    const was = definition.tag, now = `${this.#ledger.schema}_${oid}`;
    try {
      await this.#query(`INSERT INTO ${this.#ledger.moved} (class, object, word, was_named, now_named, was_enabled) VALUES (${classId}, ${oid}, ${quoteLiteral(word)}, ${quoteLiteral(was)}, ${quoteLiteral(now)}, ${quoteLiteral(this.#enabled.get(oid) ?? '')}); ALTER ${word} ${quoteIdentifier(was)} RENAME TO ${quoteIdentifier(now)}`);
      // It would fire on what is made from now on, and what it works with is gone.
      if (word === 'EVENT TRIGGER') await this.#query(`ALTER EVENT TRIGGER ${quoteIdentifier(now)} DISABLE`);
    } catch (error) {
      throw this.#unmoved(definition, error);
    }
  }

  #unmoved(definition: Definition, error: unknown): unknown {
    const cause = error instanceof SluiceError ? (error.cause as Error | undefined) : undefined;
    if (cause === undefined || !this.#session.usable) return error;
    return new SluiceError('RESTORE_CLEAN_BLOCKED', { connection: this.#session.target.name, objects: `${entryName(definition)} cannot be moved (${cause.message})` }, {}, error);
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
      inside AS (${IN_ASIDE}),
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
            WHEN 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN (SELECT 0 FROM pg_catalog.pg_publication_rel r WHERE r.oid = d.objid AND NOT EXISTS (SELECT FROM ${this.#ledger.moved} m WHERE m.class = 'pg_catalog.pg_publication'::pg_catalog.regclass AND m.object = r.prpubid))
            WHEN 'pg_catalog.pg_event_trigger'::pg_catalog.regclass THEN (SELECT 0 WHERE NOT EXISTS (SELECT FROM ${this.#ledger.moved} m WHERE m.class = d.classid AND m.object = d.objid))
            ELSE (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE pg_catalog.quote_ident(n.nspname) = (pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid)).schema) END AS home
        FROM pg_catalog.pg_depend d JOIN inside i ON d.refclassid = i.class AND d.refobjid = i.oid
        WHERE d.deptype IN ('n', 'a'))
      SELECT DISTINCT CASE classid WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN (SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0) FROM pg_catalog.pg_rewrite w WHERE w.oid = objid)
        ELSE pg_catalog.pg_describe_object(classid, objid, objsubid) END FROM outside
      WHERE home IS NOT NULL AND home NOT IN (SELECT oid FROM aside) AND home <> 'pg_toast'::pg_catalog.regnamespace ORDER BY 1`);
    return rows.map(([text]) => text!);
  }

  #query(sql: string, values?: readonly string[]): ReturnType<Session['query']> {
    return this.#session.query(sql, values === undefined ? this.#options : { ...this.#options, values });
  }
}
