import type { SpareBuffers } from './spare-buffers.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { ByteSink } from '../io/byte-sink.ts';
import type { ColumnType } from '../rows/column-type.ts';
import type { PartStream } from '../rows/part.ts';
import type { RecordPlace } from '../rows/rejection.ts';
import type { RowEncoding } from '../rows/row-encoding.ts';
import type { Column, MeasuredKind, TableName, TableSchema } from '../rows/table-schema.ts';

export type FormatName = 'csv' | 'json' | 'ndjson' | 'parquet' | 'sql';

/**
 * The code that reads and writes one file format. Every format passes test/conformance/format-suite.ts.
 *
 * Reading: `inspect` looks at a source and says what is in it; `read` yields its rows as parts.
 * Writing: `openWriter` makes a document out of ordered parts.
 */
export interface Format {
  readonly name: FormatName;
  /** Endings, lower case, without dot; the first is used for files that Sluice names. */
  readonly extensions: readonly string[];

  /**
   * Detects dialect, tables, columns and types. `depth` 'sample' looks at the head and (seekable sources) at windows spread over the whole;
   * 'full' reads everything once, after which no value or key may surprise. Every choice in `options` is taken as given.
   * @throws SluiceError of the source, *_MALFORMED, JSON_NOT_RECORDS, SOURCE_EMPTY, CSV_NO_COLUMNS, ENCODING_INVALID
   */
  inspect(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource>;

  /** What `read` can produce for a table when these fields are taken in this order, cheapest first; for the plan and the same as `bind` is offered. */
  encodings(inspected: InspectedSource, table: InspectedTable, fields: readonly string[]): readonly RowEncoding[];

  /**
   * The rows as parts, in source order. Before the first part of a table, `request.bind(table)` is called (once per table, awaited) and
   * answers what is wanted of it; null skips the table (rows counted in `onSkipped`). Parts may be consumed concurrently by up to
   * `request.jobs` consumers: the producer keeps at most that many parts (plus one) in memory, each at most `request.partBytes` plus one
   * record, and blocks until one is consumed. A single record is limited by `options.maxRecordBytes`.
   */
  read(inspected: InspectedSource, request: ReadRequest): AsyncGenerator<TablePart, void, undefined>;

  /** The records of the part that begins at this point, by their numbers; for formats that find them with less than reading the part again. */
  locate?(inspected: InspectedSource, point: ReadingPoint, request: LocateRequest): Promise<RecordLocator>;

  openWriter(sink: ByteSink, options: WriteOptions): FormatWriter;
}

export interface LocateRequest {
  /** As the part was read. */
  readonly tolerant: boolean;
  readonly signal: AbortSignal;
}

/** Whoever opened it closes it. */
export interface RecordLocator {
  /** @param record from 1 within the part, not before the last one asked for @returns undefined when the source does not have it any more */
  find(record: number): Promise<RecordPlace | undefined>;
  close(): Promise<void>;
}

/** Choices of the user; what is absent is detected. Serialisable: stored in the plan. */
export interface ReadOptions {
  readonly csv?: {
    readonly delimiter?: string;
    /** '' = no quoting. */
    readonly quote?: string;
    readonly escape?: string;
    readonly header?: boolean;
    /** Unquoted field text that means NULL; default ''. */
    readonly nullText?: string;
  };
  /** utf-8, utf-16le, utf-16be, latin1, windows-1252 */
  readonly charset?: string;
  /** Key (dotted path) under which the array of records is, for JSON. */
  readonly jsonPath?: string;
  /** Types by source field name. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** Default 256 MiB. */
  readonly maxRecordBytes?: number;
  /**
   * The run puts records aside that are none (ReadRequest.tolerant): inspection passes over them as well, and takes no column and no type from them. Set by the run, not by people.
   */
  readonly tolerant?: boolean;
}

export const DEFAULT_MAX_RECORD_BYTES = 256 * 1024 * 1024;

export interface InspectedSource {
  readonly source: ByteSource;
  readonly format: FormatName;
  /** Known so far; a JSON object or SQL dump of several tables may reveal more while it is read. */
  readonly tables: readonly InspectedTable[];
  /** What was detected, as plain data, for the plan and for the person ("delimiter ;", "windows-1252"). */
  readonly details: Readonly<Record<string, unknown>>;
  readonly options: ReadOptions;
  readonly depth: 'sample' | 'full';
}

export interface InspectedTable {
  /** Undefined: the source does not name it; the caller uses the source's stem. */
  readonly name?: TableName;
  readonly columns: readonly Column[];
  /** Known from the source itself (SQL dumps). */
  readonly primaryKey?: readonly string[];
  readonly estimatedRows?: number;
}

/** What is wanted of a source table. */
export interface TableBinding {
  /** Key under which parts name this table; the target's display name. */
  readonly table: string;
  /** Wanted fields in target order: the source field's name, and the target column's type (it decides how arrays and json are written). */
  readonly fields: readonly BoundField[];
  readonly encoding: RowEncoding;
  /** Source fields that are left out on purpose; a field that is neither wanted nor here raises JSON_UNKNOWN_KEY / COLUMN_UNKNOWN. */
  readonly ignored: readonly string[];
}

export interface BoundField {
  readonly source: string;
  readonly type: ColumnType;
  /** 'postgres' arrays are `{1,2}`; 'json' arrays are `[1,2]`. */
  readonly arrays: 'postgres' | 'json';
  /** The source has no such field (another file of the same table has): every value is NULL, whatever `source` says. */
  readonly absent?: true;
  /**
   * The type is what this inspection detected, for a column that the run creates: a value of another kind (a number where only strings were seen)
   * raises SCHEMA_SURPRISE, where a given type leaves it to the target to convert. For formats whose values have kinds (json, ndjson).
   */
  readonly detected?: boolean;
}

/** Where a part begins in a source that can seek, so that it can be read again without what is before it. Plain data, of the format that gave it. */
export interface ReadingPoint {
  /** Offset in the source. */
  readonly byte: number;
  /** Of that byte, from 1. */
  readonly line: number;
  /** Records of the table before it. */
  readonly rows: number;
  /** `Part.index` of the part. */
  readonly part: number;
  /** Keys to the array that the part is of, and whether records of this array came before. */
  readonly array?: { readonly path: readonly string[]; readonly begun: boolean };
}

export interface ReadRequest {
  /**
   * Begins with the part that had this point, in a reading with the same request otherwise, and yields this and the following ones; it may end before the source does, with the array
   * that the part is of. `bind` is asked for the tables of these parts only.
   */
  readonly from?: ReadingPoint;
  /** Parts must be `replayable` (retry, the careful second try). Costs memory of parts in hand for sources that cannot seek. */
  readonly replayable?: boolean;
  /**
   * Records that are none (field count, bytes of no character, broken lines, too large) are left out and reported by `PartStream.leftOut` instead of failing the source,
   * wherever it is certain where the next one begins. The `file` encoding is not offered then: an engine that reads by itself leaves out nothing.
   */
  readonly tolerant?: boolean;
  /** `encodings`: what the format can produce for this table, cheapest first, given that all fields are taken in order (`identity`) or not. */
  readonly bind: (table: InspectedTable, encodings: (fields: readonly string[]) => readonly RowEncoding[]) => Promise<TableBinding | null>;
  readonly jobs: number;
  readonly partBytes: number;
  readonly signal: AbortSignal;
  readonly onSkipped?: (table: InspectedTable, rows: number) => void;
  /** Shared by the sources of a run that are read one after the other. */
  readonly spareBuffers?: SpareBuffers;
  /** Formats that an engine reads (parquet): its memory limit in bytes. */
  readonly engineMemoryBytes?: number;
  /**
   * Formats whose types come from samples compare later values with them while they pass (SCHEMA_SURPRISE), because databases take some
   * values with loss and without a word: a timestamp into a date, `007` into an integer. True leaves that out. Tolerant, such a record is left out like one that is none.
   */
  readonly trustSampledTypes?: boolean;
}

export interface TablePart extends PartStream {
  readonly table: string;
  /** Absent where the source has to be read from its start. */
  readonly point?: ReadingPoint;
}

export interface WriteOptions {
  readonly csv?: { readonly delimiter?: string; readonly header?: boolean };
  /** sql: dialect of the statements. */
  readonly sql?: { readonly dialect: 'postgres' | 'duckdb'; readonly schema: boolean };
  /** Several tables in one document (json: one object; sql: one after the other). */
  readonly multipleTables: boolean;
  /** Parquet: memory limit of the engine in bytes, and compression. */
  readonly engineMemoryBytes?: number;
  readonly compression?: string;
}

/**
 * Writes one document. Tables come one after the other; the parts of a table in order. `encodePart` is pure with respect to the
 * document, so that parts can be encoded concurrently; the caller then hands the encoded bytes to `writePart` in order.
 */
export interface FormatWriter {
  /** Columns of these kinds should come measured where their source can (TableReader.measuredSchema): what is not known in advance costs a second pass. */
  wantsMeasured?(encoding: RowEncoding['kind']): readonly MeasuredKind[];
  /** Takes its bytes in gulps of this size: so much should be read ahead that its source never has to stop for them. */
  readAheadBytes?(encoding: RowEncoding['kind']): number;
  /** Encodings that `encodePart` takes, cheapest first. `measurable`: the source can measure the table, if `wantsMeasured` asks for it. */
  accepts(table: TableSchema, measurable?: boolean): readonly RowEncoding['kind'][];
  beginTable(table: TableSchema): Promise<void>;
  /** Re-encodes the rows of a part; yields bytes valid until the next pull. `written` is called once, at the end, with the rows counted in the output. */
  encodePart(table: TableSchema, part: PartStream, written: (rows: number) => void): AsyncGenerator<Uint8Array, void, undefined>;
  /** Encoded bytes of the current table, in order. `first` is true for the first bytes of a part. */
  writeEncoded(chunk: Uint8Array, first: boolean): Promise<void>;
  endTable(): Promise<void>;
  /** Completes the document; does not publish the sink. */
  finish(): Promise<void>;
  abort(): Promise<void>;
}
