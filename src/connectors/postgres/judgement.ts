/**
 * Finds the staged rows that break constraints, set-wise and in source order, as if rows were inserted one by one: parents before
 * children; of a table first what a row shows by itself (not null, checks), then foreign keys, then unique keys among the rows that are left. Tables in a
 * circle of foreign keys are judged together until nothing changes. Clean data costs one pass per constraint. Whatever cannot be said in a
 * statement is left to the INSERT itself (one-by-one.ts).
 */
import type { ForeignKeyRule } from './constraint-rules.ts';
import type { JudgedTable } from './judged-table.ts';
import { canJudgeKey, orphanConditions } from './orphans.ts';
import { quoteIdentifier } from './sql.ts';
import { UniqueJudge, type UniqueScope } from './unique-judge.ts';

/** What is known already has not to be asked again. */
export interface JudgementScope {
  /** What rows show by themselves has been judged. */
  readonly afterRows?: boolean;
  /** Names of the foreign keys to ask for. */
  readonly foreignKeys?: ReadonlySet<string>;
  readonly uniques?: (table: JudgedTable) => UniqueScope;
}

export class Judgement {
  readonly #uniques = new UniqueJudge();
  readonly #disableTriggers: boolean;

  constructor(disableTriggers: boolean) {
    this.#disableTriggers = disableTriggers;
  }

