/**
 * The library: the same jobs as the command line, as functions. Each begins at once and returns a handle with the run's events, a way to
 * cancel it, and promises of its plan and receipt. The only barrel of the project; what is not exported here is not public.
 */
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { repositoryPath } from './backup/open-repository.ts';
import { embeddedUrl, resolveConnection } from './config/resolve-connection.ts';
import { workspaceFolder } from './config/settings.ts';
import type { LoadMode, OnError } from './connectors/connector.ts';
import { SluiceError } from './errors/sluice-error.ts';
import type { FormatName, ReadOptions } from './formats/format.ts';
import type { RunHandle, StartRunOptions } from './jobs/start-run.ts';
import { startBackup, startCopy, startExport, startImport, startRestore } from './jobs/start-transfer.ts';
import type { ProgressListener } from './progress/progress-event.ts';
import type { ErrorLimit } from './pipeline/rejection-limit.ts';

export { ERROR_CODES, type ErrorCode, type ErrorDefinition, type ExitCode } from './errors/error-codes.ts';
export { SluiceError, type ErrorFacts, type ErrorPlace } from './errors/sluice-error.ts';
export { exitCodeOf, type ErrorReport, type JobName, type Receipt, type ReceiptStatus, type TargetResult } from './jobs/receipt.ts';
export type { RunHandle, RunOutcome } from './jobs/start-run.ts';
export type { BackupReceipt, TableReceipt, Totals } from './pipeline/receipt.ts';
export type { CourseSample } from './progress/run-course.ts';
export type { Expected, Phase, ProgressEvent, ProgressListener } from './progress/progress-event.ts';
export type { ColumnType } from './rows/column-type.ts';
export type { PlannedTable, TransferPlan } from './pipeline/transfer.ts';
export type { ErrorLimit, FormatName, LoadMode, OnError, ReadOptions };

/** What every job takes besides its ends. */
export interface RunOptions {
  /** Parts moved at once; default from the cores, 2 to 8. */
  readonly jobs?: number;
  /** Aimed size of a part in bytes; default 8 MiB for imports, 4 MiB for copies, 2 MiB for exports. */
  readonly partBytes?: number;
  /** Memory limit of the embedded engine in bytes, on lanes that use it; default 256 to 512 MiB. */
  readonly engineMemoryBytes?: number;
  /** The folder of the run store and the embedded database; default `$SLUICE_HOME`, else `.sluice` in the working folder. */
  readonly workspace?: string;
  /** Only plan: nothing is moved, and the receipt's status is `planned`. */
  readonly dryRun?: boolean;
  /** Aborting it cancels the run. */
  readonly signal?: AbortSignal;
  /** Gets every progress event at once; must not throw. `events` of the handle are the same for those who iterate. */
  readonly onProgress?: ProgressListener;
  /** Environment for the connectors (`PG*` variables, `.pgpass`); default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** In place of the process's own for the source or target `-`. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
}

export interface ImportFileOptions extends RunOptions {
  /** Paths, folders, globs, http(s) URLs, or `-` for standard input. */
  readonly source: string | readonly string[];
  /** Connection URL or DuckDB file, also with `#schema.table`; default the workspace's own DuckDB database. */
  readonly to?: string;
  /** `table` or `schema.table`; default the name of the file. */
  readonly table?: string;
  /** Default `append`. */
  readonly mode?: LoadMode;
  /** Key for `upsert`; default the primary key. */
  readonly key?: readonly string[];
  /** Source field → column. */
  readonly map?: Readonly<Record<string, string>>;
  /** Fields to take; the others are left out. */
  readonly columns?: readonly string[];
  /** Default by name and content. */
  readonly format?: FormatName;
  /** Dialect, encoding and types, where they are not to be detected. */
  readonly read?: ReadOptions;
  /** Default `stop`. */
  readonly onError?: OnError;
  /** With `quarantine`: when more rows are rejected, nothing is published. Default: no limit. */
  readonly maxErrors?: ErrorLimit;
}

