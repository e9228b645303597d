import { decodeText } from './charset.ts';
import { isWordByte, skipBlank } from './blank.ts';
import type { LexicalRules } from './dialect.ts';
import { appendUnescaped, DOUBLE_QUOTE, NEED_MORE, plainEscapes, QUOTE, stringEnd } from './string-literal.ts';
import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';

/** A token of a statement of the schema or of the head of a data statement; values never become tokens. */
export interface Token {
  /** `name`: quoted, so never a keyword; `string`: '…'. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol';
  readonly text: string;
  /** Upper case for words, '' for everything that cannot be a keyword; symbols as they are. */
  readonly keyword: string;
  readonly start: number;
  readonly end: number;
}

const BACKTICK = 0x60, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, DOLLAR = 0x24, COLON = 0x3a;

/**
 * Splits bytes[pos, end) into tokens, one at a time. `next` answers undefined at the end, and NEED_MORE where the bytes end within a
 * token (or might).
 */
export class TokenReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #rules: LexicalRules;
  readonly #ended: boolean;
  #pos: number;

  constructor(bytes: Uint8Array, pos: number, end: number, rules: LexicalRules, ended: boolean) {
    this.#bytes = bytes;
    this.#pos = pos;
    this.#end = end;
    this.#rules = rules;
    this.#ended = ended;
  }

  next(): Token | undefined | typeof NEED_MORE {
    const start = skipBlank(this.#bytes, this.#pos, this.#end, this.#rules, this.#ended);
    if (start === NEED_MORE) return NEED_MORE;
    if (start >= this.#end) return this.#ended ? undefined : NEED_MORE;
    const token = this.#read(start);
    if (token === NEED_MORE || (token.end >= this.#end && !this.#ended)) return NEED_MORE;
    this.#pos = token.end;
    return token;
  }

  #read(start: number): Token | typeof NEED_MORE {
    const bytes = this.#bytes;
    const byte = bytes[start];
    if (byte === QUOTE) return this.#quoted(start, start + 1, QUOTE, 'string');
    if (byte === DOUBLE_QUOTE) return this.#quoted(start, start + 1, DOUBLE_QUOTE, 'name');
    if (byte === BACKTICK && this.#rules.backticks) return this.#quoted(start, start + 1, BACKTICK, 'name');
    if (byte === OPEN_BRACKET && this.#rules.brackets) return this.#quoted(start, start + 1, CLOSE_BRACKET, 'name');
    if (byte === DOLLAR && this.#rules.dollarQuotes) {
      const tag = dollarTag(bytes, start, this.#end);
      if (tag > 0) return this.#dollarQuoted(start, tag);
    }
    if (isWordByte(byte)) return this.#word(start);
    const length = byte === COLON && bytes[start + 1] === COLON && start + 1 < this.#end ? 2 : 1;
    const text = decodeText(bytes, start, start + length, 'latin1');
    return { kind: 'symbol', text, keyword: text, start, end: start + length };
  }

  #word(start: number): Token {
    let end = start + 1;
    while (end < this.#end && isWordByte(this.#bytes[end])) end++;
    const text = decodeText(this.#bytes, start, end, this.#rules.charset);
    const first = this.#bytes[start];
    if (first >= 0x30 && first <= 0x39) return { kind: 'number', text, keyword: '', start, end };
    return { kind: 'word', text, keyword: text.toUpperCase(), start, end };
  }

  #quoted(start: number, inner: number, quote: number, kind: 'string' | 'name'): Token | typeof NEED_MORE {
    const escapes = kind === 'string' ? plainEscapes(this.#rules) : 'standard';
    let end = stringEnd(this.#bytes, inner, this.#end, quote, escapes);
    // The last byte may be the closing quote: nothing can double it when nothing comes after it.
    if (end === NEED_MORE && this.#ended && this.#bytes[this.#end - 1] === quote && this.#end > inner) end = this.#end;
    if (end === NEED_MORE) return NEED_MORE;
    const text = new CopyTextBuilder(64);
    appendUnescaped(this.#bytes, inner, end - 1, quote, escapes, text);
    return { kind, text: decodeText(text.bytes, 0, text.length, this.#rules.charset), keyword: '', start, end };
  }

  #dollarQuoted(start: number, tag: number): Token | typeof NEED_MORE {
    const { buffer, byteOffset } = this.#bytes;
    const text = Buffer.from(buffer, byteOffset, this.#end);
    const close = text.indexOf(this.#bytes.subarray(start, start + tag), start + tag);
    if (close === -1) return NEED_MORE;
    return { kind: 'string', text: text.toString('utf8', start + tag, close), keyword: '', start, end: close + tag };
  }
}

/** Length of a dollar quote's opening, `$$` or `$tag$`, at `pos`; 0 when there is none. */
export function dollarTag(bytes: Uint8Array, pos: number, end: number): number {
  let i = pos + 1;
  if (i < end && bytes[i] >= 0x30 && bytes[i] <= 0x39) return 0;
  while (i < end && bytes[i] !== DOLLAR && isWordByte(bytes[i])) i++;
  return i < end && bytes[i] === DOLLAR ? i + 1 - pos : 0;
}

/** The tokens of a complete statement. An end within a token ends the list: the caller's grammar then misses something. */
export function tokensOf(bytes: Uint8Array, start: number, end: number, rules: LexicalRules): Token[] {
  const reader = new TokenReader(bytes, start, end, rules, true);
  const tokens: Token[] = [];
  for (let token = reader.next(); token !== undefined && token !== NEED_MORE; token = reader.next()) tokens.push(token);
  return tokens;
}

/** Position after the line that `pos` is in, or NEED_MORE. */
export function lineEnd(bytes: Uint8Array, pos: number, end: number, ended: boolean): number {
  const found = bytes.indexOf(0x0a, pos);
  if (found !== -1 && found < end) return found + 1;
  return ended ? end : NEED_MORE;
}

