/**
 * The records of one array, or of a source with one record after the other (`lines`), over a window: finds where each begins, hands it to a consumer, and
 * commits after each whole record. What a consumer did with a record that the window cut off, it is told to undo.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { NEED_MORE, type ByteWindow } from './byte-window.ts';
import { CLOSE_ARRAY, COMMA, OPEN_OBJECT, type JsonLexer } from './lexer.ts';

export interface RecordConsumer {
  /** Takes the object at `i` (its `{`); returns the position after it. */
  record(i: number): number;
  /** The record that was begun is not complete and will come again. */
  undo(): void;
  /** True when no further record is wanted now. */
  readonly full: boolean;
}

/** Why `run` came back: more bytes are needed, the consumer is full, the sequence is over, or what follows is not an object. */
export type SequenceState = 'more' | 'full' | 'end' | 'not-a-record';

export class RecordSequence {
  readonly #lexer: JsonLexer<ByteWindow>;
  readonly #window: ByteWindow;
  readonly #lines: boolean;
  #started = false;
  /** Records handed out so far. */
  count = 0;

  /** @param kind `array`: the window stands after the `[`; `lines`: at the first record */
  constructor(lexer: JsonLexer<ByteWindow>, kind: 'array' | 'lines') {
    this.#lexer = lexer;
    this.#window = lexer.window;
    this.#lines = kind === 'lines';
  }

  /** Hands out as many whole records as the window has and the consumer takes. */
  run(consumer: RecordConsumer): SequenceState {
    const lexer = this.#lexer;
    const window = this.#window;
    for (;;) {
      if (consumer.full) return 'full';
      const { line } = lexer;
      const count = this.count;
      let begun = false;
      try {
        const begin = this.#lines ? this.#nextLine() : this.#nextElement();
        if (begin < 0) return 'end';
        if (window.bytes[begin] !== OPEN_OBJECT) return this.#notARecord(begin);
        lexer.recordLine = lexer.line;
        lexer.row = ++this.count;
        begun = true;
        const end = consumer.record(begin);
        if (lexer.strictLines && lexer.line > lexer.recordLine) this.#refuseLineEnd(end);
        if (end - begin > window.options.maxRecordBytes) this.#refuseSize(begin);
        window.pos = end;
        this.#started = true;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        lexer.line = line;
        this.count = count;
        lexer.row = count;
        // Cut off between two records, there is nothing to undo: the last one is complete.
        if (begun) consumer.undo();
        return 'more';
      }
    }
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
      this.#refuseSize(begin);
    }
  }

  /** Forgets that records were handed out, for a second look at the same bytes; the caller sets the window and the line back. */
  restart(): void {
    this.#started = false;
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
