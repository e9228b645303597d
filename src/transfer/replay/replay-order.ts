import type { ConnectOptions } from '../../connectors/connector.ts';
import { connectorFor } from '../../connectors/registry.ts';
import { displayName } from '../../rows/table-schema.ts';
import { foreignKeyOrder } from '../../pipeline/foreign-key-order.ts';
import type { ReplayFile } from './replay-files.ts';

/** Parents before children: each file is an import of its own, so a child's parent must be there before it. Of one table in the order they came. */
export async function parentsFirst(files: readonly ReplayFile[], to: string, options: Pick<ConnectOptions, 'signal' | 'engineMemoryBytes' | 'env'>): Promise<ReplayFile[]> {
  const tables = [...new Set(files.map(({ table }) => table.table))];
  if (tables.length < 2) return [...files];
  const connection = await (await connectorFor(to)).connect(to, { ...options, jobs: 1, applicationName: 'sluice replay', create: false });
  try {
    const references = await connection.listReferences();
    const order = foreignKeyOrder(tables, references.map(({ table, parent }) => [displayName(table), displayName(parent)] as const)).tables;
    return files.toSorted((a, b) => order.indexOf(a.table.table) - order.indexOf(b.table.table));
  } finally {
    await connection.close();
  }
}
