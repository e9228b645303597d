/**
 * Cuts a stream of bytes into ranges of whole records of about `partBytes` each: scans fast up to the wanted size, then to the next record's end.
 * Shared by sources that can seek (a range is read again later) and those that cannot (its bytes are kept).
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
}

export interface CutterOptions {
  readonly scanner: RecordScanner;
  readonly partBytes: number;
  readonly maxRecordBytes: number;
  readonly file: string;
  readonly start: number;
  readonly line: number;
  readonly bytesKnown: boolean;
}

export class RangeCutter {
  readonly #options: CutterOptions;
  readonly #scanner: RecordScanner;
  #start: number;
  #index = 0;
  #row = 1;
  #line: number;

  constructor(options: CutterOptions) {
    this.#options = options;
    this.#scanner = options.scanner;
    this.#start = options.start;
    this.#line = options.line;
    this.#scanner.begin(options.start);
  }

  /**
   * Scans chunk from `from` on; `base` is the absolute position of chunk[0]. Returns where in the chunk the current range ends (take it with
   * `take` and go on from there), or -1 when the whole chunk belongs to it.
   * @throws SluiceError RECORD_TOO_LARGE
   */
  advance(chunk: Buffer, from: number, base: number): number {
    const scanner = this.#scanner;
    const fast = Math.min(chunk.length, Math.max(from, this.#start + this.#options.partBytes - base));
    scanner.scan(chunk, from, fast, base);
    const end = scanner.scanToRecordEnd(chunk, fast, chunk.length, base);
    const { oversized } = scanner;
    if (oversized !== undefined) throw this.#tooLarge(oversized.at, oversized.records, oversized.lines);
    if (end < 0 && base + chunk.length - scanner.recordStart > this.#options.maxRecordBytes) throw this.#tooLarge(scanner.recordStart, scanner.records, scanner.lines);
    return end;
  }

  /** Ends the current range at absolute position `end`, a record's end, and begins the next. */
  take(end: number): RecordRange {
    const { records, lines, regular, lineEnds } = this.#scanner;
    const range = { index: this.#index, start: this.#start, end, row: this.#row, line: this.#line, records, lines, regular, lineEnds };
    this.#index++;
    this.#row += records;
    this.#line += lines;
    this.#start = end;
    this.#scanner.begin(end);
    return range;
  }

  /** The rest, at the end of the source; undefined when no record is left. @throws SluiceError CSV_MALFORMED for an open quote */
  finish(end: number): RecordRange | undefined {
    const scanner = this.#scanner;
    if (scanner.insideQuotes) {
      const place = this.#place(scanner.quoteStart, scanner.records, scanner.quoteLine);
      throw new SluiceError('CSV_MALFORMED', { source: this.#options.file, reason: 'a quoted field that opens here is never closed' }, place);
    }
    scanner.finish(end);
    return scanner.records === 0 ? undefined : this.take(end);
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
