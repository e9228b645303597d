import { isAscii, isUtf8 } from 'node:buffer';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CharsetName } from '../charset.ts';

/**
 * Character sets of CSV sources. In all but UTF-16 every byte below 0x80 is ASCII, so records are taken apart as they are and only the text of fields is
 * re-encoded: positions stay those of the source. UTF-16 is turned into UTF-8 before anything else looks at it.
 */
export type Charset = CharsetName;

export function isUtf16(charset: Charset): charset is 'utf-16le' | 'utf-16be' {
  return charset === 'utf-16le' || charset === 'utf-16be';
}

const BOMS: readonly { readonly charset: Charset; readonly bytes: readonly number[] }[] = [
  { charset: 'utf-8', bytes: [0xef, 0xbb, 0xbf] },
  { charset: 'utf-16le', bytes: [0xff, 0xfe] },
  { charset: 'utf-16be', bytes: [0xfe, 0xff] },
];

/** The byte order mark at the start, if there is one (of this charset, where it is given). */
export function findBom(head: Uint8Array, charset?: Charset): { charset: Charset; length: number } | undefined {
  const found = BOMS.find(({ bytes, charset: own }) => (charset === undefined || own === charset) && bytes.every((byte, i) => head[i] === byte));
  return found === undefined ? undefined : { charset: found.charset, length: found.bytes.length };
}

/**
 * The character set of samples (the first is the head of the source; the others begin and end anywhere). UTF-8 wherever all of them are valid, or nearly all of
 * what is not ASCII is (characters of several bytes do not come about by chance: the rest is damage); else windows-1252 when a byte of 0x80…0x9f occurs (they are letters and quotation marks there, and control characters in Latin-1), else Latin-1.
 */
export function detectCharset(samples: readonly Uint8Array[]): Charset {
  const head = samples[0];
  const bom = findBom(head);
  if (bom !== undefined) return bom.charset;
  const wide = detectUtf16(head);
  if (wide !== undefined) return wide;
  if (samples.every((sample, i) => isUtf8(trimUtf8(sample, i > 0))) || isDamagedUtf8(samples)) return 'utf-8';
  let control = false;
  for (const sample of samples) {
    for (const byte of sample) {
      if (UNDEFINED_IN_1252.has(byte)) return 'latin1';
      if (byte >= 0x80 && byte <= 0x9f) control = true;
    }
  }
  return control ? 'windows-1252' : 'latin1';
}

/** For each byte that is none of UTF-8, at least so many characters of several bytes that are. */
const CHARACTERS_PER_DAMAGE = 10;

function isDamagedUtf8(samples: readonly Uint8Array[]): boolean {
  let characters = 0;
  let damaged = 0;
  for (const bytes of samples) {
    for (let i = 0; i < bytes.length;) {
      const length = bytes[i] < 0x80 ? 1 : characterLength(bytes, i, bytes.length);
      if (length > 1) characters++;
      if (length === 0) damaged++;
      i += Math.max(1, length);
    }
  }
  return characters >= damaged * CHARACTERS_PER_DAMAGE;
}

const UNDEFINED_IN_1252: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Text in UTF-16 without a mark: half of the bytes are zero, and always the same half. */
function detectUtf16(head: Uint8Array): Charset | undefined {
  const pairs = head.length >> 1;
  if (pairs < 2 || head.length % 2 !== 0 && pairs < 64) return undefined;
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < head.length; i += 2) {
    if (head[i] === 0) even++;
    if (head[i + 1] === 0) odd++;
  }
  const few = Math.max(1, pairs * 0.05);
  if (odd > pairs * 0.4 && even <= few) return 'utf-16le';
  if (even > pairs * 0.4 && odd <= few) return 'utf-16be';
  return undefined;
}

/** Without the pieces of characters that a cut left at its ends. */
function trimUtf8(bytes: Uint8Array, trimStart: boolean): Uint8Array {
  let start = 0;
  while (trimStart && start < 3 && (bytes[start] & 0xc0) === 0x80) start++;
  let end = bytes.length;
  let i = end - 1;
  while (i > start && i > end - 4 && (bytes[i] & 0xc0) === 0x80) i--;
  if (i >= start && bytes[i] >= 0xc0) {
    const length = bytes[i] >= 0xf0 ? 4 : bytes[i] >= 0xe0 ? 3 : 2;
    if (i + length > end) end = i;
  }
  return bytes.subarray(start, end);
}

