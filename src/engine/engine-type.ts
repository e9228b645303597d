/**
 * The engine's column types as plain data, so that only engine.ts knows the driver. `sql` is the type as the engine writes it and
 * reads it again (`DECIMAL(18,2)`, `STRUCT("a" INTEGER)[]`).
 */
export type EngineType =
  | { readonly kind: 'scalar'; readonly name: ScalarName; readonly sql: string }
  | { readonly kind: 'decimal'; readonly width: number; readonly scale: number; readonly sql: string }
  | { readonly kind: 'list'; readonly element: EngineType; readonly sql: string }
  | { readonly kind: 'struct'; readonly fields: readonly EngineField[]; readonly sql: string }
  | { readonly kind: 'map'; readonly key: EngineType; readonly value: EngineType; readonly sql: string }
  | { readonly kind: 'union'; readonly fields: readonly EngineField[]; readonly sql: string };

export interface EngineField {
  readonly name: string;
  readonly type: EngineType;
}

export interface EngineColumn {
  readonly name: string;
  readonly type: EngineType;
}

/** `OTHER`: everything whose only portable form is its text (enum, bit, geometry, nanoseconds, bignum, variant). */
export type ScalarName =
  | 'BOOLEAN' | 'TINYINT' | 'UTINYINT' | 'SMALLINT' | 'USMALLINT' | 'INTEGER' | 'UINTEGER' | 'BIGINT' | 'UBIGINT' | 'HUGEINT' | 'UHUGEINT'
  | 'FLOAT' | 'DOUBLE' | 'VARCHAR' | 'JSON' | 'BLOB' | 'UUID' | 'DATE' | 'TIME' | 'TIMETZ' | 'TIMESTAMP' | 'TIMESTAMPTZ' | 'INTERVAL' | 'OTHER';

const SQL_NAMES: Partial<Record<ScalarName, string>> = { TIMETZ: 'TIME WITH TIME ZONE', TIMESTAMPTZ: 'TIMESTAMP WITH TIME ZONE' };

export function scalar(name: Exclude<ScalarName, 'OTHER'>): EngineType {
  return { kind: 'scalar', name, sql: SQL_NAMES[name] ?? name };
}

export function decimal(width: number, scale: number): EngineType {
  return { kind: 'decimal', width, scale, sql: `DECIMAL(${width},${scale})` };
}

export function list(element: EngineType): EngineType {
  return { kind: 'list', element, sql: `${element.sql}[]` };
}

export const VARCHAR: EngineType = scalar('VARCHAR');

const INTEGER_DIGITS: Partial<Record<ScalarName, number>> = {
  TINYINT: 3, UTINYINT: 3, SMALLINT: 5, USMALLINT: 5, INTEGER: 10, UINTEGER: 10, BIGINT: 19, UBIGINT: 20, HUGEINT: 39, UHUGEINT: 39,
};

/** Decimal digits that hold every value of an integer type; undefined for other types. */
export function integerDigits(type: EngineType): number | undefined {
  return type.kind === 'scalar' ? INTEGER_DIGITS[type.name] : undefined;
}

export function isScalar(type: EngineType, ...names: ScalarName[]): boolean {
  return type.kind === 'scalar' && names.includes(type.name);
}
