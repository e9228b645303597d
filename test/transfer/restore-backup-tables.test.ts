/** The generator of the restore benchmark: its backup is what psql loads, and exactly the planted rows are bad. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generateBackup, type PlantedRow } from '../../bench/backup-tables.ts';
import { BAD_CLASSES } from '../../bench/restore-bad-rows.ts';
import { TABLES } from '../../bench/restore-tables.ts';
import { importFile, restoreBackup } from '../../src/index.ts';
import { createDatabase } from '../helpers/postgres-server.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'sluice-generated-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

it('restores from JSON what CSV loads, under all keys', async () => {
  const made = generateBackup(join(folder, 'clean'), { rows: 3000 });
  expect(Object.keys(made.counts)).toHaveLength(24);
  const [left, right] = [await createDatabase(), await createDatabase()];
  const workspace = join(folder, 'workspace');
  await query(left, readFileSync(made.schema, 'utf8'));
  const receipt = await restoreBackup({ source: made.backup, to: left, workspace }).receipt;
  expect(Object.fromEntries(receipt.tables.map(({ name, written }) => [name, written]))).toEqual(made.counts);
  await query(right, readFileSync(made.schema, 'utf8').replace(/ REFERENCES \w+/g, '').replace(/ALTER TABLE teams.*/, ''));
  for (const { name } of TABLES) {
    await importFile({ source: join(made.csv, `${name}.csv`), to: right, table: name, workspace }).receipt;
    const rows = `SELECT t::text FROM ${name} t ORDER BY 1`;
    expect(await query(left, rows), name).toEqual(await query(right, rows));
  }
}, 120_000);

it('plants every class, and says where', () => {
  const { backup, planted } = generateBackup(join(folder, 'bad'), { rows: 3000, bad: 42 });
  const lines = readFileSync(planted, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as PlantedRow);
  expect(lines).toHaveLength(42);
  expect(new Set(lines.map((line) => line.class))).toEqual(new Set(BAD_CLASSES.map(({ name }) => name)));
  for (const { file, row, class: kind } of lines.filter((line) => line.class === 'too-long' || line.class === 'encoding')) {
    const bytes = readFileSync(join(backup, file)).toString('latin1').split('\n')[row];
    expect(bytes).toContain(kind === 'encoding' ? 'a\xff\xc3b' : 'x'.repeat(81));
  }
  const again = generateBackup(join(folder, 'again'), { rows: 3000, bad: 42 });
  expect(readFileSync(join(again.backup, 'Comments.json')).equals(readFileSync(join(backup, 'Comments.json')))).toBe(true);
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(sql);
    return Array.isArray(result) ? [] : result.rows;
  } finally {
    await client.end();
  }
}
