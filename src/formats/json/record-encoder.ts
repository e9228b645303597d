/**
 * Turns `copy-text` records into JSON objects, bytes to bytes, one pass. Numbers and truth values stand bare, json and arrays as the JSON that they are, everything else as
 * strings. What would not be valid JSON where it stands (NaN, Infinity, json text that is none) becomes a string: the output always parses.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ColumnType } from '../../rows/column-type.ts';
import { COPY_TEXT_UNESCAPED } from '../../rows/copy-text-reader.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import { BACKSLASH, DOT, LF, MINUS, NINE, QUOTE, ZERO } from './lexer.ts';
import { JsonCheck } from './json-check.ts';

const TAB = 0x09, LETTER_NULL = 0x4e, BLANK = 0x20;
const AS_STRING = 0, AS_NUMBER = 1, AS_BOOLEAN = 2, AS_JSON = 3;

/** Bytes that are written again and again, as words. */
interface Fixed {
  readonly words: Int32Array;
  readonly length: number;
}

const NULL = fixed('null'), TRUE = fixed('true'), FALSE = fixed('false');
const TRUE_BYTES = Buffer.from('true'), FALSE_BYTES = Buffer.from('false');
const LETTER_TRUE = 0x74, LETTER_FALSE = 0x66;

/** One byte of text becomes at most six: `\u0001`. Longer records are measured, so that their room is not six times their size. */
const WORST = 6;
const MEASURED_FROM = 8 * 1024;
const OUT_BYTES = 128 * 1024;

/** 1 for the bytes that stand for themselves in a JSON string and end no field. */
const SAFE = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= BLANK && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0));
/** For the bytes that JSON writes as a backslash and a letter, the letter; 0 for all others. */
const LETTER = new Uint8Array(256);
for (const [byte, letter] of [[8, 'b'], [9, 't'], [LF, 'n'], [12, 'f'], [13, 'r'], [QUOTE, '"'], [BACKSLASH, '\\']] as const) {
  LETTER[byte] = letter.charCodeAt(0);
}
const HEX_DIGITS = Buffer.from('0123456789abcdef');

export class RecordEncoder {
  /** What was encoded since `length` was set to 0. */
  out = new Uint8Array(OUT_BYTES);
  #view = new DataView(this.out.buffer);
  length = 0;
  rows = 0;
  readonly #table: string;
  readonly #modes: Uint8Array;
  /** By column, what stands before its value: `{"a":`, `,"b":`. */
  readonly #keys: readonly Fixed[];
  readonly #before: Fixed;
  readonly #after: Fixed;
  readonly #overhead: number;
  readonly #check = new JsonCheck();

  /** @param before what stands before each object, @param after behind it */
  constructor(table: TableSchema, before: string, after: string) {
    this.#table = displayName(table);
    this.#modes = Uint8Array.from(table.columns, (column) => modeOf(column.type));
    this.#keys = table.columns.map(({ name }, index) => fixed(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`));
    this.#before = fixed(before);
    this.#after = fixed(table.columns.length === 0 ? `{}${after}` : `}${after}`);
    const keyBytes = this.#keys.reduce((sum, key) => sum + key.length, 0);
    this.#overhead = before.length + after.length + keyBytes + table.columns.length * 4 + 16;
  }

  /** Appends the records of `block` (copyTextBlocks) from `at` on, as many as there is room for; returns where it stopped. */
  encode(block: Uint8Array, at: number): number {
    while (at < block.length) {
      const end = block.indexOf(LF, at) + 1;
      const size = end - at;
      const room = this.#overhead + (size < MEASURED_FROM ? size * WORST : measure(block, at, end));
      if (this.out.length - this.length < room) {
        if (this.length > 0) return at;
        this.out = new Uint8Array(room);
        this.#view = new DataView(this.out.buffer);
      }
      at = this.#record(block, at);
      if (at !== end) this.#refuse();
      this.rows++;
    }
    return at;
  }

