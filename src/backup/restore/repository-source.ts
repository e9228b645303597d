/** A backup of a repository as the source of a restore. */
import { SluiceError } from '../../errors/sluice-error.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import { openDumpArchiveContent } from '../pg-dump/open-dump-archive.ts';
import type { DumpArchive } from '../pg-dump/dump-archive.ts';
import { releaseLarge } from '../repository/chunk-file.ts';
import type { ChunkStore } from '../repository/chunk-store.ts';
import { largeObjectEntrySchema, partEntrySchema, readList, sequenceEntrySchema, tableEntrySchema, type PartEntry, type TableEntry } from '../repository/entry-list.ts';
import { RepositoryLock } from '../repository/lock.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ChunkId } from '../repository/object-names.ts';
import type { Repository } from '../repository/repository.ts';
import { displayName } from '../../rows/table-schema.ts';
import type { RestoreSource, SourceLargeObject, SourcePart, SourceTable } from './restore-source.ts';

/** @param onDamage of lists: what can be read of them is restored; without it damage ends the restore */
export async function openRepositorySource(repository: Repository, backup: string | undefined, onDamage?: (error: SluiceError) => void): Promise<RestoreSource> {
  const lock = await lockIfWritable(repository);
  try {
    const manifest = await repository.manifest(await repository.find(backup));
    const archive = manifest.schema?.archive ?? null;
    const name = `${repository.storage.name}@${manifest.backup}`;
    const schema = archive === null ? undefined : await openDumpArchiveContent(repository.chunks, archive, `the schema of ${name}`);
    return new RepositorySource({ repository, manifest, schema, name, lock, onDamage });
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

/** Keeps what is read from being pruned. Who may not write there is safe only as long as nobody prunes. */
async function lockIfWritable(repository: Repository): Promise<RepositoryLock | undefined> {
  try {
    return await RepositoryLock.acquire(repository.storage, 'shared', 'restore');
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'TARGET_UNWRITABLE' || error.code === 'DISK_FULL')) return undefined;
    throw error;
  }
}

interface Opened {
  readonly repository: Repository;
  readonly manifest: Manifest;
  readonly schema: DumpArchive | undefined;
  readonly name: string;
  readonly lock: RepositoryLock | undefined;
  readonly onDamage: ((error: SluiceError) => void) | undefined;
}

class RepositorySource implements RestoreSource {
  readonly name: string;
  readonly fingerprint: string;
  readonly schema: DumpArchive | undefined;
  readonly hasData: boolean;
  readonly notes: readonly string[];
  readonly totals: RestoreSource['totals'];
  readonly hasLargeObjects: boolean;
  readonly largeObjectsAtOnce = true;
  readonly unfilled: ReadonlySet<string>;
  readonly #opened: Opened;
  readonly #chunks: ChunkStore;
  readonly #listOptions: { readonly backup: string; readonly onDamage?: (error: SluiceError) => void };

  constructor(opened: Opened) {
    const { manifest, repository, onDamage } = opened;
    this.#opened = opened;
    this.#chunks = repository.chunks;
    this.#listOptions = { backup: manifest.backup, ...(onDamage === undefined ? {} : { onDamage }) };
    this.name = opened.name;
    this.fingerprint = `${repository.id}@${manifest.backup}`;
    this.schema = opened.schema;
    this.unfilled = new Set(manifest.schema?.unfilled?.map(displayName));
    this.hasData = manifest.scope.data;
    this.hasLargeObjects = manifest.totals.largeObjects > 0;
    this.notes = manifest.notes.map((note) => `of the backup: ${note}`);
    this.totals = { tables: manifest.totals.tables, rows: manifest.totals.rows, bytes: manifest.totals.bytes };
  }

  async *tables(): AsyncGenerator<SourceTable, void, undefined> {
    for await (const entry of readList(this.#chunks, this.#opened.manifest.tables, tableEntrySchema, this.#listOptions)) yield this.#table(entry);
  }

  async *sequences(): AsyncGenerator<{ schema: string; name: string; lastValue: string; isCalled: boolean }, void, undefined> {
    yield* readList(this.#chunks, this.#opened.manifest.sequences, sequenceEntrySchema, this.#listOptions);
  }

  async *largeObjects(signal: AbortSignal): AsyncGenerator<SourceLargeObject, void, undefined> {
    for await (const { oid, owner, acl, comment, content } of readList(this.#chunks, this.#opened.manifest.largeObjects, largeObjectEntrySchema, this.#listOptions)) {
      yield { oid, attributes: { owner, acl, comment }, chunks: readAhead(this.#chunks, content.chunks, signal) };
    }
  }

  async close(): Promise<void> {
    await this.schema?.close();
    await this.#opened.lock?.release();
  }

  #table(entry: TableEntry): SourceTable {
    const { schema, name, columns, encoding, uncompressed, rows, bytes, parts } = entry;
    const charset = this.#opened.manifest.source.encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
    const read = (signal: AbortSignal): AsyncGenerator<SourcePart, void, undefined> => this.#parts(parts, signal);
    return { name: { schema, name }, into: { schema, name }, shape: { encoding, columns: columns.map((column) => column.name), charset }, types: columns.map((column) => column.type), ...(uncompressed === undefined ? {} : { uncompressed }), rows, bytes, parts: read };
  }

  async *#parts(parts: TableEntry['parts'], signal: AbortSignal): AsyncGenerator<SourcePart, void, undefined> {
    let index = 0;
    for await (const part of readList(this.#chunks, parts, partEntrySchema, this.#listOptions)) {
      throwIfCancelled(signal);
      yield partOf(part, index++, readAhead(this.#chunks, part.chunks, signal));
    }
  }
}

function partOf({ pages, rows, bytes }: PartEntry, index: number, chunks: AsyncIterable<Uint8Array>): SourcePart {
  const place = pages === null ? 'the whole table' : `pages ${pages[0]} to ${pages[1] - 1}`;
  return { index, place, chunks, counts: () => ({ rows, bytes }) };
}

/** The next chunk is read, decompressed and checked while the one before is sent. The memory of a chunk goes back at the next pull. */
async function* readAhead(store: ChunkStore, chunks: readonly ChunkId[], signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const start = (index: number): Promise<Buffer> | undefined => {
    if (index >= chunks.length) return undefined;
    const reading = store.get(chunks[index]);
    reading.catch(() => undefined); // awaited at its turn, which may never come
    return reading;
  };
  let next = start(0);
  try {
    for (let index = 1; next !== undefined; index++) {
      const chunk = await next;
      throwIfCancelled(signal);
      next = start(index);
      yield chunk;
      releaseLarge(chunk);
    }
  } finally {
    await next?.then(releaseLarge, () => undefined);
  }
}
