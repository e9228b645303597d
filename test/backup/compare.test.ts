import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { compareBackup } from '../../src/backup/compare/compare-backup.ts';
import type { ComparedTableReport, ComparisonReport } from '../../src/backup/compare/comparison-report.ts';
import { openRepository } from '../../src/backup/open-repository.ts';
import { partEntrySchema, readList, tableEntrySchema } from '../../src/backup/repository/entry-list.ts';
import { chunkObject } from '../../src/backup/repository/object-names.ts';
import { connectorFor } from '../../src/connectors/registry.ts';
import { startBackup } from '../../src/jobs/start-transfer.ts';
import { runCli } from '../cli/run-cli.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}

async function backUp(url: string): Promise<{ root: string; cwd: string }> {
  const cwd = await temporaryFolder();
  const root = join(cwd, 'repository');
  await startBackup({ from: url, to: root, tables: [], exclude: [], schema: false, data: true }, { workspace: join(cwd, 'workspace'), jobs: 2 }).receipt;
  return { root, cwd };
}

interface Verified {
  readonly report: ComparisonReport;
  readonly table: (name: string) => ComparedTableReport | undefined;
}

async function verify(root: string, url: string, options: { tables?: string[]; examples?: number } = {}): Promise<Verified> {
  const { repository } = await openRepository(root, root);
  const signal = new AbortController().signal;
  const connection = await (await connectorFor(url)).connect(url, { signal, jobs: 2, engineMemoryBytes: 0, applicationName: 'sluice verify', create: false, env: {} });
  try {
    const report = await compareBackup(repository, await repository.manifest(await repository.find(undefined)), {
      openSource: (tables, how) => connection.openCompare!(tables, how), tables: options.tables ?? [], examples: options.examples ?? 10, jobs: 2, signal,
    });
    return { report, table: (name) => report.tables.find((table) => table.name === name) };
  } finally {
    await connection.close();
  }
}

const PEOPLE = `CREATE TABLE people (id integer PRIMARY KEY, name text, born date, weight numeric(6,2));
  INSERT INTO people SELECT i, 'person ' || i, '2000-01-01'::date + i, i / 7.0 FROM generate_series(1, 60000) AS i`;
const NOTES = `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE notes (mood mood, note text);
  INSERT INTO notes SELECT 'ok', E'line\\n' || i FROM generate_series(1, 100) AS i; INSERT INTO notes VALUES ('sad', NULL), ('sad', NULL)`;

