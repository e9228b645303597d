/**
 * Order-free hashes of rows: each row of a COPY stream is hashed as it stands there, and the hashes are added up modulo 2^128. Equal rows in another order give the same sum, so a restored table is
 * compared with its backup by reading it once, in any parts. It finds accidents, not forgery: chunks are what SHA-256 protects.
 *
 * The hash is MurmurHash3_x86_128 with seed 0, which needs 32-bit arithmetic only, as JavaScript has it. A row is a line without its line feed (text), or a tuple from its field count to its last
 * field (binary). Rows pass in pieces of any size; memory does not depend on their length.
 *
 * Who wants the rows themselves gives a listener: it is told each row's hash and where in the piece the row ends.
 */
import type { TableEntry } from './entry-list.ts';

/** The sum over no rows. */
export const NO_ROWS = '0'.repeat(32);

const MODULUS = 1n << 128n;

export function addRowHashes(a: string, b: string): string {
  return hex((BigInt(`0x${a}`) + BigInt(`0x${b}`)) % MODULUS);
}

function hex(sum: bigint): string {
  return sum.toString(16).padStart(32, '0');
}

/** Sums of 2^20 hashes of 32 bits are whole numbers that a double holds. */
const ROWS_PER_FOLD = 2 ** 20;

const C1 = 0x239b961b, C2 = 0xab0e9789 | 0, C3 = 0x38b34ae5, C4 = 0xa1e38b93 | 0;

const LF = 0x0a;
const STREAM_HEAD_BYTES = 19;

/** The hash in four words, the first most significant (as numbers that may be negative), and where the row ends in the piece that is being read: behind its line feed in text. */
// oxlint-disable-next-line max-params -- called for every row
export type RowListener = (h1: number, h2: number, h3: number, h4: number, end: number) => void;

export class RowHasher {
  rows = 0;
  readonly #isBinary: boolean;
  readonly #listener: RowListener | undefined;
  #total = 0n;
  #sum1 = 0;
  #sum2 = 0;
  #sum3 = 0;
  #sum4 = 0;
  // The row under way.
  #h1 = 0;
  #h2 = 0;
  #h3 = 0;
  #h4 = 0;
  #length = 0;
  readonly #block = new DataView(new ArrayBuffer(16));
  #blockBytes = 0;
  // Where a binary stream is: bytes of its head still to come; fields of the row; bytes of the field; bytes of a number that is not whole yet.
  #head = STREAM_HEAD_BYTES;
  #fields = 0;
  #left = 0;
  #number = 0;
  #numberBytes = 0;
  #atEnd = false;

  constructor(encoding: TableEntry['encoding'], listener?: RowListener) {
    this.#isBinary = encoding === 'copy-binary';
    this.#listener = listener;
  }

