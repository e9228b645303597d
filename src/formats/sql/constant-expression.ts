import { isWordByte, skipBlank } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import { CONSTANT_FUNCTIONS, encodeText } from './constant-functions.ts';
import type { LexicalRules } from './dialect.ts';
import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import { columnType, LITERAL, literalOfPrefix } from './sql-types.ts';
import { appendUnescaped, codePoint, DOUBLE_QUOTE, hexDigits, NEED_MORE, plainEscapes, QUOTE, stringEnd, type Escapes } from './string-literal.ts';

/** A value that needs no database to be computed. */
export interface Constant {
  /** LITERAL */
  readonly kind: number;
  /** The value without quotes and escapes, in the dump's character set. */
  readonly bytes: Uint8Array;
  /** The bytes are not text of the dump's character set. */
  readonly binary: boolean;
}

const OPEN = 0x28, CLOSE = 0x29, COMMA = 0x2c, COLON = 0x3a, PIPE = 0x7c, AMPERSAND = 0x26, MINUS = 0x2d, PLUS = 0x2b, DOT = 0x2e, UNDERSCORE = 0x5f;
const MAX_DEPTH = 32;
const EMPTY = new Uint8Array(0);
const PREFIXES: ReadonlySet<string> = new Set(['DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMPTZ', 'DATETIME', 'INTERVAL', 'JSON', 'JSONB', 'UUID', 'BYTEA', 'BLOB', 'TEXT', 'NUMERIC', 'DECIMAL']);

/** The window ends within the constant. Thrown and caught in this file only, so that the grammar below reads like one. */
const INCOMPLETE = new Error('incomplete');

/**
 * Reads values that are more than a plain literal: E'…', B'…', U&'…', _binary '…', DATE '…', casts, `||`, and the few functions that dumps
 * use to write constants (replace, char, unistr, unhex, TO_DATE …). Everything else is refused: it would need a database.
 */
export class ConstantReader {
  value: Constant = { kind: LITERAL.null, bytes: EMPTY, binary: false };
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  #pos = 0;
  #depth = 0;

  constructor(window: ByteWindow, rules: LexicalRules) {
    this.#window = window;
    this.#rules = rules;
  }