it('a live database is the same, until rows change: then those are named, and the page groups without changes are known', async () => {
  const url = await createDatabase();
  await run(url, PEOPLE, NOTES, 'CREATE SEQUENCE numbers; CREATE TABLE nothing ()');
  const { root, cwd } = await backUp(url);
  const before = await verify(root, url);
  expect(before).toMatchObject({ report: { totals: { tables: 3, differentTables: 0, rows: 60_102 }, sequences: [] } });
  expect(before.table('public.people')).toMatchObject({ status: 'same', groups: { different: 0 } });

  await run(url, `UPDATE people SET name = E'some\\'one', weight = NULL WHERE id = 100`, 'DELETE FROM people WHERE id = 200', `INSERT INTO people VALUES (70000, NULL, '0044-03-15 BC', 'NaN')`,
    `UPDATE notes SET note = 'changed' WHERE note = E'line\\n7'`, `DELETE FROM notes WHERE ctid = (SELECT max(ctid) FROM notes WHERE mood = 'sad')`, `SELECT nextval('numbers')`);
  const { report, table } = await verify(root, url);
  expect(report).toMatchObject({ totals: { differentTables: 2 }, sequences: [{ name: 'public.numbers', backup: '1, not called', database: '1' }] });
  const people = table('public.people');
  expect(people).toMatchObject({ status: 'different', backup: { rows: 60_000 }, database: { rows: 60_000 }, rows: { missing: 2, extra: 2, changed: 1, complete: true } });
  expect(people!.groups!.different).toBeLessThanOrEqual(2);
  expect(people!.rows!.examples).toEqual([
    { kind: 'changed', row: { id: '100' }, changes: { name: ['person 100', `some'one`], weight: ['14.29', null] } },
    { kind: 'missing', row: { id: '200' } },
    { kind: 'extra', row: { id: '70000' } },
  ]);
  // Without a key: whole rows, and a row that was there twice.
  expect(table('public.notes')!.rows).toMatchObject({ missing: 2, extra: 1, changed: null, complete: true });
  expect(table('public.notes')!.rows!.examples).toEqual(expect.arrayContaining([
    { kind: 'missing', row: { mood: 'ok', note: 'line\n7' } }, { kind: 'extra', row: { mood: 'ok', note: 'changed' } }, { kind: 'missing', row: { mood: 'sad', note: null } },
  ]));
  const text = await runCli(['verify', root, '--against', url], { cwd });
  expect(text.code).toBe(4);
  expect(text.stdout).toContain(`changed: id '100': name was 'person 100', is 'some'one'; weight was '14.29', is NULL`);
  expect(text.stderr).toContain('COMPARISON_FAILED');
  const json = await runCli(['verify', root, '--against', url, '--json', '--quiet', '--table', 'noth*'], { cwd });
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({ job: 'verify', ok: true, totals: { tables: 1 }, seconds: expect.any(Number), peakRssBytes: expect.any(Number) });
  // Each is a run, found again with what it found.
  const runs = JSON.parse((await runCli(['runs', 'list', '--json'], { cwd })).stdout) as { runs: { run: string; job: string; status: string }[] };
  expect(runs.runs.slice(0, 2)).toMatchObject([{ job: 'verify', status: 'done' }, { job: 'verify', status: 'failed' }]);
  expect(JSON.parse(json.stdout)).toMatchObject({ run: runs.runs[0].run, status: 'done' });
  const shown = await runCli(['runs', 'show', runs.runs[1].run], { cwd });
  expect(shown.stdout).toContain('public.people is different: 60,000 rows, as in the backup');
  await expect(verify(root, url, { tables: ['nobody'] })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
});

it('rows in another order and on other pages are the same rows; one that differs among them is found', async () => {
  const url = await createDatabase(), copy = await createDatabase();
  await run(url, PEOPLE);
  const { root } = await backUp(url);
  await run(copy, PEOPLE.replace('generate_series(1, 60000) AS i', 'generate_series(1, 60000) AS i ORDER BY md5(i::text)'), 'CREATE TABLE more (id integer)');
  const same = await verify(root, copy);
  expect(same).toMatchObject({ report: { totals: { differentTables: 0 }, otherTables: ['public.more'] } });
  await run(copy, 'UPDATE people SET weight = weight + 0.01 WHERE id = 59999');
  const { table } = await verify(root, copy);
  expect(table('public.people')!.rows).toMatchObject({ missing: 1, extra: 1, changed: 1, examples: [{ kind: 'changed', row: { id: '59999' }, changes: { weight: ['8571.29', '8571.30'] } }] });
});

it('of very many rows that differ some are named, and it is said about how many there are', async () => {
  const url = await createDatabase();
  await run(url, PEOPLE);
  const { root } = await backUp(url);
  await run(url, `UPDATE people SET name = name || '!'`);
  const { table } = await verify(root, url, { examples: 3 });
  const { rows } = table('public.people')!;
  expect(rows!.complete).toBe(false);
  for (const count of [rows!.missing, rows!.extra]) expect(Math.abs(count - 60_000)).toBeLessThan(1000);
  expect(rows!.examples).toHaveLength(3);
  for (const { kind, row, changes } of rows!.examples) expect({ kind, changes }).toEqual({ kind: 'changed', changes: { name: [`person ${row.id}`, `person ${row.id}!`] } });
});

it('large objects are compared by their content', async () => {
  const url = await createDatabase();
  await run(url, `SELECT lo_from_bytea(4200001, decode(repeat('00ff', 1600000), 'hex')), lo_create(4200002), lo_from_bytea(4200003, 'x'), lo_from_bytea(4200004, 'same')`);
  const { root } = await backUp(url);
  expect(await verify(root, url)).toMatchObject({ report: { largeObjects: { same: 4, different: 0, others: 0 } } });
  await run(url, `SELECT lo_put(4200001, 3000000, 'y'), lo_unlink(4200002), lo_put(4200003, 1, 'more'), lo_create(4200009)`);
  const { report } = await verify(root, url);
  expect(report.largeObjects).toEqual({ same: 1, different: 3, others: 1, named: [{ oid: 4_200_001, status: 'different' }, { oid: 4_200_002, status: 'missing' }, { oid: 4_200_003, status: 'different' }] });
});

it('tables that are missing, and columns that are others, are said', async () => {
  const url = await createDatabase();
  await run(url, 'CREATE TABLE gone (id integer); INSERT INTO gone VALUES (1); CREATE TABLE a (id integer, t varchar(10), e integer); INSERT INTO a VALUES (1, $$x$$, 2); CREATE TABLE b (id integer, t varchar(10)); INSERT INTO b VALUES (1)');
  const { root } = await backUp(url);
  await run(url, 'DROP TABLE gone; ALTER TABLE a ALTER e TYPE bigint, ADD COLUMN more integer; ALTER TABLE b ALTER t TYPE varchar(20)');
  const { report, table } = await verify(root, url);
  expect(report.totals.differentTables).toBe(3);
  expect(table('public.gone')).toMatchObject({ status: 'missing', database: null });
  expect(table('public.a')).toMatchObject({ status: 'unlike', differences: ['column e is bigint, and integer in the backup', 'column more is not in the backup'] });
  expect(table('public.b')).toMatchObject({ status: 'different', database: { rows: 1 }, differences: ['column t is character varying(20), and character varying(10) in the backup'] });
  expect(table('public.b')!.rows).toBeUndefined();
});

it('rows that moved to other partitions by hash are the same rows', async () => {
  const url = await createDatabase(), copy = await createDatabase();
  const partitions = [0, 1, 2].map((i) => `CREATE TABLE by_mood_${i} PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER ${i})`);
  const made = (labels: string): string[] => [`CREATE TYPE mood AS ENUM (${labels})`, 'CREATE TABLE by_mood (m mood, n integer) PARTITION BY HASH (m)', ...partitions,
    `INSERT INTO by_mood SELECT ('{a,b,c,d,e,f}'::mood[])[1 + i % 6], i FROM generate_series(1, 600) AS i`];
  await run(url, ...made(`'a', 'b', 'c', 'd', 'e', 'f'`));
  const { root } = await backUp(url);
  // Other numbers for the labels, and so other partitions.
  await run(copy, `CREATE TYPE other AS ENUM ('x', 'y', 'z')`, ...made(`'f', 'd', 'b', 'c', 'a', 'e'`));
  const moved = await verify(root, copy);
  expect(moved.report.totals.differentTables).toBe(0);
  expect(moved.report.tables.map(({ status }) => status)).toContain('moved');
  await run(copy, 'DELETE FROM by_mood WHERE n = 77');
  const { report } = await verify(root, copy);
  expect(report.tables.flatMap(({ rows }) => rows?.examples ?? [])).toEqual([{ kind: 'missing', row: { m: 'f', n: '77' } }]);
});

it('with a damaged backup tables are still compared, and only the rows that differ cannot be named', async () => {
  const url = await createDatabase();
  await run(url, NOTES);
  const { root } = await backUp(url);
  const { repository } = await openRepository(root, root);
  const manifest = await repository.manifest(await repository.find(undefined));
  const context = { backup: manifest.backup };
  for await (const table of readList(repository.chunks, manifest.tables, tableEntrySchema, context)) {
    for await (const part of readList(repository.chunks, table.parts, partEntrySchema, context)) for (const chunk of part.chunks) rmSync(join(root, chunkObject(chunk)));
  }
  expect((await verify(root, url)).report.totals.differentTables).toBe(0);
  await run(url, `DELETE FROM notes WHERE mood = 'sad'`);
  const { report } = await verify(root, url);
  expect(report).toMatchObject({ tables: [{ status: 'different', database: { rows: 100 } }], notes: [expect.stringMatching(/^Which rows of public\.notes differ cannot be said: /)] });
});
