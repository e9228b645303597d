export interface BackupOptions {
  /** Resolved connection URL. */
  readonly from: string;
  /** The user's own name for `from`, without secrets: a run that is resumed later looks it up again. */
  readonly reference?: string;
  /** Absolute path of the repository's folder; it is made where it is not there. */
  readonly to: string;
  /** Names and globs of tables whose rows are backed up; none: all. */
  readonly tables: readonly string[];
  readonly exclude: readonly string[];
  readonly schema: boolean;
  readonly data: boolean;
  /** Of zstd; 0: nothing is compressed. */
  readonly level?: number;
  /** pg_dump; default: looked for. */
  readonly dumpProgram?: string;
}
