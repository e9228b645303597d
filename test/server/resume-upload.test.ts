/** An upload that was cut off when its server stopped, sent again with `?resume=`: every row is there once. And clients that dawdle. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

const ROWS = 400_000;
const CSV = Buffer.from(`id,name\n${Array.from({ length: ROWS }, (_, i) => `${i},${'n'.repeat(30)}\n`).join('')}`);
let url: string;
beforeAll(async () => { url = await createDatabase(); });

interface Shown { run: string; status: string; resumable: boolean; code?: string }

/** Sends the beginning of the upload, waits until some of it is loaded, and stops the server. */
async function interrupted(first: TestServer, table: string): Promise<string> {
  const { hostname, port } = new URL(first.url);
  const request = httpRequest({ hostname, port, path: `/api/v1/import/many.csv?to=shop&table=${table}&type=id=bigint&type=name=text`, method: 'PUT', headers: { authorization: `Bearer ${first.tokens.operator}` } });
  request.on('error', () => undefined);
  request.write(CSV.subarray(0, CSV.length / 2));
  let run = '';
  await until(async () => {
    const { body } = await first.json<{ items: Shown[] }>('/api/v1/runs');
    run = body.items[0]?.run ?? '';
    if (run === '') return false;
    const { parts } = (await first.json<{ parts: { done: number } | null }>(`/api/v1/runs/${run}/parts`)).body;
    return parts !== null && parts.done >= 2;
  });
  await first.close();
  request.destroy();
  return run;
}

describe('an upload that its server interrupted', () => {
  it('goes on when it is sent again, with what was there passed over; other bytes are refused', { timeout: 60_000 }, async () => {
    const first = await startTestServer({ shop: url });
    const run = await interrupted(first, 'many');
    const second = await startTestServer({ shop: url }, { settings: { workspace: first.workspace, jobs: 2 } });
    const as = { as: null, headers: { authorization: `Bearer ${first.tokens.operator}` } } as const;
    try {
      expect((await second.json<Shown>(`/api/v1/runs/${run}`, as)).body).toMatchObject({ status: 'interrupted', resumable: true });
      const refused = await second.json<{ code: string; hint: string }>(`/api/v1/runs/${run}/resume`, { ...as, method: 'POST' });
      expect([refused.status, refused.body.code]).toEqual([409, 'RESUME_REFUSED']);
      const put = (body: Buffer) => second.json<{ code: string; totals: object; run: string }>(`/api/v1/import/many.csv?resume=${run}`, { ...as, method: 'PUT', body: new Uint8Array(body) });
      const other = Buffer.from(CSV);
      other.write('9', 'id,name\n'.length);
      const changed = await put(other);
      expect(changed.status).toBeGreaterThanOrEqual(400);
      expect((await second.json<Shown>(`/api/v1/runs/${run}`, as)).body.status).toBe('interrupted');
      const done = await put(CSV);
      expect([done.status, done.body.run, done.body.totals]).toEqual([200, run, expect.objectContaining({ read: ROWS, written: ROWS }) as object]);
      expect(await runSql(url, 'SELECT count(*)::int, count(DISTINCT id)::int, min(id)::int, max(id)::int FROM many')).toEqual([[ROWS, ROWS, 0, ROWS - 1]]);
      expect((await put(CSV)).body.code).toBe('RESUME_REFUSED');
    } finally {
      await second.end();
      await first.end();
    }
  });

  it('is given up, and leaves nothing', { timeout: 60_000 }, async () => {
    const first = await startTestServer({ shop: url });
    const run = await interrupted(first, 'given_up');
    const second = await startTestServer({ shop: url }, { settings: { workspace: first.workspace, jobs: 2 } });
    const as = { as: null, headers: { authorization: `Bearer ${first.tokens.operator}` } } as const;
    try {
      const discarded = await second.json<{ code?: string }>(`/api/v1/runs/${run}/discard`, { ...as, method: 'POST' });
      expect([discarded.status, discarded.body.code]).toEqual([202, undefined]);
      await until(async () => (await second.json<Shown>(`/api/v1/runs/${run}`, as)).body.status === 'cancelled');
      expect(await runSql(url, `SELECT count(*)::int FROM pg_class WHERE relname LIKE 'given%' OR relname LIKE 'sluice%'`)).toEqual([[0]]);
    } finally {
      await second.end();
      await first.end();
    }
  });
});

describe('a client that dawdles', () => {
  let server: TestServer;
  beforeAll(async () => { server = await startTestServer({}, { patience: { bodyMs: 700, stallMs: 700 } }); });
  afterAll(() => server.end());

  it('over the body of a request is cut off; others are answered meanwhile', async () => {
    const { hostname, port } = new URL(server.url);
    const request = httpRequest({ hostname, port, path: '/api/v1/runs', method: 'POST', headers: { authorization: `Bearer ${server.tokens.operator}`, 'content-type': 'application/json', 'content-length': 1000 } });
    const closed = new Promise<number>((resolve) => {
      request.on('error', () => resolve(0)).on('response', (response) => { resolve(response.statusCode ?? 0); response.resume(); });
    });
    const drip = setInterval(() => request.write(' '), 100);
    const startedAt = Date.now();
    expect((await server.ask('/healthz', { as: null })).status).toBe(200);
    expect([0, 400, 408]).toContain(await closed);
    clearInterval(drip);
    request.destroy();
    expect(Date.now() - startedAt).toBeLessThan(5000);
  });

  it('over its headers, or that sends none at all, does not keep others out', async () => {
    const { hostname, port } = new URL(server.url);
    const sockets = Array.from({ length: 50 }, () => connect({ host: hostname, port: Number(port) }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.on('error', () => undefined).write('GET /api/v1/runs HTTP/1.1\r\nHost: x');
    expect((await server.ask('/api/v1/runs')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['headers that are too large', `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    ['what is no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', /^HTTP\/1\.1 400/],
    ['two lengths', 'POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /^HTTP\/1\.1 400/],
    ['a path that is none', 'GET /%ff%fe%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 40[014]/],
  ])('or sends %s is refused', async (_, text, answer) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
    let got = '';
    for await (const chunk of socket) {
      got += String(chunk);
      if (got.includes('\r\n')) break;
    }
    expect(got).toMatch(answer);
    expect((await server.ask('/healthz', { as: null })).status).toBe(200);
  });
});
