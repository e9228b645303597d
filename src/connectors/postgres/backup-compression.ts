/**
 * Which columns hold nothing that compresses. The server tries every long value before it stores it apart (TOAST), and for numbers of models, images and the like in vain: a third of its work when they are
 * restored. It remembers which of its values are compressed, and reading that touches the heap alone.
 */
import type { CatalogBackupTable } from './backup-catalog.ts';
import { bytesPerPage } from './backup-groups.ts';
import type { Session } from './driver.ts';
import { quoteIdentifier } from './sql.ts';

/** Heap and TOAST for each page of the heap: from here on reading the heap once more is little. */
const LEAST_BYTES_PER_PAGE = 64 * 1024;
/** In a table below, trying costs nothing that anybody would notice. */
const LEAST_BYTES = 4 * 1024 * 1024;
/** What compresses at all mostly shows in these. */
const FIRST_PAGES = 64;
/** pg_column_compression, and ranges of ctid. */
const LEAST_VERSION = 140_000;

/** Names of columns that are to be compressed where it saves something, and of whose values none is. In a session of the snapshot. */
export async function uncompressedColumns(session: Session, table: CatalogBackupTable, signal: AbortSignal): Promise<string[]> {
  if (session.version < LEAST_VERSION || table.bytes < LEAST_BYTES || bytesPerPage(table) < LEAST_BYTES_PER_PAGE) return [];
  const { rows } = await session.query(`
    SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = ${table.oid} AND attnum > 0 AND NOT attisdropped AND attstorage = 'x' AND attgenerated = '' ORDER BY attnum`, { signal });
  let names = rows.map(([name]) => name!);
  for (const condition of [` WHERE ctid < '(${FIRST_PAGES},0)'::pg_catalog.tid`, '']) {
    if (names.length === 0) return [];
    const isAny = names.map((name) => `coalesce(pg_catalog.bool_or(pg_catalog.pg_column_compression(${quoteIdentifier(name)}) IS NOT NULL), false)`);
    const [answers] = (await session.query(`SELECT ${isAny.join(', ')} FROM ONLY ${table.sqlName}${condition}`, { signal })).rows;
    names = names.filter((_, i) => answers[i] === 'f');
  }
  return names;
}
