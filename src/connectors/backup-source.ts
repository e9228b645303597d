/**
 * What a backup reads from a database, all in one consistent state: tables as streams that can be cut anywhere along fixed groups of pages, sequences, large objects, and the schema as the database's own
 * tool writes it. The streams' bytes go into the backup as they come; nothing here knows of chunks or files.
 */

/** What of the database a backup is to have. */
export interface BackupChoice {
  /** Names and globs (`orders`, `sales.*`, `audit.log_20??`); none: all tables. */
  readonly tables: readonly string[];
  /** The same, for what is left out. */
  readonly exclude: readonly string[];
  readonly schema: boolean;
  readonly data: boolean;
  /** The program that writes the schema; default: looked for. */
  readonly dumpProgram?: string;
}

export interface BackupSource {
  /** For people, without password. */
  readonly name: string;
  /** `host:5432`, and the name of the database. */
  readonly address: string;
  readonly database: string;
  /** `160004`. */
  readonly serverVersion: number;
  readonly encoding: string;
  /** What is left out, and why. Complete when everything else was read. */
  readonly notes: readonly string[];
  /** By schema and name, each in byte order. */
  readonly tables: readonly BackupTable[];
  /** Who writes the schema, found when the source was opened: `pg_dump 16.4`; undefined without a schema. */
  readonly schemaWriter: string | undefined;
  /** Materialized views without rows: a schema does not say which. */
  readonly unfilled: readonly { readonly schema: string; readonly name: string }[];
  /**
   * Columns, encoding and page groups of a table of `tables`.
   * @param before the groups of the last backup, which are kept as long as they fit
   */
  openTable(table: BackupTable, before: PageGroups | undefined, signal: AbortSignal): Promise<TableStreams>;
  /** To be read after all data: no value that is in a table is handed out again. */
  sequences(signal: AbortSignal): AsyncGenerator<SequenceState, void, undefined>;
  largeObjects(signal: AbortSignal): AsyncGenerator<LargeObject, void, undefined>;
  /** The schema in the snapshot, each piece to be read to its end before the next. `seal` is for `plain`: text that nobody who made the database can know in advance. */
  dumpSchema(signal: AbortSignal): SchemaDump;
  close(): Promise<void>;
}

export interface BackupTable {
  readonly schema: string;
  readonly name: string;
  /** Of the heap. */
  readonly pages: number;
  /** On disk: heap and TOAST. */
  readonly bytes: number;
  readonly estimatedRows: number | undefined;
}

/** Groups begin at multiples of `pages`. `bytesPerPage` (heap and TOAST) is what the table had when that was chosen. */
export interface PageGroups {
  readonly pages: number;
  readonly bytesPerPage: number;
}

export interface TableStreams {
  /** Without those that the database computes. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly encoding: 'copy-binary' | 'copy-text';
  /** Positions of columns whose values are runs of 4-byte numbers; of binary streams only. */
  readonly floats: { readonly arrays: readonly number[]; readonly vectors: readonly number[] };
  /** Columns that the database compresses where it saves something, and of whose values none is compressed. Not all that are so need be here. */
  readonly uncompressed: readonly string[];
  /** Absent for tables that are read in one piece. */
  readonly groups: PageGroups | undefined;
  /** Of all streams, estimated. */
  readonly expectedBytes: number;
  readonly parts: readonly [] | Iterable<BackupPart>;
}

/** One stream: the rows of a page group. */
export interface BackupPart {
  /** The end is exclusive, and may lie behind the table's; null: the table as a whole, however large it is. */
  readonly pages: readonly [first: number, end: number] | null;
  /** The last of its table. */
  readonly isLast: boolean;
  /** To be iterated once. Chunks are valid until the next pull. */
  read(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
  /** Rows as the server counts them; valid once `read` has come to its end. */
  rows(): number;
}

export interface SequenceState {
  readonly schema: string;
  readonly name: string;
  /** 64 bits. */
  readonly lastValue: string;
  readonly isCalled: boolean;
}

export interface LargeObject {
  readonly oid: number;
  readonly owner: string;
  readonly acl: string | null;
  readonly comment: string | null;
  /** To be read to its end before the next object. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface SchemaDump {
  /** For machines. The same for the same schema, whenever it was written. */
  archive(): AsyncIterable<Uint8Array>;
  /** SQL for people. @param seal hex digits that depend on the archive @param archive what `archive` gave, once more */
  plain(section: 'pre-data' | 'post-data', seal: string, archive: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}