export interface RestoreBackupOptions extends RunOptions {
  /**
   * A backup repository (`FOLDER`, or `FOLDER@BACKUP`; default the newest) or an archive of pg_dump (custom or directory): a whole database, into PostgreSQL.
   * Or a folder with a file for each table, a folder of such backups, a document or dump of many tables, a glob, an http(s) URL, or `-`: rows.
   */
  readonly source: string;
  /** Connection URL or DuckDB file; default the workspace's own DuckDB database. */
  readonly to?: string;
  /** Name of the backup in the folder; default the newest complete one. */
  readonly pick?: string;
  /** Default `append`; `replace` empties the tables of the backup first, in the same transaction. */
  readonly mode?: LoadMode;
  /** Only these, by the target's or the backup's name. */
  readonly tables?: readonly string[];
  readonly exclude?: readonly string[];
  /** Name in the backup → table. */
  readonly mapTables?: Readonly<Record<string, string>>;
  readonly disableTriggers?: boolean;
  readonly format?: FormatName;
  readonly read?: ReadOptions;
  readonly onError?: OnError;
  readonly maxErrors?: ErrorLimit;
  // Of repositories and archives only:
  /** Rows into tables that are there; with `mode: 'replace'` these are emptied first. */
  readonly dataOnly?: boolean;
  readonly schemaOnly?: boolean;
  /** SQL condition on the rows of every table that is restored. */
  readonly where?: string;
  /** Schema of the backup → schema of the target; with `dataOnly`. */
  readonly mapSchemas?: Readonly<Record<string, string>>;
  readonly noOwner?: boolean;
  readonly noPrivileges?: boolean;
  readonly noComments?: boolean;
  readonly noAnalyze?: boolean;
  /** What is damaged is left out and named in the receipt's `missing`; everything else is restored. */
  readonly skipDamaged?: boolean;
}

export interface BackUpOptions extends Omit<RunOptions, 'partBytes' | 'engineMemoryBytes' | 'stdin' | 'stdout'> {
  /** URL of a PostgreSQL database. */
  readonly from: string;
  /** The folder of the backups; it is made where it is not there. */
  readonly to: string;
  /** Names and globs of tables whose rows are backed up (`orders`, `sales.*`); default all. */
  readonly tables?: readonly string[];
  readonly exclude?: readonly string[];
  /** Default both. */
  readonly only?: 'schema' | 'data';
  /** Of zstd, 1 to 22; 0: nothing is compressed. Default 1. */
  readonly level?: number;
  /** The program that writes the schema; default `PG_DUMP`, or one on PATH that is new enough. */
  readonly pgDump?: string;
}

export interface ExportTableOptions extends RunOptions {
  /** Connection URL or DuckDB file, also with `#schema.table`; default the workspace's own DuckDB database. */
  readonly from?: string;
  /** A file, a folder (with `/` at its end), or `-` for standard output. */
  readonly to: string;
  /** Default all tables. Not together with `query`. */
  readonly tables?: readonly string[];
  readonly query?: string;
  /** SQL condition on the rows of every table. */
  readonly where?: string;
  readonly columns?: readonly string[];
  /** Default by the ending of `to`. */
  readonly format?: FormatName;
  /** Default by the ending of `to`. */
  readonly compression?: { readonly kind: 'none' | 'gzip' | 'zstd'; readonly level?: number };
  /** Replace files that exist; default false. */
  readonly overwrite?: boolean;
  readonly csv?: { readonly delimiter?: string; readonly header?: boolean };
}

export interface CopyTablesOptions extends RunOptions {
  /** Connection URL or DuckDB file, also with `#schema.table`. */
  readonly from: string;
  /** Connection URL or DuckDB file; with `#schema.table` when a single table gets another name. */
  readonly to: string;
  /** Default all tables. */
  readonly tables?: readonly string[];
  /** Default `append`. */
  readonly mode?: LoadMode;
  /** Key for `upsert`; default the primary key. */
  readonly key?: readonly string[];
  /** SQL condition on the rows of every table. */
  readonly where?: string;
  readonly columns?: readonly string[];
}

/**
 * Loads files into the tables of a database; a table that does not exist is created.
 *
 * All or nothing: when the receipt's promise rejects, the target is as it was.
 * @throws SluiceError at once for connections that cannot be understood; everything later rejects the handle's promises
 * @example
 * const run = importFile({ source: 'cities.csv', to: 'postgres://localhost/shop' });
 * for await (const event of run.events) if (event.type === 'table-progress') console.log(event.rows);
 * const { totals } = await run.receipt;
 */
export function importFile(options: ImportFileOptions): RunHandle {
  const { source, to, table, mode = 'append', key, map, columns, format, read = {}, onError, maxErrors, ...run } = options;
  const start = startOptions(run);
  const target = to === undefined ? { url: embeddedUrl(start.workspace) } : connection(to, start);
  const wanted = oneOf(table, 'table' in target ? target.table : undefined);
  return startImport({
    sources: typeof source === 'string' ? [source] : source,
    to: target.url, mode, read,
    ...present({ table: wanted, key, map, columns, format, onError, maxErrors }),
  }, start);
}

