/**
 * The records of one array, or of a source with one record after the other (`lines`), over a window: finds where each begins, hands it to a consumer, and
 * commits after each whole record. What a consumer did with a record that the window cut off, it is told to undo.
 *
 * Tolerant, it leaves out what is no record wherever it can tell for certain where the next one begins: of lines (NDJSON) always, at the next line end; of an
 * array only when the element is JSON. Lines that are left out are passed over without being held, however long they are.
 */
import type { ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { problemOf, type RecordProblem } from '../left-out.ts';
import { NEED_MORE, type ByteWindow } from './byte-window.ts';
import { CLOSE_ARRAY, COMMA, LF, OPEN_OBJECT, type JsonLexer } from './lexer.ts';
import type { RecordSpan } from './record-places.ts';
import { describeValue } from './value-kind.ts';
import { ValueScanner } from './value-scanner.ts';

export interface RecordConsumer {
  /** Takes the object at `i` (its `{`); returns the position after it. */
  record(i: number): number;
  /** The record that was begun is not complete and will come again, or is none. */
  undo(): void;
  /** The record that was taken last is one: at [begin, end) of the window. */
  accept?(begin: number, end: number, line: number): void;
  /** A record is none and was left out. */
  leaveOut?(problem: RecordProblem, span: RecordSpan): void;
  /** True when no further record is wanted now. */
  readonly full: boolean;
}

/** Why `run` came back: more bytes are needed, the consumer is full, the sequence is over, or what follows is not an object. */
export type SequenceState = 'more' | 'full' | 'end' | 'not-a-record';

/** What is wrong with one record and says nothing of those after it. JSON_MALFORMED only where lines are records. */
const TROUBLES_OF_ONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['JSON_MALFORMED', 'JSON_NOT_RECORDS', 'ENCODING_INVALID', 'NUL_BYTE', 'RECORD_TOO_LARGE', 'SCHEMA_SURPRISE']);

/** Says something of records, not of the way to them. */
export function isTroubleOfRecords(error: unknown): error is SluiceError {
  return error instanceof SluiceError && TROUBLES_OF_ONE.has(error.code);
}

/** A line that is left out, until its end is found. */
interface BadLine {
  readonly problem: RecordProblem;
  /** Offset in the source. */
  readonly byte: number;
  readonly line: number;
}

export class RecordSequence {
  readonly #lexer: JsonLexer<ByteWindow>;
  readonly #window: ByteWindow;
  readonly #lines: boolean;
  readonly #tolerant: boolean;
  readonly #scanner: ValueScanner;
  #bad: BadLine | undefined;
  #started: boolean;
  /** Records handed out so far. */
  count = 0;

  /**
   * @param kind `array`: the window stands after the `[`; `lines`: at the first record
   * @param begun records came before: the window stands behind one
   */
  constructor(lexer: JsonLexer<ByteWindow>, kind: 'array' | 'lines', tolerant = false, begun = false) {
    this.#started = begun;
    this.#lexer = lexer;
    this.#window = lexer.window;
    this.#lines = kind === 'lines';
    this.#tolerant = tolerant;
    this.#scanner = new ValueScanner(lexer);
  }

  /** Records came already. */
  get begun(): boolean {
    return this.#started;
  }

