/**
 * Writes one JSON value as the text that its target column takes:
 * strings unescaped, numbers as they are written, true and false as `t` and `f` (for booleans), null as NULL; nested values as their JSON text, or as
 * a PostgreSQL array literal for array columns that want one; every value as its JSON text for json columns.
 * What fits the column's type is for the target to judge, except where the type was found in a sample (`sampled`): there a value that only a generous
 * conversion would fit into it is a surprise.
 *
 * Room: the caller reserves twice the bytes of the rest of the window; only array literals can take more and see to it themselves.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { typeName } from '../../rows/column-type.ts';
import { classesOfType, fitsClasses } from '../../rows/infer-type.ts';
import type { BoundField, TableBinding } from '../format.ts';
import { ArrayLiteral } from './array-literal.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import { LETTER_F, LETTER_N, LETTER_T, MINUS, NINE, OPEN_ARRAY, OPEN_OBJECT, QUOTE, ZERO, type JsonLexer } from './lexer.ts';
import { TextTranscoder } from './text-transcoder.ts';
import { scanScalar, ValueScanner } from './value-scanner.ts';

const AS_TEXT = 0, AS_BOOLEAN = 1, AS_JSON = 2, AS_ARRAY_LITERAL = 3, AS_JSON_ARRAY_LITERAL = 4;

/** Numbers so short have no digit that a double would lose. */
const PLAIN_DIGITS = 15;

/** Kinds of JSON values, as bits. */
const STRING = 1, NUMBER = 2, BOOLEAN = 4, NESTED = 8, ANY = 15;

const NULL_TEXT = Buffer.from('\\N'), TRUE_LETTER = Buffer.from('t'), FALSE_LETTER = Buffer.from('f');

export class ValueTranscoder {
  readonly #lexer: JsonLexer;
  readonly #scanner: ValueScanner;
  readonly #text: TextTranscoder;
  readonly #literal: ArrayLiteral;
  readonly #fields: readonly BoundField[];
  readonly #csv: boolean;
  readonly #modes: Uint8Array;
  /** By field: the kinds that it takes. */
  readonly #kinds: Uint8Array;
  /** By field: the classes of texts (infer-type.ts) that it takes; 0 for all. */
  readonly #classes: Int32Array;

  /** By field: 1 where every string goes through as text. */
  readonly #plainStrings: Uint8Array;
  /** By field: how many forms of numbers (JsonLexer.numberForm) of at most PLAIN_DIGITS bytes fit its classes in any case, but for a negative zero. */
  readonly #plainForms: Uint8Array;

  /** @param sampled by field: its type is the one that a sample of the source showed */
  constructor(lexer: JsonLexer, binding: TableBinding, sampled: readonly boolean[], sink: ByteBuffer) {
    this.#lexer = lexer;
    this.#scanner = new ValueScanner(lexer);
    this.#csv = binding.encoding.kind === 'csv';
    this.#text = new TextTranscoder(lexer, this.#csv ? 'csv' : 'copy-text', sink);
    this.#literal = new ArrayLiteral(lexer);
    this.#fields = binding.fields;
    this.#modes = Uint8Array.from(binding.fields, modeOf);
    this.#kinds = Uint8Array.from(binding.fields, kindsOf);
    this.#classes = Int32Array.from(binding.fields, ({ type }, field) => (sampled[field] ? (classesOfType(type) ?? 0) : 0));
    this.#plainStrings = Uint8Array.from(binding.fields, (_, field) => ((this.#kinds[field] & STRING) !== 0 && this.#classes[field] === 0 && this.#modes[field] !== AS_JSON ? 1 : 0));
    this.#plainForms = Uint8Array.from(this.#classes, (classes) => (fits(classes, '1') ? (fits(classes, '0.00000000000001') ? 2 : 1) : 0));
  }

  /** Checks the value at `i` and writes nothing. */
  skip(i: number): number {
    const byte = this.#lexer.window.bytes[i];
    return byte === OPEN_OBJECT || byte === OPEN_ARRAY ? this.#scanner.scan(i) : scanScalar(this.#lexer, i);
  }

