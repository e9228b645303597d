/** What decides how an existing table can be loaded. */
import type { CatalogTable } from './catalog.ts';
import type { QueryOptions, Session } from './driver.ts';

export interface UniqueKey {
  readonly columns: readonly string[];
  /** NULLs count as equal (version 15). */
  readonly nullsEqual: boolean;
}

export interface TargetFacts {
  /** Unique, exclusion or foreign keys. */
  readonly hasKeys: boolean;
  /** Triggers or rules of the user: rows may be changed or left out on their way in. */
  readonly hasTriggers: boolean;
  /** Rows added in transactions of their own can be found and deleted again. */
  readonly canUndo: boolean;
  /** Tables whose rows would be deleted or changed along with rows of this one. */
  readonly cascadesTo: readonly string[];
  /** Keys that ON CONFLICT can name. */
  readonly uniqueKeys: readonly UniqueKey[];
}

/**
 * The undo of a direct append finds its rows by `xmin`, which is 32 bits wide: a frozen row of an earlier round of the counter would look the
 * same and be deleted with them. So there is an undo only while the counter is in its first round, with room for the run.
 */
const LAST_SAFE_XID = 2 ** 32 - 100_000_000;

/** @param replacedAlong oids of tables whose rows go anyway: rows of theirs that go along with this table's are no loss */
export async function readTargetFacts(session: Session, table: CatalogTable, options: QueryOptions, replacedAlong: readonly string[] = []): Promise<TargetFacts> {
  const { rows } = await session.query(`
    WITH tree AS (SELECT ${table.oid}::oid AS oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(${table.oid}))
    SELECT
      EXISTS (SELECT FROM pg_catalog.pg_index i JOIN tree ON i.indrelid = tree.oid WHERE i.indisunique OR i.indisexclusion)
        OR EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN tree ON k.conrelid = tree.oid WHERE k.contype IN ('f', 'x')),
      EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN tree ON g.tgrelid = tree.oid WHERE NOT g.tgisinternal AND g.tgenabled <> 'D')
        OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w JOIN tree ON w.ev_class = tree.oid WHERE w.rulename <> '_RETURN' AND w.ev_enabled <> 'D'),
      pg_catalog.has_table_privilege(${table.oid}, 'SELECT') AND pg_catalog.has_table_privilege(${table.oid}, 'DELETE')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN tree ON c.oid = tree.oid WHERE c.relkind NOT IN ('r', 'p'))
        AND pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric < ${LAST_SAFE_XID},
      (SELECT pg_catalog.json_agg(DISTINCT k.conrelid::pg_catalog.regclass::text) FROM pg_catalog.pg_constraint k
        WHERE k.contype = 'f' AND k.confrelid = ${table.oid} AND k.confdeltype IN ('c', 'n', 'd') AND NOT k.conrelid = ANY ('{${[table.oid, ...replacedAlong].join(',')}}'::oid[])),
      (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('columns', names.list, 'nullsEqual', COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)))
        FROM pg_catalog.pg_index i CROSS JOIN LATERAL (
          SELECT pg_catalog.json_agg(a.attname) AS list FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, n)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum WHERE key.n <= i.indnkeyatts) AS names
        WHERE i.indrelid = ${table.oid} AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL)`, options);
  const [keys, triggers, canUndo, cascadesTo, uniqueKeys] = rows[0];
  return {
    hasKeys: keys === 't',
    hasTriggers: triggers === 't',
    canUndo: canUndo === 't',
    cascadesTo: cascadesTo == null ? [] : (JSON.parse(cascadesTo) as string[]),
    uniqueKeys: uniqueKeys == null ? [] : (JSON.parse(uniqueKeys) as UniqueKey[]),
  };
}

/** The unique key over exactly these columns, in any order. */
export function uniqueKeyOver(facts: TargetFacts, columns: readonly string[]): UniqueKey | undefined {
  return facts.uniqueKeys.find((key) => key.columns.length === columns.length && columns.every((column) => key.columns.includes(column)));
}
