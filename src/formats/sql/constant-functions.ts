import type { Constant } from './constant-expression.ts';
import type { LexicalRules } from './dialect.ts';
import { LITERAL } from './sql-types.ts';
import { codePoint } from './string-literal.ts';

type ConstantFunction = (args: readonly Constant[], rules: LexicalRules) => Constant;

/** No value of a dump is larger: what grows beyond was written to harm. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * The functions that dumps use to write constants, under their upper-case names. SQLite: replace, char, unistr. Oracle: CHR, TO_DATE, TO_CLOB, HEXTORAW.
 * Ourselves and DuckDB: unhex. @throws RangeError with the reason
 */
export const CONSTANT_FUNCTIONS: Readonly<Record<string, ConstantFunction>> = {
  REPLACE: ([text, from, to]) => replaceAll(textOf(text), textOf(from), textOf(to)),
  CHAR: (args) => madeText(args.map(characterOf).join('')),
  CHR: (args) => madeText(args.map(characterOf).join('')),
  NCHAR: (args) => madeText(args.map(characterOf).join('')),
  UNISTR: ([value]) => unistr(value),
  UNHEX: ([value]) => unhex(value),
  FROM_HEX: ([value]) => unhex(value),
  HEXTORAW: ([value]) => unhex(value),
  DECODE: ([value, form]) => {
    if (stringOf(form).toLowerCase() !== 'hex') throw new RangeError('decode is only read with the form \'hex\'');
    return unhex(value);
  },
  TO_CLOB: ([value]) => textOf(value),
  TO_NCLOB: ([value]) => textOf(value),
  EMPTY_CLOB: () => madeText(''),
  EMPTY_BLOB: () => ({ kind: LITERAL.bytes, bytes: new Uint8Array(0), binary: true }),
  TO_DATE: ([value, format]) => isoTime(value, format),
  TO_TIMESTAMP: ([value, format]) => isoTime(value, format),
  TO_TIMESTAMP_TZ: ([value, format]) => isoTime(value, format),
};

export function encodeText(value: string): Uint8Array {
  return Buffer.from(value, 'utf8');
}

/** Made here, so it is UTF-8 whatever the dump's character set. */
function madeText(value: string): Constant {
  return { kind: LITERAL.text, bytes: encodeText(value), binary: /[^\0-\x7f]/.test(value) };
}

function textOf(argument: Constant | undefined): Constant {
  if (argument === undefined) throw new RangeError('a function has too few arguments');
  return { ...argument, kind: argument.kind === LITERAL.null ? LITERAL.null : LITERAL.text };
}

function stringOf(argument: Constant | undefined): string {
  return Buffer.from(textOf(argument).bytes).toString('utf8');
}

function characterOf(argument: Constant): string {
  return codePoint(Number(stringOf(argument)) || 0);
}

function replaceAll(value: Constant, from: Constant, to: Constant): Constant {
  const bytes = Buffer.from(value.bytes.buffer, value.bytes.byteOffset, value.bytes.length);
  if (value.kind === LITERAL.null || from.bytes.length === 0) return value;
  const pieces: Uint8Array[] = [];
  let size = 0;
  let at = 0;
  for (let found = bytes.indexOf(from.bytes); found !== -1; found = bytes.indexOf(from.bytes, at)) {
    pieces.push(bytes.subarray(at, found), to.bytes);
    size += found - at + to.bytes.length;
    if (size > MAX_BYTES) throw new RangeError('a replace() makes a value too large');
    at = found + from.bytes.length;
  }
  if (pieces.length === 0) return value;
  return { ...value, bytes: Buffer.concat([...pieces, bytes.subarray(at)]) };
}

/** SQLite's and Oracle's escapes: \XXXX, \uXXXX, \+XXXXXX, \UXXXXXXXX, \\. */
function unistr(value: Constant | undefined): Constant {
  const pattern = /\\(?:\\|u?([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|U([0-9a-fA-F]{8}))/g;
  return madeText(stringOf(value).replaceAll(pattern, (_, four?: string, six?: string, eight?: string) => {
    const digits = four ?? six ?? eight;
    return digits === undefined ? '\\' : codePoint(Number.parseInt(digits, 16));
  }));
}

function unhex(value: Constant | undefined): Constant {
  if (value?.kind === LITERAL.null) return value;
  const hex = stringOf(value).replaceAll(/\s+/g, '');
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) throw new RangeError('a hex string has something else than pairs of hex digits');
  return { kind: LITERAL.bytes, bytes: Buffer.from(hex, 'hex'), binary: true };
}

/** TO_DATE where its format is year, month, day, and then the time: the text is then what every target reads. */
function isoTime(value: Constant | undefined, format: Constant | undefined): Constant {
  const pattern = /^s?(yyyy|rrrr)[-/]mm[-/]dd(["t ]+hh24:mi:ss([.,x]*ff\d?)?( ?tzh:?tzm)?)?$/;
  if (value?.kind === LITERAL.null) return value;
  const form = format === undefined ? '' : stringOf(format).toLowerCase();
  if (!pattern.test(form)) throw new RangeError(`the date format "${form}" is not year, month, day and time`);
  return { ...textOf(value), kind: LITERAL.timestamp };
}
