/**
 * Rejected rows wait in a temporary table of their transaction, not in this process: their number says nothing about memory. They are read back in
 * the order of their numbers, in batches bounded in bytes: one cursor says how large the next rows are, the other one fetches as many as fit.
 */
import type { QueryOptions, Row, Session } from './driver.ts';

/** `rule` is an index of who judged; else `state` and the rest are the server's own. `load`: whose rows, where there are several loads. */
export function rejectedTableSql(name: string): string {
  return `CREATE TEMP TABLE ${name} (load int, n bigint NOT NULL, rule int, state text, message text, detail text, violated text, field text) ON COMMIT DROP`;
}

/** Of all tables of a publication: one for each would take longer to make than most tables are judged in. */
export const JUDGED = 'pg_temp.sluice_judged';

const TOLD = 'pg_temp.sluice_told';
const BATCH_BYTES = 1024 * 1024;
const BATCH_ROWS = 500;
/** The values of a row that is larger are left out: it is in its source. */
const LONGEST_VALUES = 16 * 1024 * 1024;

/** SQL of a row's values as JSON text, or NULL where they are too long. */
export function valuesSql(texts: readonly string[]): string {
  const json = `pg_catalog.to_json(ARRAY[${texts.join(', ')}]::text[])::text`;
  const length = texts.map((text) => `COALESCE(pg_catalog.octet_length(${text}), 0)::bigint`).join(' + ');
  return `CASE WHEN ${length} <= ${LONGEST_VALUES} THEN ${json} END`;
}

/** @param query has a column `n`, which gives the order, and a column `fields` from `valuesSql`; answered without order */
export async function* readInBatches(session: Session, query: string, columns: string, options: QueryOptions): AsyncGenerator<readonly Row[], void, undefined> {
  // Once for both cursors: the query reads all rows to find these.
  await session.query(`CREATE TEMP TABLE ${TOLD} ON COMMIT DROP AS ${query}`, options);
  await session.query(`DECLARE sluice_sizes NO SCROLL CURSOR FOR SELECT COALESCE(pg_catalog.octet_length(fields), 0) FROM ${TOLD} ORDER BY n`, options);
  await session.query(`DECLARE sluice_rows NO SCROLL CURSOR FOR SELECT ${columns} FROM ${TOLD} ORDER BY n`, options);
  for (;;) {
    const sizes = (await session.query(`FETCH ${BATCH_ROWS} FROM sluice_sizes`, options)).rows.map((row) => Number(row[0]));
    for (let at = 0; at < sizes.length;) {
      const start = at;
      for (let bytes = 0; at < sizes.length && (at === start || bytes + sizes[at] <= BATCH_BYTES); at++) bytes += sizes[at];
      yield (await session.query(`FETCH ${at - start} FROM sluice_rows`, options)).rows;
    }
    if (sizes.length < BATCH_ROWS) break;
  }
  await session.query(`CLOSE sluice_sizes; CLOSE sluice_rows; DROP TABLE ${TOLD}`, options);
}
