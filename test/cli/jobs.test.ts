import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Receipt } from '../../src/jobs/receipt.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';

const url = inject('postgresUrl');

let cwd: string;
let table: string;
let client: pg.Client;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'sluice-jobs-'));
  table = `cli_${process.pid}_${Date.now()}`;
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterEach(async () => {
  await client.query(`DROP TABLE IF EXISTS public.${table}`);
  await client.end();
  await rm(cwd, { recursive: true, force: true });
});

const sluice = (args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> => runCli(args, { cwd, ...options, env: { DB: url, ...options.env } });

const ROWS = '{"id":1,"name":"Zürich"}\n{"id":2,"name":""}\n{"id":9007199254740993,"name":null}\n';

describe('a job from the command line', () => {
  it('goes there and back: import, list, export', async () => {
    await writeFile(join(cwd, 'rows.ndjson'), ROWS);
    await writeFile(join(cwd, 'sluice.config.json'), '{"connections":{"db":"${DB}"}}');
    const imported = await sluice(['import', 'rows.ndjson', '--to', `db#public.${table}`, '--json']);
    expect(imported.stderr).not.toContain('error');
    expect(imported.code).toBe(0);
    const receipt = JSON.parse(imported.stdout) as Receipt;
    expect(receipt).toMatchObject({
      job: 'import', status: 'done', tables: [{ name: table, read: 3, written: 3, rejected: 0, duplicate: 0, skipped: 0 }],
      totals: { read: 3, written: 3 }, quarantine: null, targets: [{ name: 'seconds', met: true }, { name: 'peakRssBytes' }], plan: { job: 'import' },
    });
    const { runs } = JSON.parse((await sluice(['runs', 'list', '--json'])).stdout) as { runs: unknown[] };
    expect(runs).toMatchObject([{ run: receipt.run, job: 'import', status: 'done', rows: 3 }]);

    const exported = await sluice(['export', `db#public.${table}`, '--to', '-', '--format', 'ndjson']);
    expect(exported.code).toBe(0);
    expect(exported.stdout).toBe(ROWS);
    expect(exported.stderr).toContain('export done in');
  });

  it('reads standard input and prints its receipt as a table', async () => {
    const { code, stdout, stderr } = await sluice(['import', '-', '--format', 'ndjson', '--to', url, '--table', `public.${table}`], { input: ROWS });
    expect(stderr).not.toContain('error');
    expect(stdout).toMatch(new RegExp(`${table} +3 +3 +0 +0 +0 `));
    expect(stdout).toMatch(/import done in .* rows\/s, .* peak memory .* run [0-9a-z]{14}\n$/);
    expect(code).toBe(0);
  });

  it('with --dry-run prints its plan and changes nothing', async () => {
    await writeFile(join(cwd, 'rows.ndjson'), ROWS);
    const { code, stdout } = await sluice(['import', 'rows.ndjson', '--to', url, '--table', `public.${table}`, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain(`table ${table} (created)`);
    expect(stdout).toContain('CREATE TABLE');
    expect((await client.query(`SELECT to_regclass('public.${table}') AS found`)).rows).toEqual([{ found: null }]);
    expect(existsSync(join(cwd, '.sluice'))).toBe(false);
  });

  it('that fails says where, leaves nothing, and exits with 1', async () => {
    await writeFile(join(cwd, 'rows.ndjson'), `${ROWS}{"id": oops}\n`);
    const { code, stdout, stderr } = await sluice(['import', 'rows.ndjson', '--to', url, '--table', `public.${table}`, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', tables: [], error: { code: 'JSON_MALFORMED', at: { file: 'rows.ndjson', line: 4 } } });
    expect(stderr).toContain('at: rows.ndjson:4');
    expect((await client.query(`SELECT to_regclass('public.${table}') AS found`)).rows).toEqual([{ found: null }]);
  });

  it('prints no password, whatever goes wrong', async () => {
    await writeFile(join(cwd, 'rows.ndjson'), ROWS);
    const { code, stdout, stderr } = await sluice(['import', 'rows.ndjson', '--to', 'postgres://me:topsecret@127.0.0.1:1/d', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONNECT_REFUSED' } });
    expect(stdout + stderr).not.toContain('topsecret');
    for (const file of await readdir(join(cwd, '.sluice'))) expect((await readFile(join(cwd, '.sluice', file))).includes('topsecret')).toBe(false);
  });

  it('fails when the reader of its rows goes away', async () => {
    await client.query(`CREATE TABLE public.${table} AS SELECT i, repeat('x', 100) AS pad FROM generate_series(1, 100000) AS i`);
    const { code, stderr } = await sluice(['export', url, '--table', `public.${table}`, '--to', '-', '--format', 'ndjson'], {
      during: (child) => child.stdout!.once('data', () => child.stdout!.destroy()),
    });
    expect(code).toBe(1);
    expect(stderr).toContain('OUTPUT_CLOSED');
  });

  it('restores a folder of tables, and says what went', async () => {
    await client.query(`CREATE TABLE public.${table} (id bigint PRIMARY KEY, name text); INSERT INTO public.${table} VALUES (1, 'old'), (5, 'older')`);
    await mkdir(join(cwd, 'backups', '2026-11-21'), { recursive: true });
    await writeFile(join(cwd, 'backups', '2026-11-21', `${table}.ndjson`), ROWS);
    const planned = await sluice(['restore', 'backups', '--to', url, '--clean', '--dry-run']);
    expect(planned.stdout).toContain('plan: restore from');
    expect(planned.stdout).toContain('note: backup: 2026-11-21 (the only one)');
    const { code, stdout } = await sluice(['restore', 'backups', '--to', url, '--clean']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/table +read +written +rejected +duplicate +skipped +size +removed/);
    expect(stdout).toMatch(new RegExp(`${table} +3 +3 +0 +0 +0 +\\S+ \\S+ +2`));
    const receipt = JSON.parse((await sluice(['restore', 'backups', '--to', url, '--clean', '--json'])).stdout) as Receipt;
    expect(receipt).toMatchObject({ job: 'restore', tables: [{ name: table, written: 3, removed: 3 }], totals: { removed: 3 } });
    expect((JSON.parse((await sluice(['runs', 'list', '--json'])).stdout) as { runs: unknown[] }).runs).toMatchObject([{ job: 'restore' }, { job: 'restore' }]);
  });
});
