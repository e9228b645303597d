import { isUtf8 } from 'node:buffer';

/**
 * Character sets whose bytes below 0x80 are ASCII and whose other bytes are never part of SQL syntax: such dumps are taken apart as they
 * are, and only the text of values is re-encoded, so that offsets stay true and binary strings stay what they are. UTF-16 is not such a set: it
 * is turned into UTF-8 before (open-dump.ts).
 */
export type Charset = 'utf-8' | 'latin1' | 'windows-1252';

/** Per byte 0x80…0xff: its UTF-8 form. */
export type HighBytes = readonly Uint8Array[];

const LATIN1 = highBytes((byte) => String.fromCharCode(byte));
const WINDOWS_1252 = highBytes((byte) => new TextDecoder('windows-1252').decode(Uint8Array.of(byte)));

export function highBytesOf(charset: Charset): HighBytes | undefined {
  if (charset === 'utf-8') return undefined;
  return charset === 'latin1' ? LATIN1 : WINDOWS_1252;
}

/** @returns bytes[start, end) in UTF-8; a view where nothing has to change */
export function toUtf8(bytes: Uint8Array, start: number, end: number, charset: Charset): Uint8Array {
  const high = highBytesOf(charset);
  if (high === undefined) return bytes.subarray(start, end);
  const out = new Uint8Array((end - start) * 3);
  let at = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte < 0x80) {
      out[at++] = byte;
    } else {
      for (const unit of high[byte - 0x80]) out[at++] = unit;
    }
  }
  return out.subarray(0, at);
}

/** For names and messages. */
export function decodeText(bytes: Uint8Array, start: number, end: number, charset: Charset): string {
  const utf8 = toUtf8(bytes, start, end, charset);
  return Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString('utf8');
}

/**
 * What a dump says of itself (`SET NAMES x`, `SET client_encoding = 'x'`); undefined when only the target's bytes can tell.
 * MySQL's latin1 is windows-1252, PostgreSQL's is not.
 */
export function declaredCharset(name: string, mysql: boolean): Charset | undefined {
  switch (name.toLowerCase().replaceAll(/[-_ ]/g, '')) {
    case 'utf8': case 'utf8mb3': case 'utf8mb4': case 'unicode': case 'sqlascii': case 'ascii': case 'usascii': case 'binary': return 'utf-8';
    case 'latin1': case 'iso88591': return mysql ? 'windows-1252' : 'latin1';
    case 'win1252': case 'windows1252': case 'cp1252': return 'windows-1252';
    default: return undefined;
  }
}

/** True when the bytes are valid UTF-8 without NUL, so that every target can take them as text. */
export function isText(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && isUtf8(bytes);
}

function highBytes(decode: (byte: number) => string): HighBytes {
  const encoder = new TextEncoder();
  return Array.from({ length: 128 }, (_, i) => encoder.encode(decode(i + 0x80)));
}
