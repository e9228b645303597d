/**
 * A database into which a backup of its own kind is restored: definitions as the backup has them, rows as COPY streams, and a ledger in the database itself, so that what is there after any failure is
 * known: every definition and every part is committed together with its entry. What goes when is the restore's to decide (backup/restore); here is what each step is.
 */
import type { TableName } from '../rows/table-schema.ts';

/** An object of the backup, as pg_dump's table of contents has it. */
export interface Definition {
  /** In the ledger. */
  readonly id: number;
  /** TABLE, INDEX, FK CONSTRAINT … */
  readonly description: string;
  readonly tag: string;
  /** '' where the object is in no schema. */
  readonly namespace: string;
  readonly owner: string;
  readonly tablespace: string | null;
  readonly accessMethod: string | null;
  readonly relkind: string | null;
  /** Run as it is, as one message: never cut into statements. '' for an entry that only has an owner. */
  readonly sql: string;
  /** `DROP TABLE public.cities;`: names the object where `tag` does not. */
  readonly dropSql: string;
}

export interface RestoreTargetOptions {
  readonly run: string;
  readonly signal: AbortSignal;
  /** An earlier session of the run was suspended or died. */
  readonly resumes: boolean;
  /** Objects belong to whoever restores. */
  readonly noOwner: boolean;
  /** The archive's definitions rely on the schema of their entry being first in search_path (before pg_dump 10.3). */
  readonly unqualified: boolean;
  /** Large objects that are there are replaced. */
  readonly clean: boolean;
  /** Whether a run is known to have come to its end. */
  readonly isDone: (run: string) => boolean;
}

export interface WantedTable {
  readonly name: TableName;
  /** Where its rows go in: the table itself, or the root that it is a partition of. */
  readonly into: TableName;
}

/** A table of the backup, as it is in the target. */
export interface RestoredTable {
  /** Where its rows go in. */
  readonly name: TableName;
  /** Of the table itself. */
  readonly display: string;
  /** Rows of this partition go in through its root: where they belong is decided by values that differ from database to database (hashes of enums). */
  readonly throughRoot: boolean;
  /** Emptied by a crash of the server. */
  readonly isUnlogged: boolean;
  /** Of the database itself; undefined when there is no such table. */
  readonly oid: string;
}

export interface CopyShape {
  readonly encoding: 'copy-binary' | 'copy-text';
  /** Undefined: all columns that the table has (the archive says none). */
  readonly columns: readonly string[] | undefined;
  /** PostgreSQL's name of the encoding of text. */
  readonly charset: string;
  /** SQL condition on the rows: others are left out. */
  readonly where?: string;
}

export interface RestorePartStream {
  readonly index: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Rows and bytes of it; valid when `chunks` is exhausted. */
  counts(): { readonly rows: number; readonly bytes: number };
}

/** What earlier sessions of the run have committed of a table. */
export interface RestoredParts {
  readonly read: number;
  readonly written: number;
  readonly bytes: number;
  has(part: number): boolean;
}

export interface RestoreLargeObject {
  readonly oid: number;
  /** With these it is created; without, it is there already. */
  readonly attributes?: { readonly owner: string; readonly acl: string | null; readonly comment: string | null };
}

export interface RestoreSequence extends TableName {
  readonly lastValue: string;
  readonly isCalled: boolean;
}

export interface RelationSize extends TableName {
  readonly bytes: number;
  /** Part of a partitioned table. */
  readonly isPartition: boolean;
  readonly kind: string;
}

/** How a definition is run besides its text. */
export interface DefineOptions {
  /** Processes that may build an index together, this one not counted. */
  readonly parallelWorkers?: number;
  /** Foreign keys: added unchecked; `validate` checks them later. */
  readonly notValid?: boolean;
}

