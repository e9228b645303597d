import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { copyFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { sharedPostgresUrl, startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { columns, connect, INTEGER, loadCsv, openDatabase, readText, tableRequest, type Database } from './fixture.ts';

function changed(url: string, change: (url: URL) => void): string {
  const copy = new URL(url);
  change(copy);
  return copy.href;
}

async function refusal(attempt: Promise<{ close(): Promise<void> }>): Promise<SluiceError> {
  try {
    await (await attempt).close();
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('geheim');
    return error as SluiceError;
  }
  throw new Error('it did connect');
}

/** A server that does what the test says with every connection. */
async function fakeServer(behave: (socket: Socket) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `postgres://u:geheim@127.0.0.1:${(server.address() as AddressInfo).port}/d?sslmode=disable&connect_timeout=1` };
}

describe('a connection', () => {
  test('names itself without its password, and says the version', async () => {
    const connection = await connect(sharedPostgresUrl());
    expect(connection.name).toMatch(/^postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres$/);
    expect(connection.serverVersion).toMatch(/^\d\d/);
    await connection.close();
    await connection.close();
  });

  test('takes what the URL leaves out from the environment', async () => {
    const { hostname, port, username, password } = new URL(sharedPostgresUrl());
    const connection = await connect('postgres://', { env: { HOME: '/nonexistent', PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: 'postgres' } });
    expect(connection.name).toContain(`:${port}/postgres`);
    await connection.close();
  });

  test('has settings that lose nothing, whatever the defaults of the database are', async () => {
    const database = await openDatabase();
    const name = new URL(database.url).pathname.slice(1);
    for (const setting of [`datestyle TO 'German'`, `intervalstyle TO 'iso_8601'`, `extra_float_digits TO 0`, `bytea_output TO 'escape'`, `timezone TO 'Asia/Tokyo'`, `statement_timeout TO '300ms'`, `client_encoding TO 'LATIN1'`, `standard_conforming_strings TO off`, `search_path TO elsewhere, public`]) {
      if (setting.startsWith('standard_conforming') && Number((await database.sql('SHOW server_version_num'))[0][0]) >= 190_000) continue;
      await database.sql(`ALTER DATABASE "${name}" SET ${setting}`);
    }
    await database.sql(`CREATE TABLE t AS SELECT '2024-02-01'::date AS d, '1 day 2 hours'::interval AS i, 0.1::float8 + 0.2 AS f, '\\x00ff'::bytea AS b, '2024-02-01 00:00+00'::timestamptz AS z, 'äœ\\' AS t`);
    const connection = await connect(database.url);
    expect(await readText(connection, { kind: 'query', name: 'q', sql: 'SELECT pg_sleep(0.4)' })).toBe('""\n');
    expect(await readText(connection, await tableRequest(connection, 't'))).toBe('2024-02-01,1 day 02:00:00,0.30000000000000004,\\x00ff,2024-02-01 00:00:00+00,äœ\\\n');
    await connection.close();
    await database.close();
  });
});

describe('a refusal is coded', () => {
  test.each([
    ['a wrong password', (url: URL) => (url.password = 'geheim'), 'AUTH_FAILED'],
    ['no password', (url: URL) => (url.password = ''), 'AUTH_FAILED'],
    ['no such database', (url: URL) => (url.pathname = '/no_such_one'), 'DATABASE_UNKNOWN'],
    ['nobody there', (url: URL) => (url.port = '1'), 'CONNECT_REFUSED'],
    ['no such host', (url: URL) => (url.hostname = 'no-such-host.invalid'), 'CONNECT_REFUSED'],
    ['no such socket', (url: URL) => (url.search = '?host=/nonexistent'), 'CONNECT_REFUSED'],
    ['TLS that is not there', (url: URL) => (url.search = '?sslmode=require'), 'CONNECT_TLS'],
  ])('%s', async (_, change, code) => {
    expect((await refusal(connect(changed(sharedPostgresUrl(), change)))).code).toBe(code);
  });

  test('silence is a time-out, and a connection that ends is lost', async () => {
    const silent = await fakeServer(() => undefined);
    expect(await refusal(connect(silent.url))).toMatchObject({ code: 'CONNECT_TIMEOUT', retryable: true, facts: { seconds: 1 } });
    silent.server.close();
    const rude = await fakeServer((socket) => socket.destroy());
    expect(await refusal(connect(rude.url))).toMatchObject({ code: 'CONNECTION_LOST' });
    rude.server.close();
    const talkative = await fakeServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await refusal(connect(talkative.url));
    talkative.server.close();
  });

  test('an abort while connecting ends at once', async () => {
    const silent = await fakeServer(() => undefined);
    const controller = new AbortController();
    const attempt = refusal(connect(silent.url.replace('connect_timeout=1', 'connect_timeout=0'), { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect((await attempt).code).toBe('CANCELLED');
    silent.server.close();
  });

  test('a full server has no connection left', async () => {
    const server = await startPostgres({ settings: { max_connections: '5', superuser_reserved_connections: '0', max_wal_senders: '0' } });
    const open: Database[] = [];
    try {
      for (let i = 0; i < 5; i++) open.push(await openDatabase(server.url));
      expect(await refusal(connect(server.url))).toMatchObject({ code: 'TOO_MANY_CONNECTIONS', retryable: true });
    } finally {
      for (const database of open) await database.close();
      await server.stop();
    }
  });
});

describe('TLS', () => {
  let server: PostgresServer;
  let required: PostgresServer;
  beforeAll(async () => {
    [server, required] = await Promise.all([startPostgres({ ssl: true }), startPostgres({ ssl: 'client-certificate' })]);
  });
  afterAll(() => Promise.all([server.stop(), required.stop()]));

  async function isEncrypted(url: string, env?: NodeJS.ProcessEnv): Promise<string> {
    const connection = await connect(url, env === undefined ? {} : { env });
    try {
      return await readText(connection, { kind: 'query', name: 'q', sql: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' });
    } finally {
      await connection.close();
    }
  }

  test.each([['disable', 'f\n'], ['allow', 'f\n'], ['prefer', 't\n'], ['require', 't\n']])('sslmode=%s', async (mode, expected) => {
    expect(await isEncrypted(`${server.url}?sslmode=${mode}`)).toBe(expected);
  });

  test('verify-ca and verify-full check the authority, and verify-full the name', async () => {
    const ca = server.tls?.ca ?? '';
    expect(await isEncrypted(`${server.url}?sslmode=verify-full&sslrootcert=${ca}`)).toBe('t\n');
    expect(await isEncrypted(server.url, { HOME: '/nonexistent', PGSSLMODE: 'verify-ca', PGSSLROOTCERT: ca })).toBe('t\n');
    for (const query of ['sslmode=verify-ca', `sslmode=verify-full&sslrootcert=${required.tls?.ca}`, 'sslmode=verify-full&sslrootcert=system', `sslmode=require&sslrootcert=${required.tls?.ca}`]) {
      expect((await refusal(connect(`${server.url}?${query}`))).code).toBe('CONNECT_TLS');
    }
    // The certificate is for 127.0.0.1 and localhost; this is another name for the same address.
    const other = changed(server.url, (url) => (url.hostname = '127.0.0.2'));
    const reachable = await connect(`${other}?sslmode=verify-ca&sslrootcert=${ca}`).then((connection) => connection.close().then(() => true), () => false);
    if (reachable) expect((await refusal(connect(`${other}?sslmode=verify-full&sslrootcert=${ca}`))).code).toBe('CONNECT_TLS');
  });

  test('a client certificate is shown where it is asked for, and its key must be private', async () => {
    const { ca = '', clientCert = '', clientKey = '' } = required.tls ?? {};
    const query = `sslmode=verify-full&sslrootcert=${ca}&sslcert=${clientCert}`;
    await chmod(clientKey, 0o600);
    expect(await isEncrypted(`${required.url}?${query}&sslkey=${clientKey}`)).toBe('t\n');
    expect((await refusal(connect(`${required.url}?sslmode=require`))).code).toBe('AUTH_FAILED');
    const open = join(clientKey, '../open.key');
    await copyFile(clientKey, open);
    await chmod(open, 0o644);
    expect(await refusal(connect(`${required.url}?${query}&sslkey=${open}`))).toMatchObject({ code: 'CONNECT_TLS', message: expect.stringContaining('chmod 600') as string });
  });

  test('rows come through it whole, in both directions', async () => {
    const database = await openDatabase(server.url);
    await database.sql('CREATE TABLE tls AS SELECT i, repeat(md5(i::text), 4) AS t FROM generate_series(1, 30000) AS i');
    const connection = await connect(`${server.url}?sslmode=require`);
    const text = await readText(connection, await tableRequest(connection, 'tls'));
    expect(text.split('\n')).toHaveLength(30001);
    expect(await loadCsv(connection, { table: { name: 'tls_back' }, mode: 'append', columns: columns({ i: INTEGER, t: 'text' }) }, [text])).toMatchObject({ written: 30000 });
    expect(await database.sql('SELECT count(*) FROM (TABLE tls EXCEPT TABLE tls_back) AS missing')).toEqual([['0']]);
    await connection.close();
    await database.close();
  });
});
