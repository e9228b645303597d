import { TEXT, type ColumnType } from '../../rows/column-type.ts';
import type { SqlDialect } from './dialect.ts';

/** A type as CREATE TABLE or a cast writes it: `character varying ( 30 )`, `INT UNSIGNED`, `numeric(10,2)[]`. */
export interface WrittenType {
  /** Words in upper case, without schema, arguments and array signs: `CHARACTER VARYING`. */
  readonly name: string;
  readonly arguments: readonly string[];
  readonly arrayDepth: number;
}

const INT16: ColumnType = { kind: 'integer', bits: 16 };
const INT32: ColumnType = { kind: 'integer', bits: 32 };
const INT64: ColumnType = { kind: 'integer', bits: 64 };
const FLOAT32: ColumnType = { kind: 'float', bits: 32 };
const FLOAT64: ColumnType = { kind: 'float', bits: 64 };
const BYTES: ColumnType = { kind: 'bytes' };
const DATE: ColumnType = { kind: 'date' };
const BOOLEAN: ColumnType = { kind: 'boolean' };
const JSON_TYPE: ColumnType = { kind: 'json' };
const TIMESTAMP: ColumnType = { kind: 'timestamp', zone: false };
const TIMESTAMP_TZ: ColumnType = { kind: 'timestamp', zone: true };
const UINT64: ColumnType = { kind: 'numeric', precision: 20, scale: 0 };

/** What a name means in every dialect that has it, unless `PER_DIALECT` says otherwise. Names that are nowhere here are text. */
const COMMON: Readonly<Record<string, ColumnType>> = {
  SMALLINT: INT16, INT2: INT16, SMALLSERIAL: INT16, SERIAL2: INT16, TINYINT: INT16, YEAR: INT16, UTINYINT: INT16,
  INT: INT32, INTEGER: INT32, INT4: INT32, SERIAL: INT32, SERIAL4: INT32, MEDIUMINT: INT32, USMALLINT: INT32, INT3: INT32,
  BIGINT: INT64, INT8: INT64, BIGSERIAL: INT64, SERIAL8: INT64, UINTEGER: INT64, OID: INT64, LONG: INT64, ROWID: INT64,
  UBIGINT: UINT64, HUGEINT: { kind: 'numeric', precision: 38, scale: 0 }, UHUGEINT: { kind: 'numeric' },
  REAL: FLOAT32, FLOAT4: FLOAT32, BINARY_FLOAT: FLOAT32, 'DOUBLE PRECISION': FLOAT64, DOUBLE: FLOAT64, FLOAT8: FLOAT64, BINARY_DOUBLE: FLOAT64,
  BOOLEAN, BOOL: BOOLEAN, LOGICAL: BOOLEAN,
  BYTEA: BYTES, BLOB: BYTES, TINYBLOB: BYTES, MEDIUMBLOB: BYTES, LONGBLOB: BYTES, BINARY: BYTES, VARBINARY: BYTES, 'BINARY VARYING': BYTES, IMAGE: BYTES, RAW: BYTES, 'LONG RAW': BYTES,
  'BINARY LARGE OBJECT': BYTES,
  DATE, TIMESTAMP, 'TIMESTAMP WITHOUT TIME ZONE': TIMESTAMP, DATETIME: TIMESTAMP, DATETIME2: TIMESTAMP, SMALLDATETIME: TIMESTAMP,
  TIMESTAMP_S: TIMESTAMP, TIMESTAMP_MS: TIMESTAMP, TIMESTAMPTZ: TIMESTAMP_TZ, 'TIMESTAMP WITH TIME ZONE': TIMESTAMP_TZ, 'TIMESTAMP WITH LOCAL TIME ZONE': TIMESTAMP_TZ,
  DATETIMEOFFSET: TIMESTAMP_TZ,
  TIME: { kind: 'time', zone: false }, 'TIME WITHOUT TIME ZONE': { kind: 'time', zone: false }, TIMETZ: { kind: 'time', zone: true }, 'TIME WITH TIME ZONE': { kind: 'time', zone: true },
  INTERVAL: { kind: 'interval' }, UUID: { kind: 'uuid' }, UNIQUEIDENTIFIER: { kind: 'uuid' }, JSON: JSON_TYPE, JSONB: JSON_TYPE,
  MONEY: { kind: 'numeric', precision: 19, scale: 4 }, SMALLMONEY: { kind: 'numeric', precision: 10, scale: 4 },
};