  /** @param group tables that refer to each other in a circle, or one table; those of the groups before are in their targets already */
  async judge(group: readonly JudgedTable[], scope: JudgementScope = {}): Promise<void> {
    const judged = group.filter((table) => this.#canJudge(table));
    if (scope.afterRows !== true) for (const table of judged) await judgeRows(table);
    for (let changed = judged.length > 0, first = true; changed; first = false) {
      changed = false;
      // At first all keys; then those to tables of the group that have just lost rows.
      let losers: ReadonlySet<JudgedTable> = new Set(judged);
      for (let isFirst = first; losers.size > 0; isFirst = false) {
        const now = new Set<JudgedTable>();
        for (const table of judged) if ((await this.#judgeForeignKeys(table, group, scope, isFirst ? undefined : losers)) > 0) now.add(table);
        changed ||= now.size > 0;
        losers = isCircle(group) ? now : new Set();
      }
      // Of an upsert an older row may now be the latest of its key.
      if (!first && !changed && group[0].load.plan.mode !== 'upsert') break;
      changed = false;
      for (const table of judged) {
        if (table.hasUnknownRows) table.isFullyJudged = false;
        else changed = (await this.#uniques.judge(table, scope.uniques?.(table))) > 0 || changed;
      }
      changed &&= isCircle(group) || group[0].load.plan.mode === 'upsert';
    }
  }

  /** Triggers that come before the constraints, and rules, may change rows: then only the INSERT knows. Views have no constraints of their own. */
  #canJudge(table: JudgedTable): boolean {
    const { facts, target } = table.load;
    const can = table.staging.length > 0 && (target.kind === 'table' || target.kind === 'partitioned') && !facts.hasRules && (this.#disableTriggers || !facts.hasRowTriggers);
    if (!can) table.isFullyJudged = false;
    return can;
  }

  /** @param losers of the group: other parents have what they had */
  // oxlint-disable-next-line max-params -- which keys of the group are asked for
  async #judgeForeignKeys(table: JudgedTable, group: readonly JudgedTable[], { foreignKeys }: JudgementScope, losers: ReadonlySet<JudgedTable> | undefined): Promise<number> {
    let rejected = 0;
    for (const key of table.rules.foreignKeys) {
      // Parents of earlier groups are in the target already.
      const parent = group.find((other) => other.load.target.oid === key.parentOid);
      if (losers === undefined ? foreignKeys?.has(key.name) === false : parent === undefined || !losers.has(parent)) continue;
      const hasLost = losers === undefined ? undefined : parent;
      const count = canJudgeKey(table, key, parent, this.#disableTriggers) ? await table.attempt(async () => (hasLost !== undefined && !(await refersToLost(table, key, hasLost)) ? 0 : rejectOrphans(table, key, parent))) : undefined;
      if (count === undefined) table.hasUnknownRows = true;
      rejected += count ?? 0;
    }
    return rejected;
  }
}

/** Tables that refer to each other, or one that refers to itself: what one row loses may cost others theirs. */
export function isCircle(group: readonly JudgedTable[]): boolean {
  return group.length > 1 || group[0].rules.foreignKeys.some((key) => key.parentOid === group[0].load.target.oid);
}

/** Cases of a CASE expression over the table's columns: the verdict of what a row shows by itself. */
function rowCases(table: JudgedTable): { readonly nulls: readonly string[]; readonly broken: readonly string[] } {
  const nulls = table.rules.notNull.map((column) => {
    const rule = table.verdict({ code: 'NOT_NULL_VIOLATED', columns: [column], say: () => `null value in column "${column}", which must have one` });
    return `WHEN ${quoteIdentifier(column)} IS NULL THEN ${rule}`;
  });
  const broken = table.rules.checks.map(({ name, expression }) => {
    const rule = table.verdict({ code: 'CHECK_VIOLATED', constraint: name, say: () => `the row violates check constraint "${name}"` });
    return `WHEN (${expression}) IS FALSE THEN ${rule}`;
  });
  return { nulls, broken };
}

/** The staged rows that `judgeRows` would not reject, as a relation in parentheses. */
export function soundRows(table: JudgedTable): string {
  const { nulls, broken } = rowCases(table);
  if (nulls.length + broken.length === 0) return table.rows();
  return `(SELECT * FROM ${table.rows()} AS ${quoteIdentifier(table.load.plan.name.name)} WHERE CASE ${[...nulls, ...broken].join(' ')} END IS NULL)`;
}

export async function judgeRows(table: JudgedTable): Promise<void> {
  const { nulls, broken } = rowCases(table);
  const reject = (cases: readonly string[]): Promise<number> =>
    table.reject(`SELECT n, rule FROM (SELECT ${table.row} AS n, CASE ${cases.join(' ')} END AS rule FROM ${table.rows()} AS ${quoteIdentifier(table.load.plan.name.name)}) AS judged WHERE rule IS NOT NULL`);
  if (nulls.length + broken.length === 0) return;
  if ((await table.attempt(() => reject([...nulls, ...broken]))) !== undefined) return;
  if (nulls.length > 0) await reject(nulls);
  for (const one of broken) {
    if ((await table.attempt(() => reject([one]))) === undefined) table.hasUnknownRows = true;
  }
}

/** Whether a row has had a parent among those that are rejected: else it has what it had. Counted, not asked for the first one: a plan for the first row would compare rows one by one. */
async function refersToLost(table: JudgedTable, key: ForeignKeyRule, parent: JudgedTable): Promise<boolean> {
  const lost = `(SELECT staged.* FROM ${parent.allRows()} AS staged WHERE ${await parent.isOneOf(parent.rejected)})`;
  const same = key.parentColumns.map((column, i) => `lost.${quoteIdentifier(column)} ${key.equals[i]} child.${quoteIdentifier(key.columns[i])}`).join(' AND ');
  return (await table.query(`SELECT pg_catalog.count(*) FROM ${table.allRows()} AS child JOIN ${lost} AS lost ON ${same}`)).rows[0][0] !== '0';
}

async function rejectOrphans(table: JudgedTable, key: ForeignKeyRule, parent: JudgedTable | undefined): Promise<number> {
  const rule = table.verdict({ code: 'FOREIGN_KEY_VIOLATED', constraint: key.name, columns: key.columns, say: (values) => `Key ${values} is not present in table ${key.parent.replace('ONLY ', '')}` });
  let rejected = 0;
  for (const condition of orphanConditions(key, parent)) rejected += await table.reject(`SELECT child.${table.row}, ${rule} FROM ${table.rows()} AS child WHERE ${condition}`);
  return rejected;
}
