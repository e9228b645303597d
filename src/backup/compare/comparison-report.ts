/** What a comparison of a backup with a database found. Plain data: `sluice verify --against --json` prints it. */

export interface ComparisonReport {
  readonly tables: readonly ComparedTableReport[];
  readonly totals: ComparisonTotals;
  readonly sequences: readonly SequenceDifference[];
  /** Null where only some tables were asked for. */
  readonly largeObjects: LargeObjectsReport | null;
  /** Of the database, and not in the backup: no difference, for a database may have more. */
  readonly otherTables: readonly string[];
  readonly notes: readonly string[];
}

export interface ComparisonTotals {
  readonly tables: number;
  readonly differentTables: number;
  /** Of the backup, in the tables that were compared. */
  readonly rows: number;
  /** Rows and bytes that were read from the database. */
  readonly rowsRead: number;
  readonly bytesRead: number;
}

export interface ComparedTableReport {
  readonly name: string;
  readonly status: TableStatus;
  readonly backup: TableSumsReport;
  /** Null where nothing was read. */
  readonly database: TableSumsReport | null;
  /** Page groups of the backup that are the same where they were, and the others: a restored database has its rows in other places. Absent for tables without. */
  readonly groups?: { readonly same: number; readonly different: number };
  /** In what the table itself differs. */
  readonly differences: readonly string[];
  /** Absent where the rows are the same, and where it cannot be said. */
  readonly rows?: RowDifferencesReport;
}

/**
 * `moved`: the same rows, some in other partitions by hash of the same table. `unlike`: columns differ in such a way that rows cannot be compared.
 */
export type TableStatus = 'same' | 'moved' | 'different' | 'missing' | 'unlike';

export interface TableSumsReport {
  readonly rows: number;
  readonly rowHash: string;
}

export interface RowDifferencesReport {
  readonly missing: number;
  readonly extra: number;
  /** Null where it cannot be told. */
  readonly changed: number | null;
  /** False: there are too many to count them; the counts are estimates. */
  readonly complete: boolean;
  readonly examples: readonly RowExample[];
}

export interface RowExample {
  readonly kind: 'missing' | 'extra' | 'changed';
  /** The key, or where there is none the first columns. Null is NULL. */
  readonly row: Readonly<Record<string, string | null>>;
  /** Of changed rows: the columns, with the value of the backup and that of the database. */
  readonly changes?: Readonly<Record<string, readonly [backup: string | null, database: string | null]>>;
}

export interface SequenceDifference {
  readonly name: string;
  readonly backup: string;
  /** Null: there is no such sequence. */
  readonly database: string | null;
}

export interface LargeObjectsReport {
  readonly same: number;
  readonly different: number;
  /** The first of those that differ. */
  readonly named: readonly { readonly oid: number; readonly status: 'missing' | 'different' }[];
  /** Of the database, and not in the backup. */
  readonly others: number;
}
