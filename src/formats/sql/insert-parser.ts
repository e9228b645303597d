import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import { isSpace, isWordByte, skipBlank } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import { ConstantReader, type Constant } from './constant-expression.ts';
import type { LexicalRules } from './dialect.ts';
import type { RowPlan } from './row-plan.ts';
import { TREATMENT } from './row-plan.ts';
import { LITERAL } from './sql-types.ts';
import { appendHexDigits, appendUnescaped, BACKSLASH, DOUBLE_QUOTE, hexDigits, MYSQL_ESCAPE, NEED_MORE, PERCENT, plainEscapes, QUOTE, stringEnd, UNDERSCORE, type Escapes } from './string-literal.ts';
import { appendValue } from './value-text.ts';

const CLOSE = 0x29, COMMA = 0x2c, DOT = 0x2e, PLUS = 0x2b, MINUS = 0x2d, ZERO = 0x30, ONE = 0x31, NINE = 0x39, COLON = 0x3a, PIPE = 0x7c;
const LETTER_E = 0x45, LETTER_F = 0x46, LETTER_N = 0x4e, LETTER_T = 0x54, LETTER_X = 0x58, LETTER_x = 0x78, LETTER_t = 0x74, LETTER_f = 0x66;
const NULL = Buffer.from('NULL'), TRUE = Buffer.from('TRUE'), FALSE = Buffer.from('FALSE'), INFINITY = Buffer.from('Infinity'), NEGATIVE_INFINITY = Buffer.from('-Infinity');
/** Of no database a table has more columns. */
export const MAX_VALUES = 4096;
/** Room is made for this many bytes of a string at a time. */
const BLOCK = 4096;
/** INTEGER literals with fewer digits fit in 64 bits whatever they are. */
const SAFE_DIGITS = 18;

/** 1 for bytes of a string that are copied as they are: no quote, no escape of SQL, no escape of copy-text. */
const PLAIN = new Uint8Array(256).fill(1);
/** The letter of copy-text's escape. */
const ESCAPE_LETTER = new Uint8Array(256);
for (const [byte, letter] of [[0x08, 0x62], [0x09, 0x74], [0x0a, 0x6e], [0x0b, 0x76], [0x0c, 0x66], [0x0d, 0x72], [BACKSLASH, BACKSLASH]] as const) {
  ESCAPE_LETTER[byte] = letter;
  PLAIN[byte] = 0;
}
PLAIN[QUOTE] = 0;
PLAIN[DOUBLE_QUOTE] = 0;

/**
 * Reads the rows of INSERT … VALUES from a window and writes them as copy-text, byte by byte. The common literals (NULL, numbers, strings of
 * UTF-8) go straight from the window to the builder; everything that needs a second look (casts, functions, binary and other character sets, arrays)
 * takes the way over a constant (constant-expression.ts), for that one value.
 *
 * A row that the window does not hold completely is taken back and read again when there is more: `row` answers NEED_MORE.
 */
export class InsertParser {
  /** Per value of the last row: LITERAL of what it was. */
  readonly kinds: Uint16Array = new Uint16Array(MAX_VALUES);
  /** Values of the last row. */
  count = 0;
  /** The last row has not as many values as its plan wants, and was not written. Only when `tolerant`; otherwise that is an error. */
  unfit = false;
  readonly tolerant: boolean;
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  readonly #constants: ConstantReader;
  /** Rows whose fields go to other places are built here first; the field of value i ends at #ends[i]. */
  readonly #scratch = new CopyTextBuilder();
  readonly #ends = new Float64Array(MAX_VALUES);
  readonly #raw = new CopyTextBuilder();
  #out: CopyTextBuilder = this.#scratch;

  constructor(window: ByteWindow, rules: LexicalRules, tolerant = false) {
    this.tolerant = tolerant;
    this.#window = window;
    this.#rules = rules;
    this.#constants = new ConstantReader(window, rules);
  }

