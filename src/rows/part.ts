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

/** A part before it is read: plain data, printable, storable. `index` counts from 0 within its table, in source order. */
export interface Part {
  readonly index: number;
  readonly interval: Interval;
}

/**
 * The rows of one part on their way. Contract:
 * - `chunks` may be iterated once. A chunk's memory belongs to the producer and is valid only until the next pull: a consumer that
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
  /** Only with the `file` encoding: what the target's engine is to read by itself. */
  readonly file?: NativeFile;
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
