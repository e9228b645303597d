/**
 * SQL that makes the engine's values safe for Parquet, which has fewer types than the engine, and to which the engine's own writer is lossy
 * in silence: 128-bit integers would be written as doubles, intervals with milliseconds, times without their zone.
 *
 * What Parquet has no type for becomes text; 128-bit integers become DECIMAL(38,0) (39 digits are refused). Infinite dates and timestamps,
 * which Parquet cannot express and other readers would take for the year 294247, are refused.
 */
import type { EngineField, EngineType } from './engine-type.ts';
import { quoteIdentifier, quoteString } from './quoting.ts';
import { textOf } from './text-expressions.ts';
import { failWith } from './value-failure.ts';

interface ParquetItem {
  readonly expression: string;
  readonly name: string;
  readonly type: EngineType;
}

/** The SELECT list of a COPY to Parquet. */
export function parquetItems(items: readonly ParquetItem[]): string {
  return items.map(({ expression, name, type }) => `${parquetValue(type, expression, name)} AS ${quoteIdentifier(name)}`).join(', ');
}

function parquetValue(type: EngineType, value: string, column: string): string {
  if (type.kind === 'scalar' && (type.name === 'HUGEINT' || type.name === 'UHUGEINT')) return `CAST(${value} AS DECIMAL(38,0))`;
  if (!isStored(type)) {
    const text = `CAST(${textOf(type, value, 'json')} AS VARCHAR)`;
    return type.kind === 'scalar' ? text : `CAST(${text} AS JSON)`;
  }
  const finite = isFinite(type, value, 0);
  if (finite === undefined) return value;
  return `CASE WHEN coalesce(${finite}, true) THEN ${value} ELSE ${failWith(column, 'Parquet value', `CAST(${value} AS VARCHAR)`, undefined)} END`;
}

function isStored(type: EngineType): boolean {
  switch (type.kind) {
    case 'decimal': return true;
    case 'list': return isStored(type.element);
    case 'struct': return type.fields.length > 0 && type.fields.every((field) => field.name !== '' && isStored(field.type));
    case 'map': return isStored(type.key) && isStored(type.value);
    case 'union': return false;
    default: return type.name === 'OTHER'
      ? /^(TIMESTAMP_NS|ENUM|GEOMETRY)/.test(type.sql)
      : !['HUGEINT', 'UHUGEINT', 'INTERVAL', 'TIMETZ'].includes(type.name);
  }
}

/**
 * To be added to the options of a COPY whose columns may hold a negative zero. The engine's Parquet dictionaries compare values, and 0 = -0:
 * whichever comes first in a group would stand for both. Costs a few percent of the file's size and up to a third of the time.
 */
export const WITHOUT_DICTIONARIES = ', DICTIONARY_SIZE_LIMIT 0';

/** True when a value of the type is or contains a binary float. */
export function hasFloat(type: EngineType): boolean {
  switch (type.kind) {
    case 'decimal': return false;
    case 'list': return hasFloat(type.element);
    case 'struct': case 'union': return type.fields.some((field) => hasFloat(field.type));
    case 'map': return hasFloat(type.key) || hasFloat(type.value);
    default: return type.name === 'FLOAT' || type.name === 'DOUBLE';
  }
}

/** SQL that is false when a date or timestamp in the value is infinite; undefined when there is none in the type. */
function isFinite(type: EngineType, value: string, depth: number): string | undefined {
  switch (type.kind) {
    case 'scalar': return ['DATE', 'TIMESTAMP', 'TIMESTAMPTZ'].includes(type.name) || type.sql === 'TIMESTAMP_NS' ? `isfinite(${value})` : undefined;
    case 'list': return everyElement(type.element, value, depth);
    case 'map': return everyElement(type.value, `map_values(${value})`, depth);
    case 'struct': return everyField(type.fields, value, depth);
    default: return undefined;
  }
}

function everyElement(element: EngineType, list: string, depth: number): string | undefined {
  const inner = isFinite(element, `e${depth}`, depth + 1);
  return inner === undefined ? undefined : `list_bool_and(list_transform(${list}, lambda e${depth}: coalesce(${inner}, true)))`;
}

function everyField(fields: readonly EngineField[], value: string, depth: number): string | undefined {
  const tests = fields
    .map((field) => isFinite(field.type, `struct_extract(${value}, ${quoteString(field.name)})`, depth))
    .filter((test) => test !== undefined);
  return tests.length === 0 ? undefined : tests.map((test) => `coalesce(${test}, true)`).join(' AND ');
}
