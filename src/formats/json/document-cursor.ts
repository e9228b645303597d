/**
 * Walks a document above the level of records: one token or one skipped value at a time, fetching bytes as they are needed. Values of any size are skipped
 * (and checked) in constant memory.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { NEED_MORE, type ByteWindow } from './byte-window.ts';
import type { JsonLexer } from './lexer.ts';
import { ValueScanner } from './value-scanner.ts';

export class DocumentCursor {
  readonly lexer: JsonLexer<ByteWindow>;
  readonly #scanner: ValueScanner;

  constructor(lexer: JsonLexer<ByteWindow>) {
    this.lexer = lexer;
    this.#scanner = new ValueScanner(lexer);
  }

  /** Consumes what `parse` parses from the window's position, fetching more bytes as long as they are needed. */
  async take(parse: (i: number) => number): Promise<void> {
    const { lexer } = this;
    for (;;) {
      const { line } = lexer;
      try {
        lexer.window.pos = parse(lexer.window.pos);
        return;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        lexer.line = line;
      }
      await lexer.window.more();
    }
  }

  /** Skips blanks; the next byte, or undefined at the end of the source. */
  async peek(): Promise<number | undefined> {
    const { window } = this.lexer;
    for (;;) {
      window.pos = this.lexer.blanks(window.pos);
      if (window.pos < window.end) return window.bytes[window.pos];
      if (window.eof) return undefined;
      await window.more();
    }
  }

  /** The first byte inside the array or object at the window's position, which is not consumed. */
  async peekInside(): Promise<number | undefined> {
    const { lexer } = this;
    const { window } = lexer;
    for (;;) {
      const { line } = lexer;
      const i = lexer.blanks(window.pos + 1);
      lexer.line = line;
      if (i < window.end) return window.bytes[i];
      if (window.eof) return undefined;
      await window.more();
    }
  }

  /** Consumes the byte at the window's position. */
  step(): void {
    this.lexer.window.pos++;
  }

  /** Consumes one value of any size. */
  async skipValue(): Promise<void> {
    await this.#scan((i) => this.#scanner.scan(i));
  }

  /** Consumes the rest of an array, up to and with its `]`, from an element or (`afterElement`) from behind one. */
  async skipRestOfArray(afterElement: boolean): Promise<void> {
    await this.#scan((i) => this.#scanner.scanRestOfArray(i, afterElement));
  }

  async #scan(start: (i: number) => number): Promise<void> {
    const { window } = this.lexer;
    for (let scan = start; ; scan = (i) => this.#scanner.resume(i)) {
      try {
        window.pos = scan(window.pos);
        return;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        window.pos = this.#scanner.at;
      }
      await window.more();
    }
  }

  /** Consumes a key, its colon and the blanks around; the decoded key. */
  async key(): Promise<string> {
    let name = '';
    await this.take((i) => {
      const { lexer } = this;
      const end = lexer.key(i);
      const { bytes } = lexer.window;
      name = JSON.parse(Buffer.from(bytes.subarray(i, lexer.string(i))).toString()) as string;
      return end;
    });
    return name;
  }

  /** @throws SluiceError JSON_MALFORMED when something follows */
  async endOfDocument(): Promise<void> {
    if ((await this.peek()) === undefined) return;
    const { lexer } = this;
    lexer.malformed(lexer.window.pos, 'something follows the end of the document (one record a line is --format ndjson)');
  }

  /** The error that the window's position is not a record; to be thrown when the rest was checked, because bad JSON goes before. */
  notRecords(reason: string): SluiceError {
    const { lexer } = this;
    return new SluiceError('JSON_NOT_RECORDS', { source: lexer.window.options.sourceName, reason }, lexer.place(lexer.window.pos));
  }
}
