/**
 * How a table is cut into parts, and the statements that read them.
 *
 * A part is a range of heap pages, `ctid >= '(a,0)' AND ctid < '(b,0)'`, which the server reads as a TID range scan (version 14 and newer): no index,
 * no key, no sort. Ranges are sized by heap and TOAST together, so that a table with few pages and long values still splits. The last
 * range has no upper end: rows that the snapshot sees may lie beyond the size that was read a moment before.
 */
import type { Interval } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { CatalogColumn } from './catalog.ts';
import type { QueryOptions, Session } from './driver.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

/** One physical table: the table itself, or a leaf of a partitioned one. */
export interface ScanUnit {
  readonly sqlName: string;
  /** Can be cut into ranges of pages. */
  readonly ranged: boolean;
  /** Can be named in LOCK TABLE. */
  readonly lockable: boolean;
  /** Without the tables that inherit from it: they are tables of their own. */
  readonly only: boolean;
  readonly pages: number;
  /** Heap and TOAST. */
  readonly bytes: number;
}

/** One COPY. */
export interface PlannedPart {
  readonly interval: Interval;
  readonly sql: string;
  readonly unit: ScanUnit | undefined;
}

export interface Selection {
  readonly columns: readonly CatalogColumn[];
  readonly where: string | undefined;
  readonly arrays: 'postgres' | 'json';
  readonly encoding: RowEncoding;
}

/** Reads the units of a table as its snapshot has them. Partitions that the user may not read are read through their root, as one. */
export async function readUnits(session: Session, oid: string, options: QueryOptions): Promise<ScanUnit[]> {
  const { rows } = await session.query(`
    SELECT n.nspname, c.relname, c.relkind, a.amname IS NOT DISTINCT FROM 'heap', c.oid = ${oid}, pg_catalog.has_table_privilege(c.oid, 'SELECT'),
      pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int,
      pg_catalog.pg_relation_size(c.oid) + CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(c.reltoastrelid) END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
    LEFT JOIN pg_catalog.pg_partition_tree(${oid}) WITH ORDINALITY AS tree(relid, parent, isleaf, level, n) ON tree.relid = c.oid
    WHERE c.oid = ${oid} OR tree.isleaf
    ORDER BY tree.n`, options);
  const root = rows.find((row) => row[4] === 't')!;
  const leaves = root[2] === 'p' ? rows.filter((row) => row !== root && row[2] !== 'p') : [root];
  if (root[2] === 'p' && leaves.some((row) => row[5] !== 't')) {
    return [{ sqlName: qualifiedName({ schema: root[0]!, name: root[1]! }), ranged: false, lockable: true, only: false, pages: 0, bytes: 0 }];
  }
  return leaves.map(([schema, name, kind, isHeap, , mayRead, pages, bytes]) => ({
    sqlName: qualifiedName({ schema: schema!, name: name! }),
    // Both ctid and LOCK TABLE need the right on the whole table; who has it on single columns only reads one part.
    ranged: (kind === 'r' || kind === 'm') && isHeap === 't' && mayRead === 't',
    lockable: kind === 'r' && mayRead === 't',
    only: kind === 'r',
    pages: Number(pages),
    bytes: Number(bytes),
  }));
}

export function* planParts(units: readonly ScanUnit[], selection: Selection, partBytes: number): Generator<PlannedPart> {
  for (const unit of units) {
    const step = pagesPerPart(unit, partBytes);
    if (!unit.ranged || step >= unit.pages) {
      yield { interval: { kind: 'whole' }, sql: copyStatement(wholeUnit(unit, selection), selection.encoding), unit };
      continue;
    }
    for (let start = 0; start < unit.pages; start += step) {
      const end = start + step < unit.pages ? start + step : undefined;
      yield { interval: { kind: 'pages', start, end: end ?? unit.pages }, sql: copyStatement(rangeOf(unit, selection, start, end), selection.encoding), unit };
    }
  }
}

function pagesPerPart(unit: ScanUnit, partBytes: number): number {
  return unit.bytes <= partBytes ? unit.pages : Math.max(1, Math.floor((partBytes / unit.bytes) * unit.pages));
}

function wholeUnit(unit: ScanUnit, selection: Selection): string {
  const { columns, where, arrays } = selection;
  // The plain form needs no executor; it takes neither generated columns nor expressions, and its own kind of table only.
  const isPlain = unit.only && where === undefined && columns.length > 0 && !columns.some((column) => column.filled === 'generated' || isJsonArray(column, arrays));
  if (isPlain) return `${unit.sqlName} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')})`;
  return `(${selectFrom(unit, selection)}${where === undefined ? '' : ` WHERE (${where}\n)`})`;
}

function rangeOf(unit: ScanUnit, selection: Selection, start: number, end: number | undefined): string {
  const conditions = [
    ...(start === 0 ? [] : [`ctid >= '(${start},0)'::pg_catalog.tid`]),
    ...(end === undefined ? [] : [`ctid < '(${end},0)'::pg_catalog.tid`]),
    // On its own line: the text may end in a comment.
    ...(selection.where === undefined ? [] : [`(${selection.where}\n)`]),
  ];
  return `(${selectFrom(unit, selection)} WHERE ${conditions.join(' AND ')})`;
}

function selectFrom(unit: ScanUnit, { columns, arrays }: Selection): string {
  return `SELECT ${columns.map((column) => selectItem(column, quoteIdentifier(column.name), arrays)).join(', ')} FROM ${unit.only ? 'ONLY ' : ''}${unit.sqlName}`;
}

/** The statement for a query; its columns are named by position, because names may be missing or repeated. */
export function queryStatement(sql: string, selection: Selection): string {
  const { columns, arrays, encoding } = selection;
  if (!columns.some((column) => isJsonArray(column, arrays))) return copyStatement(`(${sql}\n)`, encoding);
  const names = columns.map((_, i) => `c${i + 1}`);
  const items = columns.map((column, i) => selectItem(column, names[i], arrays));
  return copyStatement(`(SELECT ${items.join(', ')} FROM (${sql}\n) AS query(${names.join(', ')}))`, encoding);
}

function selectItem(column: CatalogColumn, expression: string, arrays: 'postgres' | 'json'): string {
  return isJsonArray(column, arrays) ? `pg_catalog.to_json(${expression})::pg_catalog.text` : expression;
}

function isJsonArray(column: CatalogColumn, arrays: 'postgres' | 'json'): boolean {
  return arrays === 'json' && column.type.kind === 'array';
}

function copyStatement(what: string, encoding: RowEncoding): string {
  const format = { 'copy-binary': 'binary', 'copy-text': 'text', csv: 'csv', file: '' }[encoding.kind];
  return `COPY ${what} TO STDOUT WITH (FORMAT ${format})`;
}
