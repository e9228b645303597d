import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { findPostgres } from '../helpers/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';
import { ask } from '../helpers/ask.ts';
import { loadChecklist, loadOddities } from './checklist/load.ts';
import { compareDumps } from './dump-comparison.ts';

let server: PostgresServer, pgDump: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian', settings: { wal_level: 'logical' } });
  pgDump = join(await findPostgres('debian'), 'bin/pg_dump');
});
afterAll(() => server.stop());

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

it('a database with every case of the checklist is the same after backup and restore, to pg_dump and row by row', { timeout: 240_000 }, async () => {
  const cwd = await temporaryFolder();
  const original = await server.createDatabase(), copy = await server.createDatabase();
  await loadChecklist(original, true);
  const repository = join(cwd, 'repository');
  expect(await runCli(['backup', original, '--to', repository, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  expect(await runCli(['restore', repository, '--to', copy, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  expect(await compareDumps({ pgDump, env: server.psqlEnv }, [nameOf(original), nameOf(copy)], join(cwd, 'dumps'))).toEqual([]);
  const verified = await runCli(['verify', repository, '--against', copy, '--quiet', '--json'], { cwd });
  expect(verified.code).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, otherTables: [] });
});

it('so is one with names that are the same when a dot joins them, and with tables that need keys before their rows', { timeout: 240_000 }, async () => {
  const cwd = await temporaryFolder();
  const original = await server.createDatabase(), copy = await server.createDatabase(), rows = await server.createDatabase();
  await loadOddities(original, 'strange');
  const repository = join(cwd, 'repository');
  expect(await runCli(['backup', original, '--to', repository, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  for (const database of [original, copy]) {
    if (database === copy) expect(await runCli(['restore', repository, '--to', copy, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
    expect(await runCli(['verify', repository, '--against', database, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  }
  const tables = `CREATE SCHEMA "a"; CREATE SCHEMA "a.b"; CREATE TABLE "a"."b.c" (id integer PRIMARY KEY, t text); CREATE TABLE "a.b"."c" (id bigint PRIMARY KEY, n numeric, extra date)`;
  await ask(rows, tables);
  expect(await runCli(['restore', repository, '--to', rows, '--data-only', '--table', 'a.b.c', '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(await ask(rows, 'SELECT (SELECT count(*) FROM "a"."b.c"), (SELECT count(*) FROM "a.b"."c")')).toEqual([['300', '500']]);
});

it('the comparison itself sees rows, large objects, sequences and definitions that differ, and not the order of rows', async () => {
  const cwd = await temporaryFolder();
  const databases = [await server.createDatabase(), await server.createDatabase()];
  const run = async (url: string, sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const make = (order: string): string => `CREATE TABLE t (id serial, note text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 100) AS i ORDER BY i ${order}; SELECT lo_from_bytea(4200001, 'x')`;
  await run(databases[0], make('ASC'));
  await run(databases[1], make('DESC'));
  const compare = async (): Promise<string[]> => {
    rmSync(join(cwd, 'dumps'), { recursive: true, force: true });
    return (await compareDumps({ pgDump, env: server.psqlEnv }, [nameOf(databases[0]), nameOf(databases[1])], join(cwd, 'dumps'))).filter((line) => /^[+-]/.test(line));
  };
  expect(await compare()).toEqual([]);
  await run(databases[1], `UPDATE t SET note = 'other' WHERE id = 7; SELECT lo_put(4200001, 0, 'y'); SELECT nextval('t_id_seq'), nextval('t_id_seq'); COMMENT ON LARGE OBJECT 4200001 IS 'new'; ALTER TABLE t ADD CHECK (id > 0)`);
  const lines = (await compare()).join('\n');
  for (const part of ['7\tn7', '7\tother', `lowrite(0, '\\x79')`, 'COMMENT ON LARGE OBJECT 4200001', `setval('public.t_id_seq', 2, true)`, 'CHECK ((id > 0))']) expect(lines).toContain(part);
});
