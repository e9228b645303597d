/**
 * What a backup asks of the catalog: the tables that have rows of their own (leaves of partitioned tables, each table of an inheritance by itself), and what stands in the way of reading them. Members
 * of extensions come from the extension, except the tables that it marks as configuration, with the rows that it says.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { BackupChoice, BackupTable } from '../backup-source.ts';
import { tablePattern, type NamedTable } from '../table-choice.ts';
import type { Row, Session } from './driver.ts';
import { IS_OURS, qualifiedName } from './sql.ts';

export interface CatalogBackupTable extends BackupTable {
  readonly oid: string;
  readonly sqlName: string;
  /** Its access method has page ranges. */
  readonly isHeap: boolean;
  /** `WHERE …` of an extension's configuration table. */
  readonly condition: string | undefined;
  /** Policies apply to this user. */
  readonly hasRowSecurity: boolean;
}

export interface FoundTables {
  readonly tables: readonly CatalogBackupTable[];
  readonly notes: readonly string[];
}

const NOT_OF_USERS = `n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`;

/** Names in notes; more are counted. */
const MOST_NAMES = 5;

/** Tables by schema and name in byte order, and then what is left out. */
const TABLES = `
  WITH config AS (
    SELECT entry.oid, entry.condition FROM pg_catalog.pg_extension e CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS entry(oid, condition)
  )
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, a.amname IS NOT DISTINCT FROM 'heap', config.condition,
    CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int END,
    CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) + CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(c.reltoastrelid) END END,
    CASE WHEN c.reltuples >= 0 AND c.relpages > 0 THEN c.reltuples / c.relpages END,
    pg_catalog.row_security_active(c.oid),
    CASE WHEN c.relispartition THEN (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', ancestor_schema.nspname, 'name', ancestor.relname))
      FROM pg_catalog.pg_partition_ancestors(c.oid) AS tree(relid) JOIN pg_catalog.pg_class ancestor ON ancestor.oid = tree.relid
      JOIN pg_catalog.pg_namespace ancestor_schema ON ancestor_schema.oid = ancestor.relnamespace WHERE tree.relid <> c.oid) END,
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam LEFT JOIN config ON config.oid = c.oid
  WHERE c.relkind IN ('r', 'f', 'p') AND c.relpersistence <> 't' AND ${NOT_OF_USERS}
    AND NOT ${IS_OURS}
    AND (config.oid IS NOT NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** @throws SluiceError TABLE_UNKNOWN when a name or glob of `choice.tables` means none, PERMISSION_DENIED */
export async function findBackupTables(session: Session, choice: BackupChoice, signal: AbortSignal): Promise<FoundTables> {
  const isStandby = (await session.query('SELECT pg_catalog.pg_is_in_recovery()', { signal })).rows[0][0] === 't';
  const { rows } = await session.query(TABLES, { signal });
  const wanted = chosen(rows, choice, session.target.name);
  const foreign = wanted.filter(([, , , kind]) => kind === 'f');
  const unlogged = isStandby ? wanted.filter(([, , , kind, persistence]) => kind === 'r' && persistence === 'u') : [];
  const leftOut = new Set([...foreign, ...unlogged]);
  const read = wanted.filter((row) => row[3] === 'r' && !leftOut.has(row));
  refuseUnreadable(read, session);
  const tables = read.map(catalogTable);
  return {
    tables,
    notes: [
      ...(foreign.length === 0 ? [] : [`Rows of foreign tables are left out: they are elsewhere (${namesOf(foreign)})`]),
      ...(unlogged.length === 0 ? [] : [`Rows of unlogged tables are left out: a replica does not have them (${namesOf(unlogged)})`]),
    ],
  };
}

/** All of them at once, before any is locked. */
function refuseUnreadable(rows: readonly Row[], { target }: Session): void {
  const closed = rows.filter((row) => row[12] !== 't');
  if (closed.length > 0) throw new SluiceError('PERMISSION_DENIED', { connection: target.name, reason: `the user "${target.user}" may not read ${closed.length === 1 ? 'the table' : `${closed.length} tables:`} ${namesOf(closed)}` }, { table: `${closed[0][1]}.${closed[0][2]}` });
}

function catalogTable([oid, schema, name, , , isHeap, condition, pages, bytes, rowsPerPage, hasRowSecurity]: Row): CatalogBackupTable {
  return {
    oid: oid!, schema: schema!, name: name!, sqlName: qualifiedName({ schema: schema!, name: name! }),
    isHeap: isHeap === 't',
    condition: condition === null || condition.trim() === '' ? undefined : condition,
    pages: Number(pages), bytes: Number(bytes),
    estimatedRows: rowsPerPage === null ? undefined : Math.round(Number(rowsPerPage) * Number(pages)),
    hasRowSecurity: hasRowSecurity === 't',
  };
}

/** A table is meant by its own name and by those of the partitioned tables that it is a part of. */
function chosen(rows: readonly Row[], { tables, exclude }: BackupChoice, connection: string): Row[] {
  const includes = tables.map((text) => ({ text, matches: tablePattern(text), used: false }));
  const excludes = exclude.map(tablePattern);
  const wanted = rows.filter((row) => {
    const names = namesFor(row);
    let isIn = includes.length === 0;
    for (const include of includes) {
      if (!names.some(include.matches)) continue;
      include.used = true;
      isIn = true;
    }
    return isIn && !excludes.some((matches) => names.some(matches));
  });
  const unused = includes.find(({ used }) => !used);
  if (unused !== undefined) throw new SluiceError('TABLE_UNKNOWN', { table: unused.text, connection, suggestion: 'Names are as the database has them, case and all; globs have *, ? and [a-z]. `schema.*` means all tables of a schema.' }, { table: unused.text });
  return wanted;
}

function namesFor(row: Row): NamedTable[] {
  const ancestors = row[11] === null ? [] : JSON.parse(row[11]) as NamedTable[];
  return [{ schema: row[1]!, name: row[2]! }, ...ancestors];
}

function namesOf(rows: readonly Row[]): string {
  const names = rows.slice(0, MOST_NAMES).map(([, schema, name]) => `${schema}.${name}`).join(', ');
  return rows.length > MOST_NAMES ? `${names} and ${rows.length - MOST_NAMES} more` : names;
}
