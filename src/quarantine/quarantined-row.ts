import type { ErrorCode } from '../errors/error-codes.ts';
import type { RecordPlace } from '../rows/rejection.ts';

/** One line of `rows.ndjson` (docs/quarantine.md): public format, members are only ever added. */
export interface QuarantinedRow {
  readonly run: string;
  readonly table: string;
  /** File or table that the record comes from; null where it is not known (the run died before it could be looked up). */
  readonly source: string | null;
  /** Name within an archive. */
  readonly member?: string;
  /** Row and line count from 1, `byte` from 0 in the decompressed source. */
  readonly row: number | null;
  readonly line: number | null;
  readonly byte: number | null;
  /** The part of the run, from 0 within its table, and the record in it, from 1. */
  readonly part: number;
  readonly record: number;
  readonly code: ErrorCode;
  readonly constraint?: string;
  readonly column?: string;
  readonly message: string;
  /** The record as its source has it when `rawExact`, else its values as a JSON array; null when it is in `rawFile`, or nothing is known. */
  readonly raw: string | null;
  /** base64 where the bytes are not valid UTF-8. */
  readonly rawEncoding: 'utf-8' | 'base64';
  readonly rawExact: boolean;
  /** A record of more than 1 MiB: the file with its bytes, relative to the quarantine's folder, and their number. */
  readonly rawFile?: string;
  readonly rawBytes?: number;
  /** With exact raw bytes: the values as text in the order of the load's columns, where the target had taken the record apart. */
  readonly values?: readonly (string | null)[];
}

/** What a source says of a record when it is asked again. */
export interface FetchedRecord {
  readonly place: RecordPlace & { readonly member?: string };
  /** The record's bytes, without its line end; absent where the source cannot be read again. */
  readonly raw?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Records are ascending; answers come in their order, one for each, and each is used before the next is asked for. */
export type FetchRecords = (table: string, part: number, records: readonly number[]) => AsyncIterable<FetchedRecord>;

/** What is recorded at once: the rejections of a part, or those that the publication of a table finds. */
export interface Segment {
  readonly table: string;
  /** Index of the part within its table. */
  readonly part: number | 'publication';
}

/** Rows per code. */
export type CodeCounts = Readonly<Partial<Record<ErrorCode, number>>>;

export interface TableCounts {
  readonly table: string;
  readonly rows: number;
  readonly codes: CodeCounts;
}
