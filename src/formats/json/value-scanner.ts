/**
 * Checks one JSON value of any size and depth without building anything and without recursion: the open containers are a stack of bytes. Progress is
 * committed token by token (`at`), so after NEED_MORE `resume` goes on where it stopped: values larger than any window stream through.
 */
import { CLOSE_ARRAY, CLOSE_OBJECT, COMMA, LETTER_F, LETTER_N, LETTER_T, MINUS, NINE, OPEN_ARRAY, OPEN_OBJECT, QUOTE, ZERO, type JsonLexer } from './lexer.ts';

/** Deeper values are refused: no real one is so deep, and the targets recurse over what is let through. */
export const MAX_DEPTH = 10_000;

/** What may stand at the current position. */
const VALUE = 0, VALUE_OR_CLOSE = 1, KEY = 2, KEY_OR_CLOSE = 3, COMMA_OR_CLOSE = 4;
/** `]` is `[` + 2 and `}` is `{` + 2. */
const TO_CLOSE = 2;

export class ValueScanner {
  readonly #lexer: JsonLexer;
  /** The opening byte of each open container, from index 1. */
  readonly #stack = new Uint8Array(MAX_DEPTH + 1);
  #depth = 0;
  #state = VALUE;
  #line = 1;
  /** Position in the window up to which everything is checked; where to resume after NEED_MORE. */
  at = 0;

  constructor(lexer: JsonLexer) {
    this.#lexer = lexer;
  }

  /** Checks the value at `i` (blanks before it are skipped); returns the position after it. */
  scan(i: number): number {
    this.#depth = 0;
    this.#state = VALUE;
    this.#line = this.#lexer.line;
    return this.resume(i);
  }

  /** Checks the rest of an array up to its `]`, from an element (`afterElement` false) or from behind one; returns the position after the `]`. */
  scanRestOfArray(i: number, afterElement: boolean): number {
    this.#depth = 1;
    this.#stack[1] = OPEN_ARRAY;
    this.#state = afterElement ? COMMA_OR_CLOSE : VALUE;
    this.#line = this.#lexer.line;
    return this.resume(i);
  }

  /** Goes on after NEED_MORE, from `at` (moved as the window moved). */
  resume(i: number): number {
    const lexer = this.#lexer;
    const bytes = lexer.window.bytes;
    const stack = this.#stack;
    let depth = this.#depth;
    let state = this.#state;
    lexer.line = this.#line;
    for (;;) {
      this.at = i;
      this.#line = lexer.line;
      this.#state = state;
      this.#depth = depth;
      i = lexer.blanks(i);
      const byte = bytes[i];
      if (state === COMMA_OR_CLOSE && byte === COMMA) {
        state = stack[depth] === OPEN_OBJECT ? KEY : VALUE;
        i++;
        continue;
      }
      if (this.#closes(state, byte, depth)) {
        i++;
        depth--;
      } else if (state === KEY || state === KEY_OR_CLOSE) {
        i = lexer.key(i);
        state = VALUE;
        continue;
      } else if (state === COMMA_OR_CLOSE) {
        lexer.fail(i, stack[depth] === OPEN_OBJECT ? 'a comma or }' : 'a comma or ]');
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth === MAX_DEPTH) lexer.malformed(i, `nested deeper than ${MAX_DEPTH}`);
        stack[++depth] = byte;
        state = byte === OPEN_OBJECT ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
        i++;
        continue;
      } else {
        i = scanScalar(lexer, i);
      }
      if (depth === 0) return i;
      state = COMMA_OR_CLOSE;
    }
  }

  #closes(state: number, byte: number, depth: number): boolean {
    if (state === COMMA_OR_CLOSE) return byte === this.#stack[depth] + TO_CLOSE;
    return (state === KEY_OR_CLOSE && byte === CLOSE_OBJECT) || (state === VALUE_OR_CLOSE && byte === CLOSE_ARRAY);
  }
}

/** Checks a string, number or literal (from its first byte); returns the position after it. */
export function scanScalar(lexer: JsonLexer, i: number): number {
  const byte = lexer.window.bytes[i];
  if (byte === QUOTE) return lexer.string(i);
  if ((byte >= ZERO && byte <= NINE) || byte === MINUS) return lexer.number(i);
  if (byte === LETTER_T || byte === LETTER_F || byte === LETTER_N) return lexer.literal(i);
  return lexer.fail(i, 'a value');
}
