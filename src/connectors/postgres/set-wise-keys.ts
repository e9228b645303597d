/**
 * The server looks up the parent of every row that is inserted, one by one, which takes several times as long as the insert itself. Where this run holds
 * all tables concerned, it asks once for all rows whether any parent is missing, and then inserts without those look-ups.
 */
import type { JudgedTable } from './judged-table.ts';
import { canJudgeKey, orphanConditions } from './orphans.ts';

/** Below this many rows the look-ups are cheaper than keeping others from writing to the tables. */
export const WORTH_HOLDING_ROWS = 10_000;

/**
 * Nothing but foreign keys would be left out without triggers, and nobody can change their parents meanwhile.
 * @param triggersAreOff those of users
 */
export function needsNoTriggers({ load, rules }: JudgedTable, triggersAreOff: boolean): boolean {
  const { facts, plan } = load;
  return plan.mode !== 'upsert' && rules.lockable && rules.foreignKeys.length > 0 && rules.foreignKeys.every((key) => key.parentLockable)
    && !rules.uniques.some((rule) => rule.deferrable) && !rules.hasDeferrableExclusions && !facts.hasRules && (!facts.hasTriggers || triggersAreOff);
}

/** Whether every staged row has its parents. Where that cannot be asked: no. @param group the tables whose rows may not be in their targets yet */
export async function keysHold(table: JudgedTable, group: readonly JudgedTable[], triggersAreOff: boolean): Promise<boolean> {
  if (table.staging.length === 0) return false;
  for (const key of table.rules.foreignKeys) {
    const parent = group.find((other) => other.load.target.oid === key.parentOid);
    if (!canJudgeKey(table, key, parent, triggersAreOff)) return false;
    for (const condition of orphanConditions(key, parent)) {
      // Counted, not asked for the first one: a plan for the first row would look up parents one by one again.
      const orphans = await table.attempt(async () => (await table.query(`SELECT pg_catalog.count(*) FROM ${table.rows()} AS child WHERE ${condition}`)).rows[0][0]);
      if (orphans !== '0') return false;
    }
  }
  return true;
}
