/** The rejected rows of a staged table, in the order of the source, as the run is told of them. */
import type { RejectedRow } from '../connector.ts';
import type { Row, Session } from './driver.ts';
import { rejectionCode } from './errors.ts';
import type { JudgedTable } from './judged-table.ts';
import { source } from './publication.ts';
import { readInBatches, valuesSql } from './rejected-rows.ts';
import { quoteIdentifier } from './sql.ts';
import { PART_ROW_BITS } from './table-ddl.ts';

export async function* readRejected(session: Session, table: JudgedTable, gaps: string | undefined, signal: AbortSignal): AsyncGenerator<readonly RejectedRow[], void, undefined> {
  const { plan, target } = table.load;
  const fields = valuesSql(plan.columns.map((column) => `staged.${quoteIdentifier(column.name)}::text`));
  const part = `(r.n >> ${PART_ROW_BITS})`;
  // The records that were left out before this row, in its part.
  const gap = gaps === undefined ? '0' : `COALESCE((SELECT g.gap FROM ${gaps} AS g WHERE g.load = ${target.oid} AND g.before < r.n AND g.before >= ${part} << ${PART_ROW_BITS} ORDER BY g.before DESC, g.gap DESC LIMIT 1), 0)`;
  const query = `SELECT r.*, ${part} AS part, (r.n & ((1::bigint << ${PART_ROW_BITS}) - 1)) + ${gap} AS record, ${fields} AS fields
    FROM ${table.rejected} AS r JOIN (SELECT * FROM ${source(plan, table.staging)} AS staged WHERE ${await table.isOneOf(table.rejected)}) AS staged ON staged.${table.row} = r.n`;
  for await (const rows of readInBatches(session, query, 'part, record, rule, state, message, detail, violated, field, fields', { signal, table: plan.table })) {
    yield rows.map((row) => rejectedRow(row, table));
  }
}

function rejectedRow([part, record, rule, state, message, detail, violated, field, fields]: Row, table: JudgedTable): RejectedRow {
  const values = fields == null ? undefined : (JSON.parse(fields) as (string | null)[]);
  const place = { part: Number(part), record: Number(record), ...(values === undefined ? {} : { values }) };
  if (rule == null) {
    return {
      ...place, code: rejectionCode(state!), message: detail == null ? message! : `${message} (${detail})`,
      ...(field == null ? {} : { column: field }), ...(violated == null ? {} : { constraint: violated }),
    };
  }
  const { code, constraint, columns, say } = table.verdicts[Number(rule)];
  const known = values === undefined ? undefined : columns?.map((column) => values[table.load.plan.columns.findIndex(({ name }) => name === column)] ?? null);
  const key = columns === undefined ? '' : `(${columns.join(', ')})${known === undefined ? '' : `=(${known.map((value) => value ?? 'null').join(', ')})`}`;
  return {
    ...place, code, message: say(key),
    ...(columns?.length === 1 ? { column: columns[0] } : {}), ...(constraint === undefined ? {} : { constraint }),
  };
}
