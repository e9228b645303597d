/**
 * Judges the rows that wait in staging tables, set-wise, with the outcome of inserting them one by one in the order of the source:
 *
 *   1. values and rows by themselves: numbers, NOT NULL, CHECK;
 *   2. foreign keys: tables after the tables they refer to, so that a parent is there exactly when it is in the target or has survived its own judgement. The engine has no cycles
 *      between tables, only tables that refer to themselves (self-references.ts);
 *   3. keys (unique-judgement.ts).
 *
 * A row that is rejected for what it lacks itself stands in nobody's way: that is why keys come last. The database itself is only read.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { isText } from '../../engine/load-rules.ts';
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import { constraintsOf, type ForeignKey } from './constraints.ts';
import { judgeSelfReferences } from './self-references.ts';
import type { StagedTable, Verdict } from './staged-table.ts';
import { judgeKeys } from './unique-judgement.ts';
import { orphan, shown } from './verdicts.ts';

export interface JudgementContext {
  readonly connection: EngineConnection;
  readonly run: (table: string) => RunOptions;
}

/** @returns the tables in an order in which they can be inserted: parents first */
export async function judge(tables: readonly StagedTable[], context: JudgementContext): Promise<StagedTable[]> {
  const { connection } = context;
  for (const table of tables) {
    const run = context.run(table.plan.table);
    await connection.run(`CREATE TABLE ${table.rejects} (o BIGINT, v INTEGER)`, run);
    await rejectNonNumbers(table, connection, run);
    await table.rows.finish(connection);
    table.constraints = await constraintsOf(connection, table.plan, run);
  }
  const ordered = parentsFirst(tables);
  for (const table of ordered) {
    const run = context.run(table.plan.table);
    await rejectByThemselves(table, connection, run);
    const own: ForeignKey[] = [];
    for (const key of table.constraints.foreignKeys) {
      const parent = ordered.find((one) => isNamed(one, table, key.parent));
      if (parent === table || isNamed(table, table, key.parent)) own.push(key);
      else await rejectOrphans(table, key, parent, connection, run);
    }
    if (own.length === 0) await judgeKeys(table, connection, run);
    else await judgeSelfReferences(table, own, connection, run);
  }
  return ordered;
}

function isNamed(table: StagedTable, child: StagedTable, parent: string): boolean {
  const { schema, name } = table.plan.name;
  return name.toLowerCase() === parent.toLowerCase() && schema?.toLowerCase() === child.plan.name.schema?.toLowerCase();
}

function parentsFirst(tables: readonly StagedTable[]): StagedTable[] {
  const ordered: StagedTable[] = [];
  const place = (table: StagedTable): void => {
    if (ordered.includes(table)) return;
    for (const { parent } of table.constraints.foreignKeys) {
      const found = tables.find((one) => one !== table && isNamed(one, table, parent));
      if (found !== undefined) place(found);
    }
    ordered.push(table);
  };
  tables.forEach(place);
  return ordered;
}

const NUMBER = String.raw`(?i)\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?\s*|\s*[-+]?(nan|inf|infinity)\s*`;

/** Numerics whose type follows the data are text until now. What is none waits beside: it must not stand in the way of the column's type. */
async function rejectNonNumbers(table: StagedTable, connection: EngineConnection, run: RunOptions): Promise<void> {
  for (const [i, column] of table.rows.columns.entries()) {
    if (!column.fitted || column.type === undefined || !isText(column.type)) continue;
    const name = quoteIdentifier(column.name);
    const verdict = table.addVerdict({ code: 'VALUE_INVALID', column: column.name, message: (values) => `"${shown(values[i])}" is no number` });
    const refused = `${name} IS NOT NULL AND NOT regexp_full_match(${name}, '${NUMBER}')`;
    await connection.run(`CREATE TABLE IF NOT EXISTS ${table.aside} (o BIGINT, c INTEGER, t VARCHAR)`, run);
    table.hasAside = true;
    const found = await connection.run(`INSERT INTO ${table.aside} SELECT ${table.ordinal}, ${i}, ${name} FROM ${table.quoted} WHERE ${refused}`, run);
    if (found === 0) continue;
    await connection.run(`INSERT INTO ${table.rejects} SELECT o, ${verdict} FROM ${table.aside} WHERE c = ${i} AND o NOT IN (SELECT o FROM ${table.rejects})`, run);
    await connection.run(`UPDATE ${table.quoted} SET ${name} = NULL WHERE ${refused}`, run);
  }
}

/** NOT NULL and CHECK in one pass. */
async function rejectByThemselves(table: StagedTable, connection: EngineConnection, run: RunOptions): Promise<void> {
  const { notNull, checks } = table.constraints;
  const cases: string[] = [];
  const add = (violated: string, verdict: Verdict): void => { cases.push(`WHEN ${violated} THEN ${table.addVerdict(verdict)}`); };
  const nullIn = (column: string, constraint: string): void => add(`${quoteIdentifier(column)} IS NULL`, {
    code: 'NOT_NULL_VIOLATED', column, constraint, message: () => `there is no value in column "${column}", which must have one`,
  });
  for (const { column, name } of notNull) nullIn(column, name);
  if (table.plan.mode === 'upsert') for (const column of table.plan.key) nullIn(column, 'key of the upsert');
  for (const { name, expression } of checks) {
    // A check that is NULL is passed; one that cannot be computed is not.
    add(`TRY((${expression}) IS NOT FALSE) IS NOT TRUE`, { code: 'CHECK_VIOLATED', constraint: name, message: () => `the check ${expression} is false` });
  }
  if (cases.length === 0) return;
  await connection.run(`INSERT INTO ${table.rejects} SELECT * FROM (SELECT o, CASE ${cases.join(' ')} END AS v FROM ${table.survivors}) WHERE v IS NOT NULL`, run);
}

/** Rows whose parent is neither in the target nor among the surviving rows of the run. A key with NULL in it refers to nothing. */
async function rejectOrphans(table: StagedTable, key: ForeignKey, parent: StagedTable | undefined, connection: EngineConnection, run: RunOptions): Promise<void> {
  const columns = key.columns.map(quoteIdentifier);
  const parentColumns = key.parentColumns.map(quoteIdentifier).join(', ');
  const target = parent === undefined ? quoteTable({ ...table.plan.name, name: key.parent }) : parent.target;
  const there = [target, parent?.survivors].flatMap((relation) => (relation === undefined ? [] : [`SELECT ${parentColumns} FROM ${relation}`]));
  const names = columns.map((_, i) => `k${i}`);
  const verdict = table.addVerdict(orphan(table, key));
  await connection.run(`INSERT INTO ${table.rejects} SELECT s.o, ${verdict} FROM (SELECT * FROM ${table.survivors}) AS s
    ANTI JOIN (${there.join(' UNION ALL ')}) AS p(${names.join(', ')}) ON ${columns.map((column, i) => `s.${column} = p.k${i}`).join(' AND ')}
    WHERE ${columns.map((column) => `s.${column} IS NOT NULL`).join(' AND ')}`, run);
}
