import type { LexerWindow } from './byte-window.ts';
import { JsonLexer } from './lexer.ts';
import { ValueScanner } from './value-scanner.ts';

const EMPTY = new Uint8Array(0);

/** Says whether bytes in memory are one complete JSON value. */
export class JsonCheck {
  readonly #window: MutableWindow = { bytes: EMPTY, view: new DataView(EMPTY.buffer), pos: 0, end: 0, eof: true, options: { sourceName: '' }, offset: (at) => at };
  readonly #lexer = new JsonLexer(this.#window);
  readonly #scanner = new ValueScanner(this.#lexer);

  /** Of bytes[start, end). bytes[end] is overwritten; it and SLACK - 1 more bytes must exist. */
  isJson(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#window.bytes !== bytes) this.#window.view = new DataView(bytes.buffer);
    this.#window.bytes = bytes;
    this.#window.end = end;
    bytes[end] = 0; // what stops the lexer (byte-window.ts)
    try {
      return this.#lexer.blanks(this.#scanner.scan(start)) === end;
    } catch {
      return false;
    }
  }
}

type MutableWindow = { -readonly [K in keyof LexerWindow]: LexerWindow[K] };
