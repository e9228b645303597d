import type { FormatName, ReadOptions } from '../formats/format.ts';
import type { LoadMode, OnError } from '../connectors/connector.ts';
import type { ErrorLimit } from '../pipeline/rejection-limit.ts';
import type { BackupReceipt, TableReceipt } from '../pipeline/receipt.ts';

/** A prepared job: its plan can be looked at before it runs. Run it at most once; close it always. */
export interface Transfer {
  readonly plan: TransferPlan;
  /** Moves everything and publishes it, or leaves the target as it was. */
  run(): Promise<TransferResult>;
  /** After a failure of `run`: the target was left so that the run can be resumed. */
  readonly suspended?: boolean;
  /** Instead of `run`, of a run that was taken up again: leaves the target as it was before the run. */
  giveUp?(): Promise<void>;
  /** Frees connections and files; safe before, after and instead of `run`. */
  close(): Promise<void>;
}

export interface TransferResult {
  readonly tables: readonly TableReceipt[];
  readonly warnings: readonly string[];
  /** The folder of the rejected rows, when there are any. */
  readonly quarantine?: string;
  /** Of a backup. */
  readonly backup?: BackupReceipt;
  /** To be called when the end of the run is recorded, before `close`: removes what resuming would have needed. */
  readonly forget?: () => Promise<void>;
}

/** What a run will do, as plain data without secrets: printed by --dry-run, stored with the run. */
export interface TransferPlan {
  readonly version: 1;
  readonly job: 'import' | 'export' | 'copy' | 'backup' | 'restore';
  readonly from: string;
  readonly to: string;
  readonly jobs: number;
  readonly tables: readonly PlannedTable[];
  readonly notes: readonly string[];
}

export interface PlannedTable {
  readonly name: string;
  /** Files or tables that the rows come from. */
  readonly from: readonly string[];
  readonly format?: FormatName;
  /** What was detected of the format: delimiter, charset … */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly encoding: string;
  readonly mode?: LoadMode;
  readonly creates?: boolean;
  readonly publication: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly source?: string }[];
  readonly parts: { readonly rule: string; readonly bytes: number };
  readonly expected: { readonly rows?: number; readonly bytes?: number };
  readonly statements: readonly string[];
}

export interface ImportOptions {
  /** Paths, folders, globs, `-`, http(s) URLs. */
  readonly sources: readonly string[];
  /** Resolved connection URL. */
  readonly to: string;
  /** Target table (`schema.table` or `table`); default the source's name. */
  readonly table?: string;
  readonly mode: LoadMode;
  readonly key?: readonly string[];
  /** Source field → column. */
  readonly map?: Readonly<Record<string, string>>;
  /** Source fields to take; the others are left out on purpose. */
  readonly columns?: readonly string[];
  readonly format?: FormatName;
  readonly read: ReadOptions;
  /** The user's own name for `to`, without secrets: a run that is resumed later looks it up again. */
  readonly reference?: string;
  /** Default `stop`. */
  readonly onError?: OnError;
  /** Default: no limit. Only with `onError: 'quarantine'`. */
  readonly maxErrors?: ErrorLimit;
  readonly disableTriggers?: boolean;
  /** Fields for columns that the database computes: left out instead of refused. */
  readonly ignoreGenerated?: boolean;
}

export interface RestoreOptions {
  /** A folder of files or of backups, a file, a glob, `-` or a URL. */
  readonly source: string;
  /** Resolved connection URL. */
  readonly to: string;
  readonly reference?: string;
  /** Name of the backup in the folder `source`; default the newest complete one. */
  readonly pick?: string;
  /** `replace`: the tables of the backup are emptied first. */
  readonly mode: LoadMode;
  /** Only these tables, by the target's or the backup's name. */
  readonly tables?: readonly string[];
  readonly exclude?: readonly string[];
  /** Name in the backup → table. */
  readonly mapTables?: Readonly<Record<string, string>>;
  readonly format?: FormatName;
  readonly read: ReadOptions;
  readonly onError?: OnError;
  readonly maxErrors?: ErrorLimit;
  readonly disableTriggers?: boolean;
}

export interface ExportOptions {
  readonly from: string;
  /** File, folder, or `-` for standard output. */
  readonly to: string;
  readonly tables?: readonly string[];
  readonly query?: string;
  readonly where?: string;
  readonly columns?: readonly string[];
  readonly format?: FormatName;
  readonly compression?: { readonly kind: 'none' | 'gzip' | 'zstd'; readonly level?: number };
  readonly overwrite: boolean;
  readonly csv?: { readonly delimiter?: string; readonly header?: boolean };
}

export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly tables?: readonly string[];
  readonly mode: LoadMode;
  readonly key?: readonly string[];
  readonly where?: string;
  readonly columns?: readonly string[];
  /** Target table when a single table is copied. */
  readonly table?: string;
}
