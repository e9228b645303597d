/**
 * Finds the type of a column from the text of its values, for formats whose values are only text (CSV fields, JSON strings).
 *
 * Every value is put into classes (bits) by looking at its bytes once; a column is the union of its values' classes, and the union decides the type.
 * So the order of the values does not matter, unions of several looks can be combined, and nothing is allocated per value.
 *
 * A type is only chosen when every text of its classes survives the way through it without loss: `007`, `+5` and ` 12` stay text, a
 * number with an exponent is a double only when 15 significant digits suffice for all values of the column, else numeric.
 */
import { TEXT, type ColumnType } from './column-type.ts';

const ANY_TEXT = 1, BOOLEAN = 2;
/** At most 18 digits; longer ones are BIG_INTEGER. */
const INTEGER = 4, BIG_INTEGER = 8, DECIMAL = 16, EXPONENT = 32;
/** `-0` and `-0.0`: only a float keeps the sign. */
const NEGATIVE_ZERO = 64;
const NOT_FINITE = 128;
/** Set beside a number's class when a double may not give its digits back. */
const BEYOND_DOUBLE = 256;
const DATE = 512, TIMESTAMP = 1024, TIMESTAMP_ZONE = 2048, UUID = 4096;

const FINITE = INTEGER | BIG_INTEGER | DECIMAL | EXPONENT | NEGATIVE_ZERO;
const NUMBER = FINITE | NOT_FINITE | BEYOND_DOUBLE;
const ONLY_FLOAT = NEGATIVE_ZERO | NOT_FINITE;

const MINUS = 0x2d, PLUS = 0x2b, POINT = 0x2e, ZERO = 0x30, NINE = 0x39, COLON = 0x3a, BLANK = 0x20, LETTER_T = 0x54, LETTER_Z = 0x5a;

/** The type of one column. `see` each value that is not NULL; an empty value is text. */
export class TypeInference {
  #classes = 0;

