/**
 * Measures numerics that are text in the engine, for rows/numeric-extent.ts. The texts are measured, never converted: first quickly, by length and position of the point; only when that says more digits than the narrow width
 * holds, again without leading and trailing zeros. Trailing zeros within the narrow width are kept: they are how the source shows its numbers.
 */
import type { EngineConnection, RunOptions } from './engine-connection.ts';
import { fittedNumeric, isWide, type NumericExtent } from '../rows/numeric-extent.ts';
import { engineTypeFor } from './column-types.ts';
import type { EngineType } from './engine-type.ts';

/** `relation` is anything that can stand after FROM, `texts` SQL over it. */
export async function measureNumerics(connection: EngineConnection, texts: readonly string[], relation: string, options: RunOptions): Promise<NumericExtent[]> {
  const quick = await measure(connection, texts, relation, quickMeasures, options);
  const wide = quick.flatMap((extent, i) => (isWide(extent) ? [i] : []));
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

/** Exact for every number within the extent. */
export function fittedType(extent: NumericExtent): EngineType {
  return engineTypeFor(fittedNumeric(extent))!;
}
