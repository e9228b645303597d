import type { CarefulPart, PartStream } from '../rows/part.ts';
import type { Rejection } from '../rows/rejection.ts';
import type { RowEncoding } from '../rows/row-encoding.ts';
import type { Column, MeasuredKind, TableName, TableSchema } from '../rows/table-schema.ts';
import type { RestoreTarget, RestoreTargetOptions } from './restore-target.ts';
import type { BackupChoice, BackupSource } from './backup-source.ts';
import type { CompareOptions, CompareSource } from './compare-source.ts';

export type ConnectorKind = 'postgres' | 'duckdb';

/** The code that speaks to one kind of database. Every connector passes test/conformance/connector-suite.ts. */
export interface Connector {
  readonly kind: ConnectorKind;
  /** URL schemes without colon: `postgres`, `postgresql`. */
  readonly schemes: readonly string[];
  /** @throws SluiceError CONNECT_*, AUTH_FAILED, DATABASE_UNKNOWN, DATABASE_LOCKED, SERVER_UNSUPPORTED */
  connect(url: string, options: ConnectOptions): Promise<Connection>;
}

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Connections that the run may hold at once, besides one for control. */
  readonly jobs: number;
  /** Engine lanes: the memory limit of the embedded engine. */
  readonly engineMemoryBytes: number;
  /** Shown in the server's list of sessions: `sluice import run-id`. */
  readonly applicationName: string;
  /** Create the database (file) when it is absent; only for embedded connectors. */
  readonly create: boolean;
  /** Only a plan is wanted: nothing may be created, so a database file that does not exist is planned against an empty one in memory. */
  readonly planOnly?: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** An open database. Close it; closing cancels what still runs. */
export interface Connection {
  readonly kind: ConnectorKind;
  /** Without password: `postgres://user@host:5432/db`. */
  readonly name: string;
  readonly serverVersion: string;
  /** All user tables (no system schemas), in a stable order, with columns, keys and estimates. */
  listTables(): Promise<TableSchema[]>;
  /** Undefined when there is no such table. Without schema: the connector's search path decides. */
  describeTable(name: TableName): Promise<TableSchema | undefined>;
  /** Foreign keys between tables, as pairs of different tables; names as `listTables` gives them. */
  listReferences(): Promise<readonly Reference[]>;
  /** Reads several tables in one consistent state. */
  openReader(requests: readonly ReadTableRequest[]): Promise<TablesReader>;
  /** Reads what a backup needs in one consistent state; absent where backups are not possible. */
  openBackup?(choice: BackupChoice): Promise<BackupSource>;
  /** Reads tables to compare them with a backup, all in one consistent state; absent where there are no backups. */
  openCompare?(tables: readonly { readonly schema: string; readonly name: string }[], options: CompareOptions): Promise<CompareSource>;
  /** A small result, every value as text: quicker than a reader, and all in memory. SQL of our own. Absent where a reader is as quick. */
  readRows?(sql: string, signal: AbortSignal): Promise<(string | null)[][]>;
  /** Loads tables. One session per run. */
  openLoad(options: LoadOptions): Promise<LoadSession>;
  /** Restores definitions and rows of a backup of this kind of database; absent where there are no such backups. */
  openRestore?(options: RestoreTargetOptions): Promise<RestoreTarget>;
  close(): Promise<void>;
}

/** A foreign key of `table` refers to `parent`. */
export interface Reference {
  readonly table: TableName;
  readonly parent: TableName;
}

export type ReadTableRequest =
  | { readonly kind: 'table'; readonly table: TableSchema; readonly columns?: readonly string[]; readonly where?: string }
  | { readonly kind: 'query'; readonly name: string; readonly sql: string };

/** A consistent read of several tables. Close it, also after failures: that ends the snapshot and frees its connections. */
export interface TablesReader {
  readonly tables: readonly TableReader[];
  close(): Promise<void>;
}

