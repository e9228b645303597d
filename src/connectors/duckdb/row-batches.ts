/**
 * Rows that leave the engine for the quarantine, in order, in batches that are bounded in rows and in bytes. They are laid out once in a table with the number of
 * their batch, so that a batch is found by its place and not by another look at all of them, however many there are.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';

const BATCH_BYTES = 2 * 1024 * 1024;
/** What a row counts besides its text; it bounds the rows of a batch. */
const ROW_BYTES = 2048;

interface BatchRequest {
  /** Quoted name of a table that is created, and dropped again. */
  readonly table: string;
  /** A SELECT of `o`, `v` and the texts `x0, x1, …`. */
  readonly select: string;
  readonly fields: number;
  readonly run: RunOptions;
}

export interface BatchRow {
  readonly ordinal: string;
  readonly verdict: number;
  readonly values: readonly (string | null)[];
}

/** In the order of `o`. */
export async function* rowBatches(connection: EngineConnection, { table, select, fields, run }: BatchRequest): AsyncGenerator<BatchRow[], void, undefined> {
  const texts = Array.from({ length: fields }, (_, i) => `x${i}`);
  const bytes = [String(ROW_BYTES), ...texts.map((text) => `coalesce(strlen(${text}), 0)`)].join(' + ');
  await connection.run(`CREATE TABLE ${table} AS SELECT *, CAST(sum(${bytes}) OVER (ROWS UNBOUNDED PRECEDING) AS BIGINT) // ${BATCH_BYTES} AS batch FROM (${select} ORDER BY o)`, run);
  const last = await connection.value(`SELECT max(batch) FROM ${table}`, run);
  for (let batch = 0; batch <= Number(last ?? -1); batch++) {
    const rows = await connection.rows(`SELECT o, v, ${texts.join(', ')} FROM ${table} WHERE batch = ${batch} ORDER BY o`, run);
    if (rows.length === 0) continue;
    yield rows.map(([ordinal, verdict, ...values]) => ({ ordinal: String(ordinal), verdict: Number(verdict), values: values as (string | null)[] }));
  }
  await connection.run(`DROP TABLE ${table}`, run);
}
