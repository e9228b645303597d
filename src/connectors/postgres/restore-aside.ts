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
import { findImmovable, findMovable, findRenamable, ROUTINE_NAME, SHELL, type FoundObject } from './restore-lookup.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

/** They hold what others are made of, and go last: `CASCADE` takes user mappings along. */
const HOLDERS: Readonly<Record<string, string>> = { SERVER: ' CASCADE', 'FOREIGN DATA WRAPPER': ' CASCADE', LANGUAGE: '' };

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
      const found = await findMovable(this.#session, definitions, this.#options), renamable = await findRenamable(this.#session, definitions, this.#options);
      const movable = found.filter(({ word }) => word !== SHELL), shells = found.filter(({ word }) => word === SHELL);
      // Sequences of columns go with their tables.
      const isSequence = ({ word }: FoundObject): number => (word === 'SEQUENCE' ? 1 : 0);
      for (const object of movable.toSorted((a, b) => isSequence(a) - isSequence(b))) await this.#moveOne(object, byId.get(object.id)!);
      for (const object of renamable) await this.#rename(object, byId.get(object.id)!);
      await this.#keepShells(shells.map(({ id }) => byId.get(id)!));
      await this.#moveShellOperators();
      for (const { id } of await findImmovable(this.#session, definitions, this.#options)) await this.#query(this.#ledger.entrySql('step', id, 'kept'));
      const blocked = await this.#dependents();
      if (blocked.length > 0) throw new SluiceError('RESTORE_CLEAN_BLOCKED', { connection: this.#session.target.name, objects: `${blocked.slice(0, MOST_NAMED).join(', ')}${blocked.length > MOST_NAMED ? ` and ${blocked.length - MOST_NAMED} more` : ''}` });
      await this.#query(this.#ledger.entrySql('step', 0, 'aside'));
    });
  }

  /** The server neither moves nor renames them, and one is like the other: a shell of the backup is there already, and a base type of the backup fills it. */
  async #keepShells(definitions: readonly Definition[]): Promise<void> {
    const isShell = ({ description, sql }: Definition): boolean => description === SHELL || sql !== '';
    const keyOf = ({ namespace, tag }: Definition): string => JSON.stringify([namespace, tag]);
    const kept = definitions.filter(isShell), names = new Set(kept.map(keyOf));
    for (const { id } of kept) await this.#query(this.#ledger.entrySql('step', id, 'kept'));
    const other = definitions.find((definition) => !names.has(keyOf(definition)));
    if (other !== undefined) throw new SluiceError('RESTORE_CLEAN_BLOCKED', { connection: this.#session.target.name, objects: `${entryName(other)} cannot be moved (it is only a shell)` });
  }

  /** What was moved is not needed any more. Something that has begun to depend on it keeps it: then it is said. */
  async drop(): Promise<string[]> {
    const blocked = await this.#dependents();
    if (blocked.length > 0) return blocked;
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const named = (await this.#query(`SELECT word, now_named FROM ${this.#ledger.moved} WHERE now_named IS NOT NULL ORDER BY word DESC`)).rows;
      for (const [word, name] of named) {
        if (Object.hasOwn(HOLDERS, word!)) continue;
        // Nothing is asked of the server at its other end.
        if (word === 'SUBSCRIPTION') await this.#query(`ALTER SUBSCRIPTION ${quoteIdentifier(name!)} DISABLE; ALTER SUBSCRIPTION ${quoteIdentifier(name!)} SET (slot_name = NONE)`);
        await this.#query(`DROP ${word} IF EXISTS ${quoteIdentifier(name!)}`);
      }
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)} CASCADE`);
      for (const [word, name] of named) if (Object.hasOwn(HOLDERS, word!)) await this.#query(`DROP ${word} IF EXISTS ${quoteIdentifier(name!)}${HOLDERS[word!]}`);
    });
    return [];
  }

  async moveBack(): Promise<void> {
    await this.#ledger.quietly(this.#session, this.#options, async () => {
      const { rows } = await this.#query(`SELECT word, coalesce(was_in, was_enabled), was_named, now_named, class, object FROM ${this.#ledger.moved} ORDER BY n DESC`);
      const enable: string[] = [];
      for (const [word, schema, was, now, classId, oid] of rows) {
        if (word === 'EVENT TRIGGER') enable.push(`ALTER EVENT TRIGGER ${quoteIdentifier(was!)} ${FIRES[schema!]}; `);
        if (now !== null) await this.#query(`ALTER ${word} ${quoteIdentifier(now)} RENAME TO ${quoteIdentifier(was!)}`);
        else await this.#setSchema({ word: word!, classId: classId!, oid: oid! }, schema!);
      }
      for (const schema of await this.#asideSchemas()) await this.#query(`DROP SCHEMA ${quoteIdentifier(schema)}`);
      // At last: they would hear of the schemas.
      await this.#query(`${enable.join('')}DELETE FROM ${this.#ledger.moved}`);
    });
  }

  async #moveOne(found: FoundObject, definition: Definition): Promise<void> {
    const { namespace } = definition;
    try {
      const aside = await this.#asideFor(namespace);
      for (const object of [found, ...await this.#companionsOf(found)]) await this.#moveInto(aside, object, namespace);
    } catch (error) {
      throw this.#unmoved(definition, error);
    }
  }

  /** Of no backup: the server makes them where an operator names one that is not there as its commutator or negator, and does so again. */
  async #moveShellOperators(): Promise<void> {
    const { rows } = await this.#query(`
      WITH aside AS (SELECT oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE ${this.#isAside('nspname')}))
      SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass::oid, o.oid, n.nspname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
      WHERE o.oprcode = 0 AND NOT ${this.#isAside('n.nspname')} AND (o.oprleft IN (SELECT oid FROM aside) OR o.oprright IN (SELECT oid FROM aside))`);
    for (const [classId, oid, namespace] of rows) await this.#moveInto(await this.#asideFor(namespace!), { classId: classId!, oid: oid!, word: 'OPERATOR' }, namespace!);
  }

  // oxlint-disable-next-line max-params -- two callers, both above
  async #moveInto(aside: string, object: Omit<FoundObject, 'id'>, wasIn: string): Promise<void> {
    const isMoved = await this.#setSchema(object, aside);
    if (isMoved) await this.#query(`INSERT INTO ${this.#ledger.moved} (class, object, word, was_in) VALUES (${object.classId}, ${object.oid}, ${quoteLiteral(object.word)}, ${quoteLiteral(wasIn)})`);
  }

  /** False where it is there already: what belongs to something else goes with that. */
  async #setSchema({ word, classId, oid }: Omit<FoundObject, 'id'>, schema: string): Promise<boolean> {
    const { rows } = await this.#query(`
      SELECT coalesce((SELECT ${ROUTINE_NAME} FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace WHERE ${classId}::oid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND o.oid = ${oid}), identity), schema
      FROM pg_catalog.pg_identify_object(${classId}, ${oid}, 0)`);
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
      inside AS (${IN_ASIDE} UNION ALL SELECT class, object FROM ${this.#ledger.moved} WHERE word IN (${Object.keys(HOLDERS).map(quoteLiteral).join(', ')})),
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
            WHEN 'pg_catalog.pg_foreign_server'::pg_catalog.regclass THEN (SELECT 0 WHERE NOT EXISTS (SELECT FROM ${this.#ledger.moved} m WHERE m.class = d.classid AND m.object = d.objid))
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
