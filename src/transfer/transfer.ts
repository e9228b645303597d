import type { FormatName, ReadOptions } from '../formats/format.ts';
import type { LoadMode, OnError } from '../connectors/connector.ts';
import type { ErrorLimit } from '../pipeline/rejection-limit.ts';

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
