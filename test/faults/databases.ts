/** Statements for either kind of database, in a session of their own. */
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';

export async function runSql(url: string, text: string): Promise<unknown[][]> {
  if (!url.startsWith('duckdb:')) return runPostgres(url, text);
  const instance = await DuckDBInstance.create(url.replace('duckdb:', ''));
  try {
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(text)).getRows();
    connection.closeSync();
    return rows;
  } finally {
    instance.closeSync();
  }
}

async function runPostgres(url: string, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await client.query({ text, rowMode: 'array' });
    return ((Array.isArray(result) ? result.at(-1) : result)?.rows ?? []) as unknown[][];
  } finally {
    await client.end();
  }
}
