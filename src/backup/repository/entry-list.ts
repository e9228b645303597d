/**
 * Lists of a backup that may be long (tables, parts, sequences, large objects): one JSON document a line, kept as content in chunks and read one by one, so that neither the manifest nor memory
 * grows with them. An unchanged list is an existing chunk.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ChunkStore } from './chunk-store.ts';
import { chunkIdSchema, contentSchema, ContentWriter, type Content } from './content.ts';
import { checkDocument } from './sealed-document.ts';
import { object, optional, nullable, string, boolean, matching, integer, natural, oneOf, list, tuple, type ShapeOf, type Shape } from './shape.ts';

const LF = 0x0a;

/** Whole numbers that may pass 2^53. */
const bigCount = matching(/^-?\d{1,20}$/, 'a whole number as text');
const rowHash = matching(/^[0-9a-f]{32}$/, '32 hex digits');

export const tableEntrySchema = object({
  schema: string,
  name: string,
  /** Of the COPY streams, in order; generated columns are not among them. */
  columns: list(object({ name: string, type: string })),
  encoding: oneOf('copy-binary', 'copy-text'),
  /** Page groups begin at multiples of `pages`, chosen when a page had so many bytes with TOAST; absent where the table is one group. */
  groups: optional(object({ pages: integer(1), bytesPerPage: integer(1) })),
  /** Columns that were compressed where it saved something, and of whose values none was: whoever restores need not try again. Absent: nobody has looked, or there are none. */
  uncompressed: optional(list(string)),
  rows: natural,
  bytes: natural,
  /** Sum of those of its parts; null where it was not asked for. */
  rowHash: nullable(rowHash),
  partCount: natural,
  /** A list of `PartEntry`. */
  parts: contentSchema,
});

export const partEntrySchema = object({
  /** Heap pages of the table, the end exclusive; null for a table that is read as a whole. */
  pages: nullable(tuple(natural, natural)),
  rows: natural,
  bytes: natural,
  rowHash: nullable(rowHash),
  /** One whole COPY stream. */
  chunks: list(chunkIdSchema),
});

export const sequenceEntrySchema = object({ schema: string, name: string, lastValue: bigCount, isCalled: boolean });

export const largeObjectEntrySchema = object({
  oid: integer(1),
  owner: string,
  /** As SQL shows it; null: the default. */
  acl: nullable(string),
  comment: nullable(string),
  content: contentSchema,
});

export type TableEntry = ShapeOf<typeof tableEntrySchema>;
export type PartEntry = ShapeOf<typeof partEntrySchema>;
export type SequenceEntry = ShapeOf<typeof sequenceEntrySchema>;
export type LargeObjectEntry = ShapeOf<typeof largeObjectEntrySchema>;

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

  async end(): Promise<Content> {
    const content = await this.#content.end();
    this.#content.release();
    return content;
  }
}

export interface ReadListOptions {
  /** For messages: the backup the list is of. */
  readonly backup: string;
  /** Without it the first damage is thrown; with it what can be read of the list is read, and each damage is told here. */
  readonly onDamage?: (error: SluiceError) => void;
}

/** @throws SluiceError CHUNK_MISSING, CHUNK_DAMAGED, BACKUP_DAMAGED, SOURCE_UNREADABLE */
export async function* readList<T>(store: ChunkStore, content: Content, schema: Shape<T>, options: ReadListOptions): AsyncGenerator<T, void, undefined> {
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

function parseLine<T>(schema: Shape<T>, line: Buffer, backup: string): { value: T } {
  try {
    return { value: checkDocument(schema, JSON.parse(line.toString())) };
  } catch (error) {
    throw damaged(backup, `an entry of a list: ${(error as Error).message}`, error);
  }
}

function damaged(backup: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('BACKUP_DAMAGED', { backup, reason }, {}, cause);
}
