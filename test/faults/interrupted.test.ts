/** Runs that end in the middle: Ctrl-C, a server that dies or throws a session out. The target is as it was, and the run is recorded. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, startPostgres } from '../helpers/postgres-server.ts';
import { give, serverAccount } from '../helpers/postgres-account.ts';
import { expectNoSecrets, inspectFailure, rowsOf, tablesOf, Workbench } from './command-line.ts';
import { runSql } from './databases.ts';
import { mountSmallDisk, noSmallDisk } from './small-disk.ts';

let bench: Workbench;
beforeEach(() => { bench = new Workbench(); });
afterEach(() => bench.remove());

const LINE = `${'x'.repeat(99)}\n`;

/** Feeds rows without end into standard input; `midway` is called once when some have been taken. */
function endlessRows(child: ChildProcess, midway: () => void): void {
  const stdin = child.stdin!;
  stdin.on('error', () => undefined);
  stdin.write('id,text\n');
  let id = 0;
  let called = false;
  const more = (): void => {
    let goesOn = true;
    while (goesOn && !stdin.destroyed) {
      goesOn = stdin.write(Array.from({ length: 500 }, () => `${id++},${LINE}`).join(''));
      if (id > 60_000 && !called) {
        called = true;
        midway();
      }
    }
  };
  stdin.on('drain', more);
  more();
}

