/**
 * Content-addressed chunks: a chunk's name is the SHA-256 of its content, so equal content is stored once, whichever backup it is of. What is there already is not written again; whether it is
 * whole is looked at (a header and a length that fit), so that a truncated file is replaced and not relied on. Every read checks CRC and SHA-256.
 *
 * A chunk is compressed in libuv's threads while the caller goes on. Memory: the content (the caller's), its filtered form where there is one, and its compressed form, for each put under way.
 */
import { hash } from 'node:crypto';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Storage } from '../storage/storage.ts';
import { ChunkDamage, decodeChunk, decodeHeader, encodeChunk, HEADER_BYTES, releaseLarge } from './chunk-file.ts';
import type { Filter } from './filter.ts';
import { chunkObject, type ChunkId } from './object-names.ts';

/** zstd 1: of the levels tried the quickest at a size that gzip does not reach (docs/backup-format.md, "Figures"). */
const DEFAULT_LEVEL = 1;

export interface ChunkCounts {
  /** Stored by this instance. */
  newChunks: number;
  newBytes: number;
  /** Found there. */
  reusedChunks: number;
}

export interface PutOptions {
  readonly level?: number | undefined;
  readonly filter?: Filter | undefined;
}

export class ChunkStore {
  readonly storage: Storage;
  readonly counts: ChunkCounts = { newChunks: 0, newBytes: 0, reusedChunks: 0 };

  constructor(storage: Storage) {
    this.storage = storage;
  }

  /**
   * Stores content unless it is there. Its memory may be reused when this resolves; others see the chunk, it is durable and in the counts when the storage was flushed, which also tells what failed.
   * @throws SluiceError DISK_FULL, TARGET_UNWRITABLE, also of chunks that were put before
   */
  async put(content: Uint8Array, { level = DEFAULT_LEVEL, filter }: PutOptions = {}): Promise<ChunkId> {
    const id = hash('sha256', content);
    const name = chunkObject(id);
    if (await this.#isWhole(name, content.length)) {
      this.counts.reusedChunks++;
      return id;
    }
    const pieces = await encodeChunk(content, level, filter);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { stored } = await this.storage.putSoon(name, pieces);
    pieces.forEach(releaseLarge);
    void this.#count(stored, bytes);
    return id;
  }

  /** Somebody else may have put it meanwhile; then it is whole, because whoever was first checked as we did. A failure is told by the storage. */
  async #count(stored: Promise<boolean>, bytes: number): Promise<void> {
    const isNew = await stored.catch(() => undefined);
    if (isNew === true) {
      this.counts.newChunks++;
      this.counts.newBytes += bytes;
    } else if (isNew === false) {
      this.counts.reusedChunks++;
    }
  }

  /** @throws SluiceError CHUNK_MISSING, CHUNK_DAMAGED, SOURCE_UNREADABLE */
  async get(id: ChunkId): Promise<Buffer> {
    const name = chunkObject(id);
    const stored = await this.storage.get(name);
    if (stored === undefined) throw new SluiceError('CHUNK_MISSING', { chunk: id, path: this.storage.name }, { file: name });
    try {
      const content = await decodeChunk(stored);
      if (hash('sha256', content) !== id) throw new ChunkDamage('its content has another SHA-256');
      return content;
    } catch (error) {
      throw this.#damaged(id, error);
    } finally {
      releaseLarge(stored);
    }
  }

  #damaged(id: ChunkId, error: unknown): unknown {
    if (!(error instanceof ChunkDamage)) return error;
    return new SluiceError('CHUNK_DAMAGED', { chunk: id, path: this.storage.name, reason: error.message }, { file: chunkObject(id) }, error);
  }

  /** Looks at length and header only; what is plainly broken is removed, to be put again. */
  async #isWhole(name: string, contentBytes: number): Promise<boolean> {
    const found = await this.storage.stat(name);
    if (found === undefined) return false;
    const head = await this.storage.get(name, { start: 0, end: HEADER_BYTES });
    if (head === undefined) return false;
    try {
      const header = decodeHeader(head);
      if (header.contentBytes === contentBytes && found.bytes === HEADER_BYTES + header.frameBytes) return true;
    } catch (error) {
      if (!(error instanceof ChunkDamage)) throw error;
    }
    await this.storage.delete(name);
    return false;
  }
}
