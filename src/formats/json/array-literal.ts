/**
 * JSON arrays as PostgreSQL array literals: `[1,null,"a b",[2]]` becomes `{1,NULL,"a b",{2}}`. Strings are always in quotes, so that no text is taken for NULL or
 * for a delimiter. Objects (and, for json elements, inner arrays) become their JSON text as a quoted element.
 *
 * The array was checked as a whole before, so its tokens are translated one by one without a stack.
 */
import { ByteBuffer } from './byte-buffer.ts';
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, LETTER_N, OPEN_ARRAY, OPEN_OBJECT, QUOTE, type JsonLexer } from './lexer.ts';
import { TextTranscoder } from './text-transcoder.ts';

const NULL_ELEMENT = Buffer.from('NULL');
const OPEN = OPEN_OBJECT, CLOSE = CLOSE_OBJECT;

export class ArrayLiteral {
  /** The literal of the last `build`, without the escapes of the encoding. */
  readonly buffer = new ByteBuffer(1024);
  readonly #lexer: JsonLexer;
  readonly #elements: TextTranscoder;

  constructor(lexer: JsonLexer) {
    this.#lexer = lexer;
    this.#elements = new TextTranscoder(lexer, 'array-element', this.buffer);
  }

  /** Translates the checked array in [start, end) of the window. */
  build(start: number, end: number, jsonElements: boolean): void {
    const { buffer } = this;
    const bytes = this.#lexer.window.bytes;
    buffer.length = 0;
    buffer.reserve((end - start) * 4 + 16); // `null` keeps its length; an inner `"` doubles; two quotes per element
    let i = start;
    while (i < end) {
      const byte = bytes[i];
      if (byte === QUOTE) {
        i = this.#elements.string(i);
      } else if (byte === OPEN_OBJECT || (byte === OPEN_ARRAY && jsonElements && i > start)) {
        const after = endOfNested(bytes, i);
        this.#elements.raw(this.#lexer.window, i, after);
        i = after;
      } else if (byte === LETTER_N) {
        this.#elements.verbatim(NULL_ELEMENT, 0, NULL_ELEMENT.length);
        i += NULL_ELEMENT.length;
      } else {
        this.#token(byte);
        i++;
      }
    }
  }

  /** Brackets, commas, and the bytes of numbers and of true and false; blanks are dropped. */
  #token(byte: number): void {
    if (byte <= 0x20) return;
    const { buffer } = this;
    buffer.bytes[buffer.length++] = byte === OPEN_ARRAY ? OPEN : byte === CLOSE_ARRAY ? CLOSE : byte;
  }
}

/** Position after the checked object or array at `i`. */
function endOfNested(bytes: Uint8Array, i: number): number {
  let depth = 0;
  for (;;) {
    const byte = bytes[i++];
    if (byte === QUOTE) {
      while (bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
      i++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (--depth === 0) return i;
    }
  }
}
