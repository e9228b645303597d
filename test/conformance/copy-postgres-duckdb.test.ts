/** Between the two kinds of database and back: other encodings, other array text, other type names, the same values. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { copyTables } from '../../src/index.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { expectReference } from './connector-values.ts';
import { loadRows, temporaryFolder, withConnection } from './database-under-test.ts';
import { columnsOf, INFINITE, REFERENCE, rowsOf, withPostgresArrays } from './reference-table.ts';

const folder = temporaryFolder();
const run = { workspace: join(folder, 'workspace') };
const COLUMNS = [...REFERENCE, ...INFINITE];

it('PostgreSQL to DuckDB and back keeps every value, type and key', async () => {
  const [first, last] = [await createDatabase(), await createDatabase()];
  const middle = `duckdb:${join(mkdtempSync(join(folder, 'db-')), 'data.duckdb')}`;
  const columns = columnsOf(COLUMNS);
  await withConnection(first, (connection) => loadRows(connection, { table: { name: 'reference' }, mode: 'append', columns, primaryKey: ['id'] }, [withPostgresArrays(rowsOf(COLUMNS), columns)]));
  for (const [from, to] of [[first, middle], [middle, last]] as const) {
    const { totals } = await copyTables({ from, to, ...run }).receipt;
    expect(totals).toMatchObject({ read: rowsOf(COLUMNS).length, written: rowsOf(COLUMNS).length });
    await expectReference(to, 'reference', COLUMNS);
    const copied = await withConnection(to, (connection) => connection.describeTable({ name: 'reference' }), { create: false });
    expect(copied!.primaryKey).toEqual(['id']);
    for (const [i, { name, type }] of columns.entries()) if (name !== 'exact') expect(copied!.columns[i]).toMatchObject({ name, type });
  }
});
