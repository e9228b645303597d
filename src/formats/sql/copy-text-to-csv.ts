import { copyUnescaped } from '../../rows/copy-text-reader.ts';

const TAB = 0x09, LF = 0x0a, QUOTE = 0x22, COMMA = 0x2c, BACKSLASH = 0x5c, LETTER_N = 0x4e;

/** 1 for bytes that a field without quotes may have. A backslash may be an escape, so it has to be looked at. */
const PLAIN = new Uint8Array(256).fill(1);
for (const byte of [TAB, LF, 0x0d, QUOTE, COMMA, BACKSLASH]) PLAIN[byte] = 0;

/**
 * Whole records of copy-text as the canonical CSV (row-encoding.ts), in pieces of about `pieceBytes` that are valid until the next pull.
 * Fields without special bytes are copied as they are; the others, and the empty string, go into quotes; NULL is empty.
 */
export function* copyTextToCsv(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array, void, undefined> {
  let out = new Uint8Array(pieceBytes + 4096);
  let at = 0;
  let i = 0;
  while (i < bytes.length) {
    const stop = fieldEnd(bytes, i);
    // In quotes a field becomes twice as long and two bytes longer at most; then comes the separator.
    const needed = at + (stop - i) * 3 + 3;
    if (needed > out.length) {
      if (at > 0) yield out.subarray(0, at);
      at = 0;
      if ((stop - i) * 3 + 3 > out.length) out = new Uint8Array((stop - i) * 3 + 3);
    }
    at = writeField(bytes, i, stop, out, at);
    out[at++] = bytes[stop] === TAB ? COMMA : LF;
    i = stop + 1;
  }
  if (at > 0) yield out.subarray(0, at);
}

/** Position of the tab or line end behind the field. */
function fieldEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (bytes[i] !== TAB && bytes[i] !== LF) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

// oxlint-disable-next-line max-params -- bytes on the data path
function writeField(bytes: Uint8Array, start: number, stop: number, out: Uint8Array, from: number): number {
  let at = from;
  let i = start;
  for (; i < stop && PLAIN[bytes[i]] === 1; i++) out[at++] = bytes[i]!;
  if (i === stop && stop > start) return at;
  if (stop - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === LETTER_N) return from;
  return writeQuoted(bytes, start, stop, out, from);
}

// oxlint-disable-next-line max-params -- bytes on the data path
function writeQuoted(bytes: Uint8Array, start: number, stop: number, out: Uint8Array, from: number): number {
  // Unescaped text behind the room that its quoted form may take, which is at most twice as long.
  const text = from + 2 + (stop - start) * 2;
  const end = copyUnescaped(bytes, start, stop, out, text);
  let at = from;
  out[at++] = QUOTE;
  for (let i = text; i < end; i++) {
    const byte = out[i];
    if (byte === QUOTE) out[at++] = QUOTE;
    out[at++] = byte;
  }
  out[at++] = QUOTE;
  return at;
}
