/**
 * Takes PostgreSQL's binary COPY format apart: where the fields of the next rows lie, column by column, so that each column is then encoded in a loop
 * of its own. No value is looked at here.
 *
 * A batch ends after a number of rows or bytes that depends on the rows alone, never on how their bytes were cut: so does the file.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { viewOf } from './growing-bytes.ts';

const BATCH_FIELDS = 16_384;
const MOST_BATCH_ROWS = 1024;
/** Columns a power of two apart would push each other out of the processor's cache. */
const PADDING = 16;
const BATCH_BYTES = 256 * 1024;
const FIRST_BYTES = 512 * 1024;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Signature, flags, length of the extension. */
const HEADER_BYTES = SIGNATURE.length + 8;
const TRAILER = -1;

export class RowBatches {
  /** Of the batch that `next` completed. */
  rows = 0;
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  view = viewOf(this.bytes);
  /** Field of a row: `column * stride + row`. */
  readonly stride: number;
  readonly starts: Int32Array;
  /** -1: NULL. */
  readonly lengths: Int32Array;
  readonly #columns: number;
  readonly #mostRows: number;
  readonly #table: string;
  #read = 0;
  #end = 0;
  #batchBytes = 0;
  #complete = false;
  #inPart = false;

  constructor(columns: number, table: string) {
    this.#columns = columns;
    this.#table = table;
    this.#mostRows = Math.max(1, Math.min(MOST_BATCH_ROWS, Math.floor(BATCH_FIELDS / columns)));
    this.stride = this.#mostRows + PADDING;
    this.starts = new Int32Array(columns * this.stride);
    this.lengths = new Int32Array(columns * this.stride);
  }

  /** Takes the next bytes, copying them. All batches that were complete must have been taken. */
  append(chunk: Uint8Array, first: boolean): void {
    if (first && (this.#inPart || this.#read !== this.#end)) throw this.#malformed('a part has no end');
    this.#makeRoom(chunk.length);
    this.bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** True when a batch is complete; it stays valid until the next call. */
  next(): boolean {
    if (this.#complete) this.#restart();
    for (;;) {
      const taken = this.#inPart ? this.#takeRecord() : this.#takeHeader();
      if (!taken) return false;
      if (this.rows === this.#mostRows || this.#batchBytes >= BATCH_BYTES) {
        this.#complete = true;
        return true;
      }
    }
  }

  /** What is left after the last byte; false when nothing is. */
  last(): boolean {
    if (this.#complete) this.#restart();
    if (this.#inPart || this.#read !== this.#end) throw this.#malformed('the last part has no end');
    this.#complete = true;
    return this.rows > 0;
  }

  #restart(): void {
    this.#complete = false;
    this.rows = 0;
    this.#batchBytes = 0;
  }

  #takeHeader(): boolean {
    if (this.#end - this.#read < HEADER_BYTES) return false;
    if (this.bytes.compare(SIGNATURE, 0, SIGNATURE.length, this.#read, this.#read + SIGNATURE.length) !== 0) throw this.#malformed('no signature');
    const length = HEADER_BYTES + this.view.getUint32(this.#read + HEADER_BYTES - 4);
    if (this.#end - this.#read < length) return false;
    this.#read += length;
    this.#inPart = true;
    return true;
  }

  #takeRecord(): boolean {
    const { view, starts, lengths, stride } = this;
    const end = this.#end;
    let at = this.#read;
    if (end - at < 2) return false;
    const fields = view.getInt16(at);
    at += 2;
    if (fields !== this.#columns) return this.#takeTrailer(fields);
    for (let slot = this.rows, last = fields * stride; slot < last; slot += stride) {
      if (end - at < 4) return false;
      const length = view.getInt32(at);
      at += 4;
      starts[slot] = at;
      lengths[slot] = length;
      if (length > 0) at += length;
      else if (length < -1) throw this.#malformed(`a field of ${length} bytes`);
    }
    if (at > end) return false;
    this.#batchBytes += at - this.#read;
    this.#read = at;
    this.rows++;
    return true;
  }

  #takeTrailer(fields: number): boolean {
    if (fields !== TRAILER) throw this.#malformed(`${fields} fields in a row of ${this.#columns} columns`);
    this.#read += 2;
    this.#inPart = false;
    return true;
  }

  /** Moves what is still needed to the front: the rows of the batch that has begun, and what follows them. */
  #makeRoom(count: number): void {
    if (this.#complete) this.#restart();
    const from = this.rows === 0 ? this.#read : this.starts[0] - 6;
    const kept = this.#end - from;
    const needed = kept + count;
    if (this.#end + count <= this.bytes.length && kept > 0) return;
    const isTooLarge = this.bytes.length > 2 * FIRST_BYTES && needed < this.bytes.length / 4;
    const target = needed > this.bytes.length || isTooLarge ? Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed + (needed >> 1))) : this.bytes;
    this.bytes.copy(target, 0, from, this.#end);
    if (target !== this.bytes) {
      this.bytes = target;
      this.view = viewOf(target);
    }
    this.#read -= from;
    this.#end = kept;
    for (let column = 0; column < this.#columns; column++) {
      for (let slot = column * this.stride, last = slot + this.rows; slot < last; slot++) this.starts[slot] -= from;
    }
  }

  #malformed(reason: string): SluiceError {
    return new SluiceError('INTERNAL', { reason: `rows of ${this.#table} in binary are malformed: ${reason}` }, { table: this.#table });
  }
}