export interface RestoreTarget {
  /** Without password. */
  readonly name: string;
  /** 150008 */
  readonly serverVersion: number;
  /** Definitions and parts done at once. */
  readonly jobs: number;
  /** Definitions that are there: of earlier sessions, too. */
  isDefined(id: number): boolean;
  /** Which of these relations exist. */
  existing(names: readonly TableName[]): Promise<TableName[]>;
  /** Which of these objects exist, by their ids; those of kinds that cannot be looked up count as absent. */
  present(definitions: readonly Definition[]): Promise<ReadonlySet<number>>;
  /** Names of extensions of which the server has no files. */
  unavailableExtensions(names: readonly string[]): Promise<string[]>;
  /** Whether the ledger of this run is there. */
  hasBegun(): Promise<boolean>;
  /** Other runs whose restores have begun here and not ended. */
  unfinished(): Promise<string[]>;
  /** Looks which of the names that the definitions refer to are there, and makes or finds the ledger. */
  begin(referenced: { readonly owners: readonly string[]; readonly tablespaces: readonly string[]; readonly accessMethods: readonly string[] }): Promise<void>;
  /** Tables that a crash of the server has emptied since the run has begun, their entries in the ledger with them, and those that they are partitions of. */
  emptied(): Promise<TableName[]>;
  /** Drops these, each in one transaction with its entry in the ledger: `define` makes them again. The end of what is to be done before emptied tables are filled again. */
  takeOff(definitions: AsyncIterable<Definition>): Promise<void>;
  /** Moves what is in the way of these definitions aside, all of it or nothing; done once in a run. @throws SluiceError RESTORE_CLEAN_BLOCKED when something that stays depends on it */
  setAside(definitions: readonly Definition[]): Promise<void>;
  /** One definition and its owner, in one transaction with its entry in the ledger. @throws SluiceError RESTORE_ENTRY_FAILED with the place of the statement */
  define(definition: Definition, options?: DefineOptions): Promise<void>;
  /** Whether `notValid` does anything for this foreign key. */
  canAddUnchecked(definition: Definition): boolean;
  /** Checks a foreign key that was added unchecked; does nothing for one that is checked. */
  validate(table: TableName, constraint: string, definition: Definition): Promise<void>;
  /** In the order of `tables`; undefined for those that are not there. */
  describe(tables: readonly WantedTable[]): Promise<(RestoredTable | undefined)[]>;
  committed(table: RestoredTable): Promise<RestoredParts>;
  /** Long values of these columns are stored as they come until `compressAgain`, without trying what compressing would save; for tables that the run has made. Does nothing where that cannot be told to the database. */
  leaveUncompressed(table: RestoredTable, columns: readonly string[]): Promise<void>;
  /** Takes back what `leaveUncompressed` has set, also in earlier sessions of the run. */
  compressAgain(): Promise<void>;
  /** Parts as one transaction, without entries: all of them or none. For rows into tables that are in use. */
  inOneTransaction(work: (copy: (table: RestoredTable, shape: CopyShape, part: RestorePartStream) => Promise<number>) => Promise<void>): Promise<void>;
  /** Writes a part in one transaction with its entry. @returns the rows that the server took */
  copy(table: RestoredTable, shape: CopyShape, part: RestorePartStream, progress: (bytes: number) => void): Promise<number>;
  largeObjectsDone(): Promise<{ has(oid: number): boolean; count: number }>;
  writeLargeObject(object: RestoreLargeObject, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  setSequences(sequences: readonly RestoreSequence[]): Promise<void>;
  /** Tables and materialized views of users, with their sizes, TOAST included. */
  relationSizes(): Promise<RelationSize[]>;
  analyze(name: TableName): Promise<void>;
  /** What could not be done as the backup says, for people. */
  notes(): string[];
  /** Drops what was set aside. Everything is durable when it resolves. */
  finish(): Promise<void>;
  /** The run is recorded as done: its ledger goes. */
  forget(): Promise<void>;
  /** What the run has made goes, in the opposite order, and what it has set aside comes back: for a run that is given up. @throws SluiceError DISCARD_REFUSED, with nothing done, when `finish` has begun to drop what was set aside */
  undo(made: AsyncIterable<Definition>): Promise<void>;
  close(): Promise<void>;
}
