/**
 * Tables that refer to themselves. The engine checks a row's parent before the statement's own rows are there, so such rows can only be inserted generation by generation, and rows
 * that refer to each other in a circle, or to themselves, not at all: a row is accepted when a chain of parents leads from it to rows that need none, or to the target.
 *
 * Keys and generations depend on each other: of rows with the same key only the first is there, and a row whose generation never comes must not stand in
 * the way of another with its key. So rows without a generation go first, keys are judged, and what the loss of rows to keys leaves without a parent goes next, until nothing changes.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { quoteIdentifier } from '../../engine/quoting.ts';
import type { ForeignKey } from './constraints.ts';
import type { StagedTable } from './staged-table.ts';
import { judgeKeys } from './unique-judgement.ts';
import { orphan } from './verdicts.ts';

export async function judgeSelfReferences(table: StagedTable, keys: readonly ForeignKey[], connection: EngineConnection, run: RunOptions): Promise<void> {
  const verdicts = keys.map((key) => table.addVerdict(orphan(table, key)));
  const rejectStranded = async (): Promise<number> => {
    await layOut(table, keys, connection, run);
    const cases = keys.map((key, i) => `WHEN NOT (${hasParent(table, key)}) THEN ${verdicts[i]}`).join(' ');
    return connection.run(`INSERT INTO ${table.rejects} SELECT s.o, CASE ${cases} ELSE ${verdicts[0]} END FROM (SELECT * FROM ${table.survivors}) AS s ANTI JOIN ${table.depths} AS d ON s.o = d.o`, run);
  };
  await rejectStranded();
  for (;;) {
    const before = table.verdicts.length;
    await judgeKeys(table, connection, run);
    if (await rejectStranded() === 0) return;
    await connection.run(`DELETE FROM ${table.rejects} WHERE v >= ${before}`, run);
  }
}

/** Gives every surviving row its generation. */
async function layOut(table: StagedTable, keys: readonly ForeignKey[], connection: EngineConnection, run: RunOptions): Promise<void> {
  await connection.run(`CREATE OR REPLACE TABLE ${table.depths} (o BIGINT, depth INTEGER)`, run);
  const parents = keys.map((key) => hasParent(table, key)).join(' AND ');
  for (table.waves = 0; ; table.waves++) {
    const found = await connection.run(`INSERT INTO ${table.depths} SELECT s.o, ${table.waves} FROM (SELECT * FROM ${table.survivors}) AS s ANTI JOIN ${table.depths} AS d ON s.o = d.o WHERE ${parents}`, run);
    if (found === 0) return;
  }
}

/** SQL over a row `s`: it refers to nothing, to the target, or to a row that has its generation. */
function hasParent(table: StagedTable, key: ForeignKey): string {
  const columns = key.columns.map(quoteIdentifier);
  const same = key.parentColumns.map((column, i) => `p.${quoteIdentifier(column)} = s.${columns[i]}`).join(' AND ');
  const there = [`(SELECT r.* FROM (SELECT * FROM ${table.survivors}) AS r SEMI JOIN ${table.depths} AS d ON r.o = d.o)`, table.target];
  return `(${[...columns.map((column) => `s.${column} IS NULL`), ...there.flatMap((relation) => (relation === undefined ? [] : [`EXISTS (SELECT 1 FROM ${relation} AS p WHERE ${same})`]))].join(' OR ')})`;
}
