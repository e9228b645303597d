/**
 * Reads the `copy-text` encoding (row-encoding.ts) for writers: chunks that are cut anywhere become blocks of whole records, and a record
 * becomes positions of its fields. Nothing is copied besides the one record that a chunk's end cuts in two, and no string is made.
 *
 * A LF byte always ends a record here, because LF inside a value is written as `\n`; so records are found without looking at escapes.
 */
import { SluiceError } from '../errors/sluice-error.ts';

const LF = 0x0a, TAB = 0x09, BACKSLASH = 0x5c, LETTER_N = 0x4e;

/** The byte that an escape stands for, by the byte after the backslash; any other byte stands for itself. (No octal or hex escapes: nobody writes them.) */
export const COPY_TEXT_UNESCAPED: Readonly<Uint8Array> = buildUnescapeTable();

/**
 * Blocks of whole records, each record ended by LF, from chunks cut anywhere. A block is valid until the next pull. A last record without LF gets one.
 * Memory: the largest record that a chunk's end cuts.
 */
export async function* copyTextBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let carry = new Uint8Array(4096);
  let carried = 0;
  const keep = (bytes: Uint8Array): void => {
    if (carried + bytes.length >= carry.length) {
      const grown = new Uint8Array(Math.max(carry.length * 2, carried + bytes.length + 1));
      grown.set(carry.subarray(0, carried));
      carry = grown;
    }
    carry.set(bytes, carried);
    carried += bytes.length;
  };
  for await (const chunk of chunks) {
    let start = 0;
    if (carried > 0) {
      start = chunk.indexOf(LF) + 1;
      keep(start === 0 ? chunk : chunk.subarray(0, start));
      if (start === 0) continue;
      yield carry.subarray(0, carried);
      carried = 0;
    }
    const end = chunk.lastIndexOf(LF) + 1;
    if (end > start) yield chunk.subarray(start, end);
    if (Math.max(start, end) < chunk.length) keep(chunk.subarray(Math.max(start, end)));
  }
  if (carried > 0) {
    carry[carried] = LF;
    yield carry.subarray(0, carried + 1);
  }
}

/** Positions of the fields of one record at a time. The arrays are reused from record to record. */
export class CopyTextFields {
  readonly count: number;
  /** Of the field's escaped text in the block; `end` exclusive. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1 where the field has a backslash (an escape, or NULL), 0 where its bytes are its text. */
  readonly escaped: Uint8Array;
  #block: Uint8Array = new Uint8Array(0);

  constructor(count: number) {
    this.count = count;
    this.starts = new Int32Array(Math.max(count, 1));
    this.ends = new Int32Array(Math.max(count, 1));
    this.escaped = new Uint8Array(Math.max(count, 1));
  }

  /**
   * Finds the fields of the record of `block` (as copyTextBlocks yields them) that starts at `at`; returns the start of the next record.
   * @throws SluiceError INTERNAL when the record has another number of fields
   */
  next(block: Uint8Array, at: number): number {
    this.#block = block;
    let field = 0;
    let escaped = 0;
    let start = at;
    for (let i = at; ; i++) {
      const byte = block[i];
      if (byte > BACKSLASH) continue;
      if (byte === BACKSLASH) {
        escaped = 1;
        if (block[i + 1] !== LF) i++;
      } else if (byte === TAB || byte === LF) {
        if (field >= this.count && !(this.count === 0 && i === at)) this.#refuse(field + 1);
        this.starts[field] = start;
        this.ends[field] = i;
        this.escaped[field] = escaped;
        field++;
        if (byte === LF) {
          if (field < this.count) this.#refuse(field);
          return i + 1;
        }
        start = i + 1;
        escaped = 0;
      }
    }
  }

  isNull(field: number): boolean {
    const start = this.starts[field];
    return this.ends[field] - start === 2 && this.#block[start] === BACKSLASH && this.#block[start + 1] === LETTER_N;
  }

  /** Writes the field's text, unescaped, to `out` from `at`; returns the end. `out` has room for `ends - starts` bytes. */
  copyUnescaped(field: number, out: Uint8Array, at: number): number {
    return copyUnescaped(this.#block, this.starts[field], this.ends[field], out, at);
  }

  #refuse(found: number): never {
    throw new SluiceError('INTERNAL', { reason: `a copy-text record has ${found} fields or more, and ${this.count} were expected` });
  }
}

/** Writes the text of source[start, end), unescaped, to `out` from `at`; returns the end. It never becomes longer. */
export function copyUnescaped(source: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  for (let i = start; i < end; i++) {
    const byte = source[i];
    out[at++] = byte === BACKSLASH && i + 1 < end ? COPY_TEXT_UNESCAPED[source[++i]] : byte;
  }
  return at;
}

function buildUnescapeTable(): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (const [letter, byte] of [['b', 0x08], ['f', 0x0c], ['n', LF], ['r', 0x0d], ['t', TAB], ['v', 0x0b]] as const) {
    table[letter.charCodeAt(0)] = byte;
  }
  return table;
}