  /** Hands out as many whole records as the window has and the consumer takes. */
  run(consumer: RecordConsumer): SequenceState {
    const lexer = this.#lexer;
    const window = this.#window;
    for (;;) {
      if (this.#bad !== undefined && !this.#passLine(this.#bad, consumer)) return 'more';
      if (consumer.full) return 'full';
      const { line } = lexer;
      const count = this.count;
      let begin = -1;
      try {
        const found = this.#lines ? this.#nextLine() : this.#nextElement();
        if (found < 0) return 'end';
        const isObject = window.bytes[found] === OPEN_OBJECT;
        if (!isObject && !this.#tolerant) return this.#notARecord(found);
        lexer.recordLine = lexer.line;
        lexer.row = ++this.count;
        begin = found;
        const end = isObject ? consumer.record(begin) : this.#scanner.scan(begin);
        if (lexer.strictLines && lexer.line > lexer.recordLine) this.#refuseLineEnd(end);
        if (end - begin > window.options.maxRecordBytes) this.#refuseSize(begin);
        if (this.#tolerant && lexer.strictLines) this.#needLineEnd(end);
        if (isObject) consumer.accept?.(begin, end, lexer.recordLine);
        else consumer.leaveOut?.(this.#noObject(begin), this.#span(begin, end));
        window.pos = end;
        this.#started = true;
      } catch (thrown) {
        const error = thrown === NEED_MORE || begin < 0 || !this.#tolerant ? thrown : this.#leaveOut(thrown, begin, consumer);
        if (error === undefined) continue;
        if (error !== NEED_MORE) throw error as Error;
        lexer.line = line;
        this.count = count;
        lexer.row = count;
        // Cut off between two records, there is nothing to undo: the last one is complete.
        if (begin >= 0) consumer.undo();
        return 'more';
      }
    }
  }

  /** Leaves out the record at `begin`, with which something is wrong. Returns what is to be thrown instead, when that cannot be done. */
  #leaveOut(thrown: unknown, begin: number, consumer: RecordConsumer): unknown {
    const trouble = isUnknownKey(thrown) ? this.#worseThan(thrown, begin) : thrown;
    if (!isTroubleOfRecords(trouble)) return trouble;
    const lexer = this.#lexer;
    const { code, message, at: { column } } = trouble;
    const problem: RecordProblem = { code, message, ...(column === undefined ? {} : { column }) };
    lexer.line = lexer.recordLine;
    if (lexer.strictLines) {
      consumer.undo();
      this.#bad = { problem, byte: this.#window.offset(begin), line: lexer.recordLine };
      this.#window.pos = begin;
      return undefined;
    }
    // Nobody can tell where the next element of a broken document begins.
    if (trouble.code === 'JSON_MALFORMED') return trouble;
    try {
      lexer.lenient = true;
      const end = this.#scanner.scan(begin);
      consumer.undo();
      consumer.leaveOut?.(problem, this.#span(begin, end));
      this.#window.pos = end;
      this.#started = true;
      return undefined;
    } catch (error) {
      return error;
    } finally {
      lexer.lenient = false;
    }
  }

  /** A key that no column has is the table's trouble, if it is the key of a record: what is wrong with the rest of it, else `unknown`. */
  #worseThan(unknown: SluiceError, begin: number): unknown {
    const lexer = this.#lexer;
    const { line } = lexer;
    try {
      lexer.line = lexer.recordLine;
      const end = this.#scanner.scan(begin);
      if (lexer.strictLines && lexer.line > lexer.recordLine) this.#refuseLineEnd(end);
      if (lexer.strictLines) this.#needLineEnd(end);
      return unknown;
    } catch (error) {
      return error;
    } finally {
      lexer.line = line;
    }
  }

  /** Passes over the rest of a line that is left out; false when its end is not in the window. */
  #passLine({ problem, byte, line }: BadLine, consumer: RecordConsumer): boolean {
    const window = this.#window;
    const { bytes, pos, end } = window;
    let stop = bytes.indexOf(LF, pos);
    if (stop < 0 || stop >= end) {
      if (!window.eof) {
        // The last byte may be half of a line end.
        window.pos = Math.max(pos, end - 1);
        return false;
      }
      stop = end;
    }
    window.pos = stop;
    while (stop > pos && bytes[stop - 1] <= 0x20) stop--;
    // Whether its size or its content is noticed first depends on what the window has of it.
    const { sourceName, maxRecordBytes } = window.options;
    const isTooLarge = window.offset(stop) - byte > maxRecordBytes;
    consumer.leaveOut?.(isTooLarge ? problemOf('RECORD_TOO_LARGE', { source: sourceName, limit: maxRecordBytes }) : problem, { byte, line, end: window.offset(stop) });
    this.#bad = undefined;
    this.#started = true;
    return true;
  }

  /** In lines, nothing else may follow a record: else the whole line is none. */
  #needLineEnd(end: number): void {
    const { bytes, eof } = this.#window;
    let i = end;
    while (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0d) i++;
    if (bytes[i] !== LF && !(i >= this.#window.end && eof)) this.#lexer.fail(i, 'the end of the line after the record');
  }

  #noObject(begin: number): RecordProblem {
    return problemOf('JSON_NOT_RECORDS', { source: this.#window.options.sourceName, reason: `a record is ${describeValue(this.#window.bytes[begin])}, not an object` });
  }

  #span(begin: number, end: number): RecordSpan {
    return { byte: this.#window.offset(begin), line: this.#lexer.recordLine, end: this.#window.offset(end) };
  }

  /** As `run`, with more bytes fetched as they are needed. */
  async runAll(consumer: RecordConsumer): Promise<Exclude<SequenceState, 'more'>> {
    for (;;) {
      const state = this.run(consumer);
      if (state !== 'more') return state;
      await this.more();
    }
  }

  async more(): Promise<void> {
    try {
      await this.#window.more();
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'RECORD_TOO_LARGE') throw error;
      let begin = this.#lexer.blanks(this.#window.pos);
      if (this.#window.bytes[begin] === COMMA) begin = this.#lexer.blanks(begin + 1);
      this.count++;
      if (this.#tolerant && this.#lexer.strictLines) {
        this.#bad = { problem: { code: error.code, message: error.message }, byte: this.#window.offset(begin), line: this.#lexer.line };
        this.#window.pos = begin;
        return;
      }
      this.#refuseSize(begin);
    }
  }

  /** Forgets that records were handed out, for a second look at the same bytes; the caller sets the window and the line back. */
  restart(): void {
    this.#started = false;
    this.#bad = undefined;
    this.count = 0;
    this.#lexer.row = 0;
  }

  /** @returns the position of the next element; -1 at the end of the array, which is then consumed */
  #nextElement(): number {
    const lexer = this.#lexer;
    const { bytes, pos } = this.#window;
    let i = lexer.blanks(pos);
    if (bytes[i] === CLOSE_ARRAY) {
      this.#window.pos = i + 1;
      lexer.row = 0;
      return -1;
    }
    if (this.#started) {
      if (bytes[i] !== COMMA) lexer.fail(i, 'a comma or ]');
      i = lexer.blanks(i + 1);
      if (bytes[i] === CLOSE_ARRAY) lexer.fail(i, 'a value after the comma');
    }
    this.#needByte(i);
    return i;
  }

  /** @returns the position of the next value; -1 at the end of the source */
  #nextLine(): number {
    const lexer = this.#lexer;
    const { pos } = this.#window;
    const { line } = lexer;
    const i = lexer.blanks(pos);
    if (i >= this.#window.end && this.#window.eof) {
      this.#window.pos = i;
      lexer.row = 0;
      return -1;
    }
    this.#needByte(i);
    if (this.#started && lexer.line === line) lexer.fail(i, 'the end of the line after the record');
    return i;
  }

  #needByte(i: number): void {
    if (i >= this.#window.end && !this.#window.eof) throw NEED_MORE;
  }

  #notARecord(begin: number): SequenceState {
    this.#window.pos = begin;
    this.#lexer.row = this.count + 1;
    this.#lexer.recordLine = this.#lexer.line;
    return 'not-a-record';
  }

  #refuseLineEnd(end: number): never {
    this.#lexer.line = this.#lexer.recordLine;
    return this.#lexer.malformed(end, 'the line ends before its record does');
  }

  #refuseSize(begin: number): never {
    const { sourceName, maxRecordBytes } = this.#window.options;
    const place = { ...this.#lexer.place(begin), row: this.count };
    throw new SluiceError('RECORD_TOO_LARGE', { source: sourceName, limit: maxRecordBytes }, place);
  }
}

function isUnknownKey(error: unknown): error is SluiceError {
  return error instanceof SluiceError && error.code === 'JSON_UNKNOWN_KEY';
}