/** For names and messages: never on the data path. */
export function decodeText(bytes: Uint8Array, charset: Charset): string {
  return new TextDecoder(charset === 'windows-1252' ? 'windows-1252' : 'utf-8', { ignoreBOM: true }).decode(charset === 'latin1' ? latin1ToUtf8(bytes) : bytes);
}

function latin1ToUtf8(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString('latin1'));
}

/** Re-encodes single-byte text as UTF-8. `convert` returns -1 where a byte has no meaning in the set. */
export class SingleByteDecoder {
  readonly #lengths = new Uint8Array(256);
  readonly #forms = new Uint8Array(256 * 3);

  constructor(charset: 'latin1' | 'windows-1252') {
    for (let byte = 0; byte < 256; byte++) {
      if (charset === 'windows-1252' && UNDEFINED_IN_1252.has(byte)) continue;
      const form = Buffer.from(decodeText(Uint8Array.of(byte), byte < 0x80 ? 'utf-8' : charset));
      this.#lengths[byte] = form.length;
      this.#forms.set(form, byte * 3);
    }
  }

  /** Writes source[0, length) to `out`, which has room for three times as much; returns the length, or -1. */
  convert(source: Uint8Array, length: number, out: Uint8Array): number {
    let at = 0;
    for (let i = 0; i < length; i++) {
      const byte = source[i];
      const bytes = this.#lengths[byte];
      if (bytes === 0) return -1;
      for (let k = 0; k < bytes; k++) out[at++] = this.#forms[byte * 3 + k]!;
    }
    return at;
  }

  /** Where bytes[from, to) have one without meaning; -1 when they have none. */
  firstInvalid(bytes: Uint8Array, from: number, to: number): number {
    if (isAscii(bytes.subarray(from, to))) return -1;
    for (let i = from; i < to; i++) if (this.#lengths[bytes[i]] === 0) return i;
    return -1;
  }
}

const STEP = 4096;

/** Where bytes[from, to) stop being valid UTF-8; -1 when they are valid. */
export function firstInvalidUtf8(bytes: Uint8Array, from: number, to: number): number {
  if (isUtf8(bytes.subarray(from, to))) return -1;
  let at = from;
  while (at + STEP < to) {
    const step = trimUtf8(bytes.subarray(at, at + STEP), false);
    if (!isUtf8(step)) break;
    at += step.length;
  }
  for (let length = 1; at < to; at += length) {
    length = characterLength(bytes, at, to);
    if (length === 0) break;
  }
  return at;
}

/** The length of the valid UTF-8 character at `i`; 0 when there is none. */
function characterLength(bytes: Uint8Array, i: number, to: number): number {
  for (let length = 1; length <= 4 && i + length <= to; length++) if (isUtf8(bytes.subarray(i, i + length))) return length;
  return 0;
}

/**
 * UTF-16 chunks as UTF-8 chunks, valid until the next pull. The byte order mark is not expected here.
 * @throws SluiceError ENCODING_INVALID with the byte where a surrogate has no partner, or the last character has one byte
 */
export async function* utf16ToUtf8(
  chunks: AsyncIterable<Uint8Array>, charset: 'utf-16le' | 'utf-16be', start: number, file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
  const encoder = new TextEncoder();
  let out = new Uint8Array(0);
  let at = start;
  const decode = (chunk: Uint8Array, stream: boolean): string => {
    try {
      return decoder.decode(chunk, { stream });
    } catch (error) {
      const byte = at + (stream ? loneSurrogate(chunk, charset === 'utf-16le' ? 1 : 0) : -2);
      throw new SluiceError('ENCODING_INVALID', { source: file, encoding: charset }, { file, byte: Math.max(byte, 0) }, error);
    }
  };
  for await (const chunk of chunks) {
    if (out.length < chunk.length * 1.5 + 8) out = new Uint8Array(Math.ceil(chunk.length * 1.5) + 8);
    const { written } = encoder.encodeInto(decode(chunk, true), out);
    at += chunk.length;
    if (written > 0) yield out.subarray(0, written);
  }
  decode(new Uint8Array(0), false);
}

/** Roughly where: the first surrogate of the chunk that has no partner beside it. */
function loneSurrogate(chunk: Uint8Array, highByte: number): number {
  for (let i = 0; i + 3 < chunk.length; i += 2) {
    const unit = chunk[i + highByte] & 0xfc;
    if (unit === 0xdc) return i;
    if (unit !== 0xd8) continue;
    if ((chunk[i + 2 + highByte] & 0xfc) !== 0xdc) return i;
    i += 2;
  }
  return 0;
}
