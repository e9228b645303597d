/**
 * Spares the server vain attempts: of columns in which the source could compress no value, none is tried while rows come in. For so long their storage is EXTERNAL; the ledger has who they are, from the
 * transaction that says it to the one that takes it back, so that it is taken back whatever happens between.
 */
import type { RestoredTable } from '../restore-target.ts';
import type { QueryOptions, Session } from './driver.ts';
import type { RestoreLedger } from './restore-ledger.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

/** One message, which is one transaction; undefined when there is nothing to do. */
export async function leaveUncompressedSql(session: Session, table: RestoredTable, columns: readonly string[], ledger: RestoreLedger, options: QueryOptions): Promise<string | undefined> {
  // Rows of the others go elsewhere, or may go and come again when much else is there already.
  if (table.throughRoot || table.isUnlogged) return undefined;
  const { rows } = await session.query(`
    SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE c.oid = ${table.oid} AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage = 'x' AND a.attname IN (SELECT pg_catalog.json_array_elements_text($1::json)) ORDER BY a.attnum`,
  { ...options, values: [JSON.stringify(columns)] });
  if (rows.length === 0) return undefined;
  const names = rows.map(([name]) => name!);
  return `${storageSql(qualifiedName(table.name), names, 'EXTERNAL')} ${names.map((name) => ledger.entrySql('uncompressed', Number(table.oid), name)).join(' ')}`;
}

/** A message for each table. */
export async function compressAgainSql(session: Session, ledger: RestoreLedger, options: QueryOptions): Promise<string[]> {
  const { rows } = await session.query(`
    SELECT n.nspname, c.relname, c.oid, pg_catalog.json_agg(d.target) FROM ${ledger.entries} d JOIN pg_catalog.pg_class c ON c.oid = d.id::oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE d.kind = 'uncompressed' GROUP BY 1, 2, 3`, options);
  return rows.map(([schema, name, oid, columns]) => {
    const names = JSON.parse(columns!) as string[];
    return `${storageSql(qualifiedName({ schema: schema!, name: name! }), names, 'EXTENDED')} ${names.map((column) => ledger.removeSql('uncompressed', Number(oid), column)).join(' ')}`;
  });
}

function storageSql(table: string, columns: readonly string[], storage: 'EXTERNAL' | 'EXTENDED'): string {
  return `ALTER TABLE ONLY ${table} ${columns.map((name) => `ALTER COLUMN ${quoteIdentifier(name)} SET STORAGE ${storage}`).join(', ')};`;
}
