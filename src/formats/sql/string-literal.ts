import type { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { LexicalRules } from './dialect.ts';

/**
 * The text between quotes. Three ways to write it: `standard` (quotes doubled, nothing else), `mysql` (backslash escapes as MySQL
 * has them) and `c` (PostgreSQL's E'…').
 */
export type Escapes = 'standard' | 'mysql' | 'c';

export const QUOTE = 0x27, DOUBLE_QUOTE = 0x22, BACKSLASH = 0x5c;
/** The window ends within what was asked for. */
export const NEED_MORE = -1;

/** After the backslash in MySQL; 0xff: the character itself. `\%` and `\_` keep their backslash. */
export const MYSQL_ESCAPE = new Uint8Array(256).fill(0xff);
MYSQL_ESCAPE[0x30] = 0;
MYSQL_ESCAPE[0x62] = 0x08;
MYSQL_ESCAPE[0x6e] = 0x0a;
MYSQL_ESCAPE[0x72] = 0x0d;
MYSQL_ESCAPE[0x74] = 0x09;
MYSQL_ESCAPE[0x5a] = 0x1a;
export const PERCENT = 0x25, UNDERSCORE = 0x5f;

export function plainEscapes(rules: LexicalRules): Escapes {
  if (!rules.backslashEscapes) return 'standard';
  return rules.dialect === 'mysql' ? 'mysql' : 'c';
}

/** @param pos after the opening quote @returns the position after the closing one, or NEED_MORE */
export function stringEnd(bytes: Uint8Array, pos: number, end: number, quote: number, escapes: Escapes): number {
  const backslash = escapes === 'standard' ? -1 : BACKSLASH;
  for (let i = pos; i < end; i++) {
    const byte = bytes[i];
    if (byte === backslash) {
      i++;
    } else if (byte === quote) {
      if (i + 1 >= end) return NEED_MORE;
      if (bytes[i + 1] !== quote) return i + 1;
      i++;
    }
  }
  return NEED_MORE;
}

/** Appends the value of the text between quotes, bytes[start, end), to `out` as raw bytes. */
export function appendUnescaped(bytes: Uint8Array, start: number, end: number, quote: number, escapes: Escapes, out: CopyTextBuilder): void {
  out.reserve(end - start);
  const target = out.bytes;
  let at = out.length;
  let i = start;
  while (i < end) {
    const byte = bytes[i];
    if (byte === quote) {
      target[at++] = byte;
      i += 2;
    } else if (byte !== BACKSLASH || escapes === 'standard') {
      target[at++] = byte;
      i++;
    } else if (escapes === 'mysql') {
      const next = bytes[i + 1];
      const value = MYSQL_ESCAPE[next];
      if (next === PERCENT || next === UNDERSCORE) target[at++] = BACKSLASH;
      target[at++] = value === 0xff ? next : value;
      i += 2;
    } else {
      const escape = readCEscape(bytes, i + 1, end);
      for (const unit of escape.bytes) target[at++] = unit;
      i = escape.next;
    }
  }
  out.length = at;
}

const C_LETTERS: Readonly<Record<number, number>> = { 0x62: 0x08, 0x66: 0x0c, 0x6e: 0x0a, 0x72: 0x0d, 0x74: 0x09 };
const LETTER_X = 0x78, LETTER_U = 0x55, LETTER_u = 0x75;

/** The escape whose backslash is before `pos`; never longer than what it stands for. */
function readCEscape(bytes: Uint8Array, pos: number, end: number): { bytes: Uint8Array; next: number } {
  const byte = bytes[pos];
  const letter = C_LETTERS[byte];
  if (letter !== undefined) return { bytes: Uint8Array.of(letter), next: pos + 1 };
  if (byte === LETTER_X && hexDigits(bytes, pos + 1, Math.min(end, pos + 3)) > 0) {
    const digits = hexDigits(bytes, pos + 1, Math.min(end, pos + 3));
    return { bytes: Uint8Array.of(parseDigits(bytes, pos + 1, digits, 16)), next: pos + 1 + digits };
  }
  if (byte === LETTER_u || byte === LETTER_U) {
    const width = byte === LETTER_u ? 4 : 8;
    if (hexDigits(bytes, pos + 1, Math.min(end, pos + 1 + width)) === width) return readUnicode(bytes, pos, width, end);
  }
  let octal = 0;
  while (octal < 3 && pos + octal < end && bytes[pos + octal] >= 0x30 && bytes[pos + octal] <= 0x37) octal++;
  if (octal > 0) return { bytes: Uint8Array.of(parseDigits(bytes, pos, octal, 8) & 0xff), next: pos + octal };
  return { bytes: Uint8Array.of(byte), next: pos + 1 };
}

function readUnicode(bytes: Uint8Array, pos: number, width: number, end: number): { bytes: Uint8Array; next: number } {
  let next = pos + 1 + width;
  let text = codePoint(parseDigits(bytes, pos + 1, width, 16));
  const second = next + 2;
  if (/^[\ud800-\udbff]$/.test(text) && bytes[next] === BACKSLASH && hexDigits(bytes, second, Math.min(end, second + 4)) === 4) {
    text += codePoint(parseDigits(bytes, second, 4, 16));
    next = second + 4;
  }
  return { bytes: new TextEncoder().encode(text), next };
}

/** Beyond Unicode: the replacement character, as every decoder has it. */
export function codePoint(value: number): string {
  return value > 0x10ffff ? '\ufffd' : String.fromCodePoint(value);
}

export function hexDigits(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && HEX_VALUE[bytes[i]] !== 0xff) i++;
  return i - start;
}

function parseDigits(bytes: Uint8Array, start: number, count: number, radix: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) value = value * radix + HEX_VALUE[bytes[i]];
  return value;
}

/** Per byte: the value of the hex digit, 0xff for others. */
export const HEX_VALUE = new Uint8Array(256).fill(0xff);
for (let i = 0; i < 16; i++) {
  HEX_VALUE[i.toString(16).charCodeAt(0)] = i;
  HEX_VALUE[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

const HEX_DIGIT = new TextEncoder().encode('0123456789abcdef');

/** Appends `\x` and the hex of `raw`, as the copy-text of a byte string. */
export function appendHex(raw: Uint8Array, out: CopyTextBuilder): void {
  out.reserve(raw.length * 2 + 3);
  const target = out.bytes;
  let at = out.length;
  target[at++] = BACKSLASH;
  target[at++] = BACKSLASH;
  target[at++] = LETTER_X;
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i];
    target[at++] = HEX_DIGIT[byte >> 4]!;
    target[at++] = HEX_DIGIT[byte & 15]!;
  }
  out.length = at;
}

/** Appends `\x` and hex digits that are there already, in lower case; an odd number of digits gets a 0 in front. */
export function appendHexDigits(bytes: Uint8Array, start: number, end: number, out: CopyTextBuilder): void {
  out.reserve(end - start + 4);
  const target = out.bytes;
  let at = out.length;
  target[at++] = BACKSLASH;
  target[at++] = BACKSLASH;
  target[at++] = LETTER_X;
  if ((end - start) % 2 === 1) target[at++] = 0x30;
  for (let i = start; i < end; i++) target[at++] = HEX_DIGIT[HEX_VALUE[bytes[i]]]!;
  out.length = at;
}
