/**
 * Goes from record to record over chunks that are cut anywhere, and knows where in the source it is: every error of the content that is raised here
 * carries file, row, line and byte.
 *
 * What a chunk's end cuts off is kept and completed by the next chunks. A record that stays incomplete is parsed again only when at
 * least as many bytes have come as were there before, so that a record over many chunks costs linear time.
 */
import type { ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError, type ErrorFacts, type ErrorPlace } from '../../errors/sluice-error.ts';
import { problemOf, type RecordProblem } from '../left-out.ts';
import { MALFORMED, type RecordParser } from './record-parser.ts';

export interface CursorOptions {
  readonly parser: RecordParser;
  /** The source's name, for errors. */
  readonly file: string;
  /** Fields that every record must have; 0: any number (detection). With one column, an empty line is a record. */
  readonly columns: number;
  readonly maxRecordBytes: number;
  /** Position of the first byte that will be pushed, and the number of the row and line that begin there. */
  readonly start: number;
  readonly row: number;
  readonly line: number;
  /** False for UTF-16: positions count bytes of its UTF-8 form, which nobody can look up. */
  readonly bytesKnown: boolean;
  /** `next` comes to records that are none as to any other, and says in `problem` what is wrong with them; the parser is lenient. */
  readonly tolerant?: boolean;
}

export class RecordCursor {
  readonly parser: RecordParser;
  /** Holds the current record at [recordStart, recordEnd) (with its line end), valid until the next `push`. */
  bytes: Buffer;
  recordStart = 0;
  recordEnd = 0;
  /** Number of the current record (from 1) in its table, and of the line that it begins in. */
  row: number;
  line: number;
  /** Of the current record; only of a tolerant cursor. */
  problem: RecordProblem | undefined;

  readonly #options: CursorOptions;
  #from = 0;
  #to = 0;
  /** Absolute position of bytes[0]. */
  #base: number;
  /** Bytes that must be there before an incomplete record is looked at again. */
  #wanted = 0;
  #nextLine: number;
  #batchStart = 0;
  #batchRow: number;
  #batchLine: number;

  constructor(options: CursorOptions) {
    this.#options = options;
    this.parser = options.parser;
    this.bytes = Buffer.allocUnsafeSlow(64 * 1024);
    this.#base = options.start;
    this.row = options.row - 1;
    this.line = options.line;
    this.#nextLine = options.line;
    this.#batchRow = options.row;
    this.#batchLine = options.line;
  }

  /** Absolute position of the current record. */
  get byte(): number {
    return this.#base + this.recordStart;
  }

