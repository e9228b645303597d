/**
 * Types found by sampling are a promise about values nobody has looked at. Databases keep it for us where a value does not fit at all, but
 * some values fit with loss and without a word: a timestamp into a date, an offset into a timestamp without zone, `007` into an integer, twenty digits into
 * a double. So while a sampled file passes, the fields of such columns are compared with what the type holds exactly.
 *
 * For nearly all values their length and a byte or two say enough; the rest is classified as inference would have done.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { typeName, type ColumnType } from '../../rows/column-type.ts';
import { classesOfType, fitsClasses } from '../../rows/infer-type.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { BoundField } from '../format.ts';
import type { RecordCursor } from './record-cursor.ts';

const ZERO = 0x30, ONE = 0x31, NINE = 0x39, MINUS = 0x2d, PLUS = 0x2b, BLANK = 0x20, LETTER_T = 0x54;

/** What values can be let through at a glance. */
const NOTHING = 0, NUMBER = 1, DATE = 2, TIMESTAMP = 3;

interface GuardedField {
  readonly index: number;
  readonly column: Column;
  readonly classes: number;
  readonly glance: number;
}

export class ValueGuard {
  readonly #fields: readonly GuardedField[];

  /** `said`: columns whose type the user gave: nothing is guarded there, the target judges. */
  constructor(columns: readonly Column[], fields: readonly BoundField[], said: ReadonlySet<string>) {
    this.#fields = columns.flatMap((column, index): GuardedField[] => {
      const classes = classesOfType(column.type);
      const bound = fields.find((field) => field.absent !== true && field.source === column.name);
      if (classes === undefined || said.has(column.name) || bound === undefined || !sameKind(bound.type, column.type)) return [];
      return [{ index, column, classes, glance: glanceOf(column.type) }];
    });
  }

  get idle(): boolean {
    return this.#fields.length === 0;
  }

  /** Checks the cursor's record. @throws SluiceError SCHEMA_SURPRISE */
  check(cursor: RecordCursor): void {
    const { parser, bytes } = cursor;
    for (const field of this.#fields) {
      const start = parser.starts[field.index];
      const end = parser.ends[field.index];
      if (passes(field.glance, bytes, start, end)) continue;
      if (parser.isNull(field.index, bytes) || fitsClasses(field.classes, bytes, start, end)) continue;
      const facts = { source: cursor.place().file, type: typeName(field.column.type), column: field.column.name };
      throw new SluiceError('SCHEMA_SURPRISE', facts, { ...cursor.place(), column: field.column.name });
    }
  }
}

function sameKind(a: ColumnType, b: ColumnType): boolean {
  return a.kind === b.kind && (a.kind !== 'timestamp' || b.kind !== 'timestamp' || a.zone === b.zone);
}

function glanceOf(type: ColumnType): number {
  switch (type.kind) {
    case 'integer': case 'numeric': return NUMBER;
    case 'date': return DATE;
    case 'timestamp': return type.zone ? NOTHING : TIMESTAMP;
    default: return NOTHING;
  }
}

/** True when the value is exact in its type, provided that the target takes it at all. */
function passes(glance: number, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  switch (glance) {
    case NUMBER: return length > 0 && length <= 18 && (isOneToNine(bytes[start]) || (length === 1 && bytes[start] === ZERO));
    case DATE: return length === 10 && bytes[start + 4] === MINUS;
    case TIMESTAMP: return length === 19 && isT(bytes[start + 10]) && bytes[end - 3] !== PLUS && bytes[end - 3] !== MINUS && bytes[end - 6] !== PLUS && bytes[end - 6] !== MINUS;
    default: return false;
  }
}

function isOneToNine(byte: number): boolean {
  return byte >= ONE && byte <= NINE;
}

function isT(byte: number): boolean {
  return byte === BLANK || byte === LETTER_T;
}
