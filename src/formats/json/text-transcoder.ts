/**
 * Writes the text of one JSON string, number or nested value into a buffer, in the style that the encoding needs, straight from the bytes of the
 * window: unescaped and escaped again in one pass. Callers see to room in `sink`: twice the bytes of the value, plus two quotes, plus the four that a word may overrun.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import { NEED_MORE } from './byte-window.ts';
import { BACKSLASH, ESCAPED, HIGH_BITS, LETTER_U, QUOTE, type JsonLexer } from './lexer.ts';

/** copy-text escapes; CSV in quotes with quotes doubled; an element of a PostgreSQL array literal in quotes, with `"` and `\` escaped. */
export type TextStyle = 'copy-text' | 'csv' | 'array-element';

/** For each byte that copy-text escapes, the letter after the backslash; 0 for all others. */
const COPY_LETTER = new Uint8Array(256);
for (const [byte, letter] of [[0x08, 'b'], [0x09, 't'], [0x0a, 'n'], [0x0b, 'v'], [0x0c, 'f'], [0x0d, 'r'], [BACKSLASH, '\\']] as const) {
  COPY_LETTER[byte] = letter.charCodeAt(0);
}
const DOUBLED_QUOTE = new Uint8Array(256);
DOUBLED_QUOTE[QUOTE] = QUOTE;
const ARRAY_ESCAPES = new Uint8Array(256);
ARRAY_ESCAPES[QUOTE] = QUOTE;
ARRAY_ESCAPES[BACKSLASH] = BACKSLASH;

const FOUR_QUOTES = 0x22222222, FOUR_BACKSLASHES = 0x5c5c5c5c;

