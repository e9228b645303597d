import type { TableName } from '../../rows/table-schema.ts';
import type { Reference } from '../connector.ts';
import type { Session } from './driver.ts';

/** Keys of partitions are their root's. */
const FOREIGN_KEYS = `
  SELECT DISTINCT cn.nspname, c.relname, pn.nspname, p.relname
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
  JOIN pg_catalog.pg_class p ON p.oid = k.confrelid JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
  WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> k.confrelid
  ORDER BY 1, 2, 3, 4`;

export async function listReferences(session: Session, defaultSchema: string | undefined, signal: AbortSignal): Promise<Reference[]> {
  const named = (schema: string, name: string): TableName => (schema === defaultSchema ? { name } : { schema, name });
  const { rows } = await session.query(FOREIGN_KEYS, { signal });
  return rows.map(([schema, table, parentSchema, parent]) => ({ table: named(schema!, table!), parent: named(parentSchema!, parent!) }));
}
