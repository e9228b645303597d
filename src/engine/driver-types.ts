/** From the driver's type objects to EngineType. Type ids are DuckDB's own C API numbers, which are stable. */
import type { DuckDBType } from '@duckdb/node-api';
import { quoteIdentifier } from './quoting.ts';
import { decimal, list, scalar, type EngineField, type EngineType, type ScalarName } from './engine-type.ts';

const SCALARS: Readonly<Record<number, Exclude<ScalarName, 'OTHER'>>> = {
  1: 'BOOLEAN', 2: 'TINYINT', 3: 'SMALLINT', 4: 'INTEGER', 5: 'BIGINT', 6: 'UTINYINT', 7: 'USMALLINT', 8: 'UINTEGER', 9: 'UBIGINT',
  10: 'FLOAT', 11: 'DOUBLE', 12: 'TIMESTAMP', 13: 'DATE', 14: 'TIME', 15: 'INTERVAL', 16: 'HUGEINT', 17: 'VARCHAR', 18: 'BLOB',
  27: 'UUID', 30: 'TIMETZ', 31: 'TIMESTAMPTZ', 32: 'UHUGEINT',
};

const DECIMAL = 19, TIMESTAMP_S = 20, TIMESTAMP_MS = 21, LIST = 24, STRUCT = 25, MAP = 26, UNION = 28, ARRAY = 33;

/** The parts of the driver's type classes that matter here. */
interface DriverType {
  readonly typeId: number;
  readonly alias?: string;
  readonly width?: number;
  readonly scale?: number;
  readonly length?: number;
  readonly keyType?: DriverType;
  readonly valueType?: DriverType;
  readonly entryNames?: readonly string[];
  readonly entryTypes?: readonly DriverType[];
  readonly memberTags?: readonly string[];
  readonly memberTypes?: readonly DriverType[];
  toString(): string;
}

export function engineTypeOf(type: DuckDBType): EngineType {
  return convert(type);
}

function convert(type: DriverType): EngineType {
  if (type.alias === 'JSON') return scalar('JSON');
  switch (type.typeId) {
    case DECIMAL: return decimal(type.width!, type.scale!);
    // Their values are timestamps with microseconds; only their storage is coarser.
    case TIMESTAMP_S: return { kind: 'scalar', name: 'TIMESTAMP', sql: 'TIMESTAMP_S' };
    case TIMESTAMP_MS: return { kind: 'scalar', name: 'TIMESTAMP', sql: 'TIMESTAMP_MS' };
    case LIST: return list(convert(type.valueType!));
    case ARRAY: {
      const element = convert(type.valueType!);
      return { kind: 'list', element, sql: `${element.sql}[${type.length!}]` };
    }
    case STRUCT: return fieldsOf('struct', type.entryNames!, type.entryTypes!);
    case UNION: return fieldsOf('union', type.memberTags!, type.memberTypes!);
    case MAP: {
      const key = convert(type.keyType!);
      const value = convert(type.valueType!);
      return { kind: 'map', key, value, sql: `MAP(${key.sql}, ${value.sql})` };
    }
    default: {
      const name = SCALARS[type.typeId];
      return name === undefined ? { kind: 'scalar', name: 'OTHER', sql: type.toString() } : scalar(name);
    }
  }
}

function fieldsOf(kind: 'struct' | 'union', names: readonly string[], types: readonly DriverType[]): EngineType {
  const fields = names.map((name, i): EngineField => ({ name, type: convert(types[i]) }));
  const sql = `${kind.toUpperCase()}(${fields.map((field) => `${quoteIdentifier(field.name)} ${field.type.sql}`).join(', ')})`;
  return { kind, fields, sql };
}
