/** Thrift's compact protocol, as much as Parquet's page headers and footer need: structures, lists, and numbers that are not negative. */

export const THRIFT_I32 = 5;
const THRIFT_I64 = 6;
export const THRIFT_BINARY = 8;
const THRIFT_LIST = 9;
export const THRIFT_STRUCT = 12;
const BOOLEAN_TRUE = 1;
const BOOLEAN_FALSE = 2;

const FIRST_BYTES = 256;

export class ThriftWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  /** Number of the last field of the structure that is being written: fields are numbered by their distance. */
  #field = 0;

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  i32(id: number, value: number): void {
    this.#header(id, THRIFT_I32);
    this.number(value);
  }

  i64(id: number, value: number): void {
    this.#header(id, THRIFT_I64);
    this.number(value);
  }

  boolean(id: number, value: boolean): void {
    this.#header(id, value ? BOOLEAN_TRUE : BOOLEAN_FALSE);
  }

  binary(id: number, value: Uint8Array | string): void {
    this.#header(id, THRIFT_BINARY);
    this.text(value);
  }

  struct(id: number, fields: () => void): void {
    this.#header(id, THRIFT_STRUCT);
    this.element(fields);
  }

  /** The elements follow, by `number`, `text` or `element`. */
  list(id: number, type: number, count: number): void {
    this.#header(id, THRIFT_LIST);
    if (count < 15) {
      this.#byte(count << 4 | type);
    } else {
      this.#byte(0xf0 | type);
      this.#varint(count);
    }
  }

  /** A number of a list. */
  number(value: number): void {
    this.#varint(value * 2);
  }

  /** A text or binary of a list. */
  text(value: Uint8Array | string): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#varint(bytes.length);
    this.raw(bytes);
  }

  /** A structure of a list, or the outermost one. */
  element(fields: () => void): void {
    const outer = this.#field;
    this.#field = 0;
    fields();
    this.#byte(0);
    this.#field = outer;
  }

  /** Bytes that another writer made. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Ends the structure that began with the first field. */
  stop(): void {
    this.#byte(0);
  }

  #header(id: number, type: number): void {
    const distance = id - this.#field;
    this.#field = id;
    if (distance > 0 && distance <= 15) {
      this.#byte(distance << 4 | type);
    } else {
      this.#byte(type);
      this.number(id);
    }
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#byte(rest % 128 | 128);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.bytes());
    this.#bytes = larger;
  }
}
