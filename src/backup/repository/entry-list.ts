/**
 * Lists of a backup that may be long (tables, parts, sequences, large objects): one JSON document a line, kept as content in chunks and read one by one, so that neither the manifest nor memory
 * grows with them. An unchanged list is an existing chunk.
 */
import { z } from 'zod';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ChunkStore } from './chunk-store.ts';
import { chunkIdSchema, contentSchema, ContentWriter, type Content } from './content.ts';
import { checkDocument } from './sealed-document.ts';

const LF = 0x0a;

/** Whole numbers that may pass 2^53. */
const bigCount = z.string().regex(/^-?\d{1,20}$/);
const rowHash = z.string().regex(/^[0-9a-f]{32}$/);

export const tableEntrySchema = z.object({
  schema: z.string(),
  name: z.string(),
  /** Of the COPY streams, in order; generated columns are not among them. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  encoding: z.enum(['copy-binary', 'copy-text']),
  /** Page groups begin at multiples of `pages`, chosen when a page had so many bytes with TOAST; absent where the table is one group. */
  groups: z.object({ pages: z.int().positive(), bytesPerPage: z.int().positive() }).optional(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** Sum of those of its parts; null where it was not asked for. */
  rowHash: rowHash.nullable(),
  partCount: z.int().nonnegative(),
  /** A list of `PartEntry`. */
  parts: contentSchema,
});

export const partEntrySchema = z.object({
  /** Heap pages of the table, the end exclusive; null for a table that is read as a whole. */
  pages: z.tuple([z.int().nonnegative(), z.int().nonnegative()]).nullable(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  rowHash: rowHash.nullable(),
  /** One whole COPY stream. */
  chunks: z.array(chunkIdSchema),
});

export const sequenceEntrySchema = z.object({ schema: z.string(), name: z.string(), lastValue: bigCount, isCalled: z.boolean() });

export const largeObjectEntrySchema = z.object({
  oid: z.int().positive(),
  owner: z.string(),
  /** As SQL shows it; null: the default. */
  acl: z.string().nullable(),
  comment: z.string().nullable(),
  content: contentSchema,
});

export type TableEntry = z.infer<typeof tableEntrySchema>;
export type PartEntry = z.infer<typeof partEntrySchema>;
export type SequenceEntry = z.infer<typeof sequenceEntrySchema>;
export type LargeObjectEntry = z.infer<typeof largeObjectEntrySchema>;

export class EntryListWriter<T> {
  readonly #content: ContentWriter;
  count = 0;

  constructor(store: ChunkStore) {
    this.#content = new ContentWriter(store);
  }

  async add(entry: T): Promise<void> {
    this.count++;
    await this.#content.write(Buffer.from(`${JSON.stringify(entry)}\n`));
  }

  end(): Promise<Content> {
    return this.#content.end();
  }
}

export interface ReadListOptions {
  /** For messages: the backup the list is of. */
  readonly backup: string;
  /** Without it the first damage is thrown; with it what can be read of the list is read, and each damage is told here. */
  readonly onDamage?: (error: SluiceError) => void;
}

/** @throws SluiceError CHUNK_MISSING, CHUNK_DAMAGED, BACKUP_DAMAGED, SOURCE_UNREADABLE */
export async function* readList<S extends z.ZodType>(store: ChunkStore, content: Content, schema: S, options: ReadListOptions): AsyncGenerator<z.output<S>, void, undefined> {
  let rest: Buffer[] = [];
  // After a chunk that is lost, up to the next line end.
  let isInsideLost = false;
  for (const id of content.chunks) {
    const chunk = await tolerating(options, () => store.get(id));
    if (chunk === undefined) {
      rest = [];
      isInsideLost = true;
      continue;
    }
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const line = rest.length === 0 ? chunk.subarray(start, end) : Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      start = end + 1;
      const entry = isInsideLost ? undefined : await tolerating(options, () => parseLine(schema, line, options.backup));
      isInsideLost = false;
      if (entry !== undefined) yield entry.value;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0 && !isInsideLost) await tolerating(options, () => Promise.reject(damaged(options.backup, 'a list does not end in a line end')));
}

async function tolerating<T>({ onDamage }: ReadListOptions, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isDamage = error instanceof SluiceError && (error.code === 'CHUNK_DAMAGED' || error.code === 'CHUNK_MISSING' || error.code === 'BACKUP_DAMAGED');
    if (onDamage === undefined || !isDamage) throw error;
    onDamage(error);
    return undefined;
  }
}

function parseLine<S extends z.ZodType>(schema: S, line: Buffer, backup: string): { value: z.output<S> } {
  try {
    return { value: checkDocument(schema, JSON.parse(line.toString())) };
  } catch (error) {
    throw damaged(backup, `an entry of a list: ${(error as Error).message}`, error);
  }
}

function damaged(backup: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('BACKUP_DAMAGED', { backup, reason }, {}, cause);
}
