import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { isReachable, reachablePrograms, serverAccount } from './postgres-account.ts';
import { findPostgres } from './postgres-binaries.ts';
import { createDatabase, sharedPostgresUrl, startPostgres, type PostgresServer } from './postgres-server.ts';

async function query(url: string, text: string, ssl?: pg.ClientConfig['ssl']): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url, ...(ssl !== undefined && { ssl }) });
  // A server that is killed under its client is reported here too.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the shared server', () => {
  test('is the one that inject and the environment name', () => {
    expect(inject('postgresUrl')).toBe(sharedPostgresUrl());
  });

  test('gives every test a database of its own', async () => {
    const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
    await query(one, 'CREATE TABLE t (a int)');
    expect(await query(two, "SELECT to_regclass('t')")).toEqual([[null]]);
  });

  test('refuses a wrong password', async () => {
    const url = new URL(sharedPostgresUrl());
    url.password = 'wrong';
    await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });
});

describe('a server of its own', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'on', work_mem: '7MB', application_name: "it's" } });
  });
  afterAll(() => server.stop());

  test('has the version of the shared server', async () => {
    const version = "SELECT current_setting('server_version')";
    expect(await query(server.url, version)).toEqual(await query(sharedPostgresUrl(), version));
  });

  test('has the settings that were asked for', async () => {
    expect(await query(server.url, "SELECT current_setting('work_mem'), current_setting('fsync')")).toEqual([['7MB', 'on']]);
  });

  test('keeps committed rows over SIGKILL and restart, on the same port', async () => {
    const url = await server.createDatabase('crash');
    await query(url, 'CREATE TABLE t AS SELECT 42 AS a');
    const pid = server.pid ?? 0;
    await server.kill('SIGKILL');
    expect(server.pid).toBeUndefined();
    await expect(query(url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await query(url, 'SELECT a FROM t')).toEqual([[42]]);
  });

  test('restarts while it is running, too', async () => {
    await server.restart();
    expect(await query(server.url, 'SELECT 1')).toEqual([[1]]);
  });

  test('names itself to other programs', () => {
    expect(server.psqlEnv).toMatchObject({ PGPORT: String(server.port), PGUSER: server.user, PGDATABASE: 'postgres' });
  });
});

test('stop removes the files, ends the process and may be called again', async () => {
  const server = await startPostgres();
  const pid = server.pid ?? 0;
  const folder = dirname(server.dataDir);
  await server.stop();
  await server.stop();
  expect(existsSync(folder)).toBe(false);
  expect(isRunning(pid)).toBe(false);
});

test('a data directory that was given is kept, and used again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-given-'));
  try {
    await chmod(folder, 0o755);
    const dataDir = join(folder, 'data');
    const first = await startPostgres({ dataDir });
    await query(first.url, 'CREATE TABLE t AS SELECT 1 AS a');
    await first.stop();
    const second = await startPostgres({ dataDir });
    expect(await query(second.url, 'SELECT a FROM t')).toEqual([[1]]);
    await second.stop();
    expect(existsSync(join(dataDir, 'PG_VERSION'))).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('settings that PostgreSQL refuses are reported with its own words, and nothing is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-own-tmp-'));
  await chmod(folder, 0o755);
  vi.stubEnv('TMPDIR', folder);
  try {
    await expect(startPostgres({ settings: { no_such_setting: '1' } })).rejects.toThrow('unrecognized configuration parameter "no_such_setting"');
    expect(await readdir(folder)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
});

test.each(['SIGKILL', 'SIGINT'] as const)('%s on the process that started it leaves neither server nor files', async (signal) => {
  const module = JSON.stringify(new URL('./postgres-server.ts', import.meta.url).href);
  const script = `const s = await (await import(${module})).startPostgres(); console.log(JSON.stringify([s.pid, s.dataDir])); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const [pid, dataDir] = JSON.parse(line.toString()) as [number, string];
  expect(isRunning(pid)).toBe(true);
  owner.kill(signal);
  const deadline = Date.now() + 10_000;
  while ((isRunning(pid) || existsSync(dirname(dataDir))) && Date.now() < deadline) await sleep(20);
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(dirname(dataDir))).toBe(false);
});

describe('TLS', () => {
  test('is offered, and checks out against its own authority', async () => {
    const server = await startPostgres({ ssl: true });
    try {
      const ca = await readFile(server.tls?.ca ?? '', 'utf8');
      const sql = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
      expect(await query(server.url, sql, { ca })).toEqual([[true]]);
      expect(await query(server.url, sql)).toEqual([[false]]);
      await expect(query(server.url, sql, { rejectUnauthorized: true })).rejects.toThrow('certificate');
    } finally {
      await server.stop();
    }
  });

  test('can be required together with a client certificate', async () => {
    const server = await startPostgres({ ssl: 'client-certificate' });
    try {
      const { ca, clientCert, clientKey } = server.tls ?? { ca: '', clientCert: '', clientKey: '' };
      const [authority, cert, key] = await Promise.all([ca, clientCert, clientKey].map((path) => readFile(path, 'utf8')));
      const ssl = { ca: authority ?? '', cert: cert ?? '', key: key ?? '' };
      expect(await query(server.url, 'SELECT 1', ssl)).toEqual([[1]]);
      await expect(query(server.url, 'SELECT 1', { ca: ssl.ca })).rejects.toMatchObject({ code: '28000' });
      await expect(query(server.url, 'SELECT 1')).rejects.toMatchObject({ code: '28000' });
    } finally {
      await server.stop();
    }
  });
});

test('programs in a folder that the server account cannot enter are copied to where it can', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-closed-'));
  try {
    const closed = join(folder, 'closed');
    await mkdir(join(closed, 'home/bin'), { recursive: true });
    await cp(join(await findPostgres(18), 'bin/initdb'), join(closed, 'home/bin/initdb'));
    await chmod(closed, 0o700);
    expect(await isReachable(join(closed, 'home'))).toBe(false);
    const account = await serverAccount();
    const home = await reachablePrograms(join(closed, 'home'), folder, account);
    expect(home).toBe(account === undefined ? join(closed, 'home') : join(folder, 'programs'));
    expect(existsSync(join(home, 'bin/initdb'))).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
