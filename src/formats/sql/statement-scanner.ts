import { SluiceError, type ErrorPlace } from '../../errors/sluice-error.ts';
import { codeInComment, isLineComment, isSpace, isWordByte } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import { SEMICOLON, type LexicalRules } from './dialect.ts';
import { BACKSLASH, DOUBLE_QUOTE, NEED_MORE, plainEscapes, QUOTE, type Escapes } from './string-literal.ts';
import { dollarTag } from './tokens.ts';

const LF = 0x0a, DASH = 0x2d, SLASH = 0x2f, STAR = 0x2a, HASH = 0x23, DOLLAR = 0x24, SEMI = 0x3b;
const OPEN = 0x28, CLOSE = 0x29, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, BACKTICK = 0x60, LETTER_E = 0x45, LETTER_e = 0x65;
/** No keyword, delimiter, tag or comment sign is longer. */
const LOOKAHEAD = 160;
const MAX_KEYWORD = 20;

/** How a statement ends besides its delimiter: `blocks` counts BEGIN … END, `slash` waits for a line `/`, `batch` for a line `GO`. */
export type Body = 'none' | 'blocks' | 'slash' | 'batch';

/** Statements that SQL Server scripts put one after the other without semicolons. */
const STARTERS: ReadonlySet<string> = new Set([
  'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'SET', 'CREATE', 'ALTER', 'DROP', 'EXEC', 'EXECUTE', 'PRINT', 'USE', 'IF', 'DECLARE', 'TRUNCATE', 'GRANT', 'BEGIN', 'COMMIT', 'BULK',
]);
const END_SUFFIXES: ReadonlySet<string> = new Set(['IF', 'LOOP', 'WHILE', 'REPEAT', 'FOR']);

type Inside =
  | { readonly kind: 'quote'; readonly quote: number; readonly escapes: Escapes }
  | { readonly kind: 'line' }
  | { readonly kind: 'comment'; depth: number }
  | { readonly kind: 'dollar'; readonly tag: Uint8Array }
  | { readonly kind: 'word' };

/**
 * Finds where a statement ends, over any number of windows: a string, comment or body of any length is passed without being kept. One
 * scanner per statement.
 */
export class StatementScanner {
  /** After NEED_MORE: the position (in the window of that call) from which to go on. */
  resumeAt = 0;
  /** The first of `watched` keywords that was met, with its position. */
  met: { word: string; pos: number } | undefined;
  /** The statement was ended by the end of the source. */
  atEnd = false;
  readonly #rules: LexicalRules;
  readonly #body: Body;
  readonly #watched: ReadonlySet<string>;
  #inside: Inside | undefined;
  /** What `#inside` is and where it began, for the error when it never ends. */
  #opened: { readonly what: string; readonly pos: number; place?: ErrorPlace } | undefined;
  #parentheses = 0;
  #blocks = 0;
  #afterEnd = false;
  #lineStart = false;

  constructor(rules: LexicalRules, body: Body = 'none', watched: ReadonlySet<string> = new Set()) {
    this.#rules = rules;
    this.#body = body;
    this.#watched = watched;
  }

