import { skipBlank } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import type { RowSink } from './copy-block.ts';
import type { LexicalRules } from './dialect.ts';
import { InsertParser } from './insert-parser.ts';
import { NEED_MORE } from './string-literal.ts';

const OPEN = 0x28, COMMA = 0x2c;
/** INSERT heads that are remembered. */
const MAX_HEADS = 64;

/** `done`: behind the delimiter; `clause`: behind the last row, and what comes is no delimiter. */
export type RowsState = 'more' | 'full' | 'done' | 'clause';

interface KnownHead {
  readonly bytes: Uint8Array;
  readonly sink: RowSink;
  readonly table: string;
}

/**
 * The rows of INSERT statements, from the parenthesis of the first row to the statement's end. A statement up to VALUES that was met before means the same again: it is
 * recognized by its bytes, so that dumps with a statement per row are read as quickly as those with many rows.
 */
export class InsertRows {
  readonly parser: InsertParser;
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  #sink: RowSink | undefined;
  #table = '';
  #isBehindRow = false;
  /** The latest first. */
  #heads: KnownHead[] = [];

  constructor(window: ByteWindow, rules: LexicalRules, tolerant: boolean) {
    this.#window = window;
    this.#rules = rules;
    this.parser = new InsertParser(window, rules, tolerant);
  }

  /** The table of the current statement. */
  get table(): string {
    return this.#table;
  }

  /** A statement begins whose first row is at the window's start. @param head the statement up to VALUES */
  begin(head: Uint8Array, sink: RowSink, table: string): void {
    const known = { bytes: head, sink, table };
    this.#heads = [known, ...this.#heads.slice(0, MAX_HEADS - 1)];
    this.#take(known);
  }

  /** Takes the head of a statement that was met before, up to its first row. */
  beginKnown(): boolean {
    const window = this.#window;
    const { bytes, start, end } = window;
    const known = this.#heads.find((head) => startsWith(bytes, start, end, head.bytes));
    if (known === undefined) return false;
    const pos = skipBlank(bytes, start + known.bytes.length, end, this.#rules, false);
    if (pos === NEED_MORE || pos >= end || bytes[pos] !== OPEN) return false;
    window.consume(pos);
    if (known.sink !== this.#sink) known.sink.resume();
    this.#take(known);
    return true;
  }

  /** What a head means may have changed. */
  forgetHeads(): void {
    this.#heads = [];
  }

  /** Rows that are no INSERT's come now. */
  leave(): void {
    this.#sink = undefined;
  }

  /** Reads rows until the window is used up, the sink is full, or the statements of known heads end. @throws SluiceError SQL_MALFORMED */
  run(): RowsState {
    const window = this.#window;
    for (;;) {
      if (!this.#isBehindRow) {
        // The statement after may be for another table.
        const sink = this.#sink!;
        const next = this.parser.row(window.start, sink.plan, sink.out);
        if (next === NEED_MORE) return 'more';
        window.checkRecord(next);
        const full = this.parser.unfit ? sink.leaveOut(window.span(next), this.parser.unfitReason(sink.plan)) : sink.record(window.span(next), this.parser.kinds, this.parser.count);
        window.consume(next);
        this.#isBehindRow = true;
        if (full) return 'full';
      }
      const behind = this.#behindRow();
      if (behind !== 'row') return behind;
    }
  }

  #take({ sink, table }: KnownHead): void {
    this.#sink = sink;
    this.#table = table;
    this.#isBehindRow = false;
  }

  /** Behind a row: a comma and another row, or the end of the statement. */
  #behindRow(): 'row' | 'more' | 'done' | 'clause' {
    const window = this.#window;
    let pos = skipBlank(window.bytes, window.start, window.end, this.#rules, window.ended);
    if (pos === NEED_MORE) return 'more';
    if (pos < window.end && window.bytes[pos] === COMMA) {
      pos = skipBlank(window.bytes, pos + 1, window.end, this.#rules, window.ended);
      if (pos === NEED_MORE || pos >= window.end) return 'more';
      if (window.bytes[pos] !== OPEN) throw window.malformed('after a comma comes a row in parentheses', pos);
      window.consume(pos);
      this.#isBehindRow = false;
      return 'row';
    }
    if (pos + this.#rules.delimiter.length > window.end && !window.ended) return 'more';
    if (this.#isDelimiter(pos)) {
      window.consume(pos + this.#rules.delimiter.length);
      return this.#sameAgain() ? 'row' : 'done';
    }
    if (pos >= window.end && !this.#rules.batches) throw window.malformed('the dump ends within an INSERT: it is cut off, or a semicolon is missing', pos);
    return 'clause';
  }

  /** Dumps with a statement per row: the next one is taken without leaving the loop over rows. */
  #sameAgain(): boolean {
    const window = this.#window;
    const pos = skipBlank(window.bytes, window.start, window.end, this.#rules, false);
    if (pos === NEED_MORE) return false;
    window.consume(pos);
    return this.beginKnown();
  }

  #isDelimiter(pos: number): boolean {
    const { bytes } = this.#window;
    const { delimiter } = this.#rules;
    for (let i = 0; i < delimiter.length; i++) if (bytes[pos + i] !== delimiter[i]) return false;
    return true;
  }
}

function startsWith(bytes: Uint8Array, start: number, end: number, head: Uint8Array): boolean {
  if (end - start <= head.length) return false;
  for (let i = 0; i < head.length; i++) if (bytes[start + i] !== head[i]) return false;
  return true;
}
