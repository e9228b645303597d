/**
 * Finds the objects of a backup in the target by what the backup calls them. Names with arguments are compared as text, in the form that pg_dump and the server give them alike: the server's own look-ups by name
 * (`to_regprocedure`) fail where a type of an argument is not there, and do not know the names of arguments.
 */
import type { Definition } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import { objectOf } from './restore-definition.ts';

export interface FoundObject {
  readonly id: number;
  /** The catalog that it is in, and its place there. */
  readonly classId: string;
  readonly oid: string;
  /** As `ALTER` calls it. */
  readonly word: string;
}

/** The catalog, the object's oid and its word, for `w` with `schema`, `name` and `object`, its text behind the word in the statement that drops it. */
interface Lookup {
  readonly catalog: string;
  readonly word: string;
  readonly from: string;
}

const NAMESPACE = 'JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema';

const RELATION: Lookup = {
  catalog: 'pg_class',
  word: `CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END`,
  from: `${NAMESPACE} JOIN pg_catalog.pg_class o ON o.relnamespace = n.oid AND o.relname = w.name AND o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,
};
/** A type of which nothing is there but the name. */
export const SHELL = 'SHELL TYPE';

const TYPE: Lookup = {
  catalog: 'pg_type', word: `CASE WHEN o.typisdefined THEN 'TYPE' ELSE '${SHELL}' END`,
  // Types of the rows of tables are not types by themselves.
  from: `${NAMESPACE} JOIN pg_catalog.pg_type o ON o.typnamespace = n.oid AND o.typname = w.name AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND c.relkind <> 'c')`,
};
/** A routine `o` in a schema `n` as the statements that alter or drop it call it, so that no other can be meant: types alone do not tell procedures apart. */
export const ROUTINE_NAME = `pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.proname)
    || '(' || CASE WHEN o.prokind = 'a' AND o.pronargs = 0 THEN '*' ELSE pg_catalog.pg_get_function_identity_arguments(o.oid) END || ')'`;

const ROUTINE: Lookup = {
  catalog: 'pg_proc', word: `CASE o.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END`,
  from: `${NAMESPACE} JOIN pg_catalog.pg_proc o ON o.pronamespace = n.oid AND ${ROUTINE_NAME} = w.object`,
};
const OPERATOR: Lookup = {
  catalog: 'pg_operator', word: `'OPERATOR'`,
  from: `${NAMESPACE} JOIN pg_catalog.pg_operator o ON o.oprnamespace = n.oid AND pg_catalog.quote_ident(n.nspname) || '.' || o.oprname
    || ' (' || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END || ', ' || pg_catalog.format_type(o.oprright, NULL) || ')' = w.object`,
};

/** By schema and name. */
const inSchema = (catalog: string, word: string, prefix: string): Lookup => ({ catalog, word: `'${word}'`, from: `${NAMESPACE} JOIN pg_catalog.${catalog} o ON o.${prefix}namespace = n.oid AND o.${prefix}name = w.name` });
/** Of one access method. */
const ofMethod = (catalog: string, word: string, prefix: string): Lookup => ({
  catalog, word: `'${word}'`,
  from: `${NAMESPACE} JOIN pg_catalog.${catalog} o ON o.${prefix}namespace = n.oid AND o.${prefix}name = w.name JOIN pg_catalog.pg_am m ON m.oid = o.${prefix}method AND pg_catalog.right(w.object, pg_catalog.length(m.amname) + 7) = ' USING ' || m.amname`,
});
/** By name alone. */
const named = (catalog: string, word: string, column: string): Lookup => ({ catalog, word: `'${word}'`, from: `JOIN pg_catalog.${catalog} o ON o.${column} = w.name` });

/** What stands in schemas can be moved into another. */
const IN_SCHEMAS: Readonly<Record<string, Lookup>> = {
  TABLE: RELATION, VIEW: RELATION, 'MATERIALIZED VIEW': RELATION, 'FOREIGN TABLE': RELATION, SEQUENCE: RELATION,
  TYPE, DOMAIN: TYPE, 'SHELL TYPE': TYPE, FUNCTION: ROUTINE, PROCEDURE: ROUTINE, AGGREGATE: ROUTINE, OPERATOR,
  COLLATION: inSchema('pg_collation', 'COLLATION', 'coll'), CONVERSION: inSchema('pg_conversion', 'CONVERSION', 'con'), STATISTICS: inSchema('pg_statistic_ext', 'STATISTICS', 'stx'),
  'OPERATOR CLASS': ofMethod('pg_opclass', 'OPERATOR CLASS', 'opc'), 'OPERATOR FAMILY': ofMethod('pg_opfamily', 'OPERATOR FAMILY', 'opf'),
  'TEXT SEARCH CONFIGURATION': inSchema('pg_ts_config', 'TEXT SEARCH CONFIGURATION', 'cfg'), 'TEXT SEARCH DICTIONARY': inSchema('pg_ts_dict', 'TEXT SEARCH DICTIONARY', 'dict'),
  'TEXT SEARCH PARSER': inSchema('pg_ts_parser', 'TEXT SEARCH PARSER', 'prs'), 'TEXT SEARCH TEMPLATE': inSchema('pg_ts_template', 'TEXT SEARCH TEMPLATE', 'tmpl'),
};

/** What stands outside of schemas can get another name. */
const RENAMED: Readonly<Record<string, Lookup>> = {
  PUBLICATION: named('pg_publication', 'PUBLICATION', 'pubname'), 'EVENT TRIGGER': named('pg_event_trigger', 'EVENT TRIGGER', 'evtname'), SERVER: named('pg_foreign_server', 'SERVER', 'srvname'),
  'FOREIGN DATA WRAPPER': named('pg_foreign_data_wrapper', 'FOREIGN DATA WRAPPER', 'fdwname'), 'PROCEDURAL LANGUAGE': named('pg_language', 'LANGUAGE', 'lanname'),
  // One name in each database of the server.
  SUBSCRIPTION: { catalog: 'pg_subscription', word: `'SUBSCRIPTION'`, from: 'JOIN pg_catalog.pg_subscription o ON o.subname = w.name AND o.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())' },
};

/** Neither; they stay, and what is there is what the backup has. */
const KEPT: Readonly<Record<string, Lookup>> = {
  'ACCESS METHOD': named('pg_am', 'ACCESS METHOD', 'amname'),
  CAST: { catalog: 'pg_cast', word: `'CAST'`, from: `JOIN pg_catalog.pg_cast o ON '(' || pg_catalog.format_type(o.castsource, NULL) || ' AS ' || pg_catalog.format_type(o.casttarget, NULL) || ')' = w.object` },
  TRANSFORM: {
    catalog: 'pg_transform', word: `'TRANSFORM'`,
    from: `JOIN pg_catalog.pg_transform o ON 'FOR ' || pg_catalog.format_type(o.trftype, NULL) || ' LANGUAGE ' || (SELECT pg_catalog.quote_ident(l.lanname) FROM pg_catalog.pg_language l WHERE l.oid = o.trflang) = w.object`,
  },
};

const SCHEMA: Lookup = named('pg_namespace', 'SCHEMA', 'nspname');
const INDEX: Lookup = { catalog: 'pg_class', word: `'INDEX'`, from: `${NAMESPACE} JOIN pg_catalog.pg_class o ON o.relnamespace = n.oid AND o.relname = w.name AND o.relkind IN ('i', 'I')` };

/** Those of kinds that cannot be looked up count as absent. */
export function findPresent(session: Session, definitions: readonly Definition[], options: QueryOptions): Promise<FoundObject[]> {
  return find(session, { ...IN_SCHEMAS, ...RENAMED, ...KEPT, SCHEMA, INDEX }, definitions, options);
}

/** What can be moved into another schema. */
export function findMovable(session: Session, definitions: readonly Definition[], options: QueryOptions): Promise<FoundObject[]> {
  return find(session, IN_SCHEMAS, definitions, options);
}

/** What can be given another name. */
export function findRenamable(session: Session, definitions: readonly Definition[], options: QueryOptions): Promise<FoundObject[]> {
  return find(session, RENAMED, definitions, options);
}

/** What can be neither moved nor renamed. */
export function findImmovable(session: Session, definitions: readonly Definition[], options: QueryOptions): Promise<FoundObject[]> {
  return find(session, KEPT, definitions, options);
}

// oxlint-disable-next-line max-params -- three callers, all above
async function find(session: Session, lookups: Readonly<Record<string, Lookup>>, definitions: readonly Definition[], options: QueryOptions): Promise<FoundObject[]> {
  const byLookup = new Map<Lookup, { id: number; schema: string; name: string; object: string }[]>();
  for (const { id, description, tag, namespace, dropSql } of definitions) {
    const lookup = Object.hasOwn(lookups, description) ? lookups[description] : undefined;
    if (lookup === undefined) continue;
    const object = (objectOf(dropSql) ?? '').slice(description.length + 1);
    const wanted = { id, schema: namespace, name: tag, object }, others = byLookup.get(lookup);
    if (others === undefined) byLookup.set(lookup, [wanted]);
    else others.push(wanted);
  }
  const found: FoundObject[] = [];
  for (const [{ catalog, word, from }, wanted] of byLookup) {
    const { rows } = await session.query(
      `SELECT w.id, 'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid, o.oid, ${word} FROM pg_catalog.json_to_recordset($1::json) AS w(id bigint, schema text, name text, object text) ${from}`,
      { ...options, values: [JSON.stringify(wanted)] });
    for (const [id, classId, oid, kind] of rows) found.push({ id: Number(id), classId: classId!, oid: oid!, word: kind! });
  }
  return found;
}
