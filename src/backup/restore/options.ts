export interface BackupRestoreOptions {
  /** `REPOSITORY`, `REPOSITORY@BACKUP`, or an archive of pg_dump. */
  readonly source: string;
  /** Resolved connection URL. */
  readonly to: string;
  /** The user's own name for `to`, without secrets: a run that is resumed later looks it up again. */
  readonly reference?: string;
  /** Names and globs: only these tables; default all. */
  readonly tables?: readonly string[];
  readonly exclude?: readonly string[];
  /** SQL condition on the rows of every table that is restored. */
  readonly where?: string;
  /** What is there and will be created is replaced, once its replacement is complete. */
  readonly clean?: boolean;
  /** Rows into tables that are there. */
  readonly dataOnly?: boolean;
  /** No rows. */
  readonly schemaOnly?: boolean;
  /** Schema of the backup → schema of the target; only with `dataOnly`. */
  readonly mapSchemas?: Readonly<Record<string, string>>;
  readonly noOwner?: boolean;
  readonly noPrivileges?: boolean;
  readonly noComments?: boolean;
  readonly noAnalyze?: boolean;
  /** What is damaged in the backup is left out and named in the receipt; everything else is restored. */
  readonly skipDamaged?: boolean;
}