  /**
   * One row, from its opening parenthesis at `pos`.
   * @returns the position after its closing parenthesis, or NEED_MORE with `out` as it was
   * @throws SluiceError SQL_MALFORMED
   */
  row(pos: number, plan: RowPlan, out: CopyTextBuilder): number {
    const mark = out.length;
    this.#out = plan.direct ? out : this.#scratch;
    this.#scratch.reset();
    const next = this.#values(pos, plan);
    if (next === NEED_MORE) {
      out.rollback(mark);
      return NEED_MORE;
    }
    this.unfit = plan.count !== -1 && this.count !== plan.count;
    if (this.unfit) {
      if (!this.tolerant) throw this.#window.malformed(this.unfitReason(plan), pos);
      out.rollback(mark);
      return next;
    }
    if (!plan.direct) this.#arrange(plan, out);
    out.endRecord();
    return next;
  }

  unfitReason(plan: RowPlan): string {
    return `a row has ${this.count} values, and ${plan.count} were expected`;
  }

  #values(pos: number, plan: RowPlan): number {
    const { bytes, end } = this.#window;
    this.count = 0;
    let i = skipBlank(bytes, pos + 1, end, this.#rules, false);
    if (i === NEED_MORE || i >= end) return NEED_MORE;
    if (bytes[i] === CLOSE) return i + 1;
    for (;;) {
      if (this.count >= this.kinds.length) throw this.#window.malformed(`a row has more than ${this.kinds.length} values`, pos);
      i = this.#value(i, plan);
      if (i === NEED_MORE) return NEED_MORE;
      this.#ends[this.count] = this.#out.length;
      this.count++;
      const separator = bytes[i];
      i++;
      if (separator === CLOSE) return i;
      if (plan.direct) this.#out.endField();
      // One blank after the comma is what most dumps have.
      if (i < end && bytes[i] === 0x20) i++;
      if (i >= end) return NEED_MORE;
      if (isSpace(bytes[i]) || !VALUE_START[bytes[i]]) {
        i = skipBlank(bytes, i, end, this.#rules, false);
        if (i === NEED_MORE || i >= end) return NEED_MORE;
      }
    }
  }

  /** @returns the position of the comma or parenthesis after the value */
  #value(pos: number, plan: RowPlan): number {
    const { bytes, end } = this.#window;
    const mark = this.#out.length;
    const treatment = this.count < plan.treatment.length ? plan.treatment[this.count] : TREATMENT.plain;
    let next = this.#literal(pos, bytes[pos], treatment);
    if (next >= 0 && next < end) {
      if (bytes[next] === COMMA || bytes[next] === CLOSE) return next;
      next = skipBlank(bytes, next, end, this.#rules, false);
      if (next >= 0 && next < end && (bytes[next] === COMMA || bytes[next] === CLOSE)) return next;
    }
    if (next === NEED_MORE || next >= end) return NEED_MORE;
    if (next >= 0 && bytes[next] !== COLON && bytes[next] !== PIPE) throw this.#window.malformed('a comma or ")" is missing after a value', next);
    this.#out.rollback(mark);
    return this.#constant(pos, treatment, plan);
  }

  /** @returns the position after the literal, NEED_MORE, or COMPLEX when it is not one of the plain ones */
  #literal(pos: number, byte: number, treatment: number): number {
    if (byte === QUOTE) {
      if (treatment > TREATMENT.integer || this.#rules.charset !== 'utf-8') return this.#treatedString(pos, treatment);
      this.kinds[this.count] = LITERAL.text;
      return this.#string(pos + 1, plainEscapes(this.#rules));
    }
    if ((byte >= ZERO && byte <= NINE) || byte === MINUS || byte === DOT) return this.#number(pos, treatment);
    switch (byte & 0xdf) {
      case LETTER_N: return this.#letterN(pos, treatment);
      case LETTER_T: return this.#boolean(pos, TRUE, treatment);
      case LETTER_F: return this.#boolean(pos, FALSE, treatment);
      case LETTER_X: return this.#quotedHex(pos);
      default: return COMPLEX;
    }
  }

  /** NULL or N'…'. */
  #letterN(pos: number, treatment: number): number {
    if (pos + 4 >= this.#window.end) return NEED_MORE;
    if (this.#window.bytes[pos + 1] === QUOTE) return this.#literal(pos + 1, QUOTE, treatment);
    if (!this.#isWord(pos, NULL)) return COMPLEX;
    this.#out.appendNull();
    this.kinds[this.count] = LITERAL.null;
    return pos + 4;
  }

  #boolean(pos: number, word: Uint8Array, treatment: number): number {
    if (pos + word.length >= this.#window.end) return NEED_MORE;
    if (!this.#isWord(pos, word)) return COMPLEX;
    this.kinds[this.count] = LITERAL.boolean;
    if (treatment === TREATMENT.integer) this.#out.appendByte(word === TRUE ? ONE : ZERO);
    else this.#out.appendByte(word === TRUE ? LETTER_t : LETTER_f);
    return pos + word.length;
  }

  /** @param word upper case, and the window has one byte more than it */
  #isWord(pos: number, word: Uint8Array): boolean {
    const { bytes } = this.#window;
    for (let i = 0; i < word.length; i++) if ((bytes[pos + i] & 0xdf) !== word[i]) return false;
    return !isWordByte(bytes[pos + word.length]);
  }

  /** X'AB', a byte string everywhere but in PostgreSQL. */
  #quotedHex(pos: number): number {
    const { bytes, end } = this.#window;
    if (pos + 1 >= end) return NEED_MORE;
    if (bytes[pos + 1] !== QUOTE || this.#rules.dialect === 'postgres') return COMPLEX;
    const stop = pos + 2 + hexDigits(bytes, pos + 2, end);
    if (stop + 1 >= end) return NEED_MORE;
    if (bytes[stop] !== QUOTE) return COMPLEX;
    this.kinds[this.count] = LITERAL.bytes;
    appendHexDigits(bytes, pos + 2, stop, this.#out);
    return stop + 1;
  }

  #number(pos: number, treatment: number): number {
    const { bytes, end } = this.#window;
    let i = bytes[pos] === MINUS ? pos + 1 : pos;
    if (bytes[i] === ZERO && i + 1 < end && (bytes[i + 1] | 0x20) === LETTER_x) return this.#hexNumber(pos);
    const first = i;
    while (i < end && bytes[i] >= ZERO && bytes[i] <= NINE) i++;
    let kind: number = i - first <= SAFE_DIGITS ? LITERAL.integer : this.#bigKind(first, i);
    if (i < end && bytes[i] === DOT) {
      kind = LITERAL.decimal;
      for (i++; i < end && bytes[i] >= ZERO && bytes[i] <= NINE; i++);
    }
    if (i < end && (bytes[i] & 0xdf) === LETTER_E) {
      kind = LITERAL.exponent;
      i++;
      if (i < end && (bytes[i] === PLUS || bytes[i] === MINUS)) i++;
      while (i < end && bytes[i] >= ZERO && bytes[i] <= NINE) i++;
    }
    if (i >= end) return NEED_MORE;
    if (isWordByte(bytes[i]) || bytes[i - 1] > NINE || bytes[i - 1] === MINUS || (bytes[i - 1] === DOT && i - 1 === first)) return COMPLEX;
    this.kinds[this.count] = kind;
    if (kind === LITERAL.exponent && this.#rules.dialect === 'sqlite' && this.#isInfinity(pos, i)) return i;
    if (treatment === TREATMENT.boolean && i - pos === 1 && bytes[pos] <= ONE) this.#out.appendByte(bytes[pos] === ONE ? LETTER_t : LETTER_f);
    else this.#out.appendRaw(bytes, pos, i);
    return i;
  }

  /** SQLite writes infinity as 1e999. */
  #isInfinity(pos: number, end: number): boolean {
    const { buffer, byteOffset } = this.#window.bytes;
    const value = Number(Buffer.from(buffer, byteOffset + pos, end - pos).toString('latin1'));
    if (Number.isFinite(value)) return false;
    const text = value > 0 ? INFINITY : NEGATIVE_INFINITY;
    this.#out.appendRaw(text, 0, text.length);
    return true;
  }

  #bigKind(first: number, end: number): number {
    const digits = Buffer.from(this.#window.bytes.buffer, this.#window.bytes.byteOffset + first, Math.min(end - first, 40)).toString('latin1');
    return end - first < 40 && BigInt(digits) <= 9_223_372_036_854_775_807n ? LITERAL.integer : LITERAL.bigInteger;
  }

  /** 0xAB: a byte string. */
  #hexNumber(pos: number): number {
    const { bytes, end } = this.#window;
    const stop = pos + 2 + hexDigits(bytes, pos + 2, end);
    if (stop >= end) return NEED_MORE;
    if (isWordByte(bytes[stop])) return COMPLEX;
    this.kinds[this.count] = LITERAL.bytes;
    appendHexDigits(bytes, pos + 2, stop, this.#out);
    return stop;
  }

  /** A string in UTF-8 that stays text, straight into the builder. @param pos after the quote */
  #string(pos: number, escapes: Escapes): number {
    const { bytes, end } = this.#window;
    const builder = this.#out;
    let i = pos;
    while (i < end) {
      builder.reserve(2 * BLOCK + 4);
      const out = builder.bytes;
      let at = builder.length;
      const stop = Math.min(end, i + BLOCK);
      while (i < stop) {
        const byte = bytes[i];
        if (PLAIN[byte] === 1) {
          out[at++] = byte;
          i++;
          continue;
        }
        if (i + 1 >= end) return NEED_MORE;
        if (byte === QUOTE) {
          if (bytes[i + 1] !== QUOTE) {
            builder.length = at;
            return i + 1;
          }
          out[at++] = QUOTE;
          i += 2;
          continue;
        }
        let value = byte;
        if (byte === BACKSLASH && escapes !== 'standard') {
          // E'…' and its relatives are constants (constant-expression.ts).
          if (escapes === 'c') return COMPLEX;
          value = bytes[++i]!;
          if (value === PERCENT || value === UNDERSCORE) {
            out[at++] = BACKSLASH;
            out[at++] = BACKSLASH;
          } else if (MYSQL_ESCAPE[value] !== 0xff) value = MYSQL_ESCAPE[value]!;
        }
        const letter = ESCAPE_LETTER[value];
        if (letter !== 0) out[at++] = BACKSLASH;
        out[at++] = letter === 0 ? value : letter;
        i++;
      }
      builder.length = at;
    }
    return NEED_MORE;
  }

  /** A plain string that is not copied as it is: its character set changes, or it becomes hex or an array. */
  #treatedString(pos: number, treatment: number): number {
    const { bytes, end } = this.#window;
    const escapes = plainEscapes(this.#rules);
    const stop = stringEnd(bytes, pos + 1, end, QUOTE, escapes);
    if (stop === NEED_MORE) return NEED_MORE;
    this.#raw.reset();
    appendUnescaped(bytes, pos + 1, stop - 1, QUOTE, escapes, this.#raw);
    this.kinds[this.count] = LITERAL.text;
    appendValue({ kind: LITERAL.text, bytes: this.#raw.view(), binary: false }, treatment, this.#rules, this.#out);
    return stop;
  }

  /** Everything else: reads the value as a constant. */
  #constant(pos: number, treatment: number, plan: RowPlan): number {
    const next = this.#constants.read(pos);
    if (next === NEED_MORE) return NEED_MORE;
    const constant: Constant = this.#constants.value;
    this.kinds[this.count] = constant.kind;
    if (constant.kind === LITERAL.default && !plan.loose && plan.fieldOf[this.count] !== -1) {
      throw this.#window.malformed('DEFAULT stands for a value that only a database can compute', pos);
    }
    try {
      appendValue(constant, treatment, this.#rules, this.#out);
    } catch (error) {
      if (error instanceof RangeError) throw this.#window.malformed(error.message, pos);
      throw error;
    }
    return next;
  }

  /** Puts the values of the scratch row in the order of the fields; a field that the statement does not name is NULL. */
  #arrange(plan: RowPlan, out: CopyTextBuilder): void {
    for (let field = 0; field < plan.fields; field++) {
      if (field > 0) out.endField();
      const value = plan.valueOf[field];
      if (value === -1) out.appendNull();
      else out.appendRaw(this.#scratch.bytes, value === 0 ? 0 : this.#ends[value - 1], this.#ends[value]);
    }
  }
}

const COMPLEX = -2;

/** Bytes that begin a value and are neither blank nor a comment (a dash may be either). */
const VALUE_START = new Uint8Array(256).fill(1);
for (const byte of [0x2d, 0x2f, 0x23, 0x2a]) VALUE_START[byte] = 0;
