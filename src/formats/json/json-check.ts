import type { LexerWindow } from './byte-window.ts';
import { JsonLexer } from './lexer.ts';
import { ValueScanner } from './value-scanner.ts';

/** Says whether bytes in memory are one complete JSON value. */
export class JsonCheck {
  readonly #window: MutableWindow = { bytes: new Uint8Array(0), pos: 0, end: 0, eof: true, options: { sourceName: '' }, offset: (at) => at };
  readonly #lexer = new JsonLexer(this.#window);
  readonly #scanner = new ValueScanner(this.#lexer);

  /** Of bytes[start, end). bytes[end] is overwritten and must exist. */
  isJson(bytes: Uint8Array, start: number, end: number): boolean {
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
