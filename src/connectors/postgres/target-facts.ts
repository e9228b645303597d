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
  /** Not null or check constraints. */
  readonly hasChecks: boolean;
  /** Triggers or rules of the user: rows may be changed or left out on their way in. */
  readonly hasTriggers: boolean;
  readonly hasRules: boolean;
  /** Triggers that see a row before the constraints do, and may change it. */
  readonly hasRowTriggers: boolean;
  /** Rows added in transactions of their own can be found and deleted again. */
  readonly canUndo: boolean;
  /** Tables whose rows would be deleted or changed along with rows of this one. */
  readonly cascadesTo: readonly { readonly oid: string; readonly name: string }[];
  /** Keys that ON CONFLICT can name. */
  readonly uniqueKeys: readonly UniqueKey[];
}

/**
 * The undo of a direct append finds its rows by `xmin`, which is 32 bits wide: a frozen row of an earlier round of the counter would look the
 * same and be deleted with them. So there is an undo only while the counter is in its first round, with room for the run.
 */
const LAST_SAFE_XID = 2 ** 32 - 100_000_000;

export async function readTargetFacts(session: Session, table: CatalogTable, options: QueryOptions): Promise<TargetFacts> {
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
      (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object('oid', k.conrelid::text, 'name', k.conrelid::pg_catalog.regclass::text)) FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
        WHERE k.contype = 'f' AND k.confrelid = ${table.oid} AND k.confdeltype IN ('c', 'n', 'd') AND NOT c.relispartition),
      (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('columns', names.list, 'nullsEqual', COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)))
        FROM pg_catalog.pg_index i CROSS JOIN LATERAL (
          SELECT pg_catalog.json_agg(a.attname) AS list FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, n)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum WHERE key.n <= i.indnkeyatts) AS names
        WHERE i.indrelid = ${table.oid} AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL),
      EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN tree ON k.conrelid = tree.oid WHERE k.contype = 'c')
        OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN tree ON a.attrelid = tree.oid WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped),
      EXISTS (SELECT FROM pg_catalog.pg_rewrite w JOIN tree ON w.ev_class = tree.oid WHERE w.rulename <> '_RETURN' AND w.ev_enabled <> 'D'),
      EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN tree ON g.tgrelid = tree.oid WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 1 = 1 AND g.tgtype & 66 <> 0)`, options);
  const [keys, triggers, canUndo, cascadesTo, uniqueKeys, checks, rules, rowTriggers] = rows[0];
  return {
    hasKeys: keys === 't',
    hasChecks: checks === 't',
    hasTriggers: triggers === 't',
    hasRules: rules === 't',
    hasRowTriggers: rowTriggers === 't',
    canUndo: canUndo === 't',
    cascadesTo: cascadesTo == null ? [] : (JSON.parse(cascadesTo) as { oid: string; name: string }[]),
    uniqueKeys: uniqueKeys == null ? [] : (JSON.parse(uniqueKeys) as UniqueKey[]),
  };
}

/** The unique key over exactly these columns, in any order. */
export function uniqueKeyOver(facts: TargetFacts, columns: readonly string[]): UniqueKey | undefined {
  return facts.uniqueKeys.find((key) => key.columns.length === columns.length && columns.every((column) => key.columns.includes(column)));
}
