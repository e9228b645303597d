/**
 * Finds the ends of records and nothing else: the only JavaScript that looks at the bytes of a byte lane. It counts records and line ends and
 * notes everything that would make a database read the bytes in another way than this dialect means (`oddities`): such a part is taken apart and
 * written anew by the record parser.
 *
 * Two speeds. Blocks without quotes go through native searches (memchr) for the bytes that matter and through line-count.ts, four bytes at a
 * time. All others go byte by byte through a state machine that keeps its state from chunk to chunk, so chunks may be cut anywhere.
 */
import type { DialectBytes } from './dialect.ts';
import { countCrLf, countLf, IRREGULAR } from './line-count.ts';

const LF = 0x0a, CR = 0x0d, BACKSLASH = 0x5c, POINT = 0x2e;
const END_MARKER = Buffer.from('\\.');

/** Bytes per look of the fast path; an irregular block costs its own slow pass only. */
const BLOCK_BYTES = 32 * 1024;
/** Below this the fast path's set-up costs more than it saves. */
const SMALLEST_BLOCK = 256;

/** Bits of `oddities`. */
export const ODD = {
  /** A quote inside an unquoted field: PostgreSQL takes it for the begin of a quoted piece. */
  quoteInside: 1,
  /** Something after a closing quote. */
  afterQuote: 2,
  /** An empty line; only where there are several columns. */
  emptyLine: 4,
  /** A record that begins with `\.`: alone in its line it ends the data of a COPY before PostgreSQL 18. */
  endMarker: 8,
  /** A byte that the dialect, as a database gets it, cannot have: NUL, or the stand-ins for "no delimiter" and "no quote". */
  forbiddenByte: 16,
  /** A quote is written in a way that the escape does not announce (`""` where the escape is a backslash). */
  doubledQuote: 32,
} as const;

/** Bits of `lineEnds`. */
export const LINE_END = { lf: 1, crlf: 2, cr: 4 } as const;

const START = 0, FIELD = 1, QUOTED = 2, ESCAPED = 3, CLOSED = 4, AFTER_CR = 5, BACKSLASH_FIRST = 6;

/** Classes of bytes: what each state stops at. */
const STOPS_FIELD = 1, STOPS_QUOTED = 2;

export interface ScanOptions {
  /** One column: an empty line is a record, not an oddity. */
  readonly oneColumn: boolean;
  /** Bytes that make a part odd, besides NUL. */
  readonly forbidden: readonly number[];
  /** A record longer than this is noted in `oversized`; records shorter than a chunk are only compared when this is too. */
  readonly maxRecordBytes: number;
}

export class RecordScanner {
  /** Since `begin`: records, and line ends of any kind, also those inside quotes. */
  records = 0;
  lines = 0;
  oddities = 0;
  lineEnds = 0;
  /** Absolute positions of the last record's end and, while `insideQuotes`, of the opening quote (and the number of line ends before it). */
  recordStart = 0;
  quoteStart = 0;
  quoteLine = 0;
  /** The first record that ended and was too long: its position, and the records and line ends before it. */
  oversized: { readonly at: number; readonly records: number; readonly lines: number } | undefined;

  readonly #quote: number;
  readonly #escape: number;
  readonly #delimiter: Uint8Array;
  readonly #firstOfDelimiter: number;
  readonly #oneColumn: boolean;
  readonly #maxRecordBytes: number;
  readonly #forbidden: readonly number[];
  readonly #classes = new Uint8Array(256);
  #state = START;
  /** The line before AFTER_CR has no byte. */
  #empty = false;
  /** Line ends before the current record. */
  #linesAtStart = 0;
  /** The last bytes before the chunk, as far as a long delimiter needs them. */
  #before: Uint8Array = Buffer.alloc(0);
  #previous = LF;
  #run = 0;
  /** Where in the chunk the bytes begin that `#before` and `#run` do not know. */
  #from = 0;
  readonly #repeats: boolean;

  constructor(dialect: DialectBytes, options: ScanOptions) {
    this.#quote = dialect.quote;
    this.#escape = dialect.escape;
    this.#delimiter = dialect.delimiter;
    this.#firstOfDelimiter = dialect.delimiter[0] ?? -1;
    this.#repeats = dialect.delimiter.every((byte) => byte === this.#firstOfDelimiter);
    this.#oneColumn = options.oneColumn;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#forbidden = [0, ...options.forbidden];
    for (const byte of [LF, CR]) this.#classes[byte] |= STOPS_FIELD | STOPS_QUOTED;
    if (this.#quote >= 0) {
      this.#classes[this.#quote] |= STOPS_FIELD | STOPS_QUOTED;
      this.#classes[this.#escape] |= STOPS_QUOTED;
    }
  }