  #record(block: Uint8Array, at: number): number {
    const columns = this.#modes.length;
    this.#append(this.#before);
    for (let column = 0; column < columns; column++) {
      this.#append(this.#keys[column]);
      at = this.#value(block, at, this.#modes[column]);
      if (block[at] !== (column === columns - 1 ? LF : TAB)) this.#refuse();
      at++;
    }
    this.#append(this.#after);
    return columns === 0 ? at + 1 : at;
  }

  /** Four bytes at a time; the last word may overrun, into what comes next or the room's slack. */
  #append({ words, length }: Fixed): void {
    const view = this.#view;
    let to = this.length;
    for (let word = 0; word < words.length; word++) {
      view.setInt32(to, words[word], true);
      to += 4;
    }
    this.length += length;
  }

  /** Encodes the field at `at`; returns the position of the TAB or LF that ends it. */
  #value(block: Uint8Array, at: number, mode: number): number {
    if (block[at] === BACKSLASH && block[at + 1] === LETTER_NULL && (block[at + 2] === TAB || block[at + 2] === LF)) {
      this.#append(NULL);
      return at + 2;
    }
    if (mode === AS_STRING) return this.#string(block, at);
    const mark = this.length;
    const end = mode === AS_NUMBER ? this.#number(block, at) : mode === AS_BOOLEAN ? this.#boolean(block, at) : this.#json(block, at);
    if (end >= 0) return end;
    this.length = mark;
    return this.#string(block, at);
  }

  #string(block: Uint8Array, i: number): number {
    const { out } = this;
    let to = this.length;
    out[to++] = QUOTE;
    for (;;) {
      let byte = block[i];
      while (SAFE[byte] === 1) {
        out[to++] = byte;
        byte = block[++i]!;
      }
      if (byte === TAB || byte === LF) break;
      if (byte === BACKSLASH) byte = COPY_TEXT_UNESCAPED[block[++i]]!;
      const letter = LETTER[byte];
      if (letter !== 0) {
        out[to++] = BACKSLASH;
        out[to++] = letter;
      } else if (byte < BLANK) {
        this.length = to;
        this.#control(byte);
        to = this.length;
      } else {
        out[to++] = byte;
      }
      i++;
    }
    out[to++] = QUOTE;
    this.length = to;
    return i;
  }

  #control(byte: number): void {
    const { out } = this;
    for (const character of [BACKSLASH, 0x75, ZERO, ZERO, HEX_DIGITS[byte >> 4], HEX_DIGITS[byte & 15]]) out[this.length++] = character;
  }

  /** Copies a number; -1 when the field is not one in JSON's sense. */
  #number(block: Uint8Array, i: number): number {
    const { out } = this;
    let to = this.length;
    if (block[i] === MINUS) out[to++] = block[i++]!;
    const first = i;
    while (isDigit(block[i])) out[to++] = block[i++]!;
    if (i === first || (block[first] === ZERO && i > first + 1)) return -1;
    if (block[i] === DOT) {
      out[to++] = block[i++]!;
      if (!isDigit(block[i])) return -1;
      while (isDigit(block[i])) out[to++] = block[i++]!;
    }
    if ((block[i] | BLANK) === 0x65) {
      out[to++] = block[i++]!;
      if (block[i] === MINUS || block[i] === 0x2b) out[to++] = block[i++]!;
      if (!isDigit(block[i])) return -1;
      while (isDigit(block[i])) out[to++] = block[i++]!;
    }
    this.length = to;
    return block[i] === TAB || block[i] === LF ? i : -1;
  }

  #boolean(block: Uint8Array, at: number): number {
    const letter = block[at];
    if (letter !== LETTER_TRUE && letter !== LETTER_FALSE) return -1;
    const word = letter === LETTER_TRUE ? TRUE : FALSE;
    let end = at + 1;
    if (block[end] !== TAB && block[end] !== LF) {
      const bytes = letter === LETTER_TRUE ? TRUE_BYTES : FALSE_BYTES;
      while (end - at < bytes.length && block[end] === bytes[end - at]) end++;
      if (end - at < bytes.length || (block[end] !== TAB && block[end] !== LF)) return -1;
    }
    this.#append(word);
    return end;
  }

  /** Copies JSON text, unescaped, on one line; -1 when it is not JSON. */
  #json(block: Uint8Array, i: number): number {
    const { out } = this;
    const start = this.length;
    let to = start;
    for (let byte = block[i]; byte !== TAB && byte !== LF; byte = block[++i]!) {
      if (byte === BACKSLASH) byte = COPY_TEXT_UNESCAPED[block[++i]]!;
      // Raw control characters can only be blanks between tokens: inside strings JSON escapes them.
      out[to++] = byte === LF || byte === 0x0d || byte === TAB ? BLANK : byte;
    }
    this.length = to;
    return this.#check.isJson(out, start, to) ? i : -1;
  }

  #refuse(): never {
    throw new SluiceError('INTERNAL', { reason: `a copy-text record of ${this.#table} does not have ${this.#modes.length} fields` }, { table: this.#table });
  }
}

function modeOf(type: ColumnType): number {
  switch (type.kind) {
    case 'integer':
    case 'numeric':
    case 'float': return AS_NUMBER;
    case 'boolean': return AS_BOOLEAN;
    case 'json':
    case 'array': return AS_JSON;
    default: return AS_STRING;
  }
}

function fixed(text: string): Fixed {
  const bytes = Buffer.from(text);
  const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 4) * 4));
  bytes.forEach((byte, at) => padded.setUint8(at, byte));
  return { words: Int32Array.from({ length: padded.byteLength / 4 }, (_, word) => padded.getInt32(word * 4, true)), length: bytes.length };
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** The most that block[start, end) becomes as strings. */
function measure(block: Uint8Array, start: number, end: number): number {
  let size = end - start;
  for (let i = start; i < end; i++) {
    const byte = block[i];
    if (byte === QUOTE) size++;
    else if (byte < BLANK || byte === BACKSLASH) size += WORST - 1;
  }
  return size;
}