const PER_DIALECT: Readonly<Partial<Record<SqlDialect, Readonly<Record<string, ColumnType>>>>> = {
  // PostgreSQL writes money with a currency sign.
  postgres: { MONEY: TEXT },
  // BOOLEAN is TINYINT, which holds more than two values.
  mysql: { FLOAT: FLOAT32, REAL: FLOAT64, BOOLEAN: INT16, BOOL: INT16, SERIAL: UINT64 },
  // Integers have 64 bits and reals are double, whatever the declared name.
  sqlite: { INT: INT64, INTEGER: INT64, SMALLINT: INT64, TINYINT: INT64, MEDIUMINT: INT64, INT2: INT64, INT4: INT64, REAL: FLOAT64, FLOAT: FLOAT64, JSONB: BYTES },
  // TIMESTAMP is a row version, not a time.
  mssql: { BIT: BOOLEAN, TIMESTAMP: BYTES, ROWVERSION: BYTES, REAL: FLOAT32 },
  // DATE has a time of day; LONG is text.
  oracle: { DATE: TIMESTAMP, LONG: TEXT, INTEGER: { kind: 'numeric', precision: 38, scale: 0 }, INT: { kind: 'numeric', precision: 38, scale: 0 } },
};

const UNSIGNED: Readonly<Record<string, ColumnType>> = { TINYINT: INT16, SMALLINT: INT32, MEDIUMINT: INT32, INT: INT64, INTEGER: INT64, BIGINT: UINT64 };
const DECIMALS: ReadonlySet<string> = new Set(['NUMERIC', 'DECIMAL', 'DEC', 'NUMBER', 'FIXED']);

/** The type of a column; what is not known (enums, domains, geometry) is text, because its text form is exact. */
export function columnType(written: WrittenType, dialect: SqlDialect): ColumnType {
  let type = scalarType(written, dialect);
  for (let i = 0; i < written.arrayDepth; i++) type = { kind: 'array', element: type };
  return type;
}

function scalarType({ name, arguments: args }: WrittenType, dialect: SqlDialect): ColumnType {
  const unsigned = name.replace(/ (UNSIGNED|SIGNED|ZEROFILL)\b.*$/, '');
  if (unsigned !== name && name.includes('UNSIGNED') && Object.hasOwn(UNSIGNED, unsigned)) return UNSIGNED[unsigned];
  if (DECIMALS.has(unsigned)) return decimal(args, unsigned === 'NUMBER' || dialect === 'postgres' || dialect === 'sqlite', dialect);
  const own = PER_DIALECT[dialect];
  if (own !== undefined && Object.hasOwn(own, unsigned)) return own[unsigned];
  // FLOAT(24) and less is single precision in SQL; without a precision it is double, except in MySQL.
  if (unsigned === 'FLOAT') return args.length === 1 && Number(args[0]) <= 24 ? FLOAT32 : FLOAT64;
  return Object.hasOwn(COMMON, unsigned) ? COMMON[unsigned] : TEXT;
}

/** @param unlimited NUMERIC without precision holds any number, instead of the standard's default (10,0) */
function decimal(args: readonly string[], unlimited: boolean, dialect: SqlDialect): ColumnType {
  const [precision, scale] = args.map(Number);
  // SQLite does not hold anybody to a declared precision.
  if (dialect === 'sqlite' || (args.length === 0 && unlimited)) return { kind: 'numeric' };
  if (args.length === 0) return { kind: 'numeric', precision: dialect === 'mssql' || dialect === 'duckdb' ? 18 : 10, scale: dialect === 'duckdb' ? 3 : 0 };
  if (!Number.isInteger(precision) || precision < 1 || (scale !== undefined && (!Number.isInteger(scale) || scale < 0 || scale > precision))) return { kind: 'numeric' };
  return { kind: 'numeric', precision: precision, scale: scale ?? 0 };
}

/** Kinds of literals, as bits: a column without a declared type gets the type that holds every kind that was seen in it. */
export const LITERAL = {
  null: 0, integer: 1, bigInteger: 2, decimal: 4, exponent: 8, boolean: 16, text: 32, bytes: 64, date: 128, timestamp: 256, time: 512, bits: 1024, default: 2048, timestampTz: 4096,
} as const;

export function typeOfLiterals(kinds: number): ColumnType {
  const seen = kinds & ~LITERAL.default;
  if (seen === LITERAL.integer) return INT64;
  if (seen === LITERAL.exponent) return FLOAT64;
  if (seen === LITERAL.boolean) return BOOLEAN;
  if (seen === LITERAL.bytes) return BYTES;
  if (seen === LITERAL.date) return DATE;
  if (seen === LITERAL.timestamp) return TIMESTAMP;
  if (seen === LITERAL.timestampTz) return TIMESTAMP_TZ;
  if (seen === LITERAL.time) return { kind: 'time', zone: false };
  const numbers = LITERAL.integer | LITERAL.bigInteger | LITERAL.decimal | LITERAL.exponent;
  if (seen !== 0 && (seen & ~numbers) === 0) return { kind: 'numeric' };
  return TEXT;
}

/** Literal kind of a prefix: `DATE '…'`. */
export function literalOfPrefix(word: string): number {
  switch (word) {
    case 'DATE': return LITERAL.date;
    case 'TIME': return LITERAL.time;
    case 'TIMESTAMP': case 'DATETIME': return LITERAL.timestamp;
    case 'TIMESTAMPTZ': return LITERAL.timestampTz;
    default: return LITERAL.text;
  }
}