  /** Starts a new part at absolute position `at`, which is the start of a record. */
  begin(at: number): void {
    this.records = 0;
    this.lines = 0;
    this.#linesAtStart = 0;
    this.oddities = 0;
    this.lineEnds = 0;
    this.recordStart = at;
    this.#state = START;
    this.#previous = LF;
    this.#run = 0;
    this.#before = Buffer.alloc(0);
  }

  /** Starts a new part at the record that is being scanned. */
  beginAtRecord(): void {
    this.records = 0;
    this.lines -= this.#linesAtStart;
    this.quoteLine -= this.#linesAtStart;
    this.#linesAtStart = 0;
    this.oddities = 0;
    this.lineEnds = 0;
  }

  get linesBeforeRecord(): number {
    return this.#linesAtStart;
  }

  get insideQuotes(): boolean {
    return this.#state === QUOTED || this.#state === ESCAPED;
  }

  get regular(): boolean {
    return this.oddities === 0 && (this.lineEnds & (this.lineEnds - 1)) === 0;
  }

  /** Scans chunk[from, to); `base` is the absolute position of chunk[0]. */
  scan(chunk: Buffer, from: number, to: number, base: number): void {
    this.#from = from;
    for (let start = from; start < to; start += BLOCK_BYTES) {
      const end = Math.min(to, start + BLOCK_BYTES);
      const block = chunk.subarray(start, end);
      this.#searchForbidden(block);
      this.#scanBlock(chunk, block, start, base);
    }
    if (from < to) this.#remember(chunk, from, to);
  }

  /**
   * Scans chunk[from, to) up to the first end of a record; returns the position after it, or -1 when there is none.
   * (A CR at `to` is not yet an end: LF may follow, and belongs to it.)
   */
  scanToRecordEnd(chunk: Buffer, from: number, to: number, base: number): number {
    if (from >= to) return -1;
    this.#from = from;
    const found = this.#bytewise(chunk, from, to, base, true);
    const end = found < 0 ? to : found;
    this.#searchForbidden(chunk.subarray(from, end));
    if (from < end) this.#remember(chunk, from, end);
    return found;
  }

  /** At the end of the source: counts a last record without line end; while `insideQuotes` one that is broken. */
  finish(at: number): void {
    if (this.#state === START) return;
    if (this.#state !== AFTER_CR) this.#empty = false;
    this.#state = this.#endLine(at, this.#state === AFTER_CR ? LINE_END.cr : 0);
  }

  #searchForbidden(block: Buffer): void {
    for (const byte of this.#forbidden) if (block.includes(byte)) this.oddities |= ODD.forbiddenByte;
  }

  #remember(chunk: Buffer, from: number, to: number): void {
    this.#previous = chunk[to - 1];
    const length = this.#delimiter.length;
    if (length < 2) return;
    this.#run = this.#runBefore(chunk, to, from);
    this.#before = Buffer.concat([this.#before, chunk.subarray(Math.max(from, to - length), to)]).subarray(-length);
  }

  #scanBlock(chunk: Buffer, block: Buffer, from: number, base: number): void {
    const to = from + block.length;
    let at = from;
    if (block.length >= SMALLEST_BLOCK && this.#maxRecordBytes >= BLOCK_BYTES && this.#state <= FIELD && (this.#quote < 0 || !block.includes(this.#quote))) {
      at += (4 - (block.byteOffset & 3)) & 3;
      this.#bytewise(chunk, from, at, base, false);
      const words = block.subarray(at - from, at - from + ((to - at) & ~3));
      if (this.#state <= FIELD && this.#wordwise(words, base + at)) at += words.length;
    }
    this.#bytewise(chunk, at, to, base, false);
  }

  /** Tries a block of whole words; false, and nothing counted, when something in it must be looked at byte by byte. */
  #wordwise(block: Buffer, base: number): boolean {
    const last = block[block.length - 1];
    if (last === BACKSLASH || (block.includes(BACKSLASH) && block.includes(END_MARKER))) return false;
    const words = new Int32Array(block.buffer, block.byteOffset, block.length >> 2);
    const crlf = block.includes(CR);
    const count = (crlf ? countCrLf : countLf)(words, this.#state === START, this.#oneColumn);
    if (count === IRREGULAR) return false;
    // A CR at the end is counted when the next byte has said what it is.
    const complete = last === CR ? count - 1 : count;
    if (complete > 0) {
      this.records += complete;
      this.lines += complete;
      this.lineEnds |= crlf ? LINE_END.crlf : LINE_END.lf;
      this.recordStart = base + block.lastIndexOf(LF) + 1;
      this.#linesAtStart = this.lines;
    }
    this.#empty = false;
    this.#state = last === LF ? START : last === CR ? AFTER_CR : FIELD;
    return true;
  }

  /** The state machine; with `stop` returns the position after the first record's end, else (and when there is none) -1. */
  // oxlint-disable-next-line max-lines-per-function, max-params -- one loop with its state in a local variable: split into methods it runs at half the speed
  #bytewise(chunk: Buffer, from: number, to: number, base: number, stop: boolean): number {
    const classes = this.#classes;
    const quote = this.#quote;
    const escape = this.#escape;
    let state = this.#state;
    let i = from;
    while (i < to) {
      if (state === FIELD) {
        while (i < to && (classes[chunk[i]] & STOPS_FIELD) === 0) i++;
        if (i === to) break;
        const byte = chunk[i];
        if (byte === quote) {
          if (this.#opensField(chunk, i)) {
            state = QUOTED;
            this.quoteStart = base + i;
            this.quoteLine = this.lines;
          } else {
            this.oddities |= ODD.quoteInside;
          }
        } else {
          this.#empty = false;
          state = byte === CR ? AFTER_CR : this.#endLine(base + i + 1, LINE_END.lf);
        }
        i++;
        if (stop && state === START) return this.#stopAt(i);
      } else if (state === QUOTED) {
        while (i < to && (classes[chunk[i]] & STOPS_QUOTED) === 0) i++;
        if (i === to) break;
        const byte = chunk[i];
        if (byte === quote) state = CLOSED;
        else if (byte === escape) state = ESCAPED;
        else if (byte === CR || this.#byteBefore(chunk, i) !== CR) this.lines++;
        i++;
      } else if (state === CLOSED) {
        const byte = chunk[i];
        state = FIELD;
        if (byte === quote) {
          if (escape !== quote) this.oddities |= ODD.doubledQuote;
          state = QUOTED;
          i++;
        } else if (byte !== this.#firstOfDelimiter && byte !== LF && byte !== CR) {
          this.oddities |= ODD.afterQuote;
        }
      } else {
        this.#state = state;
        if (this.#rareByte(chunk[i], base + i)) i++;
        state = this.#state;
        if (stop && state === START) return i;
      }
    }
    this.#state = state;
    return -1;
  }

  #stopAt(i: number): number {
    this.#state = START;
    return i;
  }

  /** One byte in a state that few bytes are seen in; returns whether it was consumed (else the new state looks at it again). */
  #rareByte(byte: number, at: number): boolean {
    switch (this.#state) {
      case START:
        return this.#firstByte(byte, at);
      case AFTER_CR:
        this.#state = this.#endLine(byte === LF ? at + 1 : at, byte === LF ? LINE_END.crlf : LINE_END.cr);
        return byte === LF;
      case BACKSLASH_FIRST:
        if (byte === POINT) this.oddities |= ODD.endMarker;
        this.#state = FIELD;
        return false;
      default: // ESCAPED
        this.#state = QUOTED;
        return byte === this.#quote || byte === this.#escape;
    }
  }

