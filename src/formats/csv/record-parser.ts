/**
 * Takes records apart into fields: positions in the caller's buffer, no copies, no strings. The dialect's rules are in dialect.ts.
 *
 * The parser keeps no state between records. The caller offers bytes that begin at a record; when the record is not complete in them, it offers
 * them again with more behind (CarryBuffer sees to it that this costs linear time).
 */
import type { DialectBytes } from './dialect.ts';

const LF = 0x0a, CR = 0x0d, BLANK = 0x20, TAB = 0x09;

/** Results of `parse` that are not positions. */
export const INCOMPLETE = -1, MALFORMED = -2;

/** How the text of a field is written at [start, end). */
export const PLAIN = 0;
/** Between quotes, without escapes: the bytes are the text. */
export const QUOTED = 1;
/** Between quotes, with doubled or escaped quotes: `copyUnescaped` gives the text. */
export const QUOTED_ESCAPED = 2;
/** Between quotes and with blanks after the closing quote, which are kept as part of the text: start is after the opening quote, end after the blanks. */
export const QUOTED_PADDED = 3;

export class RecordParser {
  /** Fields of the last record; 0 for an empty line. */
  count = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  kinds = new Uint8Array(64);
  /** Line ends in the last record, its own included. */
  lines = 0;
  /** After MALFORMED (lenient: when it is not empty): what is wrong and where in the bytes. */
  problem = '';
  problemAt = 0;

  readonly dialect: DialectBytes;
  /** 1 for each byte that may end a run of ordinary bytes inside quotes. */
  readonly #stopsQuoted = new Uint8Array(256);
  /** The largest byte that may end a run outside quotes. */
  readonly #highest: number;
  readonly #delimiter: number;
  readonly #delimiterLength: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #lenient: boolean;

