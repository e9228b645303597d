/**
 * The last step of an upsert. Rows are staged in source order, so the row id of the staging table, which nothing was deleted from, is the
 * order of the source: of rows with the same key the last one wins, and the others are counted as duplicates.
 *
 * UPDATE and INSERT instead of ON CONFLICT, because the key need not have a unique index, and because columns that are not loaded keep their values.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import type { LoadTablePlan } from '../connector.ts';

/** @throws SluiceError VALUE_INVALID for NULL in a key */
export async function rejectNullKeys(connection: EngineConnection, plan: LoadTablePlan, staged: string, run: RunOptions): Promise<void> {
  for (const column of plan.key) {
    const nulls = Number(await connection.value(`SELECT count(*) FROM ${staged} WHERE ${quoteIdentifier(column)} IS NULL`, run));
    if (nulls > 0) throw new SluiceError('VALUE_INVALID', { column, table: plan.table, reason: `NULL in the key of an upsert (${nulls} rows)` }, { table: plan.table, column });
  }
}

/** Leaves only the last row of each key, by `ordinal`. @returns how many were removed */
export async function keepLast(connection: EngineConnection, plan: LoadTablePlan, staged: string, ordinal: string, run: RunOptions): Promise<number> {
  const keys = plan.key.map(quoteIdentifier).join(', ');
  const [row] = await connection.rows(`SELECT count(*), sum(n) FROM (SELECT count(*) AS n FROM ${staged} GROUP BY ${keys})`, run);
  const duplicates = Number(row[1] ?? 0) - Number(row[0] ?? 0);
  if (duplicates === 0) return 0;
  return connection.run(`DELETE FROM ${staged} WHERE ${ordinal} NOT IN (SELECT max(${ordinal}) FROM ${staged} GROUP BY ${keys})`, run);
}

/** Moves the staged rows, each key once, into the table. `staged` is anything that can stand after FROM. */
export async function mergeInto(connection: EngineConnection, plan: LoadTablePlan, staged: string, run: RunOptions): Promise<number> {
  const target = quoteTable(plan.name);
  const same = plan.key.map((name) => `t.${quoteIdentifier(name)} = s.${quoteIdentifier(name)}`).join(' AND ');
  const names = plan.columns.map((column) => quoteIdentifier(column.name));
  const values = plan.columns.filter((column) => !plan.key.includes(column.name)).map((column) => quoteIdentifier(column.name));
  const matched = Number(await connection.value(`SELECT count(*) FROM ${staged} s WHERE EXISTS (SELECT 1 FROM ${target} t WHERE ${same})`, run));
  if (values.length > 0 && matched > 0) {
    await connection.run(`UPDATE ${target} AS t SET ${values.map((name) => `${name} = s.${name}`).join(', ')} FROM ${staged} s WHERE ${same}`, run);
  }
  const inserted = await connection.run(`INSERT INTO ${target} (${names.join(', ')}) SELECT ${names.map((name) => `s.${name}`).join(', ')} FROM ${staged} s WHERE NOT EXISTS (SELECT 1 FROM ${target} t WHERE ${same})`, run);
  return matched + inserted;
}
