import pg from 'pg';
import { createDatabase } from '../helpers/postgres-server.ts';
import { hasLadder } from './connector-ladder.ts';
import { connectorSuite } from './connector-suite.ts';
import type { DatabaseUnderTest, Row } from './database-under-test.ts';

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'the test itself', types: { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function query(client: pg.Client, text: string): Promise<Row[]> {
  const result: pg.QueryResult | pg.QueryResult[] = await client.query({ text, rowMode: 'array' });
  return ((Array.isArray(result) ? result.at(-1) : result)?.rows ?? []) as Row[];
}

const PATIENCE_MS = 5_000;

/** Sessions end a moment after their socket; tables of ours are gone at once. */
async function leftovers(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await query(client, `SELECT 'session: ' || application_name || ' ' || left(query, 80) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'the test itself' AND backend_type = 'client backend'
        UNION ALL SELECT 'relation: ' || relname FROM pg_class WHERE relname ~ '^(sluice|pg_temp)' OR relpersistence = 't'
        UNION ALL SELECT 'unlogged: ' || relname FROM pg_class WHERE relpersistence = 'u'
        UNION ALL SELECT 'prepared: ' || gid FROM pg_prepared_xacts WHERE database = current_database()`);
      if (found.length === 0 || Date.now() > deadline) return found.map(([text]) => text!);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
}

const postgres: DatabaseUnderTest = {
  kind: 'postgres',
  createDatabase: () => createDatabase(),
  sql: (url, text) => withClient(url, (client) => query(client, text)),
  leftovers,
  traits: { server: true, mostColumns: 1600, caseSensitive: true, longestName: 63 },
};

const ladder = await hasLadder(postgres);
if (!ladder) process.stderr.write('postgres: no writeCarefully, the cases of the ladder are not run\n');
connectorSuite(postgres, ladder);
