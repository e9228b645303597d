import type { RecordPlace, Rejection } from './rejection.ts';
import type { RowEncoding } from './row-encoding.ts';

/**
 * The interval of a part in its table or file. Bytes count in the decompressed source; ranges are start-inclusive, end-exclusive.
 * `rows` intervals are record positions in a source that only yields records in order.
 */
export type Interval =
  | { readonly kind: 'whole' }
  | { readonly kind: 'bytes'; readonly start: number; readonly end: number }
  | { readonly kind: 'pages'; readonly start: number; readonly end: number }
  | { readonly kind: 'rows'; readonly start: number; readonly end: number };

/** A part before it is read: plain data, printable, storable. `index` counts from 0 within its table, in source order; what a target is given counts through all sources of the table. */
export interface Part {
  readonly index: number;
  readonly interval: Interval;
}

/**
 * The rows of one part on their way. Contract:
 * - `chunks` may be iterated once; of a `replayable` part again and again, from the start, one iteration at a time, until `release()`. A chunk's memory belongs to the producer and is valid only until the next pull: a consumer that
 *   keeps bytes copies them. Chunks may be cut anywhere, also inside a record. Not iterating to the end must release everything (`return()`).
 * - `firstRow` is the number (from 1) of the part's first record within its table's source, where the source knows it (undefined
 *   for independent page ranges).
 * - `counts()` is valid once `chunks` is exhausted: `read` records as the source itself counts them, of which `skipped` were left out on
 *   request; `bytes` source bytes consumed (decompressed).
 * - `locate(line)` turns a line number (from 1) within the part's encoded bytes, as the target's error gives it, into the place in the
 *   source; only called after a failure, may re-read the source.
 */
export interface PartStream {
  readonly part: Part;
  readonly encoding: RowEncoding;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly firstRow?: number;
  counts(): PartCounts;
  /** The transport frames each record: `counts().arrived` will be there. */
  readonly framed?: boolean;
  locate?(line: number): Promise<{ row?: number; line?: number; byte?: number; file?: string }>;
  /** As `locate`, from the number of a record (from 1) within the part, for targets that count records and not lines. */
  locateRow?(row: number): Promise<{ row?: number; line?: number; byte?: number; file?: string }>;
  /** CRC-32 of the encoded bytes, where the source has to be supplied again to go on after an interruption. */
  readonly hash?: number;
  /** The part's bytes are kept, or can be read again, until `release`; asked for with ReadRequest.replayable. */
  readonly replayable?: boolean;
  /** Gives back what a replayable part holds. Must be called then; safe to call twice. */
  release?(): void;
  /**
   * Records that the format itself had to leave out of `chunks`, in order: only with ReadRequest.tolerant, otherwise such a record is an error. Complete when `chunks` is
   * exhausted; counted in `counts().read`.
   */
  readonly leftOut?: readonly Rejection[];
  /** The same part with every record looked at, for after a failure; only of replayable parts. */
  careful?(): CarefulPart;
  /** The places of these records (numbers within the part, from 1, ascending), in order. May read the source again. */
  places?(records: readonly number[]): AsyncIterable<RecordPlace>;
  /** Only with the `file` encoding: what the target's engine is to read by itself. */
  readonly file?: NativeFile;
}

/**
 * A part as text that a table of nothing but text columns takes without complaint: copy-text, fields in the order of the binding, every record
 * complete, UTF-8, without NUL. What cannot be written so is in `leftOut`, so the nth record of `chunks` is the nth of the part that is not in `leftOut`.
 */
export interface CarefulPart {
  /** May be iterated again, like the chunks of the part it comes from. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ascending; holds every record that was left out before the bytes pulled so far. */
  readonly leftOut: readonly Rejection[];
  /** The row of `chunks`, from 1, at which the target has stopped when it took the part as a whole, where that is known and nothing was left out. */
  readonly suspect?: number;
  /** Of the whole part, as PartStream.counts; valid once `chunks` is exhausted. */
  counts?(): PartCounts;
  /** As PartStream.hash. */
  readonly hash?: number;
}

export interface PartCounts {
  readonly read: number;
  readonly skipped: number;
  readonly bytes: number;
  /**
   * Records whose bytes have come, counted on the way where the transport frames each one, and not by who sent them: who passes all `bytes` on
   * unchanged need not count again.
   */
  readonly arrived?: number;
}

/** A local file that DuckDB reads by itself. `relation` is a complete table function call in DuckDB SQL, values already quoted. */
export interface NativeFile {
  readonly path: string;
  readonly relation: string;
  /** SQL expressions over `relation`, one per target column, in order. */
  readonly expressions: readonly string[];
  /** `path` is a DuckDB database: it is attached read-only, and this placeholder in `relation` stands for the name it gets. */
  readonly attach?: string;
}