  #firstByte(byte: number, at: number): boolean {
    if (byte === this.#quote) {
      this.#state = QUOTED;
      this.quoteStart = at;
      this.quoteLine = this.lines;
      return true;
    }
    this.#empty = byte === LF || byte === CR;
    this.#state = byte === CR ? AFTER_CR : byte === LF ? this.#endLine(at + 1, LINE_END.lf) : byte === BACKSLASH ? BACKSLASH_FIRST : FIELD;
    return this.#state !== FIELD;
  }

  /** `after` is the absolute position after the line end. Returns the next state. */
  #endLine(after: number, kind: number): number {
    if (after - this.recordStart > this.#maxRecordBytes) this.oversized ??= { at: this.recordStart, records: this.records, lines: this.#linesAtStart };
    this.lines++;
    this.#linesAtStart = this.lines;
    this.lineEnds |= kind;
    this.recordStart = after;
    if (this.#empty && !this.#oneColumn) this.oddities |= ODD.emptyLine;
    else this.records++;
    return START;
  }

  /** True when a field begins at `i`: a delimiter is before it. */
  #opensField(chunk: Buffer, i: number): boolean {
    const { length } = this.#delimiter;
    if (length <= 1) return length === 1 && this.#byteBefore(chunk, i) === this.#firstOfDelimiter;
    // `:::` is one `::` and a colon of the next field, so for such delimiters the whole run counts.
    const run = this.#runBefore(chunk, i, this.#from);
    if (this.#repeats) return run > 0 && run % length === 0;
    return Buffer.concat([this.#before, chunk.subarray(Math.max(this.#from, i - length), i)]).subarray(-length).equals(this.#delimiter);
  }

  /** How many times the delimiter's first byte stands without a gap before `i`; `from`: where the chunk's own bytes begin. */
  #runBefore(chunk: Buffer, i: number, from: number): number {
    let start = i;
    while (start > from && chunk[start - 1] === this.#firstOfDelimiter) start--;
    return i - start + (start === from ? this.#run : 0);
  }

  #byteBefore(chunk: Buffer, i: number): number {
    return i > 0 ? chunk[i - 1] : this.#previous;
  }
}
