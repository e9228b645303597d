/** The manifest: what a backup is of, and where its lists begin. It is written last, so whatever is listed is complete. docs/backup-format.md describes every member. */
import { z } from 'zod';
import { contentSchema } from './content.ts';

/** Of manifests and lists. What an older reader would take wrongly makes a new one; members that it may pass over do not. */
export const MANIFEST_FORMAT = 1;

const time = z.iso.datetime();

export const manifestSchema = z.object({
  format: z.literal(MANIFEST_FORMAT),
  backup: z.string(),
  startedAt: time,
  finishedAt: time,
  /** Who wrote it: `sluice 0.1.0`. */
  writer: z.string(),
  source: z.object({
    kind: z.literal('postgres'),
    /** Without secrets. */
    address: z.string(),
    database: z.string(),
    /** As the server says it: `160004`. */
    serverVersion: z.int().positive(),
    encoding: z.string(),
  }),
  /** What the run was asked for, as it was asked. */
  scope: z.object({ schema: z.boolean(), data: z.boolean(), tables: z.array(z.string()), exclude: z.array(z.string()) }),
  /** Null for a backup without schema. */
  schema: z.object({
    /** pg_dump's version, or that of our own writer. */
    writer: z.string(),
    /** `pg_dump -Fc -s` in the snapshot of the data; null where our own writer made the SQL. */
    archive: contentSchema.nullable(),
    /** Plain SQL for what comes before the data and after it. */
    preData: contentSchema,
    postData: contentSchema,
    /** Materialized views that had not been filled: a schema alone does not say it. */
    unfilled: z.array(z.object({ schema: z.string(), name: z.string() })).optional(),
  }).nullable(),
  tables: contentSchema,
  sequences: contentSchema,
  largeObjects: contentSchema,
  totals: z.object({
    tables: z.int().nonnegative(),
    rows: z.int().nonnegative(),
    /** Of table data and large objects, before compression. */
    bytes: z.int().nonnegative(),
    largeObjects: z.int().nonnegative(),
    /** References, those of the lists included: an upper bound of the chunks the backup needs. */
    chunks: z.int().nonnegative(),
    /** What this backup added to the repository, its manifest not included. */
    newChunks: z.int().nonnegative(),
    newBytes: z.int().nonnegative(),
  }),
  notes: z.array(z.string()),
});

export type Manifest = z.infer<typeof manifestSchema>;
