/**
 * Types found by sampling are a promise about values nobody has looked at. Databases keep it for us where a value does not fit at all, but
 * some values fit with loss and without a word: a timestamp into a date, an offset into a timestamp without zone, `007` into an integer, twenty digits into
 * a double. So while a sampled file passes, the fields of such columns are compared with what the type holds exactly.
 *
 * For nearly all values their length and a byte or two say enough (glancing-walk.ts); the rest is classified as inference would have done.
 */
import { SluiceError, type ErrorFacts } from '../../errors/sluice-error.ts';
import { typeName, type ColumnType } from '../../rows/column-type.ts';
import { classesOfType, fitsClasses } from '../../rows/infer-type.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { BoundField } from '../format.ts';
import type { DialectBytes } from './dialect.ts';
import { glanceOf, GlancingWalk } from './glancing-walk.ts';
import type { RecordCursor } from './record-cursor.ts';

interface GuardedField {
  readonly index: number;
  readonly column: Column;
  readonly classes: number;
}

export class ValueGuard {
  readonly #fields: readonly GuardedField[];
  readonly #glance: GlancingWalk;

  /** `columns`: all of the source; `said`: those whose type the user gave: nothing is guarded there, the target judges. */
  constructor(dialect: DialectBytes, columns: readonly Column[], fields: readonly BoundField[], said: ReadonlySet<string>) {
    this.#fields = columns.flatMap((column, index): GuardedField[] => {
      const classes = classesOfType(column.type);
      const bound = fields.find((field) => field.absent !== true && field.source === column.name);
      if (classes === undefined || said.has(column.name) || bound === undefined || !sameKind(bound.type, column.type)) return [];
      return [{ index, column, classes }];
    });
    const glances = new Uint8Array(columns.length);
    for (const { index, column } of this.#fields) glances[index] = glanceOf(column.type);
    this.#glance = new GlancingWalk(dialect, glances);
  }

  guards(column: string): boolean {
    return this.#fields.some((field) => field.column.name === column);
  }

  get idle(): boolean {
    return this.#fields.length === 0;
  }

  /** Bits of LINE_END of the records that were obvious. */
  get lineEnds(): number {
    return this.#glance.lineEnds;
  }

  /**
   * Checks all complete records that the cursor has.
   * @param look called at each record that was not obvious
   * @throws SluiceError SCHEMA_SURPRISE, and as RecordCursor.next
   */
  check(cursor: RecordCursor, final: boolean, look?: () => void): void {
    this.#passObvious(cursor);
    while (cursor.next(final)) {
      this.checkRecord(cursor);
      look?.();
      this.#passObvious(cursor);
    }
  }

  #passObvious(cursor: RecordCursor): void {
    const { from, to } = cursor.pending;
    const passed = this.#glance.pass(cursor.bytes, from, to);
    if (passed > from) cursor.skip(passed, this.#glance.records, this.#glance.lines);
  }

  /** The column of the first value of the cursor's record that its type does not hold. */
  misfit({ parser, bytes }: RecordCursor): Column | undefined {
    for (const { index, column, classes } of this.#fields) {
      if (!parser.isNull(index, bytes) && !fitsClasses(classes, bytes, parser.starts[index], parser.ends[index])) return column;
    }
    return undefined;
  }

  /** @throws SluiceError SCHEMA_SURPRISE for the cursor's record */
  checkRecord(cursor: RecordCursor): undefined {
    // The target refuses it, whatever its values are.
    const column = cursor.problem === undefined ? this.misfit(cursor) : undefined;
    if (column === undefined) return undefined;
    const place = cursor.place();
    throw new SluiceError('SCHEMA_SURPRISE', surpriseOf(column, place.file), { ...place, column: column.name });
  }
}

/** What is told of such a value. */
export function surpriseOf({ name, type }: Column, source: string | undefined): ErrorFacts {
  return { source, type: typeName(type), column: name };
}

function sameKind(a: ColumnType, b: ColumnType): boolean {
  return a.kind === b.kind && (a.kind !== 'timestamp' || b.kind !== 'timestamp' || a.zone === b.zone);
}
