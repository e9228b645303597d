import { TEXT, type ColumnType } from './column-type.ts';
import type { Column } from './table-schema.ts';

/**
 * The narrowest type that holds every value of both without loss. Widening goes along integer → numeric, float with integers or numerics →
 * numeric only when that is exact, everything else → text, because the text form of any type is exact.
 */
export function mergeTypes(a: ColumnType, b: ColumnType): ColumnType {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (a.kind === 'integer' && b.kind === 'integer') return a.bits >= b.bits ? a : b;
  if (isExactNumber(a) && isExactNumber(b)) return mergeNumerics(a, b);
  // A double holds every value that was seen as a double, but not every integer or decimal: numeric takes all but NaN and infinity.
  if (isNumber(a) && isNumber(b)) return { kind: 'numeric' };
  return TEXT;
}

/** The union of two column lists by name, in order of first appearance; a column that one side lacks becomes nullable. */
export function mergeColumns(a: readonly Column[], b: readonly Column[]): Column[] {
  const byName = new Map(b.map((column) => [column.name, column]));
  const merged = a.map((column): Column => {
    const other = byName.get(column.name);
    byName.delete(column.name);
    if (other === undefined) return { ...column, nullable: true };
    return { ...column, type: mergeTypes(column.type, other.type), nullable: column.nullable || other.nullable };
  });
  return [...merged, ...[...byName.values()].map((column) => ({ ...column, nullable: true }))];
}

type Exact = Extract<ColumnType, { kind: 'integer' | 'numeric' }>;

function isExactNumber(type: ColumnType): type is Exact {
  return type.kind === 'integer' || type.kind === 'numeric';
}

function isNumber(type: ColumnType): boolean {
  return isExactNumber(type) || type.kind === 'float';
}

const INTEGER_DIGITS = { 16: 5, 32: 10, 64: 19 } as const;

function mergeNumerics(a: Exact, b: Exact): ColumnType {
  const [left, right] = [digits(a), digits(b)];
  if (left === undefined || right === undefined) return { kind: 'numeric' };
  const scale = Math.max(left.scale, right.scale);
  return { kind: 'numeric', precision: Math.max(left.whole, right.whole) + scale, scale };
}

function digits(type: Exact): { whole: number; scale: number } | undefined {
  if (type.kind === 'integer') return { whole: INTEGER_DIGITS[type.bits], scale: 0 };
  if (type.precision === undefined) return undefined;
  return { whole: type.precision - (type.scale ?? 0), scale: type.scale ?? 0 };
}
