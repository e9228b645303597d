/**
 * What a restore reads: the objects of a schema as pg_dump's table of contents has them, and of each table its rows as COPY streams in parts. Two kinds: a backup of a repository, and an archive of pg_dump.
 * Nothing is held but the table of contents: tables, parts, sequences and large objects come one by one, as often as they are asked for.
 */
import type { CopyShape, RestoreLargeObject, RestorePartStream, RestoreSequence } from '../../connectors/restore-target.ts';
import type { TableName } from '../../rows/table-schema.ts';
import type { DumpArchive } from '../pg-dump/dump-archive.ts';

export interface RestoreSource {
  /** For people: `/backups/shop@20261122-070405-k3f9`. */
  readonly name: string;
  /** What says that it is the same again when a restore goes on: the name of the backup, or the fingerprint of the archive. */
  readonly fingerprint: string;
  /** Undefined for a backup without schema. */
  readonly schema: DumpArchive | undefined;
  /** Materialized views that had no rows, as `displayName` says them; undefined where the schema itself says what is filled. */
  readonly unfilled: ReadonlySet<string> | undefined;
  /** Whether rows are part of it. */
  readonly hasData: boolean;
  /** For people. */
  readonly notes: readonly string[];
  /** Of all tables with rows, as far as it is known in advance. */
  readonly totals: { readonly tables: number; readonly rows?: number; readonly bytes?: number };
  readonly hasLargeObjects: boolean;
  /** Whether several large objects can be read side by side. */
  readonly largeObjectsAtOnce: boolean;
  tables(): AsyncIterable<SourceTable>;
  sequences(): AsyncIterable<RestoreSequence>;
  largeObjects(signal: AbortSignal): AsyncIterable<SourceLargeObject>;
  close(): Promise<void>;
}

export interface SourceTable {
  readonly name: TableName;
  /** Where the rows go in: the table itself, or the root that it is a partition of. */
  readonly into: TableName;
  readonly shape: CopyShape;
  /** Types as the backup has them, where it does. */
  readonly types?: readonly string[];
  /** Columns of whose values the database that they are from could compress none, where the backup knows. */
  readonly uncompressed?: readonly string[];
  readonly rows?: number;
  /** Before compression, where known; else as stored. */
  readonly bytes: number;
  /** Each part is to be taken (`chunks` iterated, or `skip` called) before the next is asked for. `from` 0: the first; parts have the same numbers each time. */
  parts(signal: AbortSignal): AsyncIterable<SourcePart>;
}

export interface SourcePart extends RestorePartStream {
  /** For people, in messages of damage: `pages 0 to 511`. */
  readonly place: string;
  /** Passes over it; absent where nothing is to be done for that. */
  skip?(): Promise<void>;
}

export interface SourceLargeObject extends RestoreLargeObject {
  readonly chunks: AsyncIterable<Uint8Array>;
}
