/**
 * How a column is stored in a Parquet file that we encode ourselves: physical type, what it means, and which of the source's binary forms it is made
 * from. The same choices as the engine's own writer makes, so that a reader sees the same table whichever lane wrote it.
 */
import type { ColumnType } from '../../rows/column-type.ts';
import { isUnsized } from '../../rows/numeric-extent.ts';
import type { TableSchema } from '../../rows/table-schema.ts';
import type { ThriftWriter } from './thrift-writer.ts';

export const PHYSICAL = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, byteArray: 6, fixed: 7 } as const;
const CONVERTED = { utf8: 0, decimal: 5, date: 6, timeMicros: 8, timestampMicros: 10, int16: 16, int32: 17, int64: 18, json: 19 } as const;
const LOGICAL = { string: 1, decimal: 5, time: 7, timestamp: 8, json: 12, uuid: 14 } as const;
const MICROSECONDS = 2;

export interface StoredType {
  readonly physical: number;
  /** Bytes of a value of fixed length. */
  readonly length?: number;
  readonly converted?: number;
  readonly decimal?: { readonly precision: number; readonly scale: number };
  readonly logical?: { readonly id: number; readonly isUtc?: boolean };
}

/** Digits that 4 and 8 bytes hold. */
const INT32_DIGITS = 9;
export const INT64_DIGITS = 18;
export const DECIMAL_BYTES = 16;
const UUID_BYTES = 16;

/** Undefined: a type that only the engine writes. */
export function storedType(type: ColumnType): StoredType | undefined {
  switch (type.kind) {
    case 'boolean': return { physical: PHYSICAL.boolean };
    case 'integer': return type.bits === 64
      ? { physical: PHYSICAL.int64, converted: CONVERTED.int64 }
      : { physical: PHYSICAL.int32, converted: type.bits === 16 ? CONVERTED.int16 : CONVERTED.int32 };
    case 'numeric': return isUnsized(type) ? undefined : decimalType(type.precision!, type.scale ?? 0);
    case 'float': return { physical: type.bits === 32 ? PHYSICAL.float : PHYSICAL.double };
    case 'text': return { physical: PHYSICAL.byteArray, converted: CONVERTED.utf8, logical: { id: LOGICAL.string } };
    case 'json': return { physical: PHYSICAL.byteArray, converted: CONVERTED.json, logical: { id: LOGICAL.json } };
    case 'bytes': return { physical: PHYSICAL.byteArray };
    case 'date': return { physical: PHYSICAL.int32, converted: CONVERTED.date };
    case 'time': return type.zone ? undefined : { physical: PHYSICAL.int64, converted: CONVERTED.timeMicros, logical: { id: LOGICAL.time, isUtc: false } };
    case 'timestamp': return { physical: PHYSICAL.int64, converted: CONVERTED.timestampMicros, logical: { id: LOGICAL.timestamp, isUtc: type.zone } };
    case 'uuid': return { physical: PHYSICAL.fixed, length: UUID_BYTES, logical: { id: LOGICAL.uuid } };
    default: return undefined;
  }
}

function decimalType(precision: number, scale: number): StoredType {
  const shared = { converted: CONVERTED.decimal, decimal: { precision, scale }, logical: { id: LOGICAL.decimal } };
  if (precision <= INT32_DIGITS) return { physical: PHYSICAL.int32, ...shared };
  if (precision <= INT64_DIGITS) return { physical: PHYSICAL.int64, ...shared };
  return { physical: PHYSICAL.fixed, length: DECIMAL_BYTES, ...shared };
}

/**
 * True when we encode the table ourselves. A numeric without precision is measured before the first row; where the source cannot, only the engine, which
 * can write twice, finds its type. So it does for names that are not distinct: it makes them so.
 */
export function isPlain(table: TableSchema, measurable: boolean): boolean {
  const names = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  return table.columns.length > 0 && names.size === table.columns.length && !names.has('')
    && table.columns.every(({ type }) => storedType(type) !== undefined || (measurable && type.kind === 'numeric'));
}

/** The column's element of the footer's schema. Every column may be NULL, as the engine writes it. */
export function writeSchemaElement(thrift: ThriftWriter, name: string, type: StoredType): void {
  thrift.element(() => {
    thrift.i32(1, type.physical);
    if (type.length !== undefined) thrift.i32(2, type.length);
    thrift.i32(3, 1);
    thrift.binary(4, name);
    if (type.converted !== undefined) thrift.i32(6, type.converted);
    if (type.decimal !== undefined) {
      thrift.i32(7, type.decimal.scale);
      thrift.i32(8, type.decimal.precision);
    }
    if (type.logical !== undefined) thrift.struct(10, () => writeLogicalType(thrift, type));
  });
}

function writeLogicalType(thrift: ThriftWriter, { logical, decimal }: StoredType): void {
  thrift.struct(logical!.id, () => {
    if (decimal !== undefined) {
      thrift.i32(1, decimal.scale);
      thrift.i32(2, decimal.precision);
    } else if (logical!.isUtc !== undefined) {
      thrift.boolean(1, logical!.isUtc);
      thrift.struct(2, () => thrift.struct(MICROSECONDS, () => undefined));
    }
  });
}