/**
 * Loads a backup that another program made: many tables at once, matched by name to those of the database, published in one transaction.
 *
 * All or nothing: when the receipt's promise rejects, the target is as it was.
 * @throws SluiceError at once for connections that cannot be understood; everything later rejects the handle's promises
 */
export function restoreBackup(options: RestoreBackupOptions): RunHandle {
  const { source, to, pick, mode = 'append', tables, exclude, mapTables, disableTriggers, format, read = {}, onError, maxErrors, ...others } = options;
  const { dataOnly, schemaOnly, where, mapSchemas, noOwner, noPrivileges, noComments, noAnalyze, skipDamaged, ...run } = others;
  const start = startOptions(run);
  const target = to === undefined ? { url: embeddedUrl(start.workspace) } : connection(to, start);
  if ('table' in target && target.table !== undefined) throw new SluiceError('USAGE', { what: 'A restore loads many tables: `to` must not name one' });
  const ofBackups = present({ dataOnly, schemaOnly, where, mapSchemas, noOwner, noPrivileges, noComments, noAnalyze, skipDamaged });
  return startRestore({ source, to: target.url, mode, read, ...present({ pick, tables, exclude, mapTables, disableTriggers, format, onError, maxErrors }), ...ofBackups }, start);
}

/**
 * Backs up a PostgreSQL database, all of one consistent state, into a folder that keeps many backups: what is in it already is not stored again. `receipt.backup` has the new backup's name.
 *
 * A backup is listed when it is complete, or not at all; what an interrupted one has stored is used by the next.
 * @throws SluiceError at once for connections that cannot be understood; everything later rejects the handle's promises
 */
export function backUpDatabase(options: BackUpOptions): RunHandle {
  const { from, to, tables, exclude = [], only, level, pgDump, ...run } = options;
  const start = startOptions(run);
  const source = connection(from, start);
  const wanted = tables ?? (source.table === undefined ? [] : [source.table]);
  const rest = present({ level, dumpProgram: pgDump });
  return startBackup({ from: source.url, to: repositoryPath(to, process.cwd()), tables: wanted, exclude, schema: only !== 'data', data: only !== 'schema', ...rest }, start);
}

/**
 * Writes tables, or the result of a query, into a file, a folder with one file per table, or standard output, all of one consistent state of
 * the database. Files appear under their names only when everything is complete.
 * @throws SluiceError at once for connections that cannot be understood; everything later rejects the handle's promises
 */
export function exportTable(options: ExportTableOptions): RunHandle {
  const { from, to, tables, query, where, columns, format, compression, overwrite = false, csv, ...run } = options;
  const start = startOptions(run);
  const source = from === undefined ? { url: embeddedUrl(start.workspace) } : connection(from, start);
  const wanted = tables ?? ('table' in source && source.table !== undefined ? [source.table] : undefined);
  return startExport({ from: source.url, to, overwrite, ...present({ tables: wanted, query, where, columns, format, compression, csv }) }, start);
}

/**
 * Copies tables from one database into another, all of one consistent state of the source. All or nothing, like `importFile`.
 * @throws SluiceError at once for connections that cannot be understood; everything later rejects the handle's promises
 */
export function copyTables(options: CopyTablesOptions): RunHandle {
  const { from, to, tables, mode = 'append', key, where, columns, ...run } = options;
  const start = startOptions(run);
  const source = connection(from, start);
  const target = connection(to, start);
  const wanted = tables ?? (source.table === undefined ? undefined : [source.table]);
  return startCopy({ from: source.url, to: target.url, mode, ...present({ tables: wanted, table: target.table, key, where, columns }) }, start);
}

function startOptions({ workspace, ...options }: RunOptions): StartRunOptions {
  const env = options.env ?? process.env;
  return { ...options, workspace: workspace === undefined ? workspaceFolder(env, undefined, process.cwd()) : resolve(workspace) };
}

/** The library reads no configuration file: a program that uses it names its connections itself. */
function connection(text: string, { workspace, env }: StartRunOptions): { url: string; table?: string } {
  return resolveConnection(text, { configuration: { settings: {}, folder: process.cwd() }, env: env ?? process.env, workspace });
}

function oneOf(table: string | undefined, ofConnection: string | undefined): string | undefined {
  if (table !== undefined && ofConnection !== undefined) throw new SluiceError('USAGE', { what: 'The table is named twice: by `table` and after "#" in `to`' });
  return table ?? ofConnection;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(options: T): Present<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<T>;
}
