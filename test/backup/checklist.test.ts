import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { loadChecklist, loadOtherCase } from './checklist/load.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
});
afterAll(() => server.stop());

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

it('the database with every case of the checklist loads', async () => {
  const url = await server.createDatabase();
  await loadChecklist(url);
  const kinds = await ask(url, `SELECT relkind::text, count(*)::int FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('checklist', 'Upper Case')) GROUP BY 1 ORDER BY 1`);
  expect(Object.fromEntries(kinds as [string, number][])).toMatchObject({ f: 3, m: 4, p: 10 });
  expect(await ask(url, 'SELECT (SELECT count(*)::int FROM checklist.no_columns), (SELECT count(*)::int FROM checklist.measures), (SELECT count(*)::int FROM pg_largeobject_metadata)')).toEqual([[3, 1000, 5]]);
});

it('so do the cases with databases of their own', async () => {
  await ask(server.url, `CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0`);
  const url = new URL(server.url);
  url.pathname = '/bytes';
  await loadOtherCase(url.href, 'sql-ascii');
  await loadOtherCase(url.href, 'sql-ascii-names');
  expect(await ask(url.href, `SELECT count(*)::int FROM raw_bytes WHERE t = E'caf\\xe9'`)).toEqual([[1]]);
  for (let times = 0; times < 2; times++) await loadOtherCase(await server.createDatabase(), 'tablespace');
});
