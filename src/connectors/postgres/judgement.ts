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
import { UniqueJudge } from './unique-judge.ts';

export class Judgement {
  readonly #uniques = new UniqueJudge();
  readonly #disableTriggers: boolean;

  constructor(disableTriggers: boolean) {
    this.#disableTriggers = disableTriggers;
  }

  /** @param group tables that refer to each other in a circle, or one table; those of the groups before are in their targets already */
  async judge(group: readonly JudgedTable[]): Promise<void> {
    const judged = group.filter((table) => this.#canJudge(table));
    for (const table of judged) await judgeRows(table);
    for (let changed = judged.length > 0, first = true; changed; first = false) {
      changed = false;
      for (let lost = true; lost;) {
        lost = false;
        for (const table of judged) lost = (await this.#judgeForeignKeys(table, group)) > 0 || lost;
        changed ||= lost;
        lost &&= this.#isCircle(group);
      }
      if (!first && !changed) break;
      changed = false;
      for (const table of judged) {
        if (table.hasUnknownRows) table.isFullyJudged = false;
        else changed = (await this.#uniques.judge(table)) > 0 || changed;
      }
      changed &&= this.#isCircle(group) || group[0].load.plan.mode === 'upsert';
    }
  }

  /** Triggers that come before the constraints, and rules, may change rows: then only the INSERT knows. Views have no constraints of their own. */
  #canJudge(table: JudgedTable): boolean {
    const { facts, target } = table.load;
    const can = table.staging.length > 0 && (target.kind === 'table' || target.kind === 'partitioned') && !facts.hasRules && (this.#disableTriggers || !facts.hasRowTriggers);
    if (!can) table.isFullyJudged = false;
    return can;
  }

  #isCircle(group: readonly JudgedTable[]): boolean {
    return group.length > 1 || group[0].rules.foreignKeys.some((key) => key.parentOid === group[0].load.target.oid);
  }

  async #judgeForeignKeys(table: JudgedTable, group: readonly JudgedTable[]): Promise<number> {
    let rejected = 0;
    for (const key of table.rules.foreignKeys) {
      // Parents of earlier groups are in the target already.
      const parent = group.find((other) => other.load.target.oid === key.parentOid);
      const count = canJudgeKey(table, key, parent, this.#disableTriggers) ? await table.attempt(() => rejectOrphans(table, key, parent)) : undefined;
      if (count === undefined) table.hasUnknownRows = true;
      rejected += count ?? 0;
    }
    return rejected;
  }
}

async function judgeRows(table: JudgedTable): Promise<void> {
  const { notNull, checks } = table.rules;
  const nulls = notNull.map((column) => {
    const rule = table.verdict({ code: 'NOT_NULL_VIOLATED', columns: [column], say: () => `null value in column "${column}", which must have one` });
    return `WHEN ${quoteIdentifier(column)} IS NULL THEN ${rule}`;
  });
  const broken = checks.map(({ name, expression }) => {
    const rule = table.verdict({ code: 'CHECK_VIOLATED', constraint: name, say: () => `the row violates check constraint "${name}"` });
    return `WHEN (${expression}) IS FALSE THEN ${rule}`;
  });
  const reject = (cases: readonly string[]): Promise<number> =>
    table.reject(`SELECT n, rule FROM (SELECT ${table.row} AS n, CASE ${cases.join(' ')} END AS rule FROM ${table.rows()} AS ${quoteIdentifier(table.load.plan.name.name)}) AS judged WHERE rule IS NOT NULL`);
  if (nulls.length + broken.length === 0) return;
  if ((await table.attempt(() => reject([...nulls, ...broken]))) !== undefined) return;
  if (nulls.length > 0) await reject(nulls);
  for (const one of broken) {
    if ((await table.attempt(() => reject([one]))) === undefined) table.hasUnknownRows = true;
  }
}

async function rejectOrphans(table: JudgedTable, key: ForeignKeyRule, parent: JudgedTable | undefined): Promise<number> {
  const rule = table.verdict({ code: 'FOREIGN_KEY_VIOLATED', constraint: key.name, columns: key.columns, say: (values) => `Key ${values} is not present in table ${key.parent.replace('ONLY ', '')}` });
  let rejected = 0;
  for (const condition of orphanConditions(key, parent)) rejected += await table.reject(`SELECT child.${table.row}, ${rule} FROM ${table.rows()} AS child WHERE ${condition}`);
  return rejected;
}
