/**
 * What pg_dump has written with `-Fc` (one file) or `-Fd` (a folder), read without pg_restore: a table of contents, in which each entry is an object of the database with its SQL, and the data of tables and
 * large objects. Only what a scheduler needs is in memory; SQL and data are read when they are asked for, in any order, also several at once.
 *
 * Names and SQL come as strings, whatever the encoding of the archive: run statements with client_encoding UTF8. Data come as the bytes that they are: COPY needs the archive's `encoding` as
 * client_encoding.
 */

/** As in the archive, or, in old archives, derived from the description as pg_restore does it. */
export type DumpSection = 'none' | 'pre-data' | 'data' | 'post-data';

export type DumpCompression = 'none' | 'gzip' | 'lz4' | 'zstd';

export interface DumpEntry {
  /** Names the entry in the archive; `dependencies` refer to it. From 1. */
  readonly dumpId: number;
  /** The catalog (pg_class is 1259) and the object's row in it, in the dumped database; 0 and 0 where it is none. */
  readonly catalogOid: number;
  readonly oid: number;
  /** The name, for people and for options. Of functions with argument types; of constraints and triggers `TABLE NAME`; of comments and privileges `TABLE NAME`, too. */
  readonly tag: string;
  /** TABLE, TABLE DATA, INDEX, CONSTRAINT, FK CONSTRAINT, SEQUENCE, SEQUENCE SET, BLOB, BLOBS, BLOB METADATA, MATERIALIZED VIEW DATA, ACL, DEFAULT ACL, COMMENT, SECURITY LABEL, ENCODING, STDSTRINGS, SEARCHPATH … */
  readonly description: string;
  readonly section: DumpSection;
  /** '' where the object is in no schema. */
  readonly namespace: string;
  /** null: none is said; '': the database's default. */
  readonly tablespace: string | null;
  /** Table access method; null where none is said (also in archives before 1.14). */
  readonly accessMethod: string | null;
  /** `r`, `p` …; null before 1.16, and where the object is no relation. */
  readonly relkind: string | null;
  /** '' where the object has none. */
  readonly owner: string;
  /** dumpIds of entries that must be there before; some may not be in the archive. */
  readonly dependencies: readonly number[];
  /** `data` or, for BLOBS, `largeObjects` gives something. */
  readonly hasData: boolean;
  /** Bytes of its data as they are stored, compressed: for scheduling and progress. Undefined where only a pass over the archive would tell. */
  readonly storedBytes: number | undefined;
}

export interface DumpStatements {
  /**
   * '' where the entry has none. May be several statements. Of BLOB METADATA it is the large objects' numbers, one a line; of TABLE DATA a comment at most. Privileges of a group of large objects
   * are said for each of them.
   */
  readonly definition: string;
  /** '' where nothing is to be dropped. */
  readonly dropStatement: string;
  /** `COPY … FROM stdin;\n`, or '' where the data are INSERT statements (`--inserts`). */
  readonly copyStatement: string;
}

/** `bytes` must be read before the next large object is asked for; what was not read is passed over. */
export interface DumpLargeObject {
  readonly oid: number;
  readonly bytes: AsyncIterable<Buffer>;
}

export interface DumpArchive {
  /** Where it came from, for messages. */
  readonly source: string;
  readonly layout: 'custom' | 'directory';
  /** `1.14`. */
  readonly formatVersion: string;
  /** Of the dumped server and of pg_dump, as they call themselves: `15.4 (Debian 15.4-1)`. */
  readonly serverVersion: string;
  readonly dumpVersion: string;
  readonly database: string;
  /** As the writer's clock had it, in its time zone, which the archive does not say: `2026-11-22 07:04:05`. */
  readonly createdAt: string;
  readonly compression: DumpCompression;
  /** PostgreSQL's name of the encoding of data: `UTF8`, `LATIN1`, `SQL_ASCII`. */
  readonly encoding: string;
  /** In the archive's order, in which pg_restore would run them. */
  readonly entries: readonly DumpEntry[];

  /** @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED (text that is not valid in the archive's encoding), SOURCE_UNREADABLE, SOURCE_CHANGED */
  statements(entry: DumpEntry): Promise<DumpStatements>;

  /**
   * The decompressed data of a TABLE DATA entry, in pieces of any size: rows in COPY text, each ending in a line feed. The end that pg_dump writes behind them (`\.`, line feed, two empty lines) is checked and left
   * out, so the bytes can be sent as they are; a table without rows has no bytes. Where the entry has no copyStatement they are SQL statements, whole. Nothing for an entry without data.
   *
   * The memory of a piece may be reused when the next is asked for.
   * @throws SluiceError ARCHIVE_DAMAGED, SOURCE_UNREADABLE, SOURCE_CHANGED, CANCELLED
   */
  data(entry: DumpEntry, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined>;

  /**
   * The large objects of a BLOBS entry: all of the database up to pg_dump 16, groups of some with the same owner and rights from 17 on. Up to 16 each is created by a BLOB entry, later by BLOB METADATA; before 9.0 (format
   * 1.12) by nobody but whoever restores its bytes.
   */
  largeObjects(entry: DumpEntry, signal: AbortSignal): AsyncGenerator<DumpLargeObject, void, undefined>;

  close(): Promise<void>;
}