  /** All bytes at hand: the records of the batch and what is not parsed yet. */
  get content(): Buffer {
    return this.bytes.subarray(this.#batchStart, this.#to);
  }

  /** Adds bytes behind those not yet parsed; forgets the records before. */
  push(chunk: Uint8Array): void {
    const pending = this.#to - this.#from;
    if (pending + chunk.length > this.bytes.length) {
      // Doubled, but never far beyond what a record may have.
      const doubled = Math.min(this.bytes.length * 2, this.#options.maxRecordBytes + 2 * chunk.length);
      const grown = Buffer.allocUnsafeSlow(Math.max(doubled, pending + chunk.length));
      this.bytes.copy(grown, 0, this.#from, this.#to);
      this.bytes = grown;
    } else if (this.#from > 0) {
      this.bytes.copyWithin(0, this.#from, this.#to);
    }
    this.#base += this.#from;
    this.bytes.set(chunk, pending);
    this.#from = 0;
    this.#to = pending + chunk.length;
    this.#batchStart = 0;
    this.#batchRow = this.row + 1;
    this.#batchLine = this.#nextLine;
  }

  /**
   * Moves to the next record; false when there is none complete. `final`: nothing will be pushed any more.
   * @throws SluiceError CSV_MALFORMED, CSV_FIELD_COUNT, RECORD_TOO_LARGE; none when tolerant
   */
  next(final: boolean): boolean {
    const { parser, bytes } = this;
    const { tolerant } = this.#options;
    const to = this.#to;
    while (this.#from < to) {
      const from = this.#from;
      if (!final && to - from < this.#wanted) return false;
      let next = parser.parse(bytes, from, to, final);
      if (next === MALFORMED && tolerant === true) {
        // A quote that is still open at the end: all of the rest is this record.
        next = to;
        parser.count = 1;
      }
      if (next < 0) {
        if (next === MALFORMED) throw this.#malformed();
        this.#waitForMore();
        return false;
      }
      this.#wanted = 0;
      this.#from = next;
      this.line = this.#nextLine;
      this.#nextLine += parser.lines;
      if (parser.count === 0) {
        if (this.#options.columns !== 1) continue;
        parser.count = 1;
      }
      this.recordStart = from;
      this.recordEnd = next;
      this.row++;
      if (tolerant === true) {
        this.problem = this.#problemOf(next - from);
        return true;
      }
      if (parser.count !== this.#options.columns && this.#options.columns > 0) throw this.#fieldCount();
      if (next - from > this.#options.maxRecordBytes) throw this.#tooLarge();
      return true;
    }
    return false;
  }

  /** The bytes that are not parsed yet: bytes[from, to), beginning at a record. Empty while more of an incomplete record must come first. */
  get pending(): { readonly from: number; readonly to: number } {
    const waits = this.#to - this.#from < this.#wanted;
    return { from: this.#from, to: waits ? this.#from : this.#to };
  }

  /** Passes records that somebody else has looked at: up to `position` in `bytes`, the end of a record. */
  skip(position: number, records: number, lines: number): void {
    this.#from = position;
    this.#nextLine += lines;
    this.row += records;
    this.#wanted = 0;
  }

  /** The bytes of all records since the last `push`: for checks that are cheaper on many records at once. */
  get batch(): { readonly from: number; readonly to: number } {
    return { from: this.#batchStart, to: this.#from };
  }

  /** Where the current record is. */
  place(): ErrorPlace {
    const { file, bytesKnown } = this.#options;
    return { file, row: this.row, line: this.line, ...(bytesKnown ? { byte: this.byte } : {}) };
  }

  /** Where byte `offset` of the batch is: the row that holds it, its line, and the byte itself. */
  placeInBatch(offset: number): ErrorPlace {
    const { file, bytesKnown } = this.#options;
    const { from, to } = this.batch;
    let row = this.#batchRow - 1;
    let line = this.#batchLine;
    for (let at = from; at <= offset && at < to;) {
      const next = this.parser.parse(this.bytes, at, to, true);
      if (next < 0) break;
      if (this.parser.count > 0 || this.#options.columns === 1) row++;
      line += next <= offset ? this.parser.lines : countLineEnds(this.bytes, at, offset);
      at = next;
    }
    return { file, row, line, ...(bytesKnown ? { byte: this.#base + offset } : {}) };
  }

  #waitForMore(): void {
    const pending = this.#to - this.#from;
    const limit = this.#options.maxRecordBytes;
    if (pending > limit && this.#options.tolerant !== true) {
      this.#atIncomplete();
      throw this.#tooLarge();
    }
    this.#wanted = Math.min(pending * 2, Math.max(limit, pending) + 1);
  }

  #problemOf(length: number): RecordProblem | undefined {
    const { file, columns, maxRecordBytes } = this.#options;
    const { count, problem } = this.parser;
    if (length > maxRecordBytes) return this.#told('RECORD_TOO_LARGE', { source: file, limit: maxRecordBytes }, '');
    if (problem !== '') return this.#told('CSV_MALFORMED', { source: file, reason: problem }, problem);
    return count === columns || columns === 0 ? undefined : this.#told('CSV_FIELD_COUNT', { source: file, found: count, expected: columns }, String(count));
  }

  #lastProblem: (RecordProblem & { readonly detail: string }) | undefined;

  /** Bad records come in numbers, and mostly all with the same trouble: its text is made once. */
  #told(code: ErrorCode, facts: ErrorFacts, detail: string): RecordProblem {
    const last = this.#lastProblem;
    if (last?.code === code && last.detail === detail) return last;
    this.#lastProblem = { ...problemOf(code, facts), detail };
    return this.#lastProblem;
  }

  /** Makes the record that could not be parsed the current one. */
  #atIncomplete(): void {
    this.recordStart = this.#from;
    this.line = this.#nextLine;
    this.row++;
  }

  #malformed(): SluiceError {
    this.#atIncomplete();
    const { file, bytesKnown } = this.#options;
    const line = this.line + countLineEnds(this.bytes, this.recordStart, this.parser.problemAt);
    const byte = this.#base + this.parser.problemAt;
    return new SluiceError('CSV_MALFORMED', { source: file, reason: this.parser.problem }, { ...this.place(), line, ...(bytesKnown ? { byte } : {}) });
  }

  #tooLarge(): SluiceError {
    return new SluiceError('RECORD_TOO_LARGE', { source: this.#options.file, limit: this.#options.maxRecordBytes }, this.place());
  }

  #fieldCount(): SluiceError {
    const { file, columns } = this.#options;
    return new SluiceError('CSV_FIELD_COUNT', { source: file, found: this.parser.count, expected: columns }, this.place());
  }
}

/** Line ends of any kind in bytes[from, to); CR LF counts once. */
export function countLineEnds(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (bytes[i] === 0x0d || (bytes[i] === 0x0a && (i === from || bytes[i - 1] !== 0x0d))) count++;
  return count;
}