  /** Appends the value at `i` to `sink`; returns the position after it. */
  value(i: number, field: number, sink: ByteBuffer): number {
    const bytes = this.#lexer.window.bytes;
    const byte = bytes[i];
    const text = this.#text;
    if (text.sink !== sink) text.sink = sink;
    if (byte === QUOTE) {
      if (this.#plainStrings[field] === 1) return text.string(i);
      if ((this.#kinds[field] & STRING) === 0) this.#surprise(i, field);
      if (this.#classes[field] !== 0) this.#checkClass(i + 1, this.#lexer.string(i) - 1, field);
      if (this.#modes[field] !== AS_JSON) return text.string(i);
      const end = this.#lexer.string(i);
      text.raw(this.#lexer.window, i, end);
      return end;
    }
    if ((byte >= ZERO && byte <= NINE) || byte === MINUS) {
      if ((this.#kinds[field] & NUMBER) === 0) this.#surprise(i, field);
      const end = this.#lexer.number(i);
      if (this.#classes[field] !== 0 && !this.#isPlain(i, end, field)) this.#checkClass(i, end, field);
      text.verbatim(bytes, i, end);
      return end;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.#nested(i, field, sink);
    return this.#literalValue(i, field);
  }

  #literalValue(i: number, field: number): number {
    const bytes = this.#lexer.window.bytes;
    const byte = bytes[i];
    if (byte !== LETTER_T && byte !== LETTER_F && byte !== LETTER_N) this.#lexer.fail(i, 'a value');
    const end = this.#lexer.literal(i);
    if (byte === LETTER_N) {
      if (!this.#csv) this.#text.verbatim(NULL_TEXT, 0, NULL_TEXT.length);
      return end;
    }
    if ((this.#kinds[field] & BOOLEAN) === 0) this.#surprise(i, field);
    if (this.#modes[field] === AS_BOOLEAN && !this.#csv) this.#text.verbatim(byte === LETTER_T ? TRUE_LETTER : FALSE_LETTER, 0, 1);
    else this.#text.verbatim(bytes, i, end);
    return end;
  }

  #nested(i: number, field: number, sink: ByteBuffer): number {
    if ((this.#kinds[field] & NESTED) === 0) this.#surprise(i, field);
    const { window } = this.#lexer;
    const mode = this.#modes[field];
    const end = this.#scanner.scan(i);
    if (mode < AS_ARRAY_LITERAL || window.bytes[i] !== OPEN_ARRAY) {
      this.#text.raw(window, i, end);
      return end;
    }
    const { buffer } = this.#literal;
    this.#literal.build(i, end, mode === AS_JSON_ARRAY_LITERAL);
    // The literal's own escapes are escaped once more: its room, and again that for the rest of the record.
    sink.reserve(buffer.length * 2 + (window.end - i) * 2 + this.#fields.length * 4 + 64);
    this.#text.raw(buffer, 0, buffer.length);
    return end;
  }

  /** Whether the number at `i` fits for certain, by its length and form alone. */
  #isPlain(i: number, end: number, field: number): boolean {
    const { window, numberForm } = this.#lexer;
    return numberForm < this.#plainForms[field] && end - i <= PLAIN_DIGITS && (window.bytes[i] !== MINUS || window.bytes[i + 1] !== ZERO);
  }

  #checkClass(start: number, end: number, field: number): void {
    const { bytes } = this.#lexer.window;
    if (!fitsClasses(this.#classes[field], bytes, start, end)) this.#surprise(bytes[start - 1] === QUOTE ? start - 1 : start, field);
  }

  /** A value of a kind that the inspection of the source's head had not seen in this column. */
  #surprise(i: number, field: number): never {
    this.skip(i); // what is not even JSON is that in the first place
    const { source, type } = this.#fields[field];
    const { sourceName } = this.#lexer.window.options;
    throw new SluiceError('SCHEMA_SURPRISE', { source: sourceName, type: typeName(type), column: source }, { ...this.#lexer.place(i), column: source });
  }
}

function modeOf({ type, arrays }: BoundField): number {
  if (type.kind === 'json') return AS_JSON;
  if (type.kind === 'boolean') return AS_BOOLEAN;
  if (type.kind !== 'array' || arrays === 'json') return AS_TEXT;
  let element = type.element;
  while (element.kind === 'array') element = element.element;
  return element.kind === 'json' ? AS_JSON_ARRAY_LITERAL : AS_ARRAY_LITERAL;
}

function kindsOf({ type, detected }: BoundField): number {
  if (detected !== true) return ANY;
  switch (type.kind) {
    case 'json': return ANY;
    case 'boolean': return BOOLEAN;
    case 'integer':
    case 'numeric':
    case 'float': return NUMBER;
    case 'array': return NESTED;
    default: return STRING;
  }
}

function fits(classes: number, number: string): boolean {
  return fitsClasses(classes, Buffer.from(number), 0, number.length);
}
