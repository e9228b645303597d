import { mkdtempSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { connectorSuite } from './connector-suite.ts';
import { temporaryFolder, type DatabaseUnderTest, type Row } from './database-under-test.ts';

const folder = temporaryFolder();

function pathOf(url: string): string {
  return url.replace('duckdb:', '');
}

async function sql(url: string, text: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(pathOf(url));
  try {
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(text)).getRows();
    connection.closeSync();
    return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
  } finally {
    instance.closeSync();
  }
}

/** Each database has a folder of its own: whatever else is in it was left behind. */
async function leftovers(url: string): Promise<string[]> {
  const path = pathOf(url);
  const files = readdirSync(dirname(path)).filter((name) => name !== basename(path)).map((name) => `file: ${name}`);
  const tables = await sql(url, "SELECT table_name FROM duckdb_tables() WHERE temporary OR table_name LIKE 'sluice%'");
  return [...files, ...tables.map(([name]) => `table: ${name}`)];
}

const duckdb: DatabaseUnderTest = {
  kind: 'duckdb',
  createDatabase: async () => {
    const url = `duckdb:${join(mkdtempSync(join(folder, 'db-')), 'data.duckdb')}`;
    await sql(url, 'SELECT 1');
    return url;
  },
  sql,
  leftovers,
  traits: { server: false, mostColumns: 4000, caseSensitive: false, longestName: 10_000 },
};

connectorSuite(duckdb, true);
