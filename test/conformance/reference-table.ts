/**
 * One table with a column of every type and its edge values, as the text forms of rows/row-encoding.ts. Suites send it through connectors and
 * formats and compare what comes back; `sameValue` says when two texts are the same value of a type.
 */
import type { ColumnType } from '../../src/rows/column-type.ts';
import type { Column, TableSchema } from '../../src/rows/table-schema.ts';
import { parseLossless } from '../helpers/lossless-json.ts';
import type { Row } from './database-under-test.ts';

export interface ReferenceColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly values: readonly string[];
}

const int = (bits: 16 | 32 | 64): ColumnType => ({ kind: 'integer', bits });
const NUMBERS = ['0', '-0', '0.1', '-1.5', 'NaN', 'Infinity', '-Infinity'];
const ALL_BYTES = `\\x${Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('')}`;

/** Texts that some reader or writer on the way could take for something else. */
export const TEXTS: readonly string[] = [
  '', ' ', '  both ends  ', 'plain', '\t', 'a\tb', '\n', 'a\nb', 'a\r\nb', 'a\rb', '\r', '\\', '\\\\', 'C:\\new\\table', '\\N', '\\.', '\\.\nmore', '\n\\.\n',
  '"', '""', '"quoted"', "'", "''", "it's", ',', ';', '|', 'a,b', '"a","b"', 'NULL', 'null', 'NaN', 'true', '0', '007', '1e5', '-', '--', '/* */', '{}', '[]', '{"a":1}', '{1,2}',
  '$$', '$1', '%', 'é', 'e\u0301', 'ß', '日本語', '🦆', '👩‍👩‍👧‍👦', '\u00a0', '\ufeff', '\u200b', '\u2028', '\uffff', '\u{10ffff}', '\u0001', '\u0008', '\u000b', '\u000c', '\u001a', '\u007f',
];

/** The types and values that every database and every format can hold. */
export const REFERENCE: readonly ReferenceColumn[] = [
  { name: 'flag', type: { kind: 'boolean' }, values: ['t', 'f'] },
  { name: 'small', type: int(16), values: ['0', '-1', '32767', '-32768'] },
  { name: 'medium', type: int(32), values: ['0', '2147483647', '-2147483648'] },
  { name: 'large', type: int(64), values: ['0', '9223372036854775807', '-9223372036854775808', '9007199254740993'] },
  { name: 'amount', type: { kind: 'numeric', precision: 38, scale: 8 }, values: ['0.00000000', '0.00000001', '-0.00000001', '123456789012345678901234567890.12345678', '-999999999999999999999999999999.99999999'] },
  { name: 'exact', type: { kind: 'numeric' }, values: ['0', '0.1', '-12345678901234567890.12345', '999999999999999999999999999999', '0.000000000000000000000000000001'.slice(0, 10)] },
  { name: 'single', type: { kind: 'float', bits: 32 }, values: [...NUMBERS, '3.4028235e+38', '-3.4028235e+38', '1e-45', '16777216'] },
  { name: 'double', type: { kind: 'float', bits: 64 }, values: [...NUMBERS, '1.7976931348623157e+308', '5e-324', '-5e-324', '0.30000000000000004', '123456789.12345678', '1e+22'] },
  { name: 'words', type: { kind: 'text' }, values: TEXTS },
  { name: 'long', type: { kind: 'text' }, values: ['x'.repeat(100_000), 'line\n"quoted",\\\t'.repeat(2_000)] },
  { name: 'raw', type: { kind: 'bytes' }, values: ['\\x', '\\x00', '\\xff', '\\x5c2e0a', ALL_BYTES] },
  { name: 'day', type: { kind: 'date' }, values: ['1970-01-01', '2024-02-29', '0001-01-01', '9999-12-31', '1582-10-10', '0044-03-15 BC'] },
  { name: 'clock', type: { kind: 'time', zone: false }, values: ['00:00:00', '23:59:59', '23:59:59.999999', '12:34:56.000001'] },
  { name: 'zoned_clock', type: { kind: 'time', zone: true }, values: ['00:00:00+00', '23:59:59.999999-12', '12:34:56+05:30'] },
  { name: 'moment', type: { kind: 'timestamp', zone: false }, values: ['1970-01-01 00:00:00', '2024-01-31 13:45:00.123456', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '0044-03-15 12:00:00.5 BC'] },
  { name: 'instant', type: { kind: 'timestamp', zone: true }, values: ['1970-01-01 00:00:00+00', '2024-01-31 13:45:00.123456+00', '9999-12-31 23:59:59.999999+00', '0044-03-15 12:00:00+00 BC'] },
  { name: 'span', type: { kind: 'interval' }, values: ['00:00:00', '1 year 2 mons', '3 days', '04:05:06.789', '-1 days +02:03:04', '1 mon -1 days'] },
  { name: 'identity', type: { kind: 'uuid' }, values: ['00000000-0000-0000-0000-000000000000', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] },
  { name: 'document', type: { kind: 'json' }, values: ['null', 'true', '"text"', '12345678901234567890.12', '[]', '{}', '{"a": [1, 2.50, {"b": null}], "ü": "\\t\\"\\u0041"}', '[ 1 , "x" ]', '{"b":1,"a":2,"b":3}'] },
  { name: 'counts', type: { kind: 'array', element: int(32) }, values: ['[]', '[1]', '[1,null,-3]', '[null]'] },
  { name: 'tags', type: { kind: 'array', element: { kind: 'text' } }, values: ['[]', '["a"]', '["",null,"NULL","null"," ","a,b","{","}","\\"","\\\\","\\t","\\n","é🦆"]'] },
];

