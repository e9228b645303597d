import type { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import { arrayToJson, arrayToPostgres } from './array-text.ts';
import { isText, toUtf8 } from './charset.ts';
import type { Constant } from './constant-expression.ts';
import type { LexicalRules } from './dialect.ts';
import { TREATMENT } from './row-plan.ts';
import { LITERAL } from './sql-types.ts';
import { appendHex, BACKSLASH, HEX_VALUE } from './string-literal.ts';

const LETTER_x = 0x78, ZERO = 0x30, ONE = 0x31, SEVEN = 0x37, TRUE_LETTER = 0x74;

/** Appends a value that was read as a whole. @throws RangeError with the reason, when it cannot be what is wanted */
export function appendValue(constant: Constant, treatment: number, rules: LexicalRules, out: CopyTextBuilder): void {
  const { kind, bytes, binary } = constant;
  if (kind === LITERAL.null || kind === LITERAL.default) {
    out.appendNull();
  } else if (kind === LITERAL.bytes) {
    appendHex(bytes, out);
  } else if (treatment === TREATMENT.bytes && kind === LITERAL.text) {
    appendHex(binary ? bytes : bytesOfText(bytes, rules), out);
  } else if (binary && !isText(bytes)) {
    appendHex(bytes, out);
  } else if (kind === LITERAL.boolean && treatment === TREATMENT.integer) {
    out.appendByte(bytes[0] === TRUE_LETTER ? ONE : ZERO);
  } else {
    appendUtf8(binary ? bytes : toUtf8(bytes, 0, bytes.length, rules.charset), treatment, out);
  }
}

/** Appends text that is in UTF-8 already; arrays in the form that the treatment asks for. */
export function appendUtf8(text: Uint8Array, treatment: number, out: CopyTextBuilder): void {
  const written = arrayText(text, treatment);
  out.appendText(written, 0, written.length);
}

function arrayText(text: Uint8Array, treatment: number): Uint8Array {
  switch (treatment) {
    case TREATMENT.jsonTexts: return arrayToJson(text, 'text');
    case TREATMENT.jsonNumbers: return arrayToJson(text, 'number');
    case TREATMENT.jsonBooleans: return arrayToJson(text, 'boolean');
    case TREATMENT.postgresArray: return arrayToPostgres(text);
    default: return text;
  }
}

/** The bytes that a string means where bytes are wanted: PostgreSQL and DuckDB have escapes of their own, for the others it is the bytes themselves. */
function bytesOfText(bytes: Uint8Array, rules: LexicalRules): Uint8Array {
  if (rules.dialect === 'duckdb') return fromDuckdbText(bytes);
  if (rules.dialect !== 'postgres' && rules.dialect !== 'standard') return bytes;
  if (bytes[0] === BACKSLASH && bytes[1] === LETTER_x) {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').slice(2).replaceAll(/\s+/g, '');
    if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) throw new RangeError('a byte string has something else than pairs of hex digits');
    return Buffer.from(hex, 'hex');
  }
  return rules.dialect === 'postgres' ? fromByteaEscapes(bytes) : bytes;
}

/** PostgreSQL's older form of bytea: `\\` and `\ooo`. */
function fromByteaEscapes(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    const octal = [bytes[i + 1], bytes[i + 2], bytes[i + 3]];
    if (bytes[i] !== BACKSLASH) {
      out[at++] = bytes[i]!;
    } else if (bytes[i + 1] === BACKSLASH) {
      out[at++] = BACKSLASH;
      i++;
    } else if (octal.every((digit) => digit !== undefined && digit >= ZERO && digit <= SEVEN)) {
      out[at++] = octal.reduce<number>((value, digit) => value * 8 + digit - ZERO, 0);
      i += 3;
    } else {
      throw new RangeError('a byte string has a backslash that begins no escape');
    }
  }
  return out.subarray(0, at);
}

/** DuckDB's text form of a BLOB: `\xAB` per byte that is not printable. */
function fromDuckdbText(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = HEX_VALUE[bytes[i + 2] ?? 0], low = HEX_VALUE[bytes[i + 3] ?? 0];
    if (bytes[i] === BACKSLASH && bytes[i + 1] === LETTER_x && high !== 0xff && low !== 0xff) {
      out[at++] = high * 16 + low;
      i += 3;
    } else {
      out[at++] = bytes[i]!;
    }
  }
  return out.subarray(0, at);
}
