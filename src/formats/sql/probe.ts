import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import { skipBlank } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import type { LexicalRules } from './dialect.ts';
import { MAX_VALUES, type InsertParser } from './insert-parser.ts';
import { looseRowPlan } from './row-plan.ts';
import { NEED_MORE } from './string-literal.ts';

const OPEN = 0x28, COMMA = 0x2c;
/** Rows that are looked at to tell the types of a table that no CREATE TABLE describes. */
const PROBED_ROWS = 200;
const PROBE_PLAN = looseRowPlan(-1, MAX_VALUES);

/** The first rows of a statement, before anybody has said what is wanted of them. */
export interface Probe {
  readonly values: number;
  /** Per value, the kinds of literals seen. */
  readonly kinds: Uint16Array;
}

export const NO_PROBE: Probe = { values: 0, kinds: new Uint16Array(0) };

/** Looks at the rows from the window's start on, as far as the window goes, without taking them. NEED_MORE: it has not even one. */
export function probeRows(window: ByteWindow, parser: InsertParser, rules: LexicalRules): Probe | typeof NEED_MORE {
  const scratch = new CopyTextBuilder();
  let next = parser.row(window.start, PROBE_PLAN, scratch);
  if (next === NEED_MORE) return NEED_MORE;
  const values = parser.count;
  const kinds = parser.kinds.slice(0, values);
  for (let row = 1; row < PROBED_ROWS; row++) {
    const comma = skipBlank(window.bytes, next, window.end, rules, false);
    if (comma === NEED_MORE || comma >= window.end || window.bytes[comma] !== COMMA) break;
    const start = skipBlank(window.bytes, comma + 1, window.end, rules, false);
    if (start === NEED_MORE || start >= window.end || window.bytes[start] !== OPEN) break;
    scratch.reset();
    next = parser.row(start, PROBE_PLAN, scratch);
    if (next === NEED_MORE) break;
    for (let i = 0; i < Math.min(values, parser.count); i++) kinds[i] |= parser.kinds[i];
  }
  return { values, kinds };
}
