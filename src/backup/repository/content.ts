/**
 * Content of any length as a run of chunks: COPY streams, large objects, schema archives, and the lists of a backup itself. It is cut every `CHUNK_BYTES`, so memory is bounded whatever
 * passes: one buffer fills while the one before is hashed, compressed and stored.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { releaseMemory } from '../../io/zlib-feed.ts';
import type { ChunkStore, PutOptions } from './chunk-store.ts';
import type { ChunkId } from './object-names.ts';
import { object, matching, natural, list, type ShapeOf } from './shape.ts';

/** The longest chunk that is written. Readers take up to MAX_CONTENT_BYTES. */
export const CHUNK_BYTES = 2 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;

export const chunkIdSchema = matching(/^[0-9a-f]{64}$/, 'no SHA-256');

export const contentSchema = object({ bytes: natural, chunks: list(chunkIdSchema) });

/** The content is that of the chunks one after the other, `bytes` in all. */
export type Content = ShapeOf<typeof contentSchema>;

export class ContentWriter {
  readonly #store: ChunkStore;
  #options: PutOptions;
  readonly #chunks: ChunkId[] = [];
  #bytes = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  #used = 0;
  #spare: Uint8Array | undefined;
  #putting: Promise<void> = Promise.resolve();

  constructor(store: ChunkStore, options: PutOptions = {}) {
    this.#store = store;
    this.#options = options;
  }

  /** For the content that comes next. Not while another is being written. */
  use(options: PutOptions): void {
    this.#options = options;
  }

  /** The memory of `bytes` may be reused when it resolves. @throws SluiceError DISK_FULL, TARGET_UNWRITABLE, also for bytes given earlier */
  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#used === CHUNK_BYTES) await this.#cut();
      const count = Math.min(bytes.length - at, CHUNK_BYTES - this.#used);
      this.#makeRoom(count);
      this.#buffer.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
    this.#bytes += bytes.length;
  }

  /** Stores what is left. The writer can then be used for other content, with the same memory. */
  async end(): Promise<Content> {
    if (this.#used > 0) await this.#cut();
    await this.#putting;
    const content = { bytes: this.#bytes, chunks: this.#chunks.splice(0) };
    this.#bytes = 0;
    return content;
  }

  /** For content that begins anew: forgets what was written since the last end. */
  async restart(): Promise<void> {
    await this.#putting.catch(() => undefined);
    this.#putting = Promise.resolve();
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#used = 0;
  }

  /** Gives its memory back, of which the collector would not know soon enough. It may be used again all the same. Not while content is being written. */
  release(): void {
    for (const buffer of [this.#buffer, this.#spare]) releaseMemory(buffer?.buffer);
    this.#buffer = new Uint8Array(0);
    this.#spare = undefined;
  }

  /** Hands the buffer over, and waits for the one before: two at most. */
  async #cut(): Promise<void> {
    await this.#putting;
    const full = this.#buffer, content = full.subarray(0, this.#used), index = this.#chunks.length;
    this.#chunks.push('');
    this.#putting = this.#put(content, index, full);
    this.#putting.catch(() => undefined); // thrown by the next write or by end
    this.#buffer = this.#spare ?? new Uint8Array(0);
    this.#spare = undefined;
    this.#used = 0;
  }

  async #put(content: Uint8Array, index: number, buffer: Uint8Array): Promise<void> {
    this.#chunks[index] = await this.#store.put(content, this.#options);
    this.#spare = buffer;
  }

  #makeRoom(count: number): void {
    const needed = this.#used + count;
    if (needed <= this.#buffer.length) return;
    if (this.#used === 0 && this.#spare !== undefined && this.#spare.length > this.#buffer.length) {
      // What the content before was in.
      this.#buffer = this.#spare;
      this.#spare = undefined;
      if (needed <= this.#buffer.length) return;
    }
    // Content that has filled one buffer will fill the next.
    let size = this.#chunks.length > 0 ? CHUNK_BYTES : Math.max(FIRST_BUFFER_BYTES, this.#buffer.length);
    while (size < needed) size *= 2;
    const larger = new Uint8Array(Math.min(size, CHUNK_BYTES));
    larger.set(this.#buffer.subarray(0, this.#used));
    releaseMemory(this.#buffer.buffer);
    this.#buffer = larger;
  }
}

/** The chunks in order, each checked. @throws SluiceError CHUNK_MISSING, CHUNK_DAMAGED, SOURCE_UNREADABLE */
export async function* readContent(store: ChunkStore, content: Content): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for (const id of content.chunks) {
    const chunk = await store.get(id);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== content.bytes) throw new SluiceError('BACKUP_DAMAGED', { backup: store.storage.name, reason: `content has ${bytes} bytes, and its entry says ${content.bytes}` });
}
