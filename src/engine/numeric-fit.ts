/**
 * Finds the narrowest DECIMAL that holds numerics exactly, when their type says neither precision nor scale (column-types.ts says why).
 * The texts are measured, never converted: first quickly, by length and position of the point; only when that says more digits than the narrow width
 * holds, again without leading and trailing zeros. Trailing zeros within the narrow width are kept: they are how the source shows its numbers.
 */
import type { EngineConnection, RunOptions } from './engine-connection.ts';
import { decimal, VARCHAR, type EngineType } from './engine-type.ts';
import { LARGEST_DECIMAL_WIDTH } from './column-types.ts';

/** Of one column. `plain` false: some text is no plain decimal number (exponent, NaN, infinity). */
export interface NumericExtent {
  readonly whole: number;
  readonly fraction: number;
  readonly plain: boolean;
}

export const NO_NUMBERS: NumericExtent = { whole: 0, fraction: 0, plain: true };

/** Widths at which the engine's storage grows: 8 bytes, then 16. */
const NARROW_WIDTH = 18;

/** `relation` is anything that can stand after FROM, `texts` SQL over it. */
export async function measureNumerics(connection: EngineConnection, texts: readonly string[], relation: string, options: RunOptions): Promise<NumericExtent[]> {
  const quick = await measure(connection, texts, relation, quickMeasures, options);
  const wide = quick.flatMap(({ whole, fraction, plain }, i) => (plain && whole + fraction > NARROW_WIDTH ? [i] : []));
  const exact = await measure(connection, wide.map((i) => texts[i]), relation, exactMeasures, options);
  return quick.map((extent, i) => exact[wide.indexOf(i)] ?? extent);
}

/** Signs and leading zeros count as digits, blanks too. `n` is in NaN and infinity. What is no number at all fails when it is converted. */
function quickMeasures(x: string): string[] {
  return [
    `max(CASE WHEN instr(${x}, '.') = 0 THEN strlen(${x}) ELSE instr(${x}, '.') - 1 END)`,
    `max(CASE WHEN instr(${x}, '.') = 0 THEN 0 ELSE strlen(${x}) - instr(${x}, '.') END)`,
    `NOT bool_or(contains(${x}, 'e') OR contains(${x}, 'E') OR contains(${x}, 'n') OR contains(${x}, 'N'))`,
  ];
}

function exactMeasures(x: string): string[] {
  return [
    `max(length(ltrim(split_part(${x}, '.', 1), '+-0 ')))`,
    `max(length(rtrim(split_part(${x}, '.', 2), '0 ')))`,
    `bool_and(regexp_full_match(${x}, '\\s*[-+]?[0-9]*\\.?[0-9]*\\s*'))`,
  ];
}

async function measure(connection: EngineConnection, texts: readonly string[], relation: string, measuresOf: (x: string) => string[], options: RunOptions): Promise<NumericExtent[]> {
  if (texts.length === 0) return [];
  const measures = texts.flatMap((_, i) => measuresOf(`x${i}`));
  const fields = texts.map((text, i) => `${text} AS x${i}`);
  const [row] = await connection.rows(`SELECT ${measures.join(', ')} FROM (SELECT ${fields.join(', ')} FROM ${relation})`, options);
  return texts.map((_, i): NumericExtent => ({
    whole: Number(row[i * 3] ?? 0), fraction: Number(row[i * 3 + 1] ?? 0), plain: row[i * 3 + 2] !== false,
  }));
}

export function unite(a: NumericExtent, b: NumericExtent): NumericExtent {
  return { whole: Math.max(a.whole, b.whole), fraction: Math.max(a.fraction, b.fraction), plain: a.plain && b.plain };
}

/** Exact for every number within the extent. */
export function fittedType({ whole, fraction, plain }: NumericExtent): EngineType {
  const digits = whole + fraction;
  if (!plain || digits > LARGEST_DECIMAL_WIDTH) return VARCHAR;
  return decimal(digits <= NARROW_WIDTH ? NARROW_WIDTH : LARGEST_DECIMAL_WIDTH, fraction);
}

/** An extent seen on a part of the data, with room for larger numbers in the rest. */
export function withRoom(extent: NumericExtent): NumericExtent {
  const room = extent.whole + extent.fraction + SPARE_DIGITS > NARROW_WIDTH ? LARGEST_DECIMAL_WIDTH : NARROW_WIDTH;
  const whole = Math.max(extent.whole, room - extent.fraction);
  return extent.whole + extent.fraction > LARGEST_DECIMAL_WIDTH ? extent : { ...extent, whole };
}

const SPARE_DIGITS = 3;
