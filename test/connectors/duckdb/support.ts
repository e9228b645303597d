import { existsSync } from 'node:fs';
import { duckdbConnector } from '../../../src/connectors/duckdb/duckdb-connector.ts';
import type { Connection, LoadMode, LoadTableSpec, PublishedCounts } from '../../../src/connectors/connector.ts';
import type { PartStream } from '../../../src/rows/part.ts';
import type { Column } from '../../../src/rows/table-schema.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';
import { MEMORY, never } from '../../engine/support.ts';
import { openEngine } from '../../../src/engine/engine.ts';

export function connect(path: string, create = true): Promise<Connection> {
  return duckdbConnector.connect(`duckdb:${path}`, { signal: never, jobs: 2, engineMemoryBytes: MEMORY, applicationName: 'test', create, env: {} });
}

/** Runs SQL on a file behind the connector's back. */
export async function sql(path: string, ...statements: string[]): Promise<unknown[][]> {
  const engine = await openEngine({ path, memoryLimitBytes: MEMORY, threads: 1, create: !existsSync(path) });
  try {
    const connection = await engine.connect();
    let rows: unknown[][] = [];
    for (const statement of statements) rows = await connection.rows(statement);
    return rows;
  } finally {
    await engine.close();
  }
}

export function column(name: string, type: ColumnType, nullable = true): Column {
  return { name, type, nullable };
}

export const INTEGER: ColumnType = { kind: 'integer', bits: 32 };
export const TEXT: ColumnType = { kind: 'text' };
export const NUMERIC: ColumnType = { kind: 'numeric' };

/** One run with one table: plan, write the parts, publish. */
export async function load(connection: Connection, spec: Omit<LoadTableSpec, 'mode'> & { mode?: LoadMode }, parts: readonly PartStream[]): Promise<PublishedCounts & { accepted: number }> {
  const session = await connection.openLoad({ run: 'r', signal: never });
  try {
    const plan = await session.plan({ mode: 'append', ...spec });
    const table = await session.begin(plan);
    const writer = await table.openWriter();
    let accepted = 0;
    for (const part of parts) accepted += (await writer.write(part, () => undefined)).written;
    await writer.close();
    return { ...(await session.publish()).get(plan.table)!, accepted };
  } catch (error) {
    await session.abort();
    throw error;
  }
}
