/** Staged rows whose foreign key leads nowhere, as conditions over `child`, the staged rows. */
import type { ForeignKeyRule } from './constraint-rules.ts';
import type { JudgedTable } from './judged-table.ts';
import { quoteIdentifier } from './sql.ts';

/**
 * A parent may be in the target, or among the rows of this run that are not rejected.
 * @param parent the load of the parent's table, where its rows may not be in the target yet
 * @returns conditions that no row meets twice
 */
export function orphanConditions(key: ForeignKeyRule, parent: JudgedTable | undefined): readonly string[] {
  const columns = key.columns.map((column) => `child.${quoteIdentifier(column)}`);
  const matches = (alias: string): string => key.parentColumns.map((column, i) => `${alias}.${quoteIdentifier(column)} ${key.equals[i]} ${columns[i]}`).join(' AND ');
  const absent = [
    ...(parent?.hasOnlyOurs === true ? [] : [`NOT EXISTS (SELECT FROM ${key.parent} AS parent WHERE ${matches('parent')})`]),
    ...(parent === undefined || parent.staging.length === 0 ? [] : [`NOT EXISTS (SELECT FROM ${parent.rows()} AS parent WHERE ${matches('parent')})`]),
  ];
  const all = columns.map((column) => `${column} IS NOT NULL`).join(' AND ');
  const mixed = `NOT (${all}) AND NOT (${columns.map((column) => `${column} IS NULL`).join(' AND ')})`;
  return [[all, ...absent].join(' AND '), ...(key.full && columns.length > 1 ? [mixed] : [])];
}

/** What the rows on both sides will be is known before they are inserted, and the parent can be asked. */
export function canJudgeKey(table: JudgedTable, key: ForeignKeyRule, parent: JudgedTable | undefined, triggersAreOff: boolean): boolean {
  const knowsParent = (rows: JudgedTable): boolean => {
    const { facts } = rows.load;
    return key.parentColumns.every((column) => rows.known.has(column)) && !facts.hasRules && (triggersAreOff || !facts.hasRowTriggers);
  };
  return key.parentReadable && key.columns.every((column) => table.known.has(column)) && (parent === undefined || knowsParent(parent));
}
