/**
 * Which exact decimal type holds a set of numbers whose own type says neither precision nor scale. Targets with a bounded DECIMAL (Parquet, DuckDB) must
 * know before they can write one; whoever can measure the numbers (engine, server) fills in the extent.
 */
import { TEXT, type ColumnType } from './column-type.ts';

/** Of one column. `plain` false: some value is no plain decimal number (exponent, NaN, infinity). */
export interface NumericExtent {
  /** Digits before the point, at most. */
  readonly whole: number;
  /** Digits after the point, at most. */
  readonly fraction: number;
  readonly plain: boolean;
}

export const NO_NUMBERS: NumericExtent = { whole: 0, fraction: 0, plain: true };

/** Digits of the widest DECIMAL. */
export const MOST_DECIMAL_DIGITS = 38;

/** Widths at which storage grows: 8 bytes, then 16. */
const NARROW_DIGITS = 18;
const SPARE_DIGITS = 3;

export function unite(a: NumericExtent, b: NumericExtent): NumericExtent {
  return { whole: Math.max(a.whole, b.whole), fraction: Math.max(a.fraction, b.fraction), plain: a.plain && b.plain };
}

/** Too long for the narrow width: worth a second look without the zeros that say nothing. */
export function isWide({ whole, fraction, plain }: NumericExtent): boolean {
  return plain && whole + fraction > NARROW_DIGITS;
}

/** Exact for every number within the extent; text when no decimal is. */
export function fittedNumeric({ whole, fraction, plain }: NumericExtent): ColumnType {
  const digits = whole + fraction;
  if (!plain || digits > MOST_DECIMAL_DIGITS) return TEXT;
  return { kind: 'numeric', precision: digits <= NARROW_DIGITS ? NARROW_DIGITS : MOST_DECIMAL_DIGITS, scale: fraction };
}

/** An extent seen on a part of the data, with room for larger numbers in the rest. */
export function withRoom(extent: NumericExtent): NumericExtent {
  const digits = extent.whole + extent.fraction;
  if (digits > MOST_DECIMAL_DIGITS) return extent;
  const room = digits + SPARE_DIGITS > NARROW_DIGITS ? MOST_DECIMAL_DIGITS : NARROW_DIGITS;
  return { ...extent, whole: Math.max(extent.whole, room - extent.fraction) };
}

/** True for numerics that no DECIMAL holds by their type alone. */
export function isUnsized(type: ColumnType): boolean {
  if (type.kind !== 'numeric') return false;
  const { precision, scale = 0 } = type;
  return precision === undefined || precision > MOST_DECIMAL_DIGITS || scale < 0 || scale > precision;
}
