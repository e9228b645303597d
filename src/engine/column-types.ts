/**
 * The engine's types and the types on the way, both directions.
 *
 * Numerics without precision: the engine has no unbounded decimal, and any fixed scale may round. So such a column has no engine type in advance
 * (`fitted`): it is loaded as the text it is, and gets the narrowest DECIMAL that holds every value exactly when all values are known
 * (numeric-fit.ts); VARCHAR when no DECIMAL can (over 38 digits, NaN, infinity). Never DOUBLE, because that would round.
 */
import type { ColumnType } from '../rows/column-type.ts';
import { isUnsized } from '../rows/numeric-extent.ts';
import { decimal, list, scalar, VARCHAR, type EngineType } from './engine-type.ts';

export function columnTypeOf(type: EngineType): ColumnType {
  switch (type.kind) {
    case 'decimal': return { kind: 'numeric', precision: type.width, scale: type.scale };
    case 'list': {
      const element = columnTypeOf(type.element);
      return element.kind === 'json' || element.kind === 'array' ? { kind: 'json' } : { kind: 'array', element };
    }
    case 'scalar': return scalarColumnType(type);
    default: return { kind: 'json' };
  }
}

function scalarColumnType(type: Extract<EngineType, { kind: 'scalar' }>): ColumnType {
  switch (type.name) {
    case 'BOOLEAN': return { kind: 'boolean' };
    case 'TINYINT': case 'UTINYINT': case 'SMALLINT': return { kind: 'integer', bits: 16 };
    case 'USMALLINT': case 'INTEGER': return { kind: 'integer', bits: 32 };
    case 'UINTEGER': case 'BIGINT': return { kind: 'integer', bits: 64 };
    case 'UBIGINT': return { kind: 'numeric', precision: 20, scale: 0 };
    case 'HUGEINT': case 'UHUGEINT': return { kind: 'numeric', precision: 39, scale: 0 };
    case 'FLOAT': return { kind: 'float', bits: 32 };
    case 'DOUBLE': return { kind: 'float', bits: 64 };
    case 'VARCHAR': return { kind: 'text' };
    case 'JSON': return { kind: 'json' };
    case 'BLOB': return { kind: 'bytes' };
    case 'UUID': return { kind: 'uuid' };
    case 'DATE': return { kind: 'date' };
    case 'TIME': return { kind: 'time', zone: false };
    case 'TIMETZ': return { kind: 'time', zone: true };
    case 'TIMESTAMP': return { kind: 'timestamp', zone: false };
    case 'TIMESTAMPTZ': return { kind: 'timestamp', zone: true };
    case 'INTERVAL': return { kind: 'interval' };
    // Enum, bit string, geometry, nanoseconds: their text is exact and no other database has just this type.
    default: return { kind: 'other', name: type.sql };
  }
}

/** The engine's type that holds every value of a column exactly; undefined for numerics whose type has to be fitted to the data. */
export function engineTypeFor(type: ColumnType): EngineType | undefined {
  switch (type.kind) {
    case 'boolean': return scalar('BOOLEAN');
    case 'integer': return scalar(({ 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' } as const)[type.bits]);
    case 'numeric': return decimalFor(type);
    case 'float': return scalar(type.bits === 32 ? 'FLOAT' : 'DOUBLE');
    case 'bytes': return scalar('BLOB');
    case 'date': return scalar('DATE');
    case 'time': return scalar(type.zone ? 'TIMETZ' : 'TIME');
    case 'timestamp': return scalar(type.zone ? 'TIMESTAMPTZ' : 'TIMESTAMP');
    case 'interval': return scalar('INTERVAL');
    case 'uuid': return scalar('UUID');
    case 'json': return scalar('JSON');
    case 'array': return arrayFor(type.element);
    default: return VARCHAR;
  }
}

function decimalFor(type: Extract<ColumnType, { kind: 'numeric' }>): EngineType | undefined {
  return isUnsized(type) ? undefined : decimal(type.precision!, type.scale ?? 0);
}

/** Lists of what a JSON array carries exactly; everything else stays the JSON text it is. */
function arrayFor(element: ColumnType): EngineType {
  const type = engineTypeFor(element);
  if (type === undefined || element.kind === 'array' || element.kind === 'json') return scalar('JSON');
  return list(type);
}

/** True when the engine's own reading of JSON gives back every value of the type: numbers of at most 64 bits, texts, and nests of them. */
export function exactInJson(type: EngineType): boolean {
  switch (type.kind) {
    case 'decimal': return false;
    case 'list': return exactInJson(type.element);
    case 'struct': return type.fields.length > 0 && type.fields.every((field) => field.name !== '' && exactInJson(field.type));
    case 'map': return type.key.kind === 'scalar' && type.key.name === 'VARCHAR' && exactInJson(type.value);
    case 'union': return false;
    default: return !['HUGEINT', 'UHUGEINT', 'BLOB', 'OTHER', 'INTERVAL', 'JSON'].includes(type.name);
  }
}
