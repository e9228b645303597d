/**
 * Cuts a stream of bytes into ranges of whole records of about `partBytes` each: scans fast up to the wanted size, then to the next record's end.
 * Shared by sources that can seek (a range is read again later) and those that cannot (its bytes are kept).
 *
 * Tolerant, it goes on where a record is too large: such a record becomes a range of its own, whose bytes nobody has to hold. One that ended before its
 * size was noticed (it is at most a chunk over the limit) stays among the others.
 */
import { SluiceError, type ErrorPlace } from '../../errors/sluice-error.ts';
import type { RecordScanner } from './record-scanner.ts';

/** Whole records of the source, and what the scan learnt about them. */
export interface RecordRange {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** Numbers of the first row and line. */
  readonly row: number;
  readonly line: number;
  readonly records: number;
  readonly lines: number;
  /** Every reader of this dialect reads these bytes in the same way. */
  readonly regular: boolean;
  /** Bits of LINE_END. */
  readonly lineEnds: number;
  /** The range is one record that is larger than any may be. */
  readonly tooLarge?: true;
  /** Nothing of the source comes after it. */
  readonly last?: true;
}

/** `advance`: the record that is being scanned is too large, and its end not in sight. */
export const OVERLONG = -2;

export interface CutterOptions {
  readonly scanner: RecordScanner;
  readonly partBytes: number;
  readonly maxRecordBytes: number;
  readonly file: string;
  readonly start: number;
  readonly line: number;
  /** Rows and ranges that came before `start`; default 0. */
  readonly before?: { readonly rows: number; readonly ranges: number };
  readonly bytesKnown: boolean;
  readonly tolerant: boolean;
}

export class RangeCutter {
  readonly #options: CutterOptions;
  readonly #scanner: RecordScanner;
  #start: number;
  #index: number;
  #row: number;
  #line: number;
  /** The current range is the rest of a record that is too large. */
  #overlong = false;
  /** Some record of the current range is none. */
  #broken = false;

  constructor(options: CutterOptions) {
    this.#options = options;
    this.#scanner = options.scanner;
    this.#start = options.start;
    this.#line = options.line;
    this.#row = (options.before?.rows ?? 0) + 1;
    this.#index = options.before?.ranges ?? 0;
    this.#scanner.begin(options.start);
  }

  /**
   * Scans chunk from `from` on; `base` is the absolute position of chunk[0]. Returns where in the chunk the current range ends (take it with
   * `take` and go on from there), -1 when the whole chunk belongs to it, or OVERLONG when that is so and `takeBefore` is to be called.
   * @throws SluiceError RECORD_TOO_LARGE, when not tolerant
   */
  advance(chunk: Buffer, from: number, base: number): number {
    const scanner = this.#scanner;
    const fast = this.#overlong ? from : Math.min(chunk.length, Math.max(from, this.#start + this.#options.partBytes - base));
    scanner.scan(chunk, from, fast, base);
    const end = scanner.scanToRecordEnd(chunk, fast, chunk.length, base);
    const { oversized } = scanner;
    if (oversized !== undefined) {
      if (!this.#options.tolerant) throw this.#tooLarge(oversized.at, oversized.records, oversized.lines);
      scanner.oversized = undefined;
      this.#broken = true;
    }
    if (end >= 0 || this.#overlong || base + chunk.length - scanner.recordStart <= this.#options.maxRecordBytes) return end;
    if (!this.#options.tolerant) throw this.#tooLarge(scanner.recordStart, scanner.records, scanner.linesBeforeRecord);
    return OVERLONG;
  }

  /** The current range's bytes are of no use: they are those of a record that is too large. */
  get overlong(): boolean {
    return this.#overlong;
  }

  /** After OVERLONG: the records before the one that is too large, which begins a range of its own; undefined when there are none. */
  takeBefore(): RecordRange | undefined {
    const scanner = this.#scanner;
    const before = this.#range(scanner.recordStart, scanner.linesBeforeRecord);
    if (before.records === 0) this.#index--;
    scanner.beginAtRecord();
    this.#overlong = true;
    return before.records === 0 ? undefined : before;
  }

  /** Ends the current range at absolute position `end`, a record's end, and begins the next. */
  take(end: number): RecordRange {
    const range = this.#range(end, this.#scanner.lines);
    this.#scanner.begin(end);
    return range;
  }

  #range(end: number, lines: number): RecordRange {
    const { records, regular, lineEnds } = this.#scanner;
    const range: RecordRange = {
      index: this.#index, start: this.#start, end, row: this.#row, line: this.#line, records, lines, regular: regular && !this.#broken, lineEnds,
      ...(this.#overlong ? { tooLarge: true } : {}),
    };
    this.#index++;
    this.#row += records;
    this.#line += lines;
    this.#start = end;
    this.#overlong = false;
    this.#broken = false;
    return range;
  }

  /** The rest, at the end of the source; undefined when no record is left. @throws SluiceError CSV_MALFORMED for an open quote, when not tolerant */
  finish(end: number): RecordRange | undefined {
    const scanner = this.#scanner;
    if (scanner.insideQuotes) {
      if (!this.#options.tolerant) throw this.#open();
      this.#broken = true;
    }
    scanner.finish(end);
    return scanner.records === 0 ? undefined : { ...this.take(end), last: true };
  }

  #open(): SluiceError {
    const scanner = this.#scanner;
    const place = this.#place(scanner.quoteStart, scanner.records, scanner.quoteLine);
    return new SluiceError('CSV_MALFORMED', { source: this.#options.file, reason: 'a quoted field that opens here is never closed' }, place);
  }

  #tooLarge(at: number, records: number, lines: number): SluiceError {
    const { file, maxRecordBytes } = this.#options;
    return new SluiceError('RECORD_TOO_LARGE', { source: file, limit: maxRecordBytes }, this.#place(at, records, lines));
  }

  /** Of a record (or a quote in it) at `byte`, with `records` and `lines` of the current range before it. */
  #place(byte: number, records: number, lines: number): ErrorPlace {
    const { file, bytesKnown } = this.#options;
    return { file, row: this.#row + records, line: this.#line + lines, ...(bytesKnown ? { byte } : {}) };
  }
}
