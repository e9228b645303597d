/**
 * Writes one backup: its chunks and lists in any order and by as many as there are jobs, and then the manifest, with which it exists. Until then it is nothing but chunks that nobody refers
 * to, and the next backup finds and uses them: that is how an interrupted backup goes on.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { ContentWriter, readContent, type Content } from './content.ts';
import type { ChunkCounts, PutOptions } from './chunk-store.ts';
import { EntryListWriter, type LargeObjectEntry, type PartEntry, type SequenceEntry, type TableEntry } from './entry-list.ts';
import { RepositoryLock } from './lock.ts';
import { MANIFEST_FORMAT, manifestSchema, type Manifest } from './manifest.ts';
import { backupObject, newBackupName } from './object-names.ts';
import type { Repository } from './repository.ts';
import { addRowHashes, NO_ROWS } from './row-hash.ts';
import { checkDocument, sealDocument } from './sealed-document.ts';

/** What a killed put leaves is not touched as long as somebody may still be writing it. */
const LEFTOVERS_AFTER_MS = 24 * 3_600_000;

export type ManifestFacts = Pick<Manifest, 'writer' | 'source' | 'scope' | 'schema' | 'notes'>;

/** A table while its parts come, in order of their pages. */
export interface TableWriter {
  add(part: PartEntry): Promise<void>;
  /** Enters the table into the backup. */
  end(): Promise<TableEntry>;
}

export class BackupWriter {
  readonly backup: string;
  readonly #repository: Repository;
  readonly #lock: RepositoryLock;
  readonly #startedAt = new Date();
  readonly #countsBefore: ChunkCounts;
  readonly #tables: EntryListWriter<TableEntry>;
  readonly #sequences: EntryListWriter<SequenceEntry>;
  readonly #largeObjects: EntryListWriter<LargeObjectEntry>;
  #rows = 0;
  #bytes = 0;
  #references = 0;

  private constructor(repository: Repository, lock: RepositoryLock) {
    this.#repository = repository;
    this.#lock = lock;
    this.backup = newBackupName(this.#startedAt);
    this.#countsBefore = { ...repository.chunks.counts };
    this.#tables = new EntryListWriter(repository.chunks);
    this.#sequences = new EntryListWriter(repository.chunks);
    this.#largeObjects = new EntryListWriter(repository.chunks);
  }

  /** @throws SluiceError REPOSITORY_LOCKED, TARGET_UNWRITABLE, DISK_FULL */
  static async begin(repository: Repository): Promise<BackupWriter> {
    const lock = await RepositoryLock.acquire(repository.storage, 'shared', 'backup');
    try {
      await repository.storage.removeLeftovers(LEFTOVERS_AFTER_MS);
      return new BackupWriter(repository, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** For table data, large objects and schema archives; a job keeps one and uses it for one content after the other. */
  content(options: PutOptions = {}): ContentWriter {
    return new ContentWriter(this.#repository.chunks, options);
  }

  /** What was stored, once more. */
  read(content: Content): AsyncGenerator<Uint8Array, void, undefined> {
    return readContent(this.#repository.chunks, content);
  }

  /** Tables may be written side by side; each takes the memory of its list's unfinished chunk. */
  table(head: Pick<TableEntry, 'schema' | 'name' | 'columns' | 'encoding' | 'groups' | 'uncompressed'>): TableWriter {
    const parts = new EntryListWriter<PartEntry>(this.#repository.chunks);
    let rows = 0, bytes = 0, rowHash: string | null = NO_ROWS;
    return {
      add: async (part) => {
        rows += part.rows;
        bytes += part.bytes;
        rowHash = rowHash === null || part.rowHash === null ? null : addRowHashes(rowHash, part.rowHash);
        this.#references += part.chunks.length;
        await parts.add(part);
      },
      end: async () => {
        const entry: TableEntry = { ...head, rows, bytes, rowHash, partCount: parts.count, parts: await parts.end() };
        this.#rows += rows;
        this.#bytes += bytes;
        this.#references += entry.parts.chunks.length;
        await this.#tables.add(entry);
        return entry;
      },
    };
  }

  addSequence(sequence: SequenceEntry): Promise<void> {
    return this.#sequences.add(sequence);
  }

  addLargeObject(object: LargeObjectEntry): Promise<void> {
    this.#bytes += object.content.bytes;
    this.#references += object.content.chunks.length;
    return this.#largeObjects.add(object);
  }

  /**
   * Makes the backup complete: from now on it is listed.
   * @throws SluiceError LOCK_LOST, DISK_FULL, TARGET_UNWRITABLE; the backup does not exist then
   */
  async commit(facts: ManifestFacts): Promise<Manifest> {
    const { storage, chunks } = this.#repository;
    const tables = await this.#tables.end(), sequences = await this.#sequences.end(), largeObjects = await this.#largeObjects.end();
    const ofSchema = facts.schema === null ? [] : [facts.schema.archive, facts.schema.preData, facts.schema.postData];
    // Chunks before the manifest, also for the disk; and before they are counted.
    await storage.flush();
    const lists = [tables, sequences, largeObjects, ...ofSchema].filter((content) => content !== null);
    const totals = {
      tables: this.#tables.count, rows: this.#rows, bytes: this.#bytes, largeObjects: this.#largeObjects.count,
      chunks: this.#references + lists.reduce((sum, content: Content) => sum + content.chunks.length, 0),
      newChunks: chunks.counts.newChunks - this.#countsBefore.newChunks, newBytes: chunks.counts.newBytes - this.#countsBefore.newBytes,
    };
    const manifest = checkDocument(manifestSchema, {
      format: MANIFEST_FORMAT, backup: this.backup, startedAt: this.#startedAt.toISOString(), finishedAt: new Date().toISOString(), ...facts, tables, sequences, largeObjects, totals,
    } satisfies Manifest);
    await this.#lock.check();
    if (!await storage.putIfAbsent(backupObject(this.backup), sealDocument(manifest))) throw new SluiceError('INTERNAL', { reason: `there is a backup ${this.backup} already` });
    await this.#confirm();
    await this.#lock.release();
    await storage.flush();
    return manifest;
  }

  /** Leaves chunks that nobody refers to. Safe at any time. */
  async abort(): Promise<void> {
    // Nothing is written any more when it is over; what failed was told already.
    await this.#repository.storage.flush().catch(() => undefined);
    await this.#lock.release();
  }

  /** If the lock was lost in the moment of writing, chunks may be gone: then there must be no manifest. */
  async #confirm(): Promise<void> {
    try {
      await this.#repository.storage.flush();
      await this.#lock.check();
    } catch (error) {
      await this.#repository.storage.delete(backupObject(this.backup));
      throw error;
    }
  }
}