  /** The next piece of the stream. */
  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#isBinary) this.#updateBinary(view);
    else this.#updateText(bytes, view);
  }

  /** Of all whole rows so far, as 32 hex digits. */
  digest(): string {
    this.#fold();
    return hex(this.#total);
  }

  /** False when a stream ends inside a row, or a binary one without its end. */
  get isComplete(): boolean {
    return this.#isBinary ? this.#atEnd : this.#length === 0;
  }

  #updateText(bytes: Uint8Array, view: DataView): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      const end = buffer.indexOf(LF, at);
      if (end < 0) break;
      this.#hash(view, at, end);
      at = end + 1;
      this.#endRow(at);
    }
    this.#hash(view, at, bytes.length);
  }

  #updateBinary(view: DataView): void {
    const size = view.byteLength;
    let at = Math.min(this.#head, size);
    this.#head -= at;
    // From where the row, as far as it is in this piece, is still to be hashed: it is hashed in one go.
    let from = at;
    while (at < size && !this.#atEnd) {
      if (this.#left === 0 && this.#fields === 0 && this.#numberBytes === 0) {
        // At the beginning of a row: those that are whole in this piece go without looking at where in a row we are after each field.
        at = from = this.#wholeRows(view, at);
        if (at === size) return;
      }
      if (this.#left > 0) {
        const count = Math.min(this.#left, size - at);
        this.#left -= count;
        at += count;
      } else {
        at = this.#readNumber(view, at);
        if (this.#atEnd) return;
      }
      if (this.#left > 0 || this.#fields > 0 || this.#numberBytes > 0) continue;
      this.#hash(view, from, at);
      this.#endRow(at);
      from = at;
    }
    if (!this.#atEnd) this.#hash(view, from, size);
  }

  /** Returns where the first row begins that is not whole, or the end of the stream. */
  #wholeRows(view: DataView, start: number): number {
    const size = view.byteLength;
    for (let row = start; ;) {
      if (row + 2 > size) return row;
      let fields = view.getInt16(row);
      if (fields < 0) return row;
      let at = row + 2;
      for (; fields > 0 && at + 4 <= size; fields--) {
        const length = view.getInt32(at);
        at += length > 0 ? length + 4 : 4;
      }
      if (fields > 0 || at > size) return row;
      this.#hash(view, row, at);
      this.#endRow(at);
      row = at;
    }
  }

  /** A field count at the beginning of a row, else the length of a field; both may be cut by the end of the piece. */
  #readNumber(view: DataView, at: number): number {
    const isCount = this.#fields === 0;
    const needed = isCount ? 2 : 4;
    let value;
    if (this.#numberBytes === 0 && at + needed <= view.byteLength) {
      value = isCount ? view.getInt16(at) : view.getInt32(at);
      at += needed;
    } else {
      while (this.#numberBytes < needed && at < view.byteLength) {
        this.#number = (this.#number << 8) | view.getUint8(at++);
        this.#numberBytes++;
      }
      if (this.#numberBytes < needed) return at;
      value = isCount ? (this.#number << 16) >> 16 : this.#number;
      this.#number = this.#numberBytes = 0;
    }
    if (!isCount) {
      this.#fields--;
      this.#left = Math.max(0, value);
    } else if (value < 0) {
      this.#atEnd = true;
      this.#length = 0;
    } else {
      this.#fields = value;
    }
    return at;
  }

  /** Bytes of the row under way. */
  #hash(view: DataView, start: number, end: number): void {
    this.#length += end - start;
    let at = start;
    if (this.#blockBytes > 0) {
      while (at < end && this.#blockBytes < 16) this.#block.setUint8(this.#blockBytes++, view.getUint8(at++));
      if (this.#blockBytes < 16) return;
      this.#blockBytes = 0;
      this.#blocks(this.#block, 0, 16);
    }
    const whole = at + ((end - at) & ~15);
    if (whole > at) this.#blocks(view, at, whole);
    for (at = whole; at < end; at++) this.#block.setUint8(this.#blockBytes++, view.getUint8(at));
  }

  #blocks(view: DataView, start: number, end: number): void {
    let h1 = this.#h1, h2 = this.#h2, h3 = this.#h3, h4 = this.#h4;
    for (let at = start; at < end; at += 16) {
      let k = Math.imul(view.getInt32(at, true), C1);
      h1 ^= Math.imul((k << 15) | (k >>> 17), C2);
      h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0;
      k = Math.imul(view.getInt32(at + 4, true), C2);
      h2 ^= Math.imul((k << 16) | (k >>> 16), C3);
      h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0;
      k = Math.imul(view.getInt32(at + 8, true), C3);
      h3 ^= Math.imul((k << 17) | (k >>> 15), C4);
      h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0;
      k = Math.imul(view.getInt32(at + 12, true), C4);
      h4 ^= Math.imul((k << 18) | (k >>> 14), C1);
      h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0;
    }
    this.#h1 = h1;
    this.#h2 = h2;
    this.#h3 = h3;
    this.#h4 = h4;
  }

  /** @param end in the piece */
  #endRow(end: number): void {
    let h1 = this.#h1, h2 = this.#h2, h3 = this.#h3, h4 = this.#h4;
    const block = this.#block, bytes = this.#blockBytes;
    if (bytes > 0) {
      for (let i = bytes; i < 16; i++) block.setUint8(i, 0);
      // Words of zeros change nothing, so that no word needs to be asked whether it is there.
      let k = Math.imul(block.getInt32(0, true), C1);
      h1 ^= Math.imul((k << 15) | (k >>> 17), C2);
      k = Math.imul(block.getInt32(4, true), C2);
      h2 ^= Math.imul((k << 16) | (k >>> 16), C3);
      k = Math.imul(block.getInt32(8, true), C3);
      h3 ^= Math.imul((k << 17) | (k >>> 15), C4);
      k = Math.imul(block.getInt32(12, true), C4);
      h4 ^= Math.imul((k << 18) | (k >>> 14), C1);
    }
    const length = this.#length | 0;
    h2 ^= length;
    h3 ^= length;
    h4 ^= length;
    h1 = ((h1 ^ length) + h2 + h3 + h4) | 0;
    h2 = mixed((h2 + h1) | 0);
    h3 = mixed((h3 + h1) | 0);
    h4 = mixed((h4 + h1) | 0);
    h1 = (mixed(h1) + h2 + h3 + h4) | 0;
    h2 += h1;
    h3 += h1;
    h4 += h1;
    this.#sum1 += h1 >>> 0;
    this.#sum2 += h2 >>> 0;
    this.#sum3 += h3 >>> 0;
    this.#sum4 += h4 >>> 0;
    this.#listener?.(h1 | 0, h2 | 0, h3 | 0, h4 | 0, end);
    this.#h1 = this.#h2 = this.#h3 = this.#h4 = this.#length = this.#blockBytes = 0;
    if (++this.rows % ROWS_PER_FOLD === 0) this.#fold();
  }

  /** The first word of a hash is the most significant, as it is usually printed. */
  #fold(): void {
    this.#total = (this.#total + (BigInt(this.#sum1) << 96n) + (BigInt(this.#sum2) << 64n) + (BigInt(this.#sum3) << 32n) + BigInt(this.#sum4)) % MODULUS;
    this.#sum1 = this.#sum2 = this.#sum3 = this.#sum4 = 0;
  }
}

function mixed(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
