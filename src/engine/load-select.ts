/**
 * The SELECT that turns what a relation yields into values of a table's columns, exactly or with an error that names column and value.
 *
 * Two levels: the inner one reads each field once and attempts its value, the outer one tests the attempt, so that no cast is done twice.
 */
import { isText, loadRuleFor } from './load-rules.ts';
import { integerDigits, type EngineType } from './engine-type.ts';
import { textOf } from './text-expressions.ts';
import { failWith } from './value-failure.ts';

/** A field of the relation and the column that it goes to. */
export interface LoadedField {
  /** SQL over the relation. */
  readonly expression: string;
  readonly from: EngineType;
  readonly column: string;
  readonly to: EngineType;
}

interface LoadSelectOptions {
  /** Numbers the records (from 1), so that an error can say which one it is. Costs the engine its parallelism over a file. */
  readonly numbered: boolean;
  /** The text was written by a database in the form of rows/row-encoding.ts: cheaper tests will do. */
  readonly canonical?: boolean;
  /** SQL that yields the row's ordinal from its number `r`, as a first column; only of numbered records. */
  readonly ordinal?: string;
}

export function loadSelect(fields: readonly LoadedField[], relation: string, options: LoadSelectOptions): string {
  const record = options.numbered ? 'r' : undefined;
  const raw = fields.map((field, i) => `${field.expression} AS x${i}`);
  if (options.numbered) raw.push('row_number() OVER () AS r');
  const attempts = fields.map((field, i) => attemptOf(field, `x${i}`, `v${i}`));
  const tested = fields.map((field, i) => testedOf(field, `x${i}`, `v${i}`, record, options.canonical === true));
  if (options.ordinal !== undefined) tested.unshift(options.ordinal);
  return `SELECT ${tested.join(', ')} FROM (SELECT *, ${attempts.join(', ')} FROM (SELECT ${raw.join(', ')} FROM ${relation}))`;
}

/**
 * The same tests where nothing may fail: of a relation with an ordinal `o` and texts `x0, x1, …` a SELECT of `o`, the texts, the values `t0, t1, …` (NULL where the
 * text does not fit), and `bad`, the index of the first field that does not fit, or NULL.
 */
export function sortingSelect(types: readonly EngineType[], relation: string): string {
  const attempts = types.map((to, i) => (isText(to) ? `x${i} AS v${i}` : `${loadRuleFor(to)!.attempt(`x${i}`)} AS v${i}`));
  const tested = types.map((to, i) => {
    if (isText(to)) return `v${i} AS t${i}`;
    const rule = loadRuleFor(to)!;
    return `CASE WHEN x${i} IS NULL THEN NULL WHEN ${rule.sure(`x${i}`, `v${i}`)} THEN v${i} ${rule.otherwise(`x${i}`, `v${i}`)}ELSE NULL END AS t${i}`;
  });
  const bad = types.map((_, i) => `WHEN x${i} IS NOT NULL AND t${i} IS NULL THEN ${i}`).join(' ');
  return `SELECT *, CASE ${bad} END AS bad FROM (SELECT *, ${tested.join(', ')} FROM (SELECT *, ${attempts.join(', ')} FROM ${relation}))`;
}

/** True when every value of the first type can be tested for a loss-free way into the second. */
export function canLoad(from: EngineType, to: EngineType): boolean {
  if (from.sql === to.sql || isText(to)) return true;
  if (isText(from) || to.kind === 'scalar' && to.name === 'JSON') return isText(to) || loadRuleFor(to) !== undefined;
  return from.kind !== 'union' && to.kind !== 'union';
}

function attemptOf(field: LoadedField, text: string, value: string): string {
  const { from, to } = field;
  if (isDirect(field)) return `NULL AS ${value}`;
  if (isText(from)) return `${loadRuleFor(to)!.attempt(text)} AS ${value}`;
  if (isText(to)) return `CAST(${textOf(from, text, 'json')} AS VARCHAR) AS ${value}`;
  if (to.kind === 'scalar' && to.name === 'JSON') return `CAST(${textOf(from, text, 'json')} AS JSON) AS ${value}`;
  return `TRY_CAST(${text} AS ${to.sql}) AS ${value}`;
}

function testedOf(field: LoadedField, text: string, value: string, record: string | undefined, canonical: boolean): string {
  const { from, to, column } = field;
  if (isDirect(field)) return text;
  if (isText(to) || alwaysExact(from, to)) return value;
  if (isText(from)) {
    const rule = loadRuleFor(to)!;
    const sure = canonical && rule.canonical !== undefined ? rule.canonical(text, value) : rule.sure(text, value);
    return `CASE WHEN ${sure} THEN ${value} WHEN ${text} IS NULL THEN NULL ${rule.otherwise(text, value)}ELSE ${failWith(column, to.sql, text, record)} END`;
  }
  if (to.kind === 'scalar' && to.name === 'JSON') return value;
  // Between types: exact when the way back leads to the same value.
  const back = `TRY_CAST(${value} AS ${from.sql}) IS NOT DISTINCT FROM ${text}`;
  return `CASE WHEN ${back} THEN ${value} ELSE ${failWith(column, to.sql, `CAST(${text} AS VARCHAR)`, record)} END`;
}

function isDirect({ from, to }: LoadedField): boolean {
  return from.sql === to.sql;
}

/** Widenings that need no test. */
function alwaysExact(from: EngineType, to: EngineType): boolean {
  const digits = integerDigits(from);
  if (digits === undefined) return false;
  if (to.kind === 'decimal') return to.width - to.scale >= digits;
  return to.kind === 'scalar' && to.name === 'DOUBLE' && digits <= 10;
}