/** Dates and timestamps beyond all days: not in Parquet. */
export const INFINITE: readonly ReferenceColumn[] = [
  { name: 'end_day', type: { kind: 'date' }, values: ['infinity', '-infinity'] },
  { name: 'end_moment', type: { kind: 'timestamp', zone: false }, values: ['infinity', '-infinity'] },
  { name: 'end_instant', type: { kind: 'timestamp', zone: true }, values: ['infinity', '-infinity'] },
];

export function columnsOf(columns: readonly ReferenceColumn[]): Column[] {
  return [{ name: 'id', type: int(32), nullable: false }, ...columns.map(({ name, type }): Column => ({ name, type, nullable: true }))];
}

export function schemaOf(name: string, columns: readonly ReferenceColumn[]): TableSchema {
  return { name, columns: columnsOf(columns), primaryKey: [], indexes: [] };
}

/** As many rows as the longest list of values; the first is all NULL, shorter lists begin again. Arrays are JSON. */
export function rowsOf(columns: readonly ReferenceColumn[]): Row[] {
  const most = Math.max(...columns.map(({ values }) => values.length));
  const rows: Row[] = [['0', ...columns.map(() => null)]];
  for (let i = 0; i < most; i++) {
    // A value of 100 kB in every row would only make the tests slow.
    rows.push([String(i + 1), ...columns.map(({ name, values }) => (name === 'long' && i >= values.length ? null : values[i % values.length]))]);
  }
  return rows;
}

/** Arrays of these rows as PostgreSQL writes them. */
export function withPostgresArrays(rows: readonly Row[], columns: readonly Column[]): Row[] {
  return rows.map((row) => row.map((value, i) => (value !== null && columns[i].type.kind === 'array' ? postgresArray(JSON.parse(value) as JsonArray) : value)));
}

type JsonArray = readonly (string | number | null | JsonArray)[];

export function postgresArray(elements: JsonArray): string {
  return `{${elements.map((element): string => {
    if (element === null) return 'NULL';
    if (typeof element === 'object') return postgresArray(element);
    return `"${String(element).replace(/["\\]/g, '\\$&')}"`;
  }).join(',')}}`;
}

/** Equal text for equal values of a type: databases spell some values in their own way. */
export function canonical(type: ColumnType, text: string | null): string | null {
  if (text === null) return null;
  switch (type.kind) {
    case 'boolean': return { true: 't', false: 'f' }[text] ?? text;
    case 'numeric': return /^-?\d+\.\d*$/.test(text) ? text.replace(/\.?0*$/, '') : text;
    case 'float': return Object.is(Number(text), -0) ? '-0' : String(type.bits === 32 ? Math.fround(Number(text)) : Number(text));
    case 'interval': return text.replaceAll('+', '').replaceAll('mons', 'months').replace('mon ', 'month ').replace(/(year|month|day)s/g, '$1');
    case 'array': return JSON.stringify(parseLossless(text));
    // The fraction without the zeros at its end.
    case 'time': case 'timestamp': return text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');
    default: return text;
  }
}

export function canonicalRows(rows: readonly Row[], columns: readonly Column[]): Row[] {
  return rows.map((row) => row.map((value, i) => canonical(columns[i].type, value))).toSorted((a, b) => Number(a[0]) - Number(b[0]));
}