  /** @returns the position after the constant at `pos`, or NEED_MORE @throws SluiceError SQL_MALFORMED */
  read(pos: number): number {
    this.#pos = pos;
    this.#depth = 0;
    try {
      this.value = this.#expression();
      if (this.#peek() !== COMMA && this.#peek() !== CLOSE) this.#refuse(pos);
      return this.#pos;
    } catch (error) {
      if (error === INCOMPLETE) return NEED_MORE;
      if (error instanceof RangeError) throw this.#window.malformed(error.message, pos);
      throw error;
    }
  }

  #expression(): Constant {
    if (++this.#depth > MAX_DEPTH) throw new RangeError('a value is nested too deeply');
    let left = this.#cast();
    while (this.#peek() === PIPE && this.#at(1) === PIPE) {
      this.#pos += 2;
      left = concatenate(left, this.#cast());
    }
    this.#depth--;
    return left;
  }

  #cast(): Constant {
    let value = this.#primary();
    while (this.#peek() === COLON && this.#at(1) === COLON) {
      this.#pos += 2;
      value = this.#as(value);
    }
    return value;
  }

  #primary(): Constant {
    const byte = this.#peek();
    if (byte === QUOTE) return this.#string(plainEscapes(this.#rules));
    if (byte === DOUBLE_QUOTE && this.#rules.doubleQuotedStrings) return this.#string(plainEscapes(this.#rules));
    if (byte === OPEN) {
      this.#pos++;
      const value = this.#expression();
      this.#expect(CLOSE);
      return value;
    }
    if (byte === PLUS || byte === MINUS || byte === DOT || (byte >= 0x30 && byte <= 0x39)) return this.#number();
    if (isWordByte(byte)) return this.#word();
    return this.#refuse(this.#pos);
  }

  #word(): Constant {
    const start = this.#pos;
    const word = this.#takeWord();
    if (this.#at(0) === QUOTE) {
      const prefixed = this.#prefixed(word);
      if (prefixed !== undefined) return prefixed;
    }
    if (word === 'U' && this.#at(0) === AMPERSAND && this.#at(1) === QUOTE) {
      this.#pos++;
      return unicodeEscapes(this.#string('standard'));
    }
    if (word === 'NULL') return { kind: LITERAL.null, bytes: EMPTY, binary: false };
    if (word === 'TRUE' || word === 'FALSE') return { kind: LITERAL.boolean, bytes: encodeText(word === 'TRUE' ? 't' : 'f'), binary: false };
    if (word === 'DEFAULT') return { kind: LITERAL.default, bytes: EMPTY, binary: false };
    if (word.charCodeAt(0) === UNDERSCORE && this.#rules.dialect === 'mysql') return { ...this.#primary(), binary: word === '_BINARY' };
    if (this.#peek() === OPEN) return this.#call(word, start);
    return this.#typed(word, start);
  }

  /** N'…', E'…', X'…', B'…' */
  #prefixed(word: string): Constant | undefined {
    switch (word) {
      case 'N': return this.#string(plainEscapes(this.#rules));
      case 'E': return this.#string('c');
      case 'B': return { ...this.#string('standard'), kind: LITERAL.bits };
      case 'X': return this.#hex();
      default: return undefined;
    }
  }

  /** DATE '…', TIMESTAMP WITH TIME ZONE '…' */
  #typed(word: string, start: number): Constant {
    let kind = literalOfPrefix(word);
    if (!PREFIXES.has(word)) this.#refuse(start);
    while (isWordByte(this.#peek())) {
      const more = this.#takeWord();
      if (!['WITH', 'WITHOUT', 'TIME', 'ZONE', 'LOCAL'].includes(more)) this.#refuse(start);
      if (more === 'WITH' && kind === LITERAL.timestamp) kind = LITERAL.timestampTz;
    }
    if (this.#peek() !== QUOTE) this.#refuse(start);
    return { ...this.#string(plainEscapes(this.#rules)), kind };
  }

  #call(word: string, start: number): Constant {
    this.#pos++;
    if (word === 'CAST') {
      const value = this.#expression();
      this.#peek();
      if (this.#takeWord() !== 'AS') this.#refuse(start);
      const cast = this.#as(value);
      this.#expect(CLOSE);
      return cast;
    }
    const apply = Object.hasOwn(CONSTANT_FUNCTIONS, word) ? CONSTANT_FUNCTIONS[word] : undefined;
    if (apply === undefined) return this.#refuse(start);
    const args: Constant[] = [];
    while (this.#peek() !== CLOSE) {
      args.push(this.#expression());
      if (this.#peek() !== CLOSE) this.#expect(COMMA);
    }
    this.#pos++;
    return apply(args, this.#rules);
  }

  /** Reads a type and gives the value the kind that it makes. */
  #as(value: Constant): Constant {
    let name = '';
    for (let depth = 0; ; ) {
      const byte = this.#peek();
      if (depth === 0 && (byte === COMMA || byte === CLOSE || byte === COLON || byte === PIPE)) break;
      if (byte === QUOTE) this.#refuse(this.#pos);
      if (byte === OPEN) depth++;
      else if (byte === CLOSE) depth--;
      if (isWordByte(byte)) name = name === '' || name.endsWith('.') ? this.#takeWord() : `${name} ${this.#takeWord()}`;
      else this.#pos++;
    }
    const type = columnType({ name: name.replace(/ \d.*$/, ''), arguments: [], arrayDepth: 0 }, this.#rules.dialect);
    if (value.kind === LITERAL.bytes && type.kind !== 'bytes') throw new RangeError(`the binary form of ${name} cannot be read; write the values as text`);
    if (value.kind !== LITERAL.text) return value;
    if (type.kind === 'bytes' && this.#rules.dialect === 'mysql') return { ...value, binary: true };
    return { ...value, kind: type.kind === 'bytes' ? LITERAL.text : literalOfPrefix(name.split(' ')[0]) };
  }

  #string(escapes: Escapes): Constant {
    const { bytes, end } = this.#window;
    const quote = bytes[this.#pos];
    const start = this.#pos + 1;
    const stop = stringEnd(bytes, start, end, quote, escapes);
    if (stop === NEED_MORE) throw INCOMPLETE;
    const out = new CopyTextBuilder(Math.max(16, stop - start));
    appendUnescaped(bytes, start, stop - 1, quote, escapes, out);
    this.#pos = stop;
    return { kind: LITERAL.text, bytes: out.view(), binary: false };
  }

  /** X'…': bytes, but bits in PostgreSQL. */
  #hex(): Constant {
    const text = this.#string('standard');
    const hex = Buffer.from(text.bytes).toString('latin1');
    if (!/^[0-9a-fA-F]*$/.test(hex)) throw new RangeError('a hex literal has something else than hex digits');
    if (this.#rules.dialect === 'postgres') {
      const bits = Array.from(hex, (digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('');
      return { kind: LITERAL.bits, bytes: encodeText(bits), binary: false };
    }
    return { kind: LITERAL.bytes, bytes: Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'), binary: true };
  }

  #number(): Constant {
    const { bytes, end } = this.#window;
    const start = this.#pos;
    const negative = bytes[start] === MINUS;
    if (negative || bytes[start] === PLUS) this.#pos++;
    this.#peek();
    const first = this.#pos;
    if (bytes[first] === 0x30 && (this.#at(1) | 0x20) === 0x78) return this.#hexNumber(first);
    let i = first;
    while (i < end && (isWordByte(bytes[i]) || bytes[i] === DOT || ((bytes[i] === PLUS || bytes[i] === MINUS) && (bytes[i - 1] | 0x20) === 0x65))) i++;
    if (i >= end) throw INCOMPLETE;
    const digits = Buffer.from(bytes.buffer, bytes.byteOffset + first, i - first).toString('latin1');
    if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) this.#refuse(start);
    this.#pos = i;
    const kind = /e/i.test(digits) ? LITERAL.exponent : digits.includes('.') ? LITERAL.decimal : digits.length > 18 ? LITERAL.bigInteger : LITERAL.integer;
    return { kind, bytes: encodeText(negative ? `-${digits}` : digits), binary: false };
  }

  #hexNumber(first: number): Constant {
    const { bytes, end } = this.#window;
    const stop = first + 2 + hexDigits(bytes, first + 2, end);
    if (stop >= end) throw INCOMPLETE;
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + first + 2, stop - first - 2).toString('latin1');
    this.#pos = stop;
    return { kind: LITERAL.bytes, bytes: Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'), binary: true };
  }

  /** The next byte that means something, which stays. */
  #peek(): number {
    const { bytes, end } = this.#window;
    const next = skipBlank(bytes, this.#pos, end, this.#rules, false);
    if (next === NEED_MORE || next >= end) throw INCOMPLETE;
    this.#pos = next;
    return bytes[next];
  }

  /** The byte `ahead` of the position, blank or not. */
  #at(ahead: number): number {
    if (this.#pos + ahead >= this.#window.end) throw INCOMPLETE;
    return this.#window.bytes[this.#pos + ahead];
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) this.#refuse(this.#pos);
    this.#pos++;
  }

  #takeWord(): string {
    const { bytes, end } = this.#window;
    const start = this.#pos;
    while (this.#pos < end && isWordByte(bytes[this.#pos])) this.#pos++;
    if (this.#pos >= end) throw INCOMPLETE;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, this.#pos - start).toString('latin1').toUpperCase();
  }

  #refuse(pos: number): never {
    const { bytes, end } = this.#window;
    const shown = Buffer.from(bytes.buffer, bytes.byteOffset + pos, Math.min(40, end - pos)).toString('utf8').replaceAll(/\s+/g, ' ');
    throw this.#window.malformed(`"${shown}" is not a constant: only a database could compute it`, pos);
  }
}

function concatenate(left: Constant, right: Constant): Constant {
  // A database that concatenates with NULL answers NULL, but Oracle does not: nobody writes that into a dump.
  if (left.kind === LITERAL.null || right.kind === LITERAL.null) throw new RangeError('NULL is concatenated with something');
  return { kind: LITERAL.text, bytes: Buffer.concat([left.bytes, right.bytes]), binary: left.binary || right.binary };
}

function unicodeEscapes(value: Constant): Constant {
  const text = Buffer.from(value.bytes).toString('utf8').replaceAll(/\\(?:\\|([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6}))/g, (_, four?: string, six?: string) => {
    const digits = four ?? six;
    return digits === undefined ? '\\' : codePoint(Number.parseInt(digits, 16));
  });
  return { ...value, bytes: encodeText(text) };
}
