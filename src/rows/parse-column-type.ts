import { SluiceError } from '../errors/sluice-error.ts';
import { TEXT, type ColumnType } from './column-type.ts';

const NAMES: Readonly<Record<string, ColumnType>> = {
  smallint: { kind: 'integer', bits: 16 },
  int2: { kind: 'integer', bits: 16 },
  integer: { kind: 'integer', bits: 32 },
  int: { kind: 'integer', bits: 32 },
  int4: { kind: 'integer', bits: 32 },
  bigint: { kind: 'integer', bits: 64 },
  int8: { kind: 'integer', bits: 64 },
  numeric: { kind: 'numeric' },
  decimal: { kind: 'numeric' },
  real: { kind: 'float', bits: 32 },
  float4: { kind: 'float', bits: 32 },
  double: { kind: 'float', bits: 64 },
  'double precision': { kind: 'float', bits: 64 },
  float: { kind: 'float', bits: 64 },
  float8: { kind: 'float', bits: 64 },
  text: TEXT,
  varchar: TEXT,
  string: TEXT,
  boolean: { kind: 'boolean' },
  bool: { kind: 'boolean' },
  date: { kind: 'date' },
  time: { kind: 'time', zone: false },
  timetz: { kind: 'time', zone: true },
  'time with time zone': { kind: 'time', zone: true },
  timestamp: { kind: 'timestamp', zone: false },
  timestamptz: { kind: 'timestamp', zone: true },
  'timestamp with time zone': { kind: 'timestamp', zone: true },
  interval: { kind: 'interval' },
  uuid: { kind: 'uuid' },
  json: { kind: 'json' },
  jsonb: { kind: 'json' },
  bytes: { kind: 'bytes' },
  bytea: { kind: 'bytes' },
  blob: { kind: 'bytes' },
};

const MAX_PRECISION = 1000;

/**
 * A type as users write it: `bigint`, `numeric(10,2)`, `timestamptz`, `text[]`; case and extra blanks do not matter.
 * @throws SluiceError USAGE
 */
export function parseColumnType(text: string, option: string): ColumnType {
  const name = text.trim().toLowerCase().replace(/\s+/g, ' ');
  if (name.endsWith('[]')) return { kind: 'array', element: parseColumnType(name.slice(0, -2), option) };
  const numeric = /^(?:numeric|decimal) ?\( ?(\d{1,4}) ?(?:, ?(\d{1,4}) ?)?\)$/.exec(name);
  if (numeric !== null) return numericType(Number(numeric[1]), Number(numeric[2] ?? 0), text, option);
  if (Object.hasOwn(NAMES, name)) return NAMES[name];
  throw new SluiceError('USAGE', {
    what: `${option}: "${text}" is not a type; there is smallint, integer, bigint, numeric(P,S), real, double, text, boolean, date, time, timetz, timestamp, timestamptz, interval, uuid, json, bytes, and TYPE[]`,
  });
}

/** `COLUMN=TYPE` pairs; the last `=` separates, because no type has one. @throws SluiceError USAGE */
export function parseColumnTypes(values: readonly string[] | undefined, option: string): Record<string, ColumnType> | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(values.map((value) => {
    const at = value.lastIndexOf('=');
    if (at < 1 || at === value.length - 1) throw new SluiceError('USAGE', { what: `${option}: "${value}" is not COLUMN=TYPE` });
    return [value.slice(0, at), parseColumnType(value.slice(at + 1), option)];
  }));
}

function numericType(precision: number, scale: number, text: string, option: string): ColumnType {
  if (precision < 1 || precision > MAX_PRECISION || scale > precision) {
    throw new SluiceError('USAGE', { what: `${option}: "${text}" needs a precision from 1 to ${MAX_PRECISION} and a scale no larger` });
  }
  return { kind: 'numeric', precision, scale };
}
