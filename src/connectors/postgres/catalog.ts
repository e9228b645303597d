/** What the system catalog says of tables. One statement for any number of tables, names as the catalog has them. */
import type { Column, IndexSchema, TableName, TableSchema } from '../../rows/table-schema.ts';
import type { Row, Session } from './driver.ts';
import { IS_OURS, qualifiedName } from './sql.ts';
import { columnType, embeddingType, isPortableInBinary, type EmbeddingType, type TypeFacts } from './type-map.ts';

export type RelationKind = 'table' | 'partitioned' | 'view' | 'materialized' | 'foreign';

const KINDS: Readonly<Record<string, RelationKind>> = { r: 'table', p: 'partitioned', v: 'view', m: 'materialized', f: 'foreign' };

/** A table with what only this connector needs to know of it. */
export interface CatalogTable {
  readonly oid: string;
  /** The schema always present. */
  readonly name: Required<TableName>;
  readonly kind: RelationKind;
  readonly columns: readonly CatalogColumn[];
  readonly schema: TableSchema;
}

export interface CatalogColumn extends Column {
  readonly nativeType: string;
  /** The base type without modifiers, as the binary encoding names it. */
  readonly binaryType: string;
  readonly portable: boolean;
  readonly isDomain: boolean;
  /** Of pgvector, in whatever schema it is. */
  readonly embedding?: EmbeddingType;
}

