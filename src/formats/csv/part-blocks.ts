/**
 * The bytes of parts of sources that cannot seek, in blocks that are recycled from part to part. `capacity` parts may be alive at once (until their bytes are pulled, or released); who wants
 * one more waits until one is released. So memory is `capacity` times a part (and a record), whatever the source's size.
 */
import { PartPlaces } from '../part-places.ts';

const BLOCK_BYTES = 256 * 1024;

export class BlockPool {
  readonly #free: Buffer[] = [];
  readonly #keep: number;
  readonly #places: PartPlaces;

  constructor(capacity: number, partBytes: number, signal: AbortSignal) {
    this.#places = new PartPlaces(capacity, signal);
    this.#keep = capacity * (Math.ceil(partBytes / BLOCK_BYTES) + 1);
  }

  /** @throws SluiceError CANCELLED while waiting */
  async take(): Promise<PartBlocks> {
    await this.#places.take();
    return new PartBlocks(this);
  }

  takeBlock(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  giveBack(blocks: readonly Buffer[]): void {
    // What one huge record needed must not stay paid for.
    for (const block of blocks) if (this.#free.length < this.#keep) this.#free.push(block);
  }

  release(blocks: readonly Buffer[]): void {
    this.giveBack(blocks);
    this.#places.give();
  }
}

/** The bytes of one part. */
export class PartBlocks {
  readonly #pool: BlockPool;
  #blocks: Buffer[] = [];
  #length = 0;
  #released = false;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  get released(): boolean {
    return this.#released;
  }

  append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const filled = this.#length % BLOCK_BYTES;
      if (filled === 0) this.#blocks.push(this.#pool.takeBlock());
      const count = Math.min(BLOCK_BYTES - filled, bytes.length - at);
      bytes.copy(this.#blocks.at(-1)!, filled, at, at + count);
      this.#length += count;
      at += count;
    }
  }

  /** Forgets what was appended after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
    this.#pool.giveBack(this.#blocks.splice(Math.ceil(length / BLOCK_BYTES)));
  }

  *views(): Generator<Buffer, void, undefined> {
    for (const [i, block] of this.#blocks.entries()) yield block.subarray(0, Math.min(BLOCK_BYTES, this.#length - i * BLOCK_BYTES));
  }

  /** Gives the memory back; safe to call twice. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#pool.release(this.#blocks);
    this.#blocks = [];
  }
}
