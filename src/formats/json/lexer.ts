/**
 * The tokens of JSON (RFC 8259, strictly) over a ByteWindow: blanks, strings, numbers, literals. Every method takes the position of a token's first byte and
 * returns the position after it. A wrong byte is JSON_MALFORMED with its place; the end of the window is NEED_MORE, or JSON_MALFORMED at the end of
 * the source. Because the window ends in a 0 byte, both are found by the same comparison that finds a wrong byte.
 *
 * LF bytes are allowed only between tokens, so counting them in `blanks` alone gives exact line numbers for free.
 */
import { SluiceError, type ErrorPlace } from '../../errors/sluice-error.ts';
import { NEED_MORE, type LexerWindow } from './byte-window.ts';

export const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a, LF = 0x0a, MINUS = 0x2d, DOT = 0x2e, ZERO = 0x30, NINE = 0x39;
export const OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d, OPEN_ARRAY = 0x5b, CLOSE_ARRAY = 0x5d;
export const LETTER_T = 0x74, LETTER_F = 0x66, LETTER_N = 0x6e, LETTER_U = 0x75;

/** The high bit of each byte of a word. */
export const HIGH_BITS = 0x80808080 | 0;

const TRUE = Buffer.from('true'), FALSE = Buffer.from('false'), NULL = Buffer.from('null');

/** For the byte after a backslash the byte that is meant; 0 for `u` and for what may not stand there. */
export const ESCAPED = new Uint8Array(256);
for (const [letter, byte] of [['"', QUOTE], ['\\', BACKSLASH], ['/', 0x2f], ['b', 8], ['f', 12], ['n', LF], ['r', 13], ['t', 9]] as const) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

/** Value of a hexadecimal digit, 255 for other bytes. */
const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

export class JsonLexer<W extends LexerWindow = LexerWindow> {
  readonly window: W;
  /** Line of the byte that is parsed, from 1. Callers that parse something again set it back. */
  line = 1;
  /** Number of the current record in its table, for error places; 0 outside of records. */
  row = 0;
  table: string | undefined;
  /** One record a line: a line feed inside a record is an error. */
  strictLines = false;
  recordLine = 1;
  /** Of the last number: 0 an integer, 1 with decimals, 2 with an exponent. */
  numberForm = 0;
  /** Bytes that are not UTF-8 are ENCODING_INVALID and not JSON_MALFORMED: the trouble of their record alone, not of the document. */
  tolerant = false;
  /** They pass: for finding the end of such a record. */
  lenient = false;
  /** False when the source was transcoded, so that offsets in the window say nothing of the source. */
  readonly bytePlaces: boolean;

  constructor(window: W, bytePlaces = true) {
    this.window = window;
    this.bytePlaces = bytePlaces;
  }

  /** Skips blanks and line feeds. */
  blanks(i: number): number {
    const bytes = this.window.bytes;
    for (;;) {
      const byte = bytes[i];
      if (byte > 0x20) return i;
      if (byte === LF) this.line++;
      else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return i;
      i++;
    }
  }

