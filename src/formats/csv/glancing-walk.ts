/**
 * Walks over records and looks at the fields of some columns just long enough to see that their values are exact in the type of the column. Whatever is
 * not obviously so (another number of fields, a value that needs a closer look, an empty line, a record that is cut off) stops the walk before that
 * record: the caller looks at it closely and comes back.
 *
 * What it goes over is regular too: no quote within an unquoted field, no `\.` at the begin of a record. NUL bytes are the caller's to look for.
 *
 * It says nothing of values that the target refuses by itself (`abc` in an integer): the target does that.
 */
import type { ColumnType } from '../../rows/column-type.ts';
import type { DialectBytes } from './dialect.ts';
import { LINE_END } from './record-scanner.ts';

const LF = 0x0a, CR = 0x0d, ZERO = 0x30, ONE = 0x31, NINE = 0x39, MINUS = 0x2d, PLUS = 0x2b, POINT = 0x2e, BLANK = 0x20, LETTER_T = 0x54, LETTER_Z = 0x5a, BACKSLASH = 0x5c;

/** What a glance looks for; 0: the column is not looked at. */
const NOT_LOOKED_AT = 0, NUMBER = 1, FLOAT = 2, DATE = 3, TIMESTAMP = 4, TIMESTAMP_ZONE = 5, BOOLEAN = 6, UUID = 7;

export function glanceOf(type: ColumnType): number {
  switch (type.kind) {
    case 'integer': case 'numeric': return NUMBER;
    case 'float': return FLOAT;
    case 'date': return DATE;
    case 'timestamp': return type.zone ? TIMESTAMP_ZONE : TIMESTAMP;
    case 'boolean': return BOOLEAN;
    case 'uuid': return UUID;
    default: return NOT_LOOKED_AT;
  }
}

export class GlancingWalk {
  /** Of the last `pass`: records and line ends that it went over. */
  records = 0;
  lines = 0;
  /** Bits of LINE_END, of all passes. */
  lineEnds = 0;
  readonly #glances: Uint8Array;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #highest: number;
  /** Long delimiters, escapes other than the quote, and null texts are left to the closer look. */
  readonly #able: boolean;

  /** `glances`: by column. */
  constructor(dialect: DialectBytes, glances: Uint8Array) {
    this.#glances = glances;
    this.#delimiter = dialect.delimiter[0] ?? -1;
    this.#quote = dialect.quote;
    this.#highest = Math.max(CR, this.#delimiter, this.#quote);
    this.#able = dialect.delimiter.length <= 1 && dialect.escape === dialect.quote && dialect.nullText.length === 0;
  }

  /** Returns where in bytes[from, to) the walk stopped: the start of a record. Requires that a record starts at `from`. */
  pass(bytes: Uint8Array, from: number, to: number): number {
    this.records = 0;
    this.lines = 0;
    let at = from;
    while (this.#able && at < to) {
      const next = this.#record(bytes, at, to);
      if (next < 0) break;
      this.records++;
      at = next;
    }
    return at;
  }

  /** The position after the record at `start`, or -1. */
  #record(bytes: Uint8Array, start: number, to: number): number {
    const glances = this.#glances;
    const delimiter = this.#delimiter;
    const highest = this.#highest;
    const quote = this.#quote;
    let column = 0;
    let i = start;
    this.#linesInside = 0;
    if (bytes[start] === BACKSLASH) return -1;
    for (;;) {
      let value = i;
      let end: number;
      if (i < to && bytes[i] === quote) {
        end = this.#closingQuote(bytes, ++value, to);
        // An empty text in quotes is not NULL.
        if (end < 0 || (end === value && glances[column] !== NOT_LOOKED_AT)) return -1;
        i = end + 1;
        if (i < to && bytes[i] !== delimiter && bytes[i] !== LF && bytes[i] !== CR) return -1;
      } else {
        for (; i < to; i++) {
          const byte = bytes[i];
          if (byte > highest) continue;
          if (byte === delimiter || byte === LF || byte === CR) break;
          if (byte === quote) return -1;
        }
        end = i;
      }
      if (i >= to) return -1;
      if (glances[column] !== NOT_LOOKED_AT && end > value && !isObvious(glances[column], bytes, value, end)) return -1;
      column++;
      if (bytes[i] !== delimiter) break;
      i++;
    }
    return column === glances.length && i > start ? this.#lineEnd(bytes, i, to) : -1;
  }

  /** The position of the quote that closes the field whose text begins at `i`, or -1. */
  #closingQuote(bytes: Uint8Array, i: number, to: number): number {
    const quote = this.#quote;
    let lines = 0;
    for (; i + 1 < to; i++) {
      const byte = bytes[i];
      if (byte === LF) {
        lines++;
      } else if (byte === CR) {
        if (bytes[i + 1] !== LF) return -1;
      } else if (byte === quote) {
        if (bytes[i + 1] !== quote) {
          this.#linesInside += lines;
          return i;
        }
        i++;
      }
    }
    return -1;
  }

  #linesInside = 0;

  #lineEnd(bytes: Uint8Array, i: number, to: number): number {
    if (bytes[i] === CR && i + 1 >= to) return -1;
    this.lines += 1 + this.#linesInside;
    if (bytes[i] === LF) {
      this.lineEnds |= LINE_END.lf;
      return i + 1;
    }
    const isPair = bytes[i + 1] === LF;
    this.lineEnds |= isPair ? LINE_END.crlf : LINE_END.cr;
    return isPair ? i + 2 : i + 1;
  }
}

/** True when the value is exact in its type, provided that the target takes it at all. */
function isObvious(glance: number, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  switch (glance) {
    case NUMBER: return length <= 18 && isNumberStart(bytes, start, end);
    case FLOAT: return length <= 15 && isNumberStart(bytes, start, end);
    case DATE: return length === 10 && bytes[start + 4] === MINUS;
    case TIMESTAMP: return isSeparator(bytes[start + 10]) && length >= 19 && length <= 26 && !endsWithZone(bytes, end, length);
    case TIMESTAMP_ZONE: return isSeparator(bytes[start + 10]) && endsWithZone(bytes, end, length);
    case BOOLEAN: return (length === 4 || length === 5) && (bytes[start] | 0x20) === (length === 4 ? 0x74 : 0x66);
    default: return length === 36;
  }
}

/** No blank, plus sign or needless zero first, and not a negative zero. */
function isNumberStart(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] === MINUS && end > start + 1 ? bytes[start + 1] : bytes[start];
  if (first >= ONE && first <= NINE) return true;
  return first === ZERO && bytes[start] !== MINUS && (end === start + 1 || bytes[start + 1] === POINT);
}

/** A zone after at most six digits of a second's fraction. */
function endsWithZone(bytes: Uint8Array, end: number, length: number): boolean {
  if (bytes[end - 1] === LETTER_Z) return length <= 27;
  return (isSign(bytes[end - 3]) && length <= 29) || (isSign(bytes[end - 5]) && length <= 31) || (isSign(bytes[end - 6]) && length <= 32);
}

function isSeparator(byte: number): boolean {
  return byte === BLANK || byte === LETTER_T;
}

function isSign(byte: number): boolean {
  return byte === PLUS || byte === MINUS;
}
