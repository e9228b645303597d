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

/**
 * Looks at the rows from the window's start on, as far as the window goes, without taking them. NEED_MORE: it has not even one.
 * Where rows with another number of values are left out, the first row may be one: the number that most of them have is meant, if the head does not say it.
 */
// oxlint-disable-next-line max-params -- called in one place
export function probeRows(window: ByteWindow, parser: InsertParser, rules: LexicalRules, named: number | undefined): Probe | typeof NEED_MORE {
  const scratch = new CopyTextBuilder();
  const seen = new Map<number, { rows: number; kinds: Uint16Array }>();
  let start = window.start;
  for (let row = 0; row < PROBED_ROWS; row++) {
    scratch.reset();
    const next = parser.row(start, PROBE_PLAN, scratch);
    if (next === NEED_MORE) break;
    note(seen, parser);
    const comma = skipBlank(window.bytes, next, window.end, rules, false);
    if (comma === NEED_MORE || comma >= window.end || window.bytes[comma] !== COMMA) break;
    start = skipBlank(window.bytes, comma + 1, window.end, rules, false);
    if (start === NEED_MORE || start >= window.end || window.bytes[start] !== OPEN) break;
  }
  const [first] = seen;
  if (first === undefined) return NEED_MORE;
  const most = [...seen].reduce((a, b) => (b[0] === named || (a[0] !== named && b[1].rows > a[1].rows) ? b : a));
  const [values, { kinds }] = parser.tolerant ? most : first;
  return { values, kinds };
}

function note(seen: Map<number, { rows: number; kinds: Uint16Array }>, { count, kinds }: InsertParser): void {
  const known = seen.get(count);
  if (known === undefined) {
    seen.set(count, { rows: 1, kinds: kinds.slice(0, count) });
    return;
  }
  known.rows++;
  for (let i = 0; i < count; i++) known.kinds[i] |= kinds[i];
}
