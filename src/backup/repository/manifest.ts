/** The manifest: what a backup is of, and where its lists begin. It is written last, so whatever is listed is complete. docs/backup-format.md describes every member. */
import { contentSchema } from './content.ts';
import { object, nullable, string, boolean, integer, natural, time, oneOf, list, optional, type ShapeOf } from './shape.ts';

/** Of manifests and lists. What an older reader would take wrongly makes a new one; members that it may pass over do not. */
export const MANIFEST_FORMAT = 1;


export const manifestSchema = object({
  format: oneOf(MANIFEST_FORMAT),
  backup: string,
  startedAt: time,
  finishedAt: time,
  /** Who wrote it: `sluice 0.1.0`. */
  writer: string,
  source: object({
    kind: oneOf('postgres'),
    /** Without secrets. */
    address: string,
    database: string,
    /** As the server says it: `160004`. */
    serverVersion: integer(1),
    encoding: string,
  }),
  /** What the run was asked for, as it was asked. */
  scope: object({ schema: boolean, data: boolean, tables: list(string), exclude: list(string) }),
  /** Null for a backup without schema. */
  schema: nullable(object({
    /** pg_dump's version, or that of our own writer. */
    writer: string,
    /** `pg_dump -Fc -s` in the snapshot of the data; null where our own writer made the SQL. */
    archive: nullable(contentSchema),
    /** Plain SQL for what comes before the data and after it. */
    preData: contentSchema,
    postData: contentSchema,
    /** Materialized views that had not been filled: a schema alone does not say it. */
    unfilled: optional(list(object({ schema: string, name: string }))),
  })),
  tables: contentSchema,
  sequences: contentSchema,
  largeObjects: contentSchema,
  totals: object({
    tables: natural,
    rows: natural,
    /** Of table data and large objects, before compression. */
    bytes: natural,
    largeObjects: natural,
    /** References, those of the lists included: an upper bound of the chunks the backup needs. */
    chunks: natural,
    /** What this backup added to the repository, its manifest not included. */
    newChunks: natural,
    newBytes: natural,
  }),
  notes: list(string),
});

export type Manifest = ShapeOf<typeof manifestSchema>;
