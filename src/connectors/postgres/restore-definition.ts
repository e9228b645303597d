/**
 * The SQL around a definition of a backup: settings that it is to be run under before it, its owner after it. The definition itself is never looked into, with one exception: the end of a foreign key, which is
 * where NOT VALID goes.
 */
import type { Definition } from '../restore-target.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';

/** Their owner is said with the schema. */
const OWNED_IN_SCHEMA: ReadonlySet<string> = new Set([
  'COLLATION', 'CONVERSION', 'DOMAIN', 'FOREIGN TABLE', 'MATERIALIZED VIEW', 'SEQUENCE', 'STATISTICS', 'TABLE', 'TEXT SEARCH CONFIGURATION', 'TEXT SEARCH DICTIONARY', 'TYPE', 'VIEW',
]);
const OWNED: ReadonlySet<string> = new Set(['EVENT TRIGGER', 'FOREIGN DATA WRAPPER', 'PROCEDURAL LANGUAGE', 'PUBLICATION', 'SCHEMA', 'SERVER', 'SUBSCRIPTION']);
/** Named by what drops them: with the types of their arguments. */
const OWNED_BY_DROP: ReadonlySet<string> = new Set(['AGGREGATE', 'FUNCTION', 'OPERATOR', 'OPERATOR CLASS', 'OPERATOR FAMILY', 'PROCEDURE']);

/** Of these a tablespace and an access method are said. */
const WITH_TABLESPACE: ReadonlySet<string> = new Set(['TABLE', 'INDEX', 'MATERIALIZED VIEW', 'CONSTRAINT']);
const WITH_ACCESS_METHOD: ReadonlySet<string> = new Set(['TABLE', 'MATERIALIZED VIEW']);

/** For messages: `TABLE public.cities`, `FK CONSTRAINT public.cities cities_country_fkey`. */
export function entryName({ description, namespace, tag }: Pick<Definition, 'description' | 'namespace' | 'tag'>): string {
  return `${description} ${namespace === '' ? '' : `${namespace}.`}${tag}`;
}

/** '' for what has no owner. */
export function ownerSql(definition: Definition): string {
  const { description, tag, namespace, owner, dropSql } = definition;
  if (owner === '') return '';
  const to = ` OWNER TO ${quoteIdentifier(owner)};\n`;
  if (OWNED_IN_SCHEMA.has(description)) return `ALTER ${description} ${qualifiedName(namespace === '' ? { name: tag } : { schema: namespace, name: tag })}${to}`;
  if (OWNED.has(description)) return `ALTER ${description === 'PROCEDURAL LANGUAGE' ? 'LANGUAGE' : description} ${quoteIdentifier(tag)}${to}`;
  if (description === 'BLOB') return /^\d+$/.test(tag) ? `ALTER LARGE OBJECT ${tag}${to}` : '';
  if (description === 'BLOB METADATA') return largeObjectsOf(definition.sql).map((oid) => `ALTER LARGE OBJECT ${oid}${to}`).join('');
  if (!OWNED_BY_DROP.has(description)) return '';
  const object = objectOf(dropSql);
  return object === undefined ? '' : `ALTER ${object}${to}`;
}

/** `FUNCTION public.f(integer)` of `DROP FUNCTION public.f(integer);`. */
export function objectOf(dropSql: string): string | undefined {
  return /^DROP (?:IF EXISTS )?([^]+?);?\s*$/.exec(dropSql)?.[1];
}

/** The objects that an entry of pg_dump 17 or later makes: one oid a line. */
function largeObjectsOf(sql: string): string[] {
  return sql.split('\n').map((line) => line.trim()).filter((line) => /^\d+$/.test(line));
}

