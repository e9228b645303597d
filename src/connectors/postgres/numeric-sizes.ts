/**
 * Measures the numeric columns of a table on the server, in the snapshot that its rows are read in: one scan without sending a row, where a writer that has
 * to know would otherwise write everything twice. Only the widest and the most precise value matter.
 */
import { fittedNumeric, isUnsized, isWide, type NumericExtent } from '../../rows/numeric-extent.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { QueryOptions, Session } from './driver.ts';
import { quoteIdentifier } from './sql.ts';

/** @param relation SQL after FROM, with its condition; @returns the columns, each unsized numeric with the type that holds all its values (text when no decimal does) */
export async function sizeNumerics(session: Session, columns: readonly Column[], relation: string, options: QueryOptions): Promise<Column[]> {
  const unsized = columns.filter((column) => isUnsized(column.type));
  if (unsized.length === 0) return [...columns];
  const quick = await measure(session, unsized, 'scale', relation, options);
  // The scale as displayed first: zeros at the end are how the source shows its numbers. Only where that is too wide, without them.
  const wide = unsized.filter((_, i) => isWide(quick[i]));
  const exact = wide.length === 0 ? [] : await measure(session, wide, 'min_scale', relation, options);
  const sizes = new Map(unsized.map((column, i) => [column.name, exact[wide.indexOf(column)] ?? quick[i]]));
  return columns.map((column) => {
    const extent = sizes.get(column.name);
    return extent === undefined ? column : { ...column, type: fittedNumeric(extent) };
  });
}

async function measure(session: Session, columns: readonly Column[], scale: 'scale' | 'min_scale', relation: string, options: QueryOptions): Promise<NumericExtent[]> {
  const items = columns.flatMap(({ name }) => {
    const value = quoteIdentifier(name);
    return [`pg_catalog.max(pg_catalog.${scale}(${value}))`, `pg_catalog.max(${value})::pg_catalog.text`, `pg_catalog.min(${value})::pg_catalog.text`];
  });
  const { rows } = await session.query(`SELECT ${items.join(', ')} FROM ${relation}`, options);
  return columns.map((_, i) => {
    const [fraction, largest, smallest] = rows[0].slice(i * 3, i * 3 + 3);
    return { whole: Math.max(wholeDigits(largest), wholeDigits(smallest)), fraction: Number(fraction ?? 0), plain: isPlain(largest) && isPlain(smallest) };
  });
}

/** NaN is larger than every number for the server, and the infinities lie at the ends: an extreme value tells. */
function isPlain(value: string | null | undefined): boolean {
  return value == null || /^-?\d+(\.\d+)?$/.test(value);
}

function wholeDigits(value: string | null | undefined): number {
  return /^-?0*(\d*)/.exec(value ?? '')![1].length;
}