  see(bytes: Uint8Array, start: number, end: number): void {
    if ((this.#classes & ANY_TEXT) === 0) this.#classes |= valueClasses(bytes, start, end);
  }

  /** True once nothing can change the result any more. */
  get settled(): boolean {
    return (this.#classes & ANY_TEXT) !== 0;
  }

  /** False while no value was seen. */
  get seen(): boolean {
    return this.#classes !== 0;
  }

  /** Text when no value was seen. */
  result(): ColumnType {
    return typeOfClasses(this.#classes);
  }
}

/** True when the value is a number, date, timestamp, uuid or truth word: anything but free text. */
export function looksTyped(bytes: Uint8Array, start: number, end: number): boolean {
  return (valueClasses(bytes, start, end) & ANY_TEXT) === 0;
}

/**
 * The classes that a type found by inference holds without loss, for `fitsClasses`; undefined for types that hold any text.
 * Databases are more generous than that, and silently so: a timestamp put into a date loses its time, `007` put into an integer its zeros.
 */
export function classesOfType(type: ColumnType): number | undefined {
  switch (type.kind) {
    case 'boolean': return BOOLEAN;
    case 'integer': return INTEGER | BEYOND_DOUBLE;
    case 'numeric': return INTEGER | BIG_INTEGER | DECIMAL | EXPONENT | BEYOND_DOUBLE;
    case 'float': return FINITE | NOT_FINITE;
    case 'date': return DATE;
    case 'timestamp': return type.zone ? TIMESTAMP_ZONE : DATE | TIMESTAMP;
    case 'uuid': return UUID;
    default: return undefined;
  }
}

/** True when the value belongs to these classes only. */
export function fitsClasses(classes: number, bytes: Uint8Array, start: number, end: number): boolean {
  return (valueClasses(bytes, start, end) & ~classes) === 0;
}

function typeOfClasses(classes: number): ColumnType {
  if (classes === 0 || (classes & ANY_TEXT) !== 0) return TEXT;
  if ((classes & ~NUMBER) === 0) return numberType(classes);
  switch (classes) {
    case BOOLEAN: return { kind: 'boolean' };
    case DATE: return { kind: 'date' };
    case TIMESTAMP: case DATE | TIMESTAMP: return { kind: 'timestamp', zone: false };
    case TIMESTAMP_ZONE: return { kind: 'timestamp', zone: true };
    case UUID: return { kind: 'uuid' };
    default: return TEXT;
  }
}

function numberType(classes: number): ColumnType {
  const exactAsDouble = (classes & BEYOND_DOUBLE) === 0;
  if ((classes & (EXPONENT | ONLY_FLOAT)) !== 0 && exactAsDouble) return (classes & FINITE) === 0 ? TEXT : { kind: 'float', bits: 64 };
  if ((classes & ONLY_FLOAT) !== 0) return TEXT;
  return (classes & (BIG_INTEGER | DECIMAL | EXPONENT)) === 0 ? { kind: 'integer', bits: 64 } : { kind: 'numeric' };
}

/** The classes of one value. */
function valueClasses(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return ANY_TEXT;
  const first = bytes[start];
  if (isDigit(first)) {
    if (length >= 10 && bytes[start + 4] === MINUS) return dateClasses(bytes, start, end);
    if (length === 36 && bytes[start + 8] === MINUS) return uuidClass(bytes, start);
    return numberClasses(bytes, start, end);
  }
  if (first === MINUS || first === POINT) {
    return length > 3 && isLetter(bytes[start + 1]) ? wordClass(bytes, start + 1, end) & (NOT_FINITE | ANY_TEXT) || ANY_TEXT : numberClasses(bytes, start, end);
  }
  if (length === 36) return uuidClass(bytes, start);
  return length <= 8 && isLetter(first) ? wordClass(bytes, start, end) : ANY_TEXT;
}

function numberClasses(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  let i = first;
  let nonZero = 0;
  let significant = 0;
  for (; i < end && isDigit(bytes[i]); i++) {
    nonZero |= bytes[i] ^ ZERO;
    if (nonZero !== 0) significant++;
  }
  const whole = i - first;
  if (whole > 1 && bytes[first] === ZERO) return ANY_TEXT;
  if (i === end) {
    if (whole === 0) return ANY_TEXT;
    if (nonZero === 0 && negative) return NEGATIVE_ZERO;
    if (whole > 18) return BIG_INTEGER | BEYOND_DOUBLE;
    return whole > 15 ? INTEGER | BEYOND_DOUBLE : INTEGER;
  }
  let fraction = 0;
  if (bytes[i] === POINT) {
    for (i++; i < end && isDigit(bytes[i]); i++, fraction++) {
      nonZero |= bytes[i] ^ ZERO;
      if (nonZero !== 0) significant++;
    }
    if (fraction === 0) return ANY_TEXT;
  }
  if (whole + fraction === 0) return ANY_TEXT;
  const exponent = i === end ? 0 : exponentAt(bytes, i, end);
  if (exponent === NO_EXPONENT) return ANY_TEXT;
  if (nonZero === 0 && negative) return NEGATIVE_ZERO;
  const magnitude = Math.max(Math.abs(exponent + whole), Math.abs(exponent - fraction));
  const exact = significant <= 15 && magnitude <= 300 ? 0 : BEYOND_DOUBLE;
  return (i === end ? DECIMAL : EXPONENT) | exact;
}

const NO_EXPONENT = -1_000_000;

/** The value of `e+12` at `i`; NO_EXPONENT when it is not one that ends at `end`. At most three digits. */
function exponentAt(bytes: Uint8Array, i: number, end: number): number {
  if ((bytes[i] | 0x20) !== 0x65) return NO_EXPONENT;
  i++;
  const sign = bytes[i] === MINUS ? -1 : 1;
  if (i < end && (bytes[i] === MINUS || bytes[i] === PLUS)) i++;
  if (i === end || end - i > 3) return NO_EXPONENT;
  let value = 0;
  for (; i < end; i++) {
    if (!isDigit(bytes[i])) return NO_EXPONENT;
    value = value * 10 + bytes[i] - ZERO;
  }
  return sign * value;
}

const DAYS_IN_MONTH = Uint8Array.of(0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

/** `2024-01-31`, alone or with `T` or a blank, `hh:mm[:ss[.ffffff]]` and `Z`, `+hh`, `+hhmm` or `+hh:mm`. */
function dateClasses(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start + 7] !== MINUS) return ANY_TEXT;
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  if (!(year > 0) || !(month >= 1 && month <= 12) || !(day >= 1 && day <= DAYS_IN_MONTH[month])) return ANY_TEXT;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return ANY_TEXT;
  if (end - start === 10) return DATE;
  const separator = bytes[start + 10];
  if ((separator !== BLANK && separator !== LETTER_T) || end - start < 16) return ANY_TEXT;
  return timeClasses(bytes, start + 11, end);
}

function timeClasses(bytes: Uint8Array, start: number, end: number): number {
  if (!(twoDigits(bytes, start) <= 23) || bytes[start + 2] !== COLON || !(twoDigits(bytes, start + 3) <= 59)) return ANY_TEXT;
  let i = start + 5;
  if (i < end && bytes[i] === COLON) {
    if (i + 3 > end || !(twoDigits(bytes, i + 1) <= 59)) return ANY_TEXT;
    i += 3;
    if (i < end && bytes[i] === POINT) {
      const point = i;
      for (i++; i < end && isDigit(bytes[i]); i++);
      if (i - point < 2 || i - point > 7) return ANY_TEXT;
    }
  }
  if (i === end) return TIMESTAMP;
  return isZone(bytes, i, end) ? TIMESTAMP_ZONE : ANY_TEXT;
}

function isZone(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === LETTER_Z) return end - start === 1;
  if (bytes[start] !== PLUS && bytes[start] !== MINUS) return false;
  if (!(twoDigits(bytes, start + 1) <= 14)) return false;
  const length = end - start;
  if (length === 3) return true;
  if (length === 5) return twoDigits(bytes, start + 3) <= 59;
  return length === 6 && bytes[start + 3] === COLON && twoDigits(bytes, start + 4) <= 59;
}

/** NaN when they are not two digits; positions after the value are its neighbour's bytes and are refused by the lengths that callers check. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at], ones = bytes[at + 1];
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NaN;
}

/** Lower-case canonical form only: the text form of every database. */
function uuidClass(bytes: Uint8Array, start: number): number {
  for (let i = 0; i < 36; i++) {
    const byte = bytes[start + i];
    const dash = i === 8 || i === 13 || i === 18 || i === 23;
    if (dash ? byte !== MINUS : !isDigit(byte) && !(byte >= 0x61 && byte <= 0x66)) return ANY_TEXT;
  }
  return UUID;
}

const WORDS: readonly { readonly word: Uint8Array; readonly classes: number }[] = [
  ...['true', 'false', 'True', 'False', 'TRUE', 'FALSE'].map((word) => ({ word: Buffer.from(word), classes: BOOLEAN })),
  ...['NaN', 'nan', 'NAN', 'inf', 'Inf', 'INF', 'Infinity', 'infinity', 'INFINITY'].map((word) => ({ word: Buffer.from(word), classes: NOT_FINITE })),
];

function wordClass(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 3 || length > 8) return ANY_TEXT;
  const found = WORDS.find(({ word }) => word.length === length && word.every((byte, i) => bytes[start + i] === byte));
  return found?.classes ?? ANY_TEXT;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isLetter(byte: number): boolean {
  return ((byte | 0x20) >= 0x61) && ((byte | 0x20) <= 0x7a);
}