export interface TableReader {
  readonly schema: TableSchema;
  /** Cheapest first. `arrays` says how array values will be written as text for the reader at the other end. */
  encodings(arrays: 'postgres' | 'json'): readonly RowEncoding[];
  /**
   * The schema with columns of these kinds measured: every numeric that declares no precision sized to the values read (text when no DECIMAL holds them), and floats said to be without
   * negative zeros where they are, for targets that must know before the first row. May cost a scan. Absent where the rows cannot be read twice.
   */
  measuredSchema?(kinds: readonly MeasuredKind[], signal: AbortSignal): Promise<TableSchema>;
  /**
   * The parts in the table's physical order, each about `partBytes` of output. Each part's chunks may be consumed concurrently with
   * others', by at most `jobs` consumers; a part takes its connection only while its chunks are iterated.
   */
  parts(encoding: RowEncoding, options: { partBytes: number; arrays: 'postgres' | 'json'; signal: AbortSignal }): AsyncGenerator<PartStream, void, undefined>;
  /**
   * Writes the whole table into one file with the database's own engine; only when `encodings` has `file`. `read` is the table's own
   * count in the same state, `written` what the engine says it wrote.
   */
  writeFile?(target: NativeFileTarget, signal: AbortSignal): Promise<{ read: number; written: number }>;
}

export interface NativeFileTarget {
  readonly path: string;
  readonly format: 'csv' | 'parquet';
  readonly csv?: { readonly delimiter: string; readonly header: boolean };
  readonly compression: 'none' | 'gzip' | 'zstd' | 'snappy';
}

export type LoadMode = 'append' | 'replace' | 'upsert';

/** `quarantine`: rows that break a type or constraint are rejected one by one, the rest is published. */
export type OnError = 'stop' | 'quarantine';

export interface LoadOptions {
  readonly run: string;
  readonly signal: AbortSignal;
  /** Default `stop`. */
  readonly onError?: OnError;
  /** Keep a ledger, so that the load can be suspended, and taken up again also after the death of this process. */
  readonly resumable?: boolean;
  /** An earlier session of the same run was suspended or died: tables go on where its ledger ends. */
  readonly resumes?: boolean;
  /** Whether another run is recorded as done: what it has left behind, because it died before it could tidy up, is removed by this one. */
  readonly isDone?: (run: string) => boolean;
  /**
   * Others are at work in the database: tables that are there take no row before all are published together, also those into which parts could go one by one and be taken
   * back after a failure.
   */
  readonly atOnce?: boolean;
  /** Disables the triggers of users (not those of constraints) while rows are published. */
  readonly disableTriggers?: boolean;
}

/** Rows that a constraint rejects when everything is there; `part` is the index of the part that had them. */
export interface RejectedRow extends Rejection {
  readonly part: number;
}

export interface PublishHooks {
  /**
   * Called before anything is committed, per table in batches ordered by part and record, each awaited. Throwing ends the publication: nothing is published then.
   */
  rejected(table: string, rows: readonly RejectedRow[]): Promise<void>;
  /** After the last `rejected`, before the commit: the place for limits that need all counts. Throwing ends the publication. */
  judged(): Promise<void>;
  /** The publication begins anew: what it has given away before counts no longer. */
  restarted?(): Promise<void>;
}

/** What earlier sessions of a run have committed of a table. */
export interface CommittedParts {
  readonly read: number;
  readonly written: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly bytes: number;
  /** How many. */
  readonly parts: number;
  has(part: number): boolean;
  /** Of a part that had one. */
  hash(part: number): number | undefined;
}

/** A table of a run that is published: the counts of its parts, and of its publication. */
export interface PublishedTable extends Omit<CommittedParts, 'parts' | 'has' | 'hash'> {
  readonly published: PublishedCounts;
}

/**
 * Everything one run loads into one database. `publish` makes all of it visible; `abort` leaves the database as it was before the
 * run (tables that the run created are gone). Exactly one of them is called, after all writers are closed.
 */
