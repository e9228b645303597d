/**
 * Measures the columns of a table on the server, in the snapshot that its rows are read in: one scan without sending a row, where a writer that has
 * to know would otherwise write everything twice. Of numerics only the widest and the most precise value matter, of floats whether one is -0.
 */
import { fittedNumeric, isUnsized, isWide, type NumericExtent } from '../../rows/numeric-extent.ts';
import type { Column, MeasuredKind } from '../../rows/table-schema.ts';
import type { QueryOptions, Session } from './driver.ts';
import { quoteIdentifier } from './sql.ts';

interface Measures {
  readonly extent?: NumericExtent;
  readonly hasNegativeZero?: boolean;
}

/**
 * @param relation SQL after FROM, with its condition
 * @returns the columns, each unsized numeric with the type that holds all its values (text when no decimal does), each float with `noNegativeZero`
 */
export async function measureColumns(session: Session, columns: readonly Column[], kinds: readonly MeasuredKind[], relation: string, options: QueryOptions): Promise<Column[]> {
  const measured = columns.filter(({ type }) => (kinds.includes('numeric') && isUnsized(type)) || (kinds.includes('float') && type.kind === 'float'));
  if (measured.length === 0) return [...columns];
  const quick = await measure(session, measured, 'scale', relation, options);
  // The scale as displayed first: zeros at the end are how the source shows its numbers. Only where that is too wide, without them.
  const wide = measured.filter((_, i) => quick[i].extent !== undefined && isWide(quick[i].extent));
  const exact = wide.length === 0 ? [] : await measure(session, wide, 'min_scale', relation, options);
  const results = new Map(measured.map((column, i) => [column.name, exact[wide.indexOf(column)] ?? quick[i]]));
  return columns.map((column): Column => {
    const { extent, hasNegativeZero } = results.get(column.name) ?? {};
    if (extent !== undefined) return { ...column, type: fittedNumeric(extent) };
    return hasNegativeZero === undefined ? column : { ...column, noNegativeZero: !hasNegativeZero };
  });
}

async function measure(session: Session, columns: readonly Column[], scale: 'scale' | 'min_scale', relation: string, options: QueryOptions): Promise<Measures[]> {
  const items = columns.flatMap(({ name, type }) => {
    const value = quoteIdentifier(name);
    if (type.kind === 'float') return [`pg_catalog.bool_or(${value} = 0 AND ${value}::pg_catalog.text = '-0')`, 'NULL', 'NULL'];
    return [`pg_catalog.max(pg_catalog.${scale}(${value}))`, `pg_catalog.max(${value})::pg_catalog.text`, `pg_catalog.min(${value})::pg_catalog.text`];
  });
  const { rows } = await session.query(`SELECT ${items.join(', ')} FROM ${relation}`, options);
  return columns.map(({ type }, i): Measures => {
    const [first, largest, smallest] = rows[0].slice(i * 3, i * 3 + 3);
    if (type.kind === 'float') return { hasNegativeZero: first === 't' };
    return { extent: { whole: Math.max(wholeDigits(largest), wholeDigits(smallest)), fraction: Number(first ?? 0), plain: isPlain(largest) && isPlain(smallest) } };
  });
}

/** NaN is larger than every number for the server, and the infinities lie at the ends: an extreme value tells. */
function isPlain(value: string | null | undefined): boolean {
  return value == null || /^-?\d+(\.\d+)?$/.test(value);
}

function wholeDigits(value: string | null | undefined): number {
  return /^-?0*(\d*)/.exec(value ?? '')![1].length;
}
