import type { QueryOptions, Session } from './driver.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';
import type { PostgresTableLoad } from './table-load.ts';

/**
 * Numbers that were loaded must not be handed out again: a column's own sequence goes on behind the largest. Never backwards, and only
 * where the user may change it. Not undone by a rollback, which does no harm: it only leaves numbers out.
 */
export async function advanceSequences(session: Session, load: PostgresTableLoad, options: QueryOptions): Promise<void> {
  const name = qualifiedName(load.plan.name);
  const numbered = load.target.columns.filter((column) => column.type.kind === 'integer' && column.filled !== undefined && column.filled !== 'generated' && load.plan.columns.some((loaded) => loaded.name === column.name));
  for (const column of numbered) {
    const owned = await session.query(`SELECT s.seqrelid::pg_catalog.regclass::text, s.seqmax FROM pg_catalog.pg_sequence s
      WHERE s.seqrelid = pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence(${quoteLiteral(name)}, ${quoteLiteral(column.name)})) AND s.seqincrement > 0
        AND pg_catalog.has_sequence_privilege(s.seqrelid, 'UPDATE') AND pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')`, options);
    const [sequence, most] = owned.rows[0] ?? [];
    if (sequence == null) continue;
    await session.query(`SELECT pg_catalog.setval(${quoteLiteral(sequence)}, largest.value) FROM ${sequence} AS own,
      (SELECT pg_catalog.max(${quoteIdentifier(column.name)})::bigint AS value FROM ${name}) AS largest
      WHERE largest.value <= ${most} AND largest.value > CASE WHEN own.is_called THEN own.last_value ELSE own.last_value - 1 END`, options);
  }
}
