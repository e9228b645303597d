/**
 * Builds records in the `copy-text` encoding (row-encoding.ts) in one growing buffer that is reused from part to part:
 * no string, no array, no copy besides the one into the buffer. Every producer that takes fields apart writes through it.
 *
 * Growth doubles, so the buffer settles at the size of the largest part; `reset` keeps it.
 */
const TAB = 0x09, LF = 0x0a, CR = 0x0d, BACKSLASH = 0x5c;

/** For each byte that copy-text escapes, the letter after the backslash; 0 for all others. */
const ESCAPE_LETTER = new Uint8Array(256);
ESCAPE_LETTER[TAB] = 0x74;
ESCAPE_LETTER[LF] = 0x6e;
ESCAPE_LETTER[CR] = 0x72;
ESCAPE_LETTER[BACKSLASH] = BACKSLASH;
ESCAPE_LETTER[0x08] = 0x62;
ESCAPE_LETTER[0x0b] = 0x76;
ESCAPE_LETTER[0x0c] = 0x66;

export class CopyTextBuilder {
  bytes: Uint8Array;
  length = 0;
  records = 0;

  constructor(capacity = 64 * 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes; producers that write into `bytes` themselves call it first. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends source[start, end) as (part of) a field's text, escaped. */
  appendText(source: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * 2);
    const out = this.bytes;
    let at = this.length;
    for (let i = start; i < end; i++) {
      const byte = source[i];
      const letter = ESCAPE_LETTER[byte];
      if (letter !== 0) out[at++] = BACKSLASH;
      out[at++] = letter === 0 ? byte : letter;
    }
    this.length = at;
  }

  /** Appends one byte of a field's text, escaped. */
  appendByte(byte: number): void {
    this.reserve(2);
    const letter = ESCAPE_LETTER[byte];
    if (letter !== 0) this.bytes[this.length++] = BACKSLASH;
    this.bytes[this.length++] = letter === 0 ? byte : letter;
  }

  /** Appends bytes that are known to need no escape (digits, ISO dates). */
  appendRaw(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    const out = this.bytes;
    let at = this.length;
    for (let i = start; i < end; i++) out[at++] = source[i]!;
    this.length = at;
  }

  appendNull(): void {
    this.reserve(2);
    this.bytes[this.length++] = BACKSLASH;
    this.bytes[this.length++] = 0x4e;
  }

  /** Ends a field that another one follows. */
  endField(): void {
    this.reserve(1);
    this.bytes[this.length++] = TAB;
  }

  endRecord(): void {
    this.reserve(1);
    this.bytes[this.length++] = LF;
    this.records++;
  }

  /** Drops what was appended after `length` was `mark`, for records found bad half way. */
  rollback(mark: number): void {
    this.length = mark;
  }

  /** Valid until the next append or reset. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
    this.records = 0;
  }
}