/** A ByteWindow or ByteBuffer. */
interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export class TextTranscoder {
  readonly #lexer: JsonLexer;
  /** What is written into; may be exchanged between values. */
  sink: ByteBuffer;
  /** For each byte that needs a byte before it: what stands in its own place then. The byte before it is `#prefix`. */
  readonly #letters: Uint8Array;
  readonly #prefix: number;
  readonly #quoted: boolean;
  /** Four times each byte that is escaped (twice the same where there is one), and HIGH_BITS where control characters may be too. */
  readonly #escaped: number;
  readonly #escapedToo: number;
  readonly #controls: number;

  constructor(lexer: JsonLexer, style: TextStyle, sink: ByteBuffer) {
    this.#lexer = lexer;
    this.sink = sink;
    this.#letters = style === 'copy-text' ? COPY_LETTER : style === 'csv' ? DOUBLED_QUOTE : ARRAY_ESCAPES;
    this.#prefix = style === 'csv' ? QUOTE : BACKSLASH;
    this.#quoted = style !== 'copy-text';
    this.#escaped = style === 'copy-text' ? FOUR_BACKSLASHES : FOUR_QUOTES;
    this.#escapedToo = style === 'csv' ? FOUR_QUOTES : FOUR_BACKSLASHES;
    this.#controls = style === 'copy-text' ? HIGH_BITS : 0;
  }

  /** Writes the unescaped text of the string at `i` (its opening quote); returns the position after it. */
  string(i: number): number {
    const lexer = this.#lexer;
    const { bytes, view } = lexer.window;
    const sink = this.sink;
    const out = sink.view;
    let at = sink.length;
    if (this.#quoted) out.setUint8(at++, QUOTE);
    i++;
    for (;;) {
      // Four bytes at once: `special` has the high bit of each byte that is a quote, a backslash, a control or not ASCII (exact up to the first one).
      const word = view.getInt32(i, true);
      const special = ((word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & HIGH_BITS;
      out.setInt32(at, word, true);
      if (special === 0) {
        i += 4;
        at += 4;
        continue;
      }
      const plain = (31 - Math.clz32(special & -special)) >> 3;
      i += plain;
      at += plain;
      const byte = bytes[i];
      if (byte === QUOTE) break;
      sink.length = at;
      if (byte >= 0x80) i = this.#beyondAscii(i);
      else if (byte === BACKSLASH) i = this.#escape(i);
      else lexer.string(i - 1); // fails: the byte is a control character or the end
      at = sink.length;
    }
    if (this.#quoted) out.setUint8(at++, QUOTE);
    sink.length = at;
    return i + 1;
  }

  /** Copies the characters beyond ASCII from `i` on; returns the position after them. */
  #beyondAscii(i: number): number {
    const lexer = this.#lexer;
    const { bytes } = lexer.window;
    const out = this.sink.bytes;
    let at = this.sink.length;
    do {
      const next = lexer.utf8(i);
      while (i < next) out[at++] = bytes[i++]!;
    } while (bytes[i] >= 0x80);
    this.sink.length = at;
    return i;
  }

  /** Writes bytes [start, end) of `source` as text, quoted and escaped: nested JSON, array literals. */
  raw(source: Memory, start: number, end: number): void {
    const { sink } = this;
    const out = sink.view;
    let at = sink.length;
    if (this.#quoted) out.setUint8(at++, QUOTE);
    let i = start;
    while (i < end) {
      if (i + 4 <= end) {
        // As in `string`; but bytes beyond ASCII pass, and only what this style escapes counts.
        const word = source.view.getInt32(i, true);
        const first = word ^ this.#escaped, second = word ^ this.#escapedToo;
        const special = (((word - 0x20202020) & ~word & this.#controls) | ((first - 0x01010101) & ~first) | ((second - 0x01010101) & ~second)) & HIGH_BITS;
        out.setInt32(at, word, true);
        const plain = special === 0 ? 4 : (31 - Math.clz32(special & -special)) >> 3;
        i += plain;
        at += plain;
        if (special === 0) continue;
      }
      const byte = source.bytes[i++];
      const letter = this.#letters[byte];
      if (letter !== 0) out.setUint8(at++, this.#prefix);
      out.setUint8(at++, letter === 0 ? byte : letter);
    }
    if (this.#quoted) out.setUint8(at++, QUOTE);
    sink.length = at;
  }

  /** Writes bytes that need neither quotes nor escapes: numbers, literals. */
  verbatim(source: Uint8Array, start: number, end: number): void {
    const out = this.sink.bytes;
    let at = this.sink.length;
    for (let i = start; i < end; i++) out[at++] = source[i]!;
    this.sink.length = at;
  }

  /** Writes what the escape at `i` (its backslash) means; returns the position after it. */
  #escape(i: number): number {
    const lexer = this.#lexer;
    const { window } = lexer;
    const letter = window.bytes[i + 1];
    const meant = ESCAPED[letter];
    if (meant !== 0) {
      this.#append(meant);
      return i + 2;
    }
    if (letter !== LETTER_U) lexer.escape(i); // fails
    const unit = lexer.codeUnit(i);
    if (unit === 0) throw new SluiceError('NUL_BYTE', { source: window.options.sourceName, target: lexer.table ?? 'the target' }, lexer.place(i));
    if (unit < 0xd800 || unit > 0xdfff) {
      this.#appendCodePoint(unit);
      return i + 6;
    }
    if (i + 12 > window.end && !window.eof) throw NEED_MORE;
    const pairs = unit < 0xdc00 && window.bytes[i + 6] === BACKSLASH && window.bytes[i + 7] === LETTER_U;
    const low = pairs ? lexer.codeUnit(i + 6) : 0;
    if (low < 0xdc00 || low > 0xdfff) {
      throw new SluiceError('ENCODING_INVALID', { source: window.options.sourceName, encoding: 'Unicode (half of a surrogate pair)' }, lexer.place(i));
    }
    this.#appendCodePoint(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
    return i + 12;
  }

  #append(byte: number): void {
    const { sink } = this;
    const letter = this.#letters[byte];
    if (letter !== 0) sink.bytes[sink.length++] = this.#prefix;
    sink.bytes[sink.length++] = letter === 0 ? byte : letter;
  }

  #appendCodePoint(code: number): void {
    if (code < 0x80) {
      this.#append(code);
      return;
    }
    const out = this.sink.bytes;
    let at = this.sink.length;
    if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6);
    } else {
      if (code < 0x10000) {
        out[at++] = 0xe0 | (code >> 12);
      } else {
        out[at++] = 0xf0 | (code >> 18);
        out[at++] = 0x80 | ((code >> 12) & 0x3f);
      }
      out[at++] = 0x80 | ((code >> 6) & 0x3f);
    }
    out[at++] = 0x80 | (code & 0x3f);
    this.sink.length = at;
  }
}