/** User tables: no system schemas, no partitions (their root stands for them), no temporary tables, none of extensions, no staging of ours. */
const USER_TABLES = `
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND NOT ${IS_OURS}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

/** All user tables by schema and name. `defaultSchema` is left out of their names. */
export async function listTables(session: Session, defaultSchema: string | undefined, signal: AbortSignal): Promise<CatalogTable[]> {
  return readTables(session, USER_TABLES, defaultSchema, signal);
}

/** The tables (also views, materialized views, foreign tables) of these names, in their order; undefined where there is none. */
export async function findTables(session: Session, names: readonly TableName[], defaultSchema: string | undefined, signal: AbortSignal): Promise<(CatalogTable | undefined)[]> {
  const texts = JSON.stringify(names.map(qualifiedName));
  const sql = 'SELECT pg_catalog.to_regclass(wanted.name)::oid FROM pg_catalog.json_array_elements_text($1::json) WITH ORDINALITY AS wanted(name, n) ORDER BY wanted.n';
  const oids = (await session.query(sql, { values: [texts], signal })).rows.map((row) => row[0]);
  const known = [...new Set(oids.filter((oid) => oid != null))];
  if (known.length === 0) return names.map(() => undefined);
  const tables = await readTables(session, `SELECT pg_catalog.unnest('{${known.join(',')}}'::oid[])`, defaultSchema, signal);
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  return oids.map((oid) => (oid == null ? undefined : byOid.get(oid)));
}

export async function currentSchema(session: Session, signal: AbortSignal): Promise<string | undefined> {
  return (await session.query('SELECT pg_catalog.current_schema()', { signal })).rows[0][0] ?? undefined;
}

async function readTables(session: Session, oids: string, defaultSchema: string | undefined, signal: AbortSignal): Promise<CatalogTable[]> {
  // An empty search path makes the server qualify the names of types that are not its own.
  await session.query(`BEGIN; SELECT pg_catalog.set_config('search_path', '', true)`, { signal });
  try {
    const tables = await session.query(tablesSql(oids), { signal });
    const columns = groupByTable(await session.query(columnsSql(oids), { signal }));
    const indexes = groupByTable(await session.query(indexesSql(oids), { signal }));
    return tables.rows.map((row) => catalogTable(row, columns.get(row[0]!) ?? [], indexes.get(row[0]!) ?? [], defaultSchema));
  } finally {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
  }
}

/** Columns of tables by oid, in their order; for a session whose search path is empty, which makes the server qualify the names of types. */
export async function columnsOf(session: Session, oids: readonly string[], signal: AbortSignal): Promise<Map<string, CatalogColumn[]>> {
  const rows = groupByTable(await session.query(columnsSql(`SELECT pg_catalog.unnest('{${oids.join(',')}}'::oid[])`), { signal }));
  return new Map([...rows].map(([oid, columns]) => [oid, columns.map(catalogColumn)]));
}

function groupByTable({ rows }: { rows: readonly Row[] }): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row[0]!);
    if (group === undefined) groups.set(row[0]!, [row]);
    else group.push(row);
  }
  return groups;
}

/** reltuples is as old as the last ANALYZE: it is scaled to the size that the table has now, as the planner does. */
function tablesSql(oids: string): string {
  return `
    SELECT c.oid, n.nspname, c.relname, c.relkind, size.rows, size.bytes
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
      SELECT pg_catalog.sum(pg_catalog.pg_table_size(leaf.oid)) AS bytes,
        pg_catalog.round(CASE WHEN pg_catalog.bool_and(leaf.reltuples >= 0) THEN pg_catalog.sum(CASE WHEN leaf.relpages > 0
          THEN leaf.reltuples / leaf.relpages * pg_catalog.pg_relation_size(leaf.oid) / pg_catalog.current_setting('block_size')::int ELSE leaf.reltuples END) END) AS rows
      FROM pg_catalog.pg_class leaf
      WHERE leaf.relkind IN ('r', 'm') AND (leaf.oid = c.oid OR c.relkind = 'p' AND leaf.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
    ) AS size
    WHERE c.oid IN (${oids}) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY n.nspname, c.relname`;
}

function columnsSql(oids: string): string {
  return `
    WITH RECURSIVE wanted AS (
      SELECT attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attidentity, attgenerated, atthasdef
      FROM pg_catalog.pg_attribute WHERE attrelid IN (${oids}) AND attnum > 0 AND NOT attisdropped
    ), ${BASE_TYPES}
    SELECT w.attrelid, w.attname, w.attnotnull, w.attidentity, w.attgenerated, w.atthasdef, pg_catalog.format_type(w.atttypid, w.atttypmod), ${TYPE_FACTS}
    FROM wanted w JOIN base b USING (attrelid, attnum) ${TYPE_JOINS}
    ORDER BY w.attrelid, w.attnum`;
}

/** Follows domains to the type below them. */
const BASE_TYPES = `base AS (
      SELECT attrelid, attnum, atttypid AS typid, atttypmod AS typmod FROM wanted
      UNION ALL
      SELECT b.attrelid, b.attnum, d.typbasetype, d.typtypmod FROM base b JOIN pg_catalog.pg_type d ON d.oid = b.typid AND d.typtype = 'd')`;
const TYPE_FACTS = `t.typname, tn.nspname = 'pg_catalog', b.typmod, pg_catalog.format_type(b.typid, b.typmod), pg_catalog.format_type(b.typid, NULL), e.typname, en.nspname = 'pg_catalog', w.atttypid <> b.typid,
      CASE WHEN tn.nspname <> 'pg_catalog' THEN (SELECT x.extname FROM pg_catalog.pg_depend m JOIN pg_catalog.pg_extension x ON x.oid = m.refobjid
        WHERE m.classid = 'pg_catalog.pg_type'::regclass AND m.objid = t.oid AND m.deptype = 'e' AND m.refclassid = 'pg_catalog.pg_extension'::regclass) END`;
/** int2vector and oidvector have an element type too, but are not the array type of it. */
const TYPE_JOINS = `
    JOIN pg_catalog.pg_type t ON t.oid = b.typid AND t.typtype <> 'd' JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid LEFT JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace`;

/** Columns of a query's result by type ids and modifiers, in their order. */
export async function describeTypes(session: Session, fields: readonly { name: string; oid: number; modifier: number }[], signal: AbortSignal): Promise<CatalogColumn[]> {
  if (fields.length === 0) return [];
  const wanted = fields.map(({ oid, modifier }, i) => `(0, ${i}, ${oid}::oid, ${modifier})`).join(', ');
  const { rows } = await session.query(`
    WITH RECURSIVE wanted(attrelid, attnum, atttypid, atttypmod) AS (VALUES ${wanted}), ${BASE_TYPES}
    SELECT pg_catalog.format_type(w.atttypid, w.atttypmod), ${TYPE_FACTS}
    FROM wanted w JOIN base b USING (attrelid, attnum) ${TYPE_JOINS}
    ORDER BY w.attnum`, { signal });
  return rows.map((row, i) => ({ name: fields[i].name, nullable: true, ...typeOf(row) }));
}

function indexesSql(oids: string): string {
  return `
    SELECT i.indrelid, c.relname, i.indisunique, i.indisprimary, pg_catalog.pg_get_indexdef(i.indexrelid),
      (SELECT pg_catalog.json_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k.n, false) ORDER BY k.n) FROM pg_catalog.generate_series(1, i.indnkeyatts) AS k(n)),
      (SELECT pg_catalog.json_agg(a.attname ORDER BY k.n) FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0 WHERE k.n <= i.indnkeyatts)
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid IN (${oids}) AND i.indisvalid
    ORDER BY i.indrelid, NOT i.indisprimary, c.relname`;
}

function catalogTable(row: Row, columnRows: readonly Row[], indexRows: readonly Row[], defaultSchema: string | undefined): CatalogTable {
  const [oid, schema, name, kind, rows, bytes] = row;
  const columns = columnRows.map(catalogColumn);
  const indexes = indexRows.map(indexSchema);
  return {
    oid: oid!,
    name: { schema: schema!, name: name! },
    kind: KINDS[kind!],
    columns,
    schema: {
      ...(schema === defaultSchema ? {} : { schema: schema! }),
      name: name!,
      columns: columns.map(publicColumn),
      primaryKey: indexes.find((index) => index.primary)?.columns ?? [],
      indexes,
      ...(rows == null ? {} : { estimatedRows: Number(rows) }),
      ...(bytes == null ? {} : { estimatedBytes: Number(bytes) }),
    },
  };
}

/** The column without what only this connector knows of it. */
export function publicColumn({ name, type, nullable, nativeType, filled }: CatalogColumn): Column {
  return { name, type, nullable, nativeType, ...(filled === undefined ? {} : { filled }) };
}

function catalogColumn(row: Row): CatalogColumn {
  const [, name, notNull, identity, generated, hasDefault, ...type] = row;
  const filled = filledBy(identity!, generated!, hasDefault === 't');
  return { name: name!, nullable: notNull !== 't', ...(filled === undefined ? {} : { filled }), ...typeOf(type) };
}

function filledBy(identity: string, generated: string, hasDefault: boolean): Column['filled'] {
  if (generated !== '') return 'generated';
  if (identity !== '') return identity === 'a' ? 'identity-always' : 'identity-default';
  return hasDefault ? 'default' : undefined;
}

function typeOf(row: Row): Pick<CatalogColumn, 'type' | 'nativeType' | 'binaryType' | 'portable' | 'isDomain' | 'embedding'> {
  const [nativeType, name, builtin, modifier, declared, binaryType, element, elementBuiltin, domain, extension] = row;
  const facts: TypeFacts = {
    name: name!, builtin: builtin === 't', modifier: Number(modifier), declared: declared!,
    ...(element == null ? {} : { element: { name: element, builtin: elementBuiltin === 't' } }),
    ...(extension == null ? {} : { extension }),
  };
  const embedding = embeddingType(facts);
  return { type: columnType(facts), nativeType: nativeType!, binaryType: binaryType!, portable: isPortableInBinary(facts), isDomain: domain === 't', ...(embedding === undefined ? {} : { embedding }) };
}

function indexSchema(row: Row): IndexSchema {
  const [, name, unique, primary, definition, texts, names] = row;
  const keyTexts = JSON.parse(texts!) as string[];
  // An expression has no column; its own text stands for it.
  const columns = (JSON.parse(names!) as (string | null)[]).map((column, i) => column ?? keyTexts[i]);
  return { name: name!, columns, unique: unique === 't', primary: primary === 't', definition: definition! };
}