/** The definition as it is run. */
export function definitionSql(definition: Definition): string {
  const { description, sql, namespace, tag } = definition;
  // Backups have no entries for them: every one is filled, but for those that were not at the source.
  if (description === 'MATERIALIZED VIEW DATA' && sql === '') return `REFRESH MATERIALIZED VIEW ${qualifiedName({ schema: namespace, name: tag })};\n`;
  if (description !== 'BLOB METADATA') return sql;
  return largeObjectsOf(sql).map((oid) => `SELECT pg_catalog.lo_create(${oid});\n`).join('');
}

export interface Known {
  /** Whether the server has them. */
  tablespace(name: string): boolean;
  accessMethod(name: string): boolean;
}

/** What takes the object away again; undefined for what goes with another object. */
export function undoSql({ description, tag, sql, dropSql }: Pick<Definition, 'description' | 'tag' | 'sql' | 'dropSql'>): string | undefined {
  if (description === 'BLOB') return /^\d+$/.test(tag) ? `SELECT pg_catalog.lo_unlink(${tag});\n` : undefined;
  if (description === 'BLOB METADATA') return largeObjectsOf(sql).map((oid) => `SELECT pg_catalog.lo_unlink(${oid});\n`).join('');
  // Tables of a circle of keys cannot go before the keys.
  return objectOf(dropSql) === undefined && description !== 'FK CONSTRAINT' ? undefined : dropSql;
}

/** What ties a table to a function that is tied to the table: neither can go before it. */
export function untieSql({ description, dropSql }: Pick<Definition, 'description' | 'dropSql'>): string | undefined {
  return (description === 'DEFAULT' || description === 'CONSTRAINT' || description === 'CHECK CONSTRAINT') && dropSql !== '' ? dropSql : undefined;
}

/** Of a partitioned table, which has no rows itself, the access method is said afterwards (PostgreSQL 17). */
export function accessMethodSql({ description, namespace, tag, relkind, accessMethod }: Definition, known: Known, serverVersion: number): string {
  if (description !== 'TABLE' || relkind !== 'p' || accessMethod === null || serverVersion < 170_000 || !known.accessMethod(accessMethod)) return '';
  return `ALTER TABLE ${qualifiedName({ schema: namespace, name: tag })} SET ACCESS METHOD ${quoteIdentifier(accessMethod)};\n`;
}

/** Where names without a schema are usually meant to be. What is the system's own is found first all the same. */
export function usualPath(schema: string): string {
  return `SET LOCAL search_path = ${schema === 'public' ? 'public' : `${quoteIdentifier(schema)}, public`}; `;
}

/** Settings for the transaction of one definition; in one line, so that places in the definition stay what they are. */
export function prefixSql(definition: Definition, known: Known, unqualified: boolean): string {
  const { description, tablespace, accessMethod, namespace, relkind } = definition;
  const settings: string[] = [];
  const add = (name: string, value: string): void => void settings.push(`SET LOCAL ${name} = ${value}; `);
  if (WITH_TABLESPACE.has(description) && tablespace && known.tablespace(tablespace)) add('default_tablespace', quoteLiteral(tablespace));
  if (WITH_ACCESS_METHOD.has(description) && accessMethod && relkind !== 'p' && known.accessMethod(accessMethod)) add('default_table_access_method', quoteLiteral(accessMethod));
  if (unqualified && namespace !== '') add('search_path', `${quoteIdentifier(namespace)}, pg_catalog`);
  return settings.join('');
}

/** A foreign key that may be added unchecked: not of a partitioned table (older servers refuse), and not one that is unchecked in the backup. */
export function canBeAddedUnchecked({ description, sql }: Definition): boolean {
  return description === 'FK CONSTRAINT' && sql.startsWith('ALTER TABLE ONLY ') && /\)[^"';]*;\s*$/.test(sql) && !/\bNOT\s+VALID\s*;\s*$/.test(sql) && !/\bNOT\s+ENFORCED\s*;\s*$/.test(sql);
}

export function uncheckedSql(sql: string): string {
  return sql.replace(/\s*;\s*$/, ' NOT VALID;\n');
}
