import type { FormatWriter } from '../formats/format.ts';
import type { ByteSink } from '../io/byte-sink.ts';
import type { TableReceipt } from '../pipeline/receipt.ts';
import type { TableMeter } from '../pipeline/table-meter.ts';
import type { NativeFileTarget, TableReader } from '../connectors/connector.ts';
import type { RowEncoding } from '../rows/row-encoding.ts';

/** A file in the making, and the tables that go into it one after the other. */
export interface ExportDocument {
  readonly sink: ByteSink;
  readonly writer: FormatWriter;
  readonly tables: readonly ExportTable[];
}

export interface ExportTable {
  readonly name: string;
  readonly reader: TableReader;
  readonly encoding: RowEncoding;
  /** With the `file` encoding: what the database's engine writes by itself. */
  readonly native?: NativeFileTarget;
  readonly arrays: 'postgres' | 'json';
  readonly counts: { read: number; written: number; skipped: number; bytes: number };
  meter?: TableMeter;
}

export function receiptOf(table: ExportTable): TableReceipt {
  const { read, written, skipped, bytes } = table.counts;
  return { name: table.name, read, written, rejected: 0, duplicate: 0, skipped, bytes };
}
