/**
 * The data of a custom archive, behind its table of contents: blocks, each with its kind, the number of its entry, and its content in chunks of any length, of which one of length 0 is the end.
 * A block of large objects has, for each, its OID and then such chunks; OID 0 is the end.
 */
import { throwIfCancelled } from '../../io/cancellation.ts';
import type { ArchiveFile, ArchivePieces } from './archive-file.ts';
import { ByteCursor } from './byte-cursor.ts';

export type BlockKind = 'data' | 'large objects';

const KINDS: Readonly<Record<number, BlockKind>> = { 1: 'data', 3: 'large objects' };

/** Of chunks put together: they may be as short as a row. */
export const GATHERED_BYTES = 64 * 1024;
const NO_MEMORY = Buffer.alloc(0);

export async function readBlockHead(cursor: ByteCursor): Promise<{ readonly kind: BlockKind; readonly dumpId: number }> {
  const code = await cursor.byte(), kind = KINDS[code];
  if (kind === undefined) throw cursor.damaged(`a block of data has the unknown kind ${code}`);
  return { kind, dumpId: await cursor.integer() };
}

/** The chunks of one content, up to their end. */
export class Chunks {
  readonly #cursor: ByteCursor;
  readonly #gathered: Buffer;
  /** Bytes left of the current chunk. */
  #left = 0;
  #ended = false;

  /** @param gathered memory of GATHERED_BYTES, for this and later ones of the same cursor */
  constructor(cursor: ByteCursor, gathered: Buffer) {
    this.#cursor = cursor;
    this.#gathered = gathered;
  }

  /** The content, valid until the next pull. */
  async *pieces(): ArchivePieces {
    const cursor = this.#cursor, gathered = this.#gathered;
    let used = 0;
    while (this.#moreNow() ?? (await this.#more())) {
      let some = cursor.someNow(Math.min(this.#left, gathered.length - used));
      if (some.length === 0) some = await cursor.some(Math.min(this.#left, gathered.length - used));
      some.copy(gathered, used);
      used += some.length;
      this.#left -= some.length;
      if (used < gathered.length) continue;
      yield gathered;
      used = 0;
    }
    if (used > 0) yield gathered.subarray(0, used);
  }

  /** Passes over what has not been read. */
  async skip(): Promise<void> {
    while (this.#moreNow() ?? (await this.#more())) {
      if (!this.#cursor.skipNow(this.#left)) await this.#cursor.skip(this.#left);
      this.#left = 0;
    }
  }

  /** Chunks may be as short as a row: no promise for those that are in memory. Undefined when the next length is not. */
  #moreNow(): boolean | undefined {
    if (this.#left > 0 || this.#ended) return !this.#ended;
    const length = this.#cursor.integerNow();
    return length === undefined ? undefined : this.#begin(length);
  }

  async #more(): Promise<boolean> {
    return this.#begin(await this.#cursor.integer());
  }

  #begin(length: number): boolean {
    if (length < 0 || length > this.#cursor.left) throw this.#cursor.damaged(`a piece of data has ${length} bytes, and ${this.#cursor.left} are left`);
    this.#left = length;
    this.#ended = length === 0;
    return !this.#ended;
  }
}

/** 0 at the end. Written as a signed integer, whatever its size. */
export async function readLargeObjectOid(cursor: ByteCursor): Promise<number> {
  return (await cursor.integer()) >>> 0;
}

/**
 * Finds blocks where the table of contents does not say where they are, because the archive was written to a pipe: by going from block to block. Each is passed once, whoever asks for it; a
 * search that is cancelled is continued by the next.
 */
export class BlockFinder {
  readonly #file: ArchiveFile;
  readonly #integerBytes: number;
  readonly #found = new Map<number, number>();
  #next: number;
  #searching: Promise<void> = Promise.resolve();

  constructor(file: ArchiveFile, integerBytes: number, start: number) {
    this.#file = file;
    this.#integerBytes = integerBytes;
    this.#next = start;
  }

  /** Where the block of the entry begins; undefined when there is none. */
  async find(dumpId: number, signal: AbortSignal): Promise<number | undefined> {
    const search = this.#searching.then(() => this.#search(dumpId, signal));
    this.#searching = search.then(() => undefined, () => undefined);
    await search;
    return this.#found.get(dumpId);
  }

  async #search(dumpId: number, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    if (this.#found.has(dumpId) || this.#next >= this.#file.bytes) return;
    const cursor = new ByteCursor(this.#file, this.#next, this.#file.bytes, signal);
    cursor.integerBytes = this.#integerBytes;
    try {
      while (!this.#found.has(dumpId) && cursor.left > 0) {
        const start = cursor.position;
        const block = await readBlockHead(cursor);
        if (block.kind === 'data') await new Chunks(cursor, NO_MEMORY).skip();
        else while ((await readLargeObjectOid(cursor)) !== 0) await new Chunks(cursor, NO_MEMORY).skip();
        if (!this.#found.has(block.dumpId)) this.#found.set(block.dumpId, start);
        this.#next = cursor.position;
      }
    } finally {
      await cursor.close();
    }
  }
}
