/** The distinct values of a column chunk, each once, in the form of a plain page; found again by hash. */
import { GrowingBytes } from './growing-bytes.ts';

const FIRST_BYTES = 4096;
const FIRST_ENTRIES = 1024;
/** An odd number with its bits all over. */
const SPREAD = 0x9e37_79b1 | 0;

export class ValueDictionary {
  /** Each value after its length. */
  readonly values = new GrowingBytes(FIRST_BYTES);
  count = 0;
  /** Where the value of each position begins, after its length. */
  #starts = new Int32Array(FIRST_ENTRIES);
  #hashes = new Int32Array(FIRST_ENTRIES);
  /** Position + 1 by hash, linear probing, at most half full. */
  #slots = new Int32Array(2 * FIRST_ENTRIES);

  /** The position of a value; a new one is added at `count`. */
  positionOf(bytes: Buffer, view: DataView, start: number, length: number): number {
    let hash = length;
    const end = start + length;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at), SPREAD);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], SPREAD);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let entry = this.#slots[slot]; entry !== 0; entry = this.#slots[slot = (slot + 1) & mask]) {
      if (this.#hashes[entry - 1] === hash && this.#isAt(entry - 1, bytes, start, length)) return entry - 1;
    }
    return this.#add(slot, hash, bytes, start, length);
  }

  startOf(position: number): number {
    return this.#starts[position];
  }

  lengthOf(position: number): number {
    return this.values.view.getUint32(this.#starts[position] - 4, true);
  }

  clear(): void {
    this.values.clear();
    this.count = 0;
    this.#slots.fill(0);
  }

  #isAt(position: number, bytes: Buffer, start: number, length: number): boolean {
    if (this.lengthOf(position) !== length) return false;
    const own = this.values.bytes;
    for (let i = 0, at = this.#starts[position]; i < length; i++, at++) if (own[at] !== bytes[start + i]) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Buffer, start: number, length: number): number {
    const position = this.count++;
    if (position === this.#starts.length) this.#grow();
    this.values.reserve(length + 4);
    this.values.view.setUint32(this.values.used, length, true);
    bytes.copy(this.values.bytes, this.values.used + 4, start, start + length);
    this.#starts[position] = this.values.used + 4;
    this.#hashes[position] = hash;
    this.values.used += length + 4;
    if (this.#slots[slot] === 0 && this.count * 2 <= this.#slots.length) this.#slots[slot] = position + 1;
    else this.#rehash();
    return position;
  }

  #grow(): void {
    const larger = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.#starts = larger(this.#starts);
    this.#hashes = larger(this.#hashes);
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let position = 0; position < this.count; position++) {
      let slot = this.#hashes[position] & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = position + 1;
    }
  }
}