  /** `lenient`: text after a closing quote is noted in `problem` and passed over up to the field's end, as the record scanner does. */
  constructor(dialect: DialectBytes, lenient = false) {
    this.dialect = dialect;
    this.#lenient = lenient;
    this.#delimiter = dialect.delimiter[0] ?? -1;
    this.#delimiterLength = dialect.delimiter.length;
    this.#quote = dialect.quote;
    this.#escape = dialect.escape;
    this.#highest = Math.max(CR, this.#delimiter);
    for (const byte of [LF, CR, this.#quote, this.#escape]) if (byte >= 0) this.#stopsQuoted[byte] = 1;
  }

  /**
   * Parses the record at bytes[from]; bytes from `to` on are not looked at. `final`: nothing follows after `to`.
   * Returns the position after the record and its line end, INCOMPLETE or MALFORMED. Requires from < to.
   */
  parse(bytes: Uint8Array, from: number, to: number, final: boolean): number {
    this.lines = 1;
    if (this.#lenient) this.problem = '';
    if (this.#delimiterLength > 1) return this.#parseLong(bytes, from, to, final);
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    // Most bytes are larger than any that matters outside quotes, so one comparison passes them.
    const highest = this.#highest;
    let starts = this.starts, ends = this.ends, kinds = this.kinds;
    let count = 0;
    let i = from;
    for (;;) {
      if (count === starts.length) {
        this.#grow();
        starts = this.starts;
        ends = this.ends;
        kinds = this.kinds;
      }
      const start = i;
      if (i < to && bytes[i] === quote) {
        i = this.#quoted(bytes, i, to, final);
        if (i < 0) return i;
        starts[count] = start + 1;
        ends[count] = this.#end;
        kinds[count] = this.#kind;
      } else {
        for (; i < to; i++) {
          const byte = bytes[i];
          if (byte <= highest && (byte === delimiter || byte === LF || byte === CR)) break;
        }
        starts[count] = start;
        ends[count] = i;
        kinds[count] = PLAIN;
      }
      count++;
      if (i >= to || bytes[i] !== delimiter) break;
      i++;
    }
    this.count = count;
    return this.#endRecord(bytes, from, i, to, final);
  }

  /** As `parse`, for delimiters of several bytes: apart, because their comparison in the loop above would cost all others half their speed. */
  #parseLong(bytes: Uint8Array, from: number, to: number, final: boolean): number {
    let count = 0;
    let i = from;
    for (;;) {
      if (count === this.starts.length) this.#grow();
      this.starts[count] = i;
      this.kinds[count] = PLAIN;
      if (i < to && bytes[i] === this.#quote) {
        this.starts[count] = i + 1;
        i = this.#quoted(bytes, i, to, final);
        if (i < 0) return i;
        this.kinds[count] = this.#kind;
      } else {
        while (i < to && !this.#ends(bytes, i, to, final)) i++;
        this.#end = i;
      }
      this.ends[count] = this.#end;
      count++;
      if (i >= to || bytes[i] !== this.#delimiter) break;
      i += this.#delimiterLength;
      if (i > to) return INCOMPLETE;
    }
    this.count = count;
    return this.#endRecord(bytes, from, i, to, final);
  }

  /** Copies the text of field `index` of the last record to `out` at `at`; returns the end. `out` has room for its `ends - starts`. */
  copyText(index: number, bytes: Uint8Array, out: Uint8Array, at: number): number {
    const { escape, quote } = this.dialect;
    const end = this.ends[index];
    const plain = this.kinds[index] <= QUOTED;
    for (let i = this.starts[index]; i < end; i++) {
      let byte = bytes[i];
      if (!plain && (byte === escape || byte === quote)) {
        const next = i + 1 < end ? bytes[i + 1] : -1;
        if (next === quote || (next === escape && byte === escape)) byte = bytes[++i]!;
        else if (byte === quote) continue; // the closing quote of a padded field
      }
      out[at++] = byte;
    }
    return at;
  }

  /** True when field `index` of the last record is NULL: unquoted and equal to the dialect's null text. */
  isNull(index: number, bytes: Uint8Array): boolean {
    if (this.kinds[index] !== PLAIN) return false;
    const start = this.starts[index];
    const length = this.ends[index] - start;
    const { nullText } = this.dialect;
    if (length !== nullText.length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== nullText[i]) return false;
    return true;
  }

  #kind = PLAIN;
  #end = 0;

  /** The quoted field whose opening quote is at `open`; returns the position after it and sets #kind and #end. */
  #quoted(bytes: Uint8Array, open: number, to: number, final: boolean): number {
    const classes = this.#stopsQuoted;
    const quote = this.#quote;
    const escape = this.#escape;
    let kind = QUOTED;
    let i = open + 1;
    for (;;) {
      while (i < to && classes[bytes[i]] === 0) i++;
      if (i === to || (i + 1 === to && !final)) return this.#openAt(open, final);
      const byte = bytes[i];
      const next = i + 1 < to ? bytes[i + 1] : -1;
      if (byte === quote) {
        if (next !== quote) return this.#closed(bytes, i, to, final, kind);
        kind = QUOTED_ESCAPED;
        i += 2;
      } else if (byte === escape && (next === quote || next === escape)) {
        kind = QUOTED_ESCAPED;
        i += 2;
      } else {
        if (byte === CR || (byte === LF && bytes[i - 1] !== CR)) this.lines++;
        i++;
      }
    }
  }

  /** After the closing quote at `close`: a delimiter, the end of the record, or blanks before one of them. */
  // oxlint-disable-next-line max-params -- bytes on the data path: an object per field would be garbage
  #closed(bytes: Uint8Array, close: number, to: number, final: boolean, kind: number): number {
    let i = close + 1;
    this.#kind = kind;
    this.#end = close;
    while (i < to && !this.#ends(bytes, i, to, final)) {
      if (bytes[i] !== BLANK && bytes[i] !== TAB) {
        this.problem = 'text after the closing quote of a field';
        this.problemAt = i;
        if (!this.#lenient) return MALFORMED;
      }
      i++;
      this.#kind = QUOTED_PADDED;
      this.#end = i;
    }
    return i;
  }

  #openAt(open: number, final: boolean): number {
    if (!final) return INCOMPLETE;
    this.problem = 'a quoted field that opens here is never closed';
    this.problemAt = open;
    return MALFORMED;
  }

  /** True when the byte at `i` ends a field. A long delimiter that `to` cuts counts as one while more may follow. */
  #ends(bytes: Uint8Array, i: number, to: number, final: boolean): boolean {
    const byte = bytes[i];
    if (byte === LF || byte === CR) return true;
    if (byte !== this.#delimiter) return false;
    const { delimiter } = this.dialect;
    const length = Math.min(this.#delimiterLength, final ? this.#delimiterLength : to - i);
    for (let k = 1; k < length; k++) if (i + k >= to || bytes[i + k] !== delimiter[k]) return false;
    return true;
  }

  #endRecord(bytes: Uint8Array, from: number, i: number, to: number, final: boolean): number {
    // A line without any byte is no record (of one column, it is one empty field, which the caller knows).
    if (i === from) this.count = 0;
    if (i >= to) return final ? to : INCOMPLETE;
    if (bytes[i] !== CR) return i + 1;
    if (i + 1 < to) return bytes[i + 1] === LF ? i + 2 : i + 1;
    return final ? i + 1 : INCOMPLETE;
  }

  #grow(): void {
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
    const kinds = new Uint8Array(this.starts.length);
    kinds.set(this.kinds);
    this.kinds = kinds;
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
