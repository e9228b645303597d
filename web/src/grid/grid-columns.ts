export interface GridColumn {
  readonly name: string;
  readonly type: string;
  readonly width: number;
  readonly isNumber: boolean;
  readonly isKey?: boolean;
}

const NUMBERS = /^(?:u?(?:tiny|small|big|huge)?int(?:eger)?\d*|int\d|numeric|decimal|real|double|float|serial|bigserial|oid)/i;
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/^bool/i, 84], [/^uuid/i, 290], [/^timestamp/i, 208], [/^date/i, 112], [/^time/i, 132], [/^(?:json|struct|map)|\[\]|_$/i, 280], [NUMBERS, 124],
];

/** @param sample values of the first rows: a column is as wide as what is in it, within reason */
export function gridColumn(name: string, type: string, sample: readonly (string | null)[], isKey: boolean): GridColumn {
  const byType = WIDTHS.find(([pattern]) => pattern.test(type))?.[1] ?? 180;
  const longest = Math.max(0, ...sample.map((value) => value?.length ?? 4));
  const bySample = longest === 0 ? byType : longest * 7.4 + 26;
  const byName = Math.max(name.length * 7.6 + 40, Math.min(type.length, 24) * 7.2 + 26);
  return { name, type, isKey, isNumber: NUMBERS.test(type), width: Math.round(Math.min(360, Math.max(76, byName, Math.min(bySample, Math.max(byType, 320))))) };
}

/** Where each column begins, and after them all the end. */
export function offsetsOf(columns: readonly GridColumn[], start: number): number[] {
  const offsets = [start];
  for (const { width } of columns) offsets.push(offsets.at(-1)! + width);
  return offsets;
}

/** The first column in the window, and the one behind the last. */
export function columnsInView(offsets: readonly number[], from: number, to: number): readonly [number, number] {
  let first = 0;
  while (first < offsets.length - 2 && offsets[first + 1] <= from) first++;
  let last = first;
  while (last < offsets.length - 1 && offsets[last] < to) last++;
  return [first, last];
}
