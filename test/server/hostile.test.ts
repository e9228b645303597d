/** Clients that mean harm, or are broken: each is refused or ended with a reason, costs little while it lasts, and leaves nothing behind. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, withCredentials, type TestServer } from './support.ts';

let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  server = await startTestServer({ shop: url }, { patience: { stallMs: 1500, bodyMs: 1500 } });
});
afterAll(() => server.end());

function open(text: string): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(text.replaceAll('\n', '\r\n').replace('AUTH', `Host: ${hostname}:${port}\r\nAuthorization: Bearer ${server.tokens.operator}`));
  return socket;
}

/** All that comes until the server ends the connection. */
async function answer(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const exists = async (table: string): Promise<boolean> => (await runSql(url, `SELECT to_regclass('${table}') IS NOT NULL`))[0][0] === true;
const put = (path: string, body: Uint8Array | string, headers: Record<string, string> = {}) => server.json<{ code?: string; run: string; totals: { written: number } }>(path, { method: 'PUT', body: body as NonNullable<RequestInit['body']>, headers });

describe('a client that is slow on purpose', () => {
  it('with a body of JSON is ended after its time', async () => {
    const socket = open('POST /api/v1/runs HTTP/1.1\nAUTH\nContent-Type: application/json\nContent-Length: 1000\n\n{');
    const trickle = setInterval(() => socket.write(' '), 200);
    const started = performance.now();
    await answer(socket);
    clearInterval(trickle);
    expect(performance.now() - started).toBeLessThan(6000);
  });

  it('does not keep others out, however many there are', async () => {
    const sockets = Array.from({ length: 200 }, () => open('GET /api/v1/runs HTTP/1.1\nX-A: '));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect((await server.ask('/api/v1/runs')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a header', () => {
  it('that is too large, or one of too many, is refused', async () => {
    expect(await answer(open(`GET /healthz HTTP/1.1\nAUTH\nX-Big: ${'x'.repeat(20_000)}\n\n`))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await answer(open(`GET /healthz HTTP/1.1\nAUTH\n${Array.from({ length: 3000 }, (_, i) => `X-${i}: 1\n`).join('')}\n`))).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('that says two lengths, or none that is sure, is refused', async () => {
    expect(await answer(open('POST /api/v1/runs HTTP/1.1\nAUTH\nContent-Type: application/json\nContent-Length: 2\nContent-Length: 3\n\n{}'))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await answer(open('POST /api/v1/runs HTTP/1.1\nAUTH\nContent-Type: application/json\nContent-Length: 2\nTransfer-Encoding: chunked\n\n{}'))).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('what waits for its turn', () => {
  it('and whose client goes away is given up, and the server stays: uploads, exports, downloads', async () => {
    expect((await server.json('/api/v1/settings', { as: 'admin', method: 'PATCH', send: { maxRuns: 1 } })).status).toBe(200);
    const first = open('PUT /api/v1/import/first.csv?to=shop HTTP/1.1\nAUTH\nTransfer-Encoding: chunked\n\n5\nid\n1\n');
    const trickle = setInterval(() => first.write('2\r\n1\n\r\n'), 200);
    await until(async () => /^sluice_runs_active 1$/m.test(await (await server.ask('/metrics')).text()));
    const waiting = ['plain', 'gzip'].map((how) => open(`PUT /api/v1/import/${how}.csv?to=shop HTTP/1.1\nAUTH\n${how === 'gzip' ? 'Content-Encoding: gzip\n' : ''}Transfer-Encoding: chunked\n\n5\nid\n1\n`));
    waiting.push(open('GET /api/v1/export?from=shop&query=SELECT+1 HTTP/1.1\nAUTH\n\n'), open('POST /api/v1/downloads HTTP/1.1\nAUTH\nContent-Type: application/json\nContent-Length: 34\n\n{"from":"shop","query":"SELECT 1"}'));
    await until(async () => /^sluice_waiting 4$/m.test(await (await server.ask('/metrics')).text()));
    for (const socket of waiting) socket.destroy();
    await until(async () => /^sluice_waiting 0$/m.test(await (await server.ask('/metrics')).text()));
    clearInterval(trickle);
    first.destroy();
    await until(async () => /^sluice_runs_active 0$/m.test(await (await server.ask('/metrics')).text()));
    await server.json('/api/v1/settings', { as: 'admin', method: 'PATCH', send: { maxRuns: 4 } });
  });
});

describe('a form', () => {
  const begin = '--b\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n\r\nid\n1\n2\n';
  const form = (body: string, table: string) => put(`/api/v1/import/x?to=shop&table=${table}`, body, { 'content-type': 'multipart/form-data; boundary=b' });

  it('without its end is not loaded as if it were whole', async () => {
    expect((await form(begin, 'form_open')).status).toBe(400);
    expect((await form(`${begin}\r\n--`, 'form_half')).status).toBe(400);
    expect([await exists('form_open'), await exists('form_half')]).toEqual([false, false]);
    expect((await form(`${begin}\r\n--b--\r\n`, 'form_whole')).status).toBe(200);
  });

  it('that never comes to a file ends', async () => {
    expect((await form('x'.repeat(5_000_000), 'none')).status).toBe(400);
    expect((await form(`--b\r\n${'X-Header: y\r\n'.repeat(200_000)}`, 'none')).status).toBe(400);
    expect((await form(Array.from({ length: 1000 }, (_, i) => `--b\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\nv\r\n`).join(''), 'none')).status).toBe(400);
  });
});

describe('a compressed body', () => {
  it('that unpacks to very much is loaded or refused in little memory', async () => {
    const before = process.memoryUsage.rss();
    let highest = 0;
    const watch = setInterval(() => { highest = Math.max(highest, process.memoryUsage.rss()); }, 20);
    const line = Buffer.alloc(300 * 2 ** 20, 'a');
    const bombs = [['gzip', gzipSync(line)], ['zstd', zstdCompressSync(line)]] as const;
    for (const [encoding, bytes] of bombs) {
      const { status, body } = await put('/api/v1/import/bomb.csv?to=shop&table=bomb', bytes, { 'content-encoding': encoding });
      expect([status, body.code]).toEqual([413, 'RECORD_TOO_LARGE']);
      const inner = await put('/api/v1/import/bomb.csv.gz?to=shop&table=bomb', gzipSync(bytes), { 'content-encoding': 'gzip' });
      expect([400, 413]).toContain(inner.status);
    }
    clearInterval(watch);
    // The 300 MB that this test itself has made were there before.
    expect(highest - before).toBeLessThan(300 * 2 ** 20 + 200 * 2 ** 20);
    expect(await exists('bomb')).toBe(false);
  }, 60_000);

  it('of which the window would take much memory is refused, as HTTP has it', async () => {
    const large = zstdCompressSync(Buffer.from(`id\n${'1\n'.repeat(10_000_000)}`), { params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 } });
    const { status, body } = await put('/api/v1/import/window.csv?to=shop&table=window_log', large, { 'content-encoding': 'zstd' });
    expect([status, body.code]).toEqual([400, 'COMPRESSION_CORRUPT']);
  });
});

describe('an idempotency key', () => {
  it('is for one request: another body under it is refused, not taken for loaded', async () => {
    const send = (body: string) => put('/api/v1/import/keyed.csv?to=shop', body, { 'idempotency-key': 'k1' });
    const first = await send('id\n1\n');
    expect((await send('id\n1\n')).body.run).toBe(first.body.run);
    const other = await send('id\n1\n2\n');
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
    expect((await runSql(url, 'SELECT count(*)::int FROM keyed'))[0][0]).toBe(1);
  });
});

describe('a cursor', () => {
  const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('that nobody gave out is refused, whatever is in it', async () => {
    await runSql(url, 'CREATE TABLE paged (id int PRIMARY KEY, v text); INSERT INTO paged VALUES (1, NULL)');
    for (const value of [{ key: [`1'; DROP TABLE paged; --`] }, { key: ['\ud800'] }, { key: ['9'.repeat(9000)] }, { key: [] }, { offset: -1 }, { offset: 5 }, { key: ['1', '2'] }, 'x', null]) {
      const { status, body } = await server.json(`/api/v1/connections/shop/tables/paged/rows?cursor=${forged(value)}`);
      expect([value, status >= 400 && status < 500, typeof body.code]).toEqual([value, true, 'string']);
    }
    expect(await exists('paged')).toBe(true);
    expect((await server.json(`/api/v1/runs?cursor=${forged({ startedAt: 1e308, run: 'x' })}`)).status).toBe(400);
  });
});

describe('a stream of events', () => {
  it.each(['abc', '-5', '1e400', '9'.repeat(30), '0x10', ' ', '99999999999999'])('begins where there is something for the id %j', async (id) => {
    const { body: { run } } = await server.json<{ run: string }>('/api/v1/import/events.csv?to=shop&table=events_of', { method: 'PUT', body: 'id\n1\n' });
    const response = await server.ask(`/api/v1/runs/${run}/events`, { headers: { 'last-event-id': id } });
    expect(await response.text()).toContain('run-ended');
  });

  it('ends when whoever listens may listen no more', async () => {
    const { token, id } = await withCredentials(server.workspace, (credentials) => credentials.createToken('listener', 'viewer', 1));
    const response = await server.ask('/api/v1/events', { as: null, headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const ended = response.text();
    await withCredentials(server.workspace, (credentials) => credentials.revokeToken(id));
    await Promise.race([ended, new Promise((_, reject) => { setTimeout(() => reject(new Error('still open')), 20_000).unref(); })]);
  }, 30_000);

  it('is not taken up by one alone', async () => {
    const { token } = await withCredentials(server.workspace, (credentials) => credentials.createToken('greedy', 'viewer', 1));
    const stop = new AbortController();
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await server.ask('/api/v1/events', { as: null, signal: stop.signal, headers: { authorization: `Bearer ${token}` } })).status));
    expect(statuses).toContain(503);
    const other = await server.ask('/api/v1/events', { signal: stop.signal });
    expect(other.status).toBe(200);
    stop.abort();
  });
});

describe('a browser', () => {
  async function cookie(role: 'admin' | 'viewer' = 'admin'): Promise<string> {
    const signedIn = await server.ask('/api/v1/session', { as: null, method: 'POST', body: JSON.stringify({ token: server.tokens[role] }), headers: { 'content-type': 'application/json' } });
    return signedIn.headers.get('set-cookie')!.split(';', 1)[0];
  }

  it('that another site, or another port of this machine, makes ask with its cookie is refused: also to read, which begins runs', async () => {
    const session = await cookie();
    const ask = async (headers: Record<string, string>): Promise<number> => (await server.ask('/api/v1/export?from=shop&query=SELECT+1', { as: null, headers: { cookie: session, ...headers } })).status;
    expect(await ask({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await ask({ 'sec-fetch-site': 'none' })).toBe(200);
    expect(await ask({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await ask({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  });

  it('cannot be made to upload by another page', async () => {
    const headers = { cookie: await cookie(), 'content-type': 'text/plain' };
    const upload = async (more: Record<string, string>): Promise<number> => (await server.ask('/api/v1/import/forged.csv?to=shop', { as: null, method: 'PUT', body: 'id\n1\n', headers: { ...headers, ...more } })).status;
    expect(await upload({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await upload({ origin: 'null' })).toBe(403);
    expect(await upload({})).toBe(403);
    expect(await exists('forged')).toBe(false);
  });

  it('gets a new session whenever it signs in, whatever cookie it brought', async () => {
    const [old, role] = [await cookie('viewer'), 'admin' as const];
    const again = await server.ask('/api/v1/session', { as: null, method: 'POST', body: JSON.stringify({ token: server.tokens[role] }), headers: { 'content-type': 'application/json', cookie: old } });
    const fresh = again.headers.get('set-cookie')!.split(';', 1)[0];
    expect(fresh).not.toBe(old);
    const planted = `${old.split('=')[0]}=sls_000000000000_${'A'.repeat(43)}`;
    const signedIn = await server.ask('/api/v1/session', { as: null, method: 'POST', body: JSON.stringify({ token: server.tokens.viewer }), headers: { 'content-type': 'application/json', cookie: planted } });
    expect(signedIn.headers.get('set-cookie')).not.toContain('000000000000');
    expect((await server.ask('/api/v1/session', { as: null, headers: { cookie: planted } })).status).toBe(401);
  });
});

describe('a page of rows', () => {
  it('is never larger than a page should be, whatever is asked for', async () => {
    await runSql(url, `CREATE TABLE large AS SELECT g AS id, repeat('l', 100000) AS text FROM generate_series(1, 1000) g`);
    for (const place of ['', '&position=0']) {
      const response = await server.ask(`/api/v1/connections/shop/tables/large/rows?limit=1000&maxCell=100000${place}`, { as: 'viewer' });
      const { rows, cut } = await response.json() as { rows: string[][]; cut: [number, number][] };
      expect([rows.length, rows[0][1].length, cut.length]).toEqual([1000, 4000, 1000]);
    }
    const { body: { rows } } = await server.json<{ rows: string[][] }>('/api/v1/connections/shop/tables/large/rows?limit=1&maxCell=100000&columns=text');
    expect(rows[0][0]).toHaveLength(100_000);
  });
});

describe('looks at files', () => {
  it('of many at once take turns, and all are answered', async () => {
    const head = Buffer.from(`id,text\n${'1,abcdefghij\n'.repeat(450_000)}`);
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await server.ask('/api/v1/previews?name=a.csv', { method: 'POST', body: head, headers: { 'content-type': 'text/csv' } })).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe('what is told', () => {
  it('has no secret in it: metrics, errors, log', async () => {
    const secret = 'hunter2-very-secret';
    await server.json('/api/v1/connections', { as: 'admin', send: { name: 'locked', url: `postgres://postgres:${secret}@127.0.0.1:1/none` } });
    const answers = [
      await server.json('/api/v1/connections/locked/tables'), await server.json('/api/v1/connections/locked/test', { method: 'POST' }), await server.json('/api/v1/export?from=locked&table=x'),
      await server.json('/api/v1/connection-tests', { as: 'admin', send: { url: `postgres://a:${secret}@127.0.0.1:1/x` } }), await server.json('/api/v1/connections', { as: 'admin', send: { name: 'bad one', url: `postgres://a:${secret}@h/x` } }),
      await server.json('/api/v1/runs?limit=50'), await server.json('/api/v1/alerts?state=all'),
    ];
    const metrics = await (await server.ask('/metrics')).text();
    await until(() => server.logged.length > 0);
    expect(`${JSON.stringify(answers)}${metrics}${server.logged.join('\n')}`).not.toContain(secret);
    expect(metrics).not.toContain('hunter2');
  });

  it('to a client that goes away in the middle of its answer costs nothing', async () => {
    await runSql(url, `CREATE TABLE wide AS SELECT g AS id, repeat('w', 5000) AS text FROM generate_series(1, 2000) g`);
    await Promise.all(Array.from({ length: 12 }, () => new Promise<void>((resolve) => {
      const { hostname, port } = new URL(server.url);
      httpRequest({ hostname, port, path: '/api/v1/connections/shop/tables/wide/rows?limit=1000&maxCell=100000', headers: { authorization: `Bearer ${server.tokens.viewer}` } }, (response: IncomingMessage) => {
        response.once('data', () => {
          response.destroy();
          resolve();
        });
      }).on('error', () => resolve()).end();
    })));
    await until(async () => /^sluice_database_connections 0$/m.test(await (await server.ask('/metrics')).text()));
    expect((await server.ask('/healthz')).status).toBe(200);
  });
});
