/**
 * Unique keys, exactly as if rows came one by one: a row is rejected when its key is in the target, or is the key of an earlier row that was accepted. Only the
 * rows whose key occurs more than once are looked at closely; with several keys in rounds, because a rejected row does not keep its other keys.
 */
import type { UniqueRule } from './constraint-rules.ts';
import type { JudgedTable } from './judged-table.ts';
import { quoteIdentifier, qualifiedName } from './sql.ts';

/** Rows whose key others have too: `g` is the first row with that key. */
const RIVALS = 'pg_temp.sluice_rivals';
const ACCEPTED = 'pg_temp.sluice_accepted';

export interface UniqueScope {
  /** Names of the unique keys that have to be looked at; the others hold. */
  readonly only?: ReadonlySet<string>;
  /** A table (n bigint, rule int) for all rows that had rivals, and the verdicts of these keys. */
  readonly rivals?: string;
}

export class UniqueJudge {
  async judge(table: JudgedTable, { only, rivals: known }: UniqueScope = {}): Promise<number> {
    const { rules, load } = table;
    const { plan } = load;
    // With exclusion constraints both kinds decide together who is first: the INSERT in source order does.
    if (rules.hasExclusions) {
      table.isFullyJudged = false;
      return 0;
    }
    const uniques = rules.uniques.filter((rule) => !isArbiter(rule, plan) && only?.has(rule.name) !== false);
    if (uniques.length === 0) return 0;
    if (uniques.some((rule) => !rule.groupable)) {
      table.isFullyJudged = false;
      return 0;
    }
    const rejected = await table.attempt(async () => {
      await table.query(`CREATE TEMP TABLE ${RIVALS} (n bigint, rule int, g bigint); CREATE TEMP TABLE ${ACCEPTED} (n bigint)`);
      let count = 0;
      const numbers = uniques.map((rule) => table.verdict(uniqueVerdict(rule)));
      for (const [i, rule] of uniques.entries()) if (!table.hasOnlyOurs) count += await rejectKnownKeys(table, rule, numbers[i]);
      let rivals = 0;
      for (const [i, rule] of uniques.entries()) rivals += (await table.query(rivalsSql(table, rule, numbers[i]))).count;
      if (known !== undefined) await table.query(`INSERT INTO ${known} (n, rule) SELECT n, rule FROM ${RIVALS}`);
      while (rivals > 0) {
        const round = await judgeRound(table);
        count += round.rejected;
        rivals = round.left;
      }
      await table.query(`DROP TABLE ${RIVALS}, ${ACCEPTED}`);
      return count;
    });
    if (rejected === undefined) table.isFullyJudged = false;
    return rejected ?? 0;
  }
}

/** The key that an upsert goes by: the same key again is no conflict. */
function isArbiter(rule: UniqueRule, plan: JudgedTable['load']['plan']): boolean {
  return plan.mode === 'upsert' && rule.predicate === undefined && rule.columns?.length === plan.key.length && plan.key.every((column) => rule.columns!.includes(column));
}

export function uniqueVerdict(rule: UniqueRule): Parameters<JudgedTable['verdict']>[0] {
  const say = (key: string): string => (rule.columns === undefined ? `Its key in the unique index "${rule.name}" is already present` : `Key ${key} is already present`);
  return { code: 'UNIQUE_VIOLATED', constraint: rule.name, say, ...(rule.columns === undefined ? {} : { columns: rule.columns }) };
}

/** A relation with the columns k0, k1 …: keys that can conflict. */
export function keysSql(rule: UniqueRule, relation: string, alias: string, extra: string): string {
  const conditions = [...(rule.predicate === undefined ? [] : [`(${rule.predicate})`]), ...(rule.nullsEqual ? [] : rule.keys.map((key) => `(${key}) IS NOT NULL`))];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `(SELECT ${[extra, ...rule.keys.map((key, i) => `${key} AS k${i}`)].filter((item) => item !== '').join(', ')} FROM ${relation} AS ${quoteIdentifier(alias)}${where})`;
}