  /** The source ended, and the statement did not. */
  get unfinished(): boolean {
    return this.atEnd && (this.#blocks > 0 || this.#body === 'slash' || (this.#parentheses > 0 && this.#rules.parenthesesHold));
  }

  /** @returns the position after the statement (and its delimiter), or NEED_MORE @throws SluiceError SQL_MALFORMED for what is never closed */
  scan(window: ByteWindow, from: number): number {
    let pos = from;
    for (;;) {
      if (this.#inside !== undefined) {
        pos = this.#leave(window, pos, this.#inside);
        if (pos === NEED_MORE) return NEED_MORE;
        continue;
      }
      if (pos >= window.end && window.ended) {
        this.atEnd = true;
        return window.end;
      }
      if (window.end - pos < LOOKAHEAD && !window.ended) {
        this.resumeAt = pos;
        return NEED_MORE;
      }
      const next = this.#step(window, pos);
      if (next < 0) return -next - 1;
      pos = next;
    }
  }

  /** One token of code. @returns the position after it, or -(position) - 1 when that is the end of the statement */
  #step(window: ByteWindow, pos: number): number {
    const { bytes, end } = window;
    const byte = bytes[pos];
    if (isSpace(byte)) {
      if (byte === LF) this.#lineStart = true;
      return pos + 1;
    }
    if (this.#isDelimiter(bytes, pos)) {
      if (this.#isEnd()) return -(pos + this.#rules.delimiter.length) - 1;
      this.#afterEnd = false;
      return pos + this.#rules.delimiter.length;
    }
    const atLineStart = this.#lineStart;
    this.#lineStart = false;
    if (isWordByte(byte) && !(byte === DOLLAR && this.#rules.dollarQuotes)) return this.#word(window, pos, atLineStart);
    if (byte === OPEN) this.#parentheses++;
    else if (byte === CLOSE && this.#parentheses > 0) this.#parentheses--;
    else if (byte === SLASH && atLineStart && this.#rules.slashLines && onlyBlank(bytes, pos + 1, end)) return -(pos + 1) - 1;
    return this.#open(window, pos, byte);
  }

  #isDelimiter(bytes: Uint8Array, pos: number): boolean {
    const { delimiter } = this.#rules;
    for (let i = 0; i < delimiter.length; i++) if (bytes[pos + i] !== delimiter[i]) return false;
    return true;
  }

  #isEnd(): boolean {
    if (this.#rules.delimiter !== SEMICOLON) return true;
    if (this.#body === 'slash' || this.#body === 'batch') return false;
    return this.#blocks === 0 && (this.#parentheses === 0 || !this.#rules.parenthesesHold);
  }

  #word(window: ByteWindow, pos: number, atLineStart: boolean): number {
    const { bytes, end } = window;
    let stop = pos + 1;
    while (stop < end && isWordByte(bytes[stop])) stop++;
    if (stop === end && !window.ended) {
      return this.#enter(pos, { kind: 'word' }, 'word') + stop - pos;
    }
    if (stop - pos === 1 && (bytes[pos] === LETTER_E || bytes[pos] === LETTER_e) && bytes[stop] === QUOTE && stop < end) {
      this.#enter(pos, { kind: 'quote', quote: QUOTE, escapes: 'c' }, 'string');
      return stop + 1;
    }
    if (stop - pos > MAX_KEYWORD) return stop;
    const word = Buffer.from(bytes.buffer, bytes.byteOffset + pos, stop - pos).toString('latin1').toUpperCase();
    if (this.#rules.batches && atLineStart) {
      if (word === 'GO' && (onlyBlank(bytes, stop, end) || this.#body === 'batch')) return -stop - 1;
      if (this.#body !== 'batch' && this.#parentheses === 0 && STARTERS.has(word)) return -pos - 1;
    }
    if (this.met === undefined && this.#watched.has(word)) this.met = { word, pos };
    if (this.#body === 'blocks') this.#countBlock(word);
    return stop;
  }

  #countBlock(word: string): void {
    const afterEnd = this.#afterEnd;
    this.#afterEnd = word === 'END';
    if (word === 'END') this.#blocks = Math.max(0, this.#blocks - 1);
    else if (afterEnd && END_SUFFIXES.has(word)) this.#blocks++;
    else if (word === 'BEGIN' || (word === 'CASE' && this.#blocks > 0 && !afterEnd)) this.#blocks++;
  }

  /** Enters what begins at `pos`, if anything does. @returns the position after its opening */
  #open(window: ByteWindow, pos: number, byte: number): number {
    const { bytes, end } = window;
    const rules = this.#rules;
    const plain = plainEscapes(rules);
    switch (byte) {
      case QUOTE: return this.#enter(pos, { kind: 'quote', quote: QUOTE, escapes: plain }, 'string') + 1;
      case DOUBLE_QUOTE: return this.#enter(pos, { kind: 'quote', quote: DOUBLE_QUOTE, escapes: rules.dialect === 'mysql' ? plain : 'standard' }, 'quoted name') + 1;
      case BACKTICK: return rules.backticks ? this.#enter(pos, { kind: 'quote', quote: BACKTICK, escapes: 'standard' }, 'quoted name') + 1 : pos + 1;
      case OPEN_BRACKET: return rules.brackets ? this.#enter(pos, { kind: 'quote', quote: CLOSE_BRACKET, escapes: 'standard' }, 'name in brackets') + 1 : pos + 1;
      case DOLLAR: {
        const tag = rules.dollarQuotes ? dollarTag(bytes, pos, Math.min(end, pos + LOOKAHEAD)) : 0;
        return tag === 0 ? pos + 1 : this.#enter(pos, { kind: 'dollar', tag: bytes.slice(pos, pos + tag) }, 'dollar-quoted text') + tag;
      }
      case DASH: case HASH: return isLineComment(bytes, pos, end, rules) ? this.#enter(pos, { kind: 'line' }, 'comment') : pos + 1;
      case SLASH: return this.#comment(window, pos);
      default: return pos + 1;
    }
  }

  #comment(window: ByteWindow, pos: number): number {
    const { bytes, end } = window;
    if (pos + 1 >= end || bytes[pos + 1] !== STAR) return pos + 1;
    if (this.#rules.conditionalComments) {
      const code = codeInComment(bytes, pos, end);
      if (code !== NEED_MORE && code !== pos) return code;
    }
    return this.#enter(pos, { kind: 'comment', depth: 1 }, 'comment') + 2;
  }

  #enter(pos: number, inside: Inside, what: string): number {
    this.#inside = inside;
    this.#opened = { what, pos };
    return pos;
  }

  /** Goes on inside a string, comment or body. @returns the position after it, or NEED_MORE */
  #leave(window: ByteWindow, pos: number, inside: Inside): number {
    const found = inside.kind === 'quote' ? leaveQuote(window, pos, inside)
      : inside.kind === 'comment' ? leaveComment(window, pos, inside, this.#rules)
        : inside.kind === 'dollar' ? leaveDollar(window, pos, inside.tag)
          : inside.kind === 'line' ? leaveLine(window, pos) : leaveWord(window, pos);
    if (found.left) {
      this.#inside = undefined;
      if (inside.kind === 'line') this.#lineStart = true;
      return found.at;
    }
    this.resumeAt = found.at;
    const opened = this.#opened!;
    // Lines are counted only when the window ends inside: counting at every quote would cost the square of a window.
    opened.place ??= window.place(opened.pos);
    if (window.ended) throw new SluiceError('SQL_MALFORMED', { source: window.source, reason: `the ${opened.what} that begins here is never closed` }, opened.place);
    return NEED_MORE;
  }
}

interface Progress { readonly at: number; readonly left: boolean }

function leaveQuote(window: ByteWindow, pos: number, { quote, escapes }: { quote: number; escapes: Escapes }): Progress {
  const { bytes, end, ended } = window;
  const backslash = escapes === 'standard' ? -1 : BACKSLASH;
  for (let i = pos; i < end; i++) {
    const byte = bytes[i];
    if (byte === backslash) {
      if (i + 1 >= end) return { at: i, left: false };
      i++;
    } else if (byte === quote) {
      if (i + 1 >= end) return { at: ended ? i + 1 : i, left: ended };
      if (bytes[i + 1] !== quote) return { at: i + 1, left: true };
      i++;
    }
  }
  return { at: end, left: false };
}

function leaveComment(window: ByteWindow, pos: number, inside: { depth: number }, rules: LexicalRules): Progress {
  const { bytes, end } = window;
  let i = pos;
  for (; i + 1 < end; i++) {
    if (bytes[i] === STAR && bytes[i + 1] === SLASH) {
      i++;
      if (--inside.depth === 0) return { at: i + 1, left: true };
    } else if (rules.nestedComments && bytes[i] === SLASH && bytes[i + 1] === STAR) {
      inside.depth++;
      i++;
    }
  }
  return { at: Math.min(i, end), left: false };
}

function leaveDollar(window: ByteWindow, pos: number, tag: Uint8Array): Progress {
  const { bytes, end } = window;
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, end).indexOf(tag, pos);
  if (found !== -1) return { at: found + tag.length, left: true };
  return { at: Math.max(pos, end - tag.length), left: false };
}

function leaveLine(window: ByteWindow, pos: number): Progress {
  const found = window.bytes.indexOf(LF, pos);
  if (found !== -1 && found < window.end) return { at: found, left: true };
  return { at: window.end, left: window.ended };
}

function leaveWord(window: ByteWindow, pos: number): Progress {
  let i = pos;
  while (i < window.end && isWordByte(window.bytes[i])) i++;
  return { at: i, left: i < window.end || window.ended };
}

/** Nothing but blanks (or a count, `GO 5`) up to the end of the line. */
function onlyBlank(bytes: Uint8Array, pos: number, end: number): boolean {
  let i = pos;
  while (i < end && bytes[i] !== LF && (isSpace(bytes[i]) || bytes[i] === SEMI)) i++;
  return i >= end || bytes[i] === LF;
}