/** For runs whose server does not come back. */
const SHORT_PAUSES = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'short-pauses.ts')}` };

const IMPORT = ['import', '-', '--format', 'csv', '--part-size', '256kB', '--jobs', '2'];

/** Runs an import from endless standard input and does something to it when it is under way. */
async function importAndThen(to: string, act: (child: ChildProcess) => void, ...more: string[]): Promise<ReturnType<typeof inspectFailure>> {
  let running: ChildProcess | undefined;
  const result = await bench.sluice([...IMPORT, '--to', to, ...more, '--json'], {
    stdin: 'pipe',
    env: SHORT_PAUSES,
    during: (child) => {
      running = child;
      endlessRows(child, () => act(child));
    },
  });
  running?.stdin?.destroy();
  expectNoSecrets(bench, result);
  return inspectFailure(result);
}

describe('Ctrl-C', () => {
  it.each(['postgres', 'duckdb'] as const)('in the middle of an import into %s', { timeout: 60_000 }, async (kind) => {
    const url = kind === 'postgres' ? await createDatabase() : `duckdb:${bench.path('t.duckdb')}`;
    await runSql(url, 'CREATE TABLE there (id integer PRIMARY KEY, text text)');
    for (const table of ['there', 'fresh']) {
      const { receipt, result } = await importAndThen(url, (child) => child.kill('SIGINT'), '--table', table);
      expect(receipt).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' }, tables: [], totals: { written: 0 } });
      expect(result).toMatchObject({ code: 130, signal: null });
      expect(await tablesOf(url)).toEqual(['there']);
      expect(await rowsOf(url, 'there')).toEqual([]);
      expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, job: 'import', status: 'cancelled' });
    }
    if (kind === 'postgres') expect(await runSql(url, "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'sluice%' AND datname = current_database()")).toEqual([]);
    else expect(bench.files()).toEqual(['t.duckdb']);
  });

  it.each([
    ['postgres', 'csv'], ['postgres', 'ndjson.gz'], ['postgres', 'parquet'], ['duckdb', 'csv'], ['duckdb', 'sql'], ['duckdb', 'parquet'],
  ] as const)('in the middle of an export from %s to %s', { timeout: 60_000 }, async (kind, ending) => {
    const url = kind === 'postgres' ? await createDatabase() : `duckdb:${bench.path('source.duckdb')}`;
    const series = kind === 'postgres' ? 'generate_series(1, 3000000)' : 'range(30000000)';
    // A query, so that the rows need not be stored first.
    const query = `SELECT i AS id, md5(CAST(i AS text)) AS a, md5(CAST(i + 1 AS text)) AS b FROM ${series} AS r(i)`;
    await runSql(url, 'SELECT 1');
    mkdirSync(bench.path('out'));
    const out = bench.path(`out/rows.${ending}`);
    const result = await bench.sluice(['export', url, '--query', query, '--to', out, '--json'], { during: (child) => void interruptWhenWriting(child) });
    const { receipt } = inspectFailure(result);
    expect(receipt.error?.code).toBe('CANCELLED');
    expect(result).toMatchObject({ code: 130, signal: null });
    expect(bench.files().filter((name) => name.startsWith('out'))).toEqual(['out']);
    expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, job: 'export', status: 'cancelled' });
  });

  /** When the unfinished file is there, the rows are on their way. */
  async function interruptWhenWriting(child: ChildProcess): Promise<void> {
    while (child.exitCode === null && bench.files().filter((name) => name.startsWith('out/')).length === 0) await sleep(20);
    await sleep(200);
    child.kill('SIGINT');
  }
});

describe('SIGKILL', () => {
  it.each(['stop', 'quarantine'])('behind the COMMIT of DuckDB: the resumed run knows that its rows are there, --on-error %s', { timeout: 60_000 }, async (onError) => {
    const url = `duckdb:${bench.path('t.duckdb')}`;
    await runSql(url, 'CREATE TABLE there (id integer)');
    writeFileSync(bench.path('there.csv'), `id\n${onError === 'stop' ? '1\n2\n' : '1\n2\nnone\n'}`);
    const at = JSON.stringify({ label: 'CHECKPOINT', nth: 1, when: 'before' });
    const env = { SLUICE_KILL_ENGINE: '1', SLUICE_KILL_AT: at, NODE_OPTIONS: `--import=${join(import.meta.dirname, '../kill/killing-hooks.ts')}` };
    expect(await bench.sluice(['import', 'there.csv', '--to', url, '--on-error', onError], { env })).toMatchObject({ signal: 'SIGKILL' });
    const { code, stdout } = await bench.sluice(['runs', 'resume', '--json']);
    expect(code).toBe(onError === 'stop' ? 0 : 3);
    expect((JSON.parse(stdout) as { totals: unknown }).totals).toMatchObject({ read: onError === 'stop' ? 2 : 3, written: 2 });
    expect(await rowsOf(url, 'there')).toEqual([['1'], ['2']]);
    expect(await tablesOf(url)).toEqual(['there']);
  });
});

describe('the server', () => {
  it('throws the sessions of an import out: it goes on, and every row is there once', { timeout: 60_000 }, async () => {
    const url = await createDatabase();
    const rows = 100_000;
    const terminate = (): void => void runSql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice import%' AND datname = current_database()");
    const result = await bench.sluice([...IMPORT, '--to', url, '--table', 'fresh', '--json'], {
      stdin: 'pipe',
      during: (child) => {
        const stdin = child.stdin!;
        stdin.on('error', () => undefined);
        stdin.write('id,text\n');
        for (let id = 0; id < rows; id++) stdin.write(`${id},${LINE}`);
        void (async () => {
          while (child.exitCode === null && !(await tablesOf(url)).includes('fresh')) await sleep(20);
          // Twice: the second time retries of the first may be under way.
          terminate();
          await sleep(400);
          terminate();
          stdin.end();
        })();
      },
    });
    expect(result).toMatchObject({ code: 0 });
    expect((JSON.parse(result.stdout) as { totals: unknown }).totals).toMatchObject({ read: rows, written: rows, rejected: 0 });
    expect(await runSql(url, 'SELECT count(*), count(DISTINCT id) FROM fresh')).toEqual([[String(rows), String(rows)]]);
    expect(await tablesOf(url)).toEqual(['fresh']);
  });

  it('is gone: the run waits to be resumed or given up', { timeout: 90_000 }, async () => {
    const server = await startPostgres();
    try {
      const url = await server.createDatabase();
      const { receipt } = await importAndThen(url, () => void server.kill('SIGKILL'), '--table', 'fresh');
      expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, status: 'interrupted', resumable: true });
      await server.restart();
      expect(await bench.sluice(['runs', 'discard', '--to', url])).toMatchObject({ code: 0 });
      expect(await tablesOf(url)).toEqual([]);
      expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, status: 'cancelled', resumable: false });
    } finally {
      await server.stop();
    }
  });

  it('takes rows back that it has tested one by one: a table without keys is as it was when too many are rejected', async () => {
    const url = await createDatabase();
    await runSql(url, "CREATE TABLE there (id integer, text text); INSERT INTO there VALUES (-1, 'before')");
    const lines = Array.from({ length: 3_000 }, (_, i) => `${i === 10 || i === 2_990 ? 'none' : i},${'x'.repeat(20)}`);
    writeFileSync(bench.path('there.csv'), `id,text\n${lines.join('\n')}\n`);
    const result = await bench.sluice(['import', 'there.csv', '--to', url, '--on-error', 'quarantine', '--max-errors', '1', '--part-size', '16kB', '--jobs', '1', '--json']);
    expect(inspectFailure(result).error).toMatchObject({ code: 'TOO_MANY_REJECTED' });
    expect(await rowsOf(url, 'there')).toEqual([['-1', 'before']]);
    expect(await tablesOf(url)).toEqual(['there']);
  });

  it('is gone when a run is resumed or given up: it waits on, also when that is cancelled', { timeout: 90_000 }, async () => {
    const server = await startPostgres();
    try {
      const url = await server.createDatabase();
      await runSql(url, 'CREATE TABLE there (id integer, text text); CREATE TABLE other (id integer PRIMARY KEY)');
      const { receipt } = await importAndThen(url, () => void server.kill('SIGKILL'), '--table', 'there');
      for (const command of ['resume', 'discard']) {
        expect(inspectFailure(await bench.sluice(['runs', command, '--to', url, '--json'])).error.code).toBe('CONNECT_REFUSED');
        expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, status: 'interrupted', resumable: true });
      }
      await server.restart();
      const result = await bench.sluice(['runs', 'resume', '--to', url, '--json'], { stdin: 'pipe', during: (child) => void setTimeout(() => child.kill('SIGINT'), 700) });
      expect(result.code).toBe(130);
      if ((await bench.runs())[0].status === 'interrupted') expect(await bench.sluice(['runs', 'discard', '--to', url])).toMatchObject({ code: 0 });
      expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, status: 'cancelled', resumable: false });
      expect(await rowsOf(url, 'there')).toEqual([]);
      expect(await tablesOf(url)).toEqual(['other', 'there']);
    } finally {
      await server.stop();
    }
  });

  it('throws the sessions of an export out', { timeout: 60_000 }, async () => {
    const url = await createDatabase();
    let acted = false;
    const result = await bench.sluice(['export', url, '--query', 'SELECT i, md5(i::text) FROM generate_series(1, 3000000) AS r(i)', '--to', 'rows.csv', '--json'], {
      during: (child) => void (async () => {
        while (child.exitCode === null && bench.files().length === 0) await sleep(20);
        acted = true;
        await runSql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice export%' AND datname = current_database()");
      })(),
    });
    expect(acted).toBe(true);
    expect(inspectFailure(result).error).toMatchObject({ code: 'CONNECTION_LOST' });
    expect(bench.files()).toEqual([]);
  });

  it('is killed in the middle of an import: the rows that were there are there, and no other', { timeout: 90_000 }, async () => {
    const server = await startPostgres();
    try {
      const url = await server.createDatabase();
      await runSql(url, "CREATE TABLE there (id integer PRIMARY KEY, text text); INSERT INTO there VALUES (-1, 'before'); CHECKPOINT");
      const { receipt } = await importAndThen(url, () => void server.kill('SIGKILL'), '--table', 'there', '--mode', 'upsert');
      expect(receipt).toMatchObject({ status: 'failed', error: { code: expect.stringMatching(/CONNECTION_LOST|CONNECT_REFUSED/) } });
      await server.restart();
      expect(await rowsOf(url, 'there')).toEqual([['-1', 'before']]);
      expect((await bench.runs())[0]).toMatchObject({ run: receipt.run, status: 'interrupted', resumable: true });
    } finally {
      await server.stop();
    }
  });

  it('has no disk space left: the import leaves nothing', { timeout: 90_000 }, async ({ skip }) => {
    const reason = noSmallDisk();
    skip(reason !== undefined, reason);
    const url = await createDatabase();
    const disk = mountSmallDisk('6m');
    try {
      mkdirSync(join(disk.path, 'space'));
      await give(disk.path, await serverAccount());
      const name = `small_${process.pid}_${Date.now()}`;
      await runSql(url, `CREATE TABLESPACE ${name} LOCATION '${disk.path}/space'`);
      await runSql(url, `CREATE TABLE there (id integer, text text) TABLESPACE ${name}`);
      const { receipt } = await importAndThen(url, () => undefined, '--table', 'there');
      expect(receipt).toMatchObject({ status: 'failed', error: { code: 'SERVER_DISK_FULL' } });
      expect(await rowsOf(url, 'there')).toEqual([]);
      expect(await tablesOf(url)).toEqual(['there']);
      await runSql(url, 'DROP TABLE there');
      await runSql(url, `DROP TABLESPACE ${name}`);
    } finally {
      disk.remove();
    }
  });
});
