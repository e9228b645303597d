/** What a restore asks the target's catalogs. Names go as JSON: no list is too long for a statement's parameters. */
import { displayName, type TableName } from '../../rows/table-schema.ts';
import type { RelationSize, RestoredTable, WantedTable } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';

export interface KnownNames {
  /** That objects can be given to. */
  readonly roles: ReadonlySet<string>;
  /** They exist, and this user may give them nothing. */
  readonly unusableRoles: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly accessMethods: ReadonlySet<string>;
  readonly schemas: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
  tablespace(name: string): boolean;
  accessMethod(name: string): boolean;
}

export async function findKnownNames(session: Session, wanted: { readonly owners: readonly string[]; readonly tablespaces: readonly string[]; readonly accessMethods: readonly string[] }, options: QueryOptions): Promise<KnownNames> {
  // From 16 on membership alone does not let objects be given away.
  const right = session.version >= 160_000 ? 'SET' : 'MEMBER';
  const among = (name: string, n: number): string => `${name} IN (SELECT pg_catalog.json_array_elements_text($${n}::json))`;
  const { rows } = await session.query(`
    SELECT CASE WHEN pg_catalog.pg_has_role(oid, '${right}') THEN 'role' ELSE 'unusable' END, rolname FROM pg_catalog.pg_roles WHERE ${among('rolname', 1)}
    UNION ALL SELECT 'tablespace', spcname FROM pg_catalog.pg_tablespace WHERE ${among('spcname', 2)}
    UNION ALL SELECT 'access method', amname FROM pg_catalog.pg_am WHERE ${among('amname', 3)}
    UNION ALL SELECT 'schema', nspname FROM pg_catalog.pg_namespace
    UNION ALL SELECT 'extension', extname FROM pg_catalog.pg_extension`, { ...options, values: [wanted.owners, wanted.tablespaces, wanted.accessMethods].map((names) => JSON.stringify(names)) });
  const of = (kind: string): ReadonlySet<string> => new Set(rows.filter(([found]) => found === kind).map(([, name]) => name!));
  const tablespaces = of('tablespace'), accessMethods = of('access method');
  return {
    roles: of('role'), unusableRoles: of('unusable'), tablespaces, accessMethods, schemas: of('schema'), extensions: of('extension'),
    tablespace: (name) => tablespaces.has(name),
    // Those that the backup brings were not asked for.
    accessMethod: (name) => accessMethods.has(name) || !wanted.accessMethods.includes(name),
  };
}

const WANTED = `pg_catalog.json_to_recordset($1::json) AS w(i int, schema text, name text)`;

function wantedJson(names: readonly TableName[]): string {
  return JSON.stringify(names.map(({ schema, name }, i) => ({ i, schema: schema ?? 'public', name })));
}

export async function existingRelations(session: Session, names: readonly TableName[], options: QueryOptions): Promise<TableName[]> {
  const { rows } = await session.query(`
    SELECT w.i FROM ${WANTED} JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name ORDER BY w.i`,
  { ...options, values: [wantedJson(names)] });
  return rows.map(([i]) => names[Number(i)]);
}

export async function describeTables(session: Session, tables: readonly WantedTable[], options: QueryOptions): Promise<(RestoredTable | undefined)[]> {
  const { rows } = await session.query(`
    SELECT w.i, c.oid, c.relpersistence = 'u', rn.nspname, r.relname FROM ${WANTED}
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'f')
    LEFT JOIN pg_catalog.pg_class r ON c.relispartition AND r.oid = pg_catalog.pg_partition_root(c.oid) AND EXISTS (
      SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = a.relid AND p.partstrat = 'h'
      JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass) AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype)
    LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace`, { ...options, values: [wantedJson(tables.map(({ into }) => into))] });
  const found: (RestoredTable | undefined)[] = tables.map(() => undefined);
  for (const [i, oid, unlogged, rootSchema, root] of rows) {
    const { name: own, into } = tables[Number(i)];
    const throughRoot = rootSchema != null && root != null;
    found[Number(i)] = { name: throughRoot ? { schema: rootSchema, name: root } : into, display: displayName(own), throughRoot, isUnlogged: unlogged === 't', oid: oid! };
  }
  return found;
}

export async function relationSizes(session: Session, options: QueryOptions): Promise<RelationSize[]> {
  const { rows } = await session.query(`
    SELECT n.nspname, c.relname, CASE WHEN c.relkind = 'p' THEN 0 ELSE pg_catalog.pg_table_size(c.oid) END, c.relispartition, c.relkind
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`, options);
  return rows.map(([schema, name, bytes, isPartition, kind]) => ({ schema: schema!, name: name!, bytes: Number(bytes), isPartition: isPartition === 't', kind: kind! }));
}

/** Those that a crash empties, and the partitioned tables that they belong to: their triggers and keys are the partition's, too. */
export async function unloggedTables(session: Session, options: QueryOptions): Promise<TableName[]> {
  const { rows } = await session.query(`
    SELECT DISTINCT n.nspname, a.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_class a ON a.oid = c.oid OR (c.relispartition AND a.oid IN (SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid)))
    JOIN pg_catalog.pg_namespace n ON n.oid = a.relnamespace
    WHERE c.relpersistence = 'u' AND c.relkind = 'r'`, options);
  return rows.map(([schema, name]) => ({ schema: schema!, name: name! }));
}

/** Debian's servers have a folder for extensions more (extension_destdir), which the view does not look into: with it they say by themselves what they cannot install. */
export async function unavailableExtensions(session: Session, names: readonly string[], options: QueryOptions): Promise<string[]> {
  const { rows } = await session.query(`
    SELECT w.name FROM pg_catalog.json_array_elements_text($1::json) AS w(name) 
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions a WHERE a.name = w.name) AND coalesce(pg_catalog.current_setting('extension_destdir', true), '') = ''`,
  { ...options, values: [JSON.stringify(names)] });
  return rows.map(([name]) => name!);
}
