/**
 * What a comparison reads from a database: tables as streams of rows in an encoding that is given (that of a backup), in one consistent state. Nothing is written, and nothing here knows of backups.
 */

/** A table as the other side has it. */
export interface ExpectedTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly encoding: 'copy-binary' | 'copy-text';
}

export interface CompareOptions {
  /** Texts have no encoding: they are read as the bytes that the database has. */
  readonly rawText: boolean;
}

export interface CompareSource {
  /** For people, without password. */
  readonly name: string;
  readonly serverVersion: string;
  /** Tables that have rows of their own and were not among those that the source was opened for: `schema.name`. */
  readonly otherTables: readonly string[];
  /** One of the tables that the source was opened for; undefined when there is none of that name. */
  table(expected: ExpectedTable, signal: AbortSignal): Promise<ComparedTable | undefined>;
  sequences(signal: AbortSignal): AsyncGenerator<{ readonly schema: string; readonly name: string; readonly lastValue: string; readonly isCalled: boolean }, void, undefined>;
  /** By their numbers. The content is to be read to its end before the next. */
  largeObjects(signal: AbortSignal): AsyncGenerator<{ readonly oid: number; readonly content: AsyncIterable<Uint8Array> }, void, undefined>;
  close(): Promise<void>;
}

export interface ComparedTable {
  /** In what the table itself differs from what was expected: columns and their types. For people. */
  readonly differences: readonly string[];
  /** False when rows could not be read in the expected columns and encoding. */
  readonly isReadable: boolean;
  /** Heap pages, by which it can be read in ranges; undefined: only as a whole. */
  readonly pages: number | undefined;
  /** Columns of the primary key; empty when there is none. */
  readonly key: readonly string[];
  /** Of the partitioned table that may put its rows into other partitions on another server; undefined for all others. */
  readonly movesWithin: string | undefined;
  /** A whole COPY stream. @param pages the end exclusive, undefined for all that follows; null: the table as a whole */
  read(pages: readonly [first: number, end: number | undefined] | null, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
  /** Values of one column as the database would write them, from the form that they have in a binary stream. */
  textOf(column: string, value: Uint8Array): Promise<string>;
}