  /** Skips a string (from its opening quote), checking escapes and UTF-8. */
  string(i: number): number {
    const { bytes, view } = this.window;
    i++;
    for (;;) {
      // As in TextTranscoder.string.
      const word = view.getInt32(i, true);
      const special = ((word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & HIGH_BITS;
      if (special === 0) {
        i += 4;
        continue;
      }
      i += (31 - Math.clz32(special & -special)) >> 3;
      const byte = bytes[i];
      if (byte === QUOTE) return i + 1;
      if (byte >= 0x80) i = this.utf8(i);
      else if (byte === BACKSLASH) i = this.escape(i);
      else this.fail(i, 'a string', i < this.window.end ? 'a control character inside a string must be escaped' : undefined);
    }
  }

  /** Skips an escape (from its backslash). */
  escape(i: number): number {
    const letter = this.window.bytes[i + 1];
    if (ESCAPED[letter] !== 0) return i + 2;
    if (letter !== LETTER_U) this.fail(i + 1, 'an escape', 'an unknown escape');
    this.codeUnit(i);
    return i + 6;
  }

  /** The value of `\uXXXX` (from its backslash). */
  codeUnit(i: number): number {
    const bytes = this.window.bytes;
    let unit = 0;
    for (let at = i + 2; at < i + 6; at++) {
      const digit = HEX[bytes[at]];
      if (digit === 255) this.fail(at, 'four hexadecimal digits after \\u');
      unit = (unit << 4) | digit;
    }
    return unit;
  }

  /** Skips one character beyond ASCII; refuses overlong forms, surrogates and what is beyond U+10FFFF. */
  utf8(i: number): number {
    const bytes = this.window.bytes;
    const lead = bytes[i];
    let low = 0x80, high = 0xbf, length: number;
    if (lead >= 0xc2 && lead < 0xe0) length = 2;
    else if (lead >= 0xe0 && lead < 0xf0) {
      length = 3;
      if (lead === 0xe0) low = 0xa0;
      else if (lead === 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead < 0xf5) {
      length = 4;
      if (lead === 0xf0) low = 0x90;
      else if (lead === 0xf4) high = 0x8f;
    } else return this.failUtf8(i, i);
    if (bytes[i + 1] < low || bytes[i + 1] > high) return this.failUtf8(i, i + 1);
    for (let at = i + 2; at < i + length; at++) {
      if ((bytes[at] & 0xc0) !== 0x80) return this.failUtf8(i, at);
    }
    return i + length;
  }

  /** Skips a number (from its minus or first digit). What follows it is for the caller to judge. */
  number(i: number): number {
    const bytes = this.window.bytes;
    this.numberForm = 0;
    if (bytes[i] === MINUS) i++;
    if (bytes[i] === ZERO) i++;
    else i = this.digits(i);
    let byte = bytes[i];
    if (byte === DOT) {
      this.numberForm = 1;
      i = this.digits(i + 1);
      byte = bytes[i]!;
    }
    if ((byte | 0x20) === 0x65) {
      this.numberForm = 2;
      i++;
      if (bytes[i] === 0x2b || bytes[i] === MINUS) i++;
      i = this.digits(i);
    }
    if (i >= this.window.end && !this.window.eof) throw NEED_MORE;
    return i;
  }

  private digits(i: number): number {
    const bytes = this.window.bytes;
    const first = i;
    while (bytes[i] >= ZERO && bytes[i] <= NINE) i++;
    if (i === first) this.fail(i, 'a digit');
    return i;
  }

  /** Skips true, false or null (from the first letter). */
  literal(i: number): number {
    const bytes = this.window.bytes;
    const word = bytes[i] === LETTER_T ? TRUE : bytes[i] === LETTER_F ? FALSE : NULL;
    for (let k = 0; k < word.length; k++) {
      if (bytes[i + k] !== word[k]) this.fail(i + k, 'a value');
    }
    return i + word.length;
  }

  /** Skips the key of a member, its colon and the blanks around it. */
  key(i: number): number {
    if (this.window.bytes[i] !== QUOTE) this.fail(i, 'a key in quotes');
    return this.colon(this.string(i));
  }

  colon(i: number): number {
    i = this.blanks(i);
    if (this.window.bytes[i] !== COLON) this.fail(i, 'a colon after the key');
    return this.blanks(i + 1);
  }

  /** Where position `i` of the window is in the source. */
  place(i: number): ErrorPlace {
    return {
      file: this.window.options.sourceName,
      ...(this.table === undefined ? {} : { table: this.table }),
      ...(this.row > 0 ? { row: this.row } : {}),
      line: this.line,
      ...(this.bytePlaces ? { byte: this.window.offset(i) } : {}),
    };
  }

  /** The byte at `i` is not what must stand there. @throws NEED_MORE at the end of the window, else JSON_MALFORMED */
  fail(i: number, expected: string, reason?: string): never {
    const { window } = this;
    if (i >= window.end && !window.eof) throw NEED_MORE;
    if (this.strictLines && this.line > this.recordLine) {
      this.line = this.recordLine;
      this.malformed(i, 'the line ends before its record does');
    }
    const found = i >= window.end ? 'the end' : describeByte(window.bytes[i]);
    this.malformed(Math.min(i, window.end), reason ?? `expected ${expected}, found ${found}`);
  }

  malformed(i: number, reason: string): never {
    throw new SluiceError('JSON_MALFORMED', { source: this.window.options.sourceName, reason }, this.place(i));
  }

  /** The character at `start` is broken at `i`. @returns (lenient) where to go on */
  private failUtf8(start: number, i: number): number {
    if (this.lenient) return start + 1;
    if (this.tolerant && i < this.window.end) throw new SluiceError('ENCODING_INVALID', { source: this.window.options.sourceName, encoding: 'utf-8' }, this.place(i));
    return this.fail(i, 'UTF-8', 'bytes inside a string that are not UTF-8 (another encoding is said with --encoding)');
  }
}

function describeByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