export function equalKeys(rule: UniqueRule, a: string, b: string): string {
  return rule.equals.map((operator, i) => {
    const equal = `${a}.k${i} ${operator} ${b}.k${i}`;
    return rule.nullsEqual ? `(${equal} OR (${a}.k${i} IS NULL AND ${b}.k${i} IS NULL))` : equal;
  }).join(' AND ');
}

function targetOf(table: JudgedTable): string {
  return `${table.load.target.kind === 'table' ? 'ONLY ' : ''}${qualifiedName(table.load.plan.name)}`;
}

async function rejectKnownKeys(table: JudgedTable, rule: UniqueRule, number: number): Promise<number> {
  const { plan } = table.load;
  const rows = keysSql(rule, table.rows(plan.mode === 'upsert' ? 'latest' : 'all'), plan.name.name, '*');
  // A row that an upsert changes has its own key, and will have the new one.
  const same = (a: string, b: string): string => plan.key.map((column) => `${a}.${quoteIdentifier(column)} = ${b}.${quoteIdentifier(column)}`).join(' AND ');
  const other = plan.mode === 'upsert' ? ` AND NOT EXISTS (SELECT FROM ${table.rows('latest')} AS newer WHERE ${same('newer', 'present')})` : '';
  const present = keysSql(rule, targetOf(table), plan.name.name, plan.mode === 'upsert' ? plan.key.map(quoteIdentifier).join(', ') : '');
  return table.reject(`SELECT staged.${table.row}, ${number} FROM ${rows} AS staged WHERE EXISTS (SELECT FROM ${present} AS present WHERE ${equalKeys(rule, 'present', 'staged')}${other})`);
}

/** The keys that occur more than once are found by hashing; only with NULLs that are equal by sorting. */
function rivalsSql(table: JudgedTable, rule: UniqueRule, number: number): string {
  const { plan } = table.load;
  const rows = keysSql(rule, table.rows(plan.mode === 'upsert' ? 'latest' : 'all'), plan.name.name, `${table.row} AS n`);
  const keys = rule.keys.map((_, i) => `k${i}`).join(', ');
  const insert = `INSERT INTO ${RIVALS} (n, rule, g)`;
  if (rule.nullsEqual) {
    return `${insert} SELECT n, ${number}, g FROM (SELECT n, pg_catalog.min(n) OVER same AS g, pg_catalog.count(*) OVER same AS members FROM ${rows} AS staged WINDOW same AS (PARTITION BY ${keys})) AS keyed WHERE members > 1`;
  }
  const repeated = `(SELECT pg_catalog.min(n) AS g, ${keys} FROM ${rows} AS staged GROUP BY ${keys} HAVING pg_catalog.count(*) > 1)`;
  return `${insert} SELECT staged.n, ${number}, repeated.g FROM ${repeated} AS repeated JOIN ${rows} AS staged ON ${equalKeys(rule, 'staged', 'repeated')}`;
}

/** Who is first in all his groups is accepted; who shares a group with him is not. */
async function judgeRound(table: JudgedTable): Promise<{ rejected: number; left: number }> {
  await table.query(`DELETE FROM ${ACCEPTED}; INSERT INTO ${ACCEPTED} SELECT n FROM (SELECT n, n = pg_catalog.min(n) OVER (PARTITION BY rule, g) AS leads FROM ${RIVALS}) AS ranked GROUP BY n HAVING pg_catalog.bool_and(leads)`);
  const rejected = await table.reject(`SELECT rival.n, pg_catalog.min(rival.rule) FROM ${RIVALS} AS rival
    WHERE (rival.rule, rival.g) IN (SELECT rule, g FROM ${RIVALS} WHERE n IN (SELECT n FROM ${ACCEPTED})) AND rival.n NOT IN (SELECT n FROM ${ACCEPTED}) GROUP BY rival.n`);
  const decided = `SELECT n FROM ${ACCEPTED} UNION ALL SELECT n FROM ${table.rejected} AS rejected`;
  await table.query(`DELETE FROM ${RIVALS} WHERE n IN (${decided})`);
  const left = Number((await table.query(`SELECT pg_catalog.count(*) FROM ${RIVALS}`)).rows[0][0]);
  return { rejected, left };
}