export interface LoadSession {
  /** How this table will be loaded; does not touch the database beyond reading its catalog. */
  plan(spec: LoadTableSpec): Promise<LoadTablePlan>;
  /** Makes the table ready to take parts (creates it or its staging). */
  begin(plan: LoadTablePlan): Promise<TableLoad>;
  /**
   * All parts of this table are committed, and no more will come: the session may prepare its publication while other tables are loaded. Called only when every
   * table of the run has been begun. Nothing is visible before `publish`, and no failure shows before it either.
   */
  complete?(table: string): void;
  /**
   * @param hooks needed with `onError: 'quarantine'`
   * @returns per table (display name) what the target itself counts as written.
   */
  publish(hooks?: PublishHooks): Promise<ReadonlyMap<string, PublishedCounts>>;
  abort(): Promise<void>;
  /** In place of `abort`, for resumable sessions: everything stays as it is for the next session of the run. Also before all tables of a run that goes on are begun, which `abort` needs. */
  suspend?(): Promise<void>;
  /** With `resumes`: what the run has published already, when only the record of that was lost. By table (display name). */
  published?(): Promise<ReadonlyMap<string, PublishedTable> | undefined>;
  /** The run is recorded as done: its ledger goes. Called after `publish`, or after `published` had an answer. */
  forget?(): Promise<void>;
}

export interface LoadTableSpec {
  readonly table: TableName;
  readonly mode: LoadMode;
  /** For a table that does not exist: its columns (and key). When it exists: the columns that will be loaded, in order; types are the source's. */
  readonly columns: readonly Column[];
  readonly primaryKey?: readonly string[];
  /** Upsert key; default the primary key. */
  readonly key?: readonly string[];
  /** Of the database itself when the source is of the same kind (native types may be used). */
  readonly nativeTypesOf?: ConnectorKind;
}

/** Plain data, printed by --dry-run and stored with the run. */
export interface LoadTablePlan {
  readonly table: string;
  readonly name: TableName;
  readonly mode: LoadMode;
  readonly creates: boolean;
  readonly publication: 'direct' | 'staged' | 'transaction';
  /** The columns loaded, in order, with the target's types. */
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly statements: readonly string[];
  /** Parts that can be written at once; 1 for embedded engines. */
  readonly maxWriters: number;
  /** Kinds of encodings that the table can be loaded from; TableLoad.accepts has the last word on dialects. */
  readonly accepts: readonly RowEncoding['kind'][];
}

export interface PublishedCounts {
  readonly written: number;
  /** Rows given to PublishHooks.rejected. */
  readonly rejected?: number;
  /** Rows that were there and are gone: replaced. */
  readonly removed?: number;
  /** Rows the target left out by itself (a trigger that returns nothing, a rule), or merged: upsert keys repeated in the source count as duplicate. */
  readonly skipped: number;
  readonly duplicate: number;
}

export interface TableLoad {
  readonly plan: LoadTablePlan;
  accepts(encoding: RowEncoding): boolean;
  /** With `resumes`: the parts that are there already. */
  readonly committed?: CommittedParts;
  /** How array values must be written for this target. */
  readonly arrays: 'postgres' | 'json';
  openWriter(): Promise<PartWriter>;
}

/** Writes parts, one at a time, each in one transaction (or into the run's one transaction). */
export interface PartWriter {
  /**
   * Consumes the part's chunks completely. Resolves when the target has accepted the rows; rejects with a coded error whose `at.line` is
   * the line within the part, where the target says it (the caller turns it into a place of the source by `part.locate`), after which the
   * part has left nothing. With the `file` encoding the engine reads `part.file` while `chunks` is iterated at the same time (it yields
   * nothing, and counts the records on its own).
   * @param pieceBytes for a part whose statement the server has ended for its time or memory: statements of about so many bytes, still in one transaction. May be ignored.
   */
  write(part: PartStream, progress: (bytes: number) => void, pieceBytes?: number): Promise<{ written: number }>;
  /**
   * The same for a part that `write` has refused: every value is tested by the target itself, the good rows are written, the others given to `beforeCommit` (ordered
   * by record, in batches, each awaited) before anything is committed; its failure leaves nothing of the part. The last call, with no rows, says that all were given:
   * when it resolves they are safe. `record` counts in the part, left-out records included.
   */
  writeCarefully?(part: CarefulPart, index: number, beforeCommit: (rejections: readonly Rejection[]) => Promise<void>): Promise<{ written: number; rejected: number }>;
  close(): Promise<void>;
}
