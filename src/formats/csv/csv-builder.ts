/**
 * Builds records in the `csv` encoding in one growing buffer that is reused: the sibling of CopyTextBuilder, with the same methods. A field is
 * quoted only where it must be: when it holds a delimiter, a quote or a line end, is empty or equals the null text (so that it is not taken
 * for NULL), or is `\.` alone in its line (which ends the data of a COPY before PostgreSQL 18).
 */
import type { CsvEncoding } from '../../rows/row-encoding.ts';

const LF = 0x0a, CR = 0x0d, BACKSLASH = 0x5c, POINT = 0x2e;

export class CsvBuilder {
  bytes: Uint8Array;
  length = 0;
  records = 0;

  readonly #delimiter: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #nullText: Uint8Array;
  readonly #oneColumn: boolean;
  /** 1: the field must be quoted; 2: and this byte is escaped inside quotes. */
  readonly #special = new Uint8Array(256);

  constructor(encoding: CsvEncoding, columns: number, capacity = 64 * 1024) {
    this.#oneColumn = columns === 1;
    this.bytes = new Uint8Array(capacity);
    this.#delimiter = encoding.delimiter.charCodeAt(0);
    this.#quote = encoding.quote.charCodeAt(0);
    this.#escape = encoding.escape.charCodeAt(0);
    this.#nullText = Buffer.from(encoding.nullText);
    for (const byte of [LF, CR, this.#delimiter]) this.#special[byte] = 1;
    this.#special[this.#quote] = 2;
    if (this.#escape !== this.#quote) this.#special[this.#escape] = 2;
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends source[start, end) as a whole field's text. */
  appendText(source: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * 2 + 2);
    const out = this.bytes;
    let at = this.length;
    let special = 0;
    for (let i = start; i < end; i++) {
      const byte = source[i];
      special |= this.#special[byte];
      out[at++] = byte;
    }
    if (special !== 0 || this.#mustQuote(source, start, end)) this.#appendQuoted(source, start, end);
    else this.length = at;
  }

  appendNull(): void {
    this.reserve(this.#nullText.length);
    this.bytes.set(this.#nullText, this.length);
    this.length += this.#nullText.length;
  }

  endField(): void {
    this.reserve(1);
    this.bytes[this.length++] = this.#delimiter;
  }

  endRecord(): void {
    this.reserve(1);
    this.bytes[this.length++] = LF;
    this.records++;
  }

  /** Valid until the next append or reset. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
    this.records = 0;
  }

  #mustQuote(source: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length === 0) return true;
    if (this.#oneColumn && length === 2 && source[start] === BACKSLASH && source[start + 1] === POINT) return true;
    return length === this.#nullText.length && this.#nullText.every((byte, i) => source[start + i] === byte);
  }

  #appendQuoted(source: Uint8Array, start: number, end: number): void {
    const out = this.bytes;
    let at = this.length;
    out[at++] = this.#quote;
    for (let i = start; i < end; i++) {
      const byte = source[i];
      if (this.#special[byte] === 2) out[at++] = this.#escape;
      out[at++] = byte;
    }
    out[at++] = this.#quote;
    this.length = at;
  }
}
