/** Uploads and downloads with a real PostgreSQL: rows arrive while the body does, and whoever goes away leaves nothing behind. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import type { Role } from '../../src/server/contracts/route-contract.ts';
import { startTestServer, until, type TestServer } from './support.ts';

let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  server = await startTestServer({ shop: url }, { patience: { stallMs: 1500 } });
  await runSql(url, `CREATE TABLE big AS SELECT g AS id, repeat('x', 200) AS text FROM generate_series(1, 200000) g`);
});
afterAll(() => server.end());

const CSV = 'id,name\n1,Ann\n2,Bo\n';
const count = async (table: string): Promise<unknown> => (await runSql(url, `SELECT count(*)::int FROM ${table}`))[0][0];
const exists = async (table: string): Promise<boolean> => (await runSql(url, `SELECT to_regclass('${table}') IS NOT NULL`))[0][0] === true;

/** Sessions of runs in the database. */
async function sessions(): Promise<number> {
  return Number((await runSql(url, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sluice%'`))[0][0]);
}

function put(path: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  return server.json<{ status: unknown; code: string; totals: { written: number }; plan: { tables: { name: string }[] }; receipt: { status: string } }>(path, { method: 'PUT', body: body as NonNullable<RequestInit['body']>, headers });
}

/** A request whose body the test writes itself. */
function openUpload(path: string, headers: Record<string, string> = {}): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const { hostname, port } = new URL(server.url);
  const request = httpRequest({ hostname, port, path, method: 'PUT', headers: { authorization: `Bearer ${server.tokens.operator}`, ...headers } });
  const response = new Promise<IncomingMessage>((resolve, reject) => { request.on('response', resolve).on('error', reject); });
  response.catch(() => undefined);
  return { request, response };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

describe('an upload', () => {
  it('is loaded under the name of its file', async () => {
    const { status, body } = await put('/api/v1/import/people.csv?to=shop', CSV);
    expect([status, body.totals.written, body.plan.tables[0].name]).toEqual([200, 2, 'people']);
    expect(await count('people')).toBe(2);
  });

  it.each([['gzip', gzipSync(CSV)], ['zstd', zstdCompressSync(CSV)]] as const)('may be encoded as %s', async (encoding, bytes) => {
    const { status } = await put(`/api/v1/import/${encoding}.csv?to=shop&table=enc_${encoding}`, bytes, { 'content-encoding': encoding });
    expect([status, await count(`enc_${encoding}`)]).toEqual([200, 2]);
  });

  it('may be a compressed file, a form, JSON by its type', async () => {
    expect((await put('/api/v1/import/packed.csv.gz?to=shop', gzipSync(CSV))).status).toBe(200);
    const form = new FormData();
    form.append('note', 'passed over');
    form.append('file', new Blob([CSV]), 'formed.csv');
    expect((await server.ask('/api/v1/import?to=shop', { method: 'POST', body: form })).status).toBe(200);
    expect((await server.ask('/api/v1/import?to=shop&table=objects', { method: 'POST', body: '[{"a":1},{"a":2}]', headers: { 'content-type': 'application/json' } })).status).toBe(200);
    expect([await count('packed'), await count('formed'), await count('objects')]).toEqual([2, 2, 2]);
  });

  it('is loaded while it arrives, and says how far it is', async () => {
    const { request, response } = openUpload('/api/v1/import/slow.csv?to=shop&type=id=integer&type=text=text', { accept: 'application/x-ndjson' });
    request.write(`id,text\n${Array.from({ length: 200_000 }, (_, i) => `${i},${'y'.repeat(40)}\n`).join('')}`);
    const lines: string[] = [];
    const answer = await response;
    answer.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    // Rows have moved although the body has not ended.
    await until(() => /"table-progress".*"bytes":[1-9]/.test(lines.join('')));
    request.end('200000,last\n');
    await once(answer, 'end');
    const last = JSON.parse(lines.join('').trim().split('\n').at(-1)!) as { type: string; receipt: { status: string; totals: { written: number } } };
    expect(last).toMatchObject({ type: 'receipt', receipt: { status: 'done', totals: { written: 200_001 } } });
  });

  it('that is wrong is refused with its place, also while the client still sends', async () => {
    await runSql(url, 'CREATE TABLE typed (id int)');
    const { request, response } = openUpload('/api/v1/import/typed.csv?to=shop');
    request.on('error', () => undefined);
    request.write(`id\n1\nnonsense\n${'2\n'.repeat(3_000_000)}`);
    const answer = await response;
    const problem = JSON.parse(await textOf(answer)) as { code: string; receipt: { status: string }; at: { line?: number } };
    request.destroy();
    expect([answer.statusCode, problem.code, problem.receipt.status, problem.at.line]).toEqual([400, 'VALUE_INVALID', 'failed', 3]);
    expect(await count('typed')).toBe(0);
  });

  it('of a client that goes away ends within seconds and leaves nothing', async () => {
    const { request } = openUpload('/api/v1/import/gone.csv?to=shop&type=id=integer');
    request.on('error', () => undefined);
    request.write(`id\n${'5\n'.repeat(1_000_000)}`);
    await until(async () => (await sessions()) > 0);
    request.destroy();
    await until(async () => (await sessions()) === 0, 6000);
    expect(await exists('gone')).toBe(false);
  });

  it('of a client that sends nothing more ends with 408', async () => {
    const { request, response } = openUpload('/api/v1/import/stalled.csv?to=shop');
    request.on('error', () => undefined);
    request.write('id\n1\n');
    const answer = await response;
    expect([answer.statusCode, (JSON.parse(await textOf(answer)) as { code: string }).code]).toEqual([408, 'REQUEST_STALLED']);
    request.destroy();
    await until(async () => (await sessions()) === 0, 6000);
  });

  it.each([
    ['cut gzip', gzipSync('id\n1\n2\n'.repeat(1000)).subarray(0, 40), { 'content-encoding': 'gzip' }, 'COMPRESSION_CORRUPT'],
    ['an encoding that is none', Buffer.from(CSV), { 'content-encoding': 'br' }, 'MEDIA_TYPE_UNSUPPORTED'],
    ['plain bytes said to be zstd', Buffer.from(CSV), { 'content-encoding': 'zstd' }, 'COMPRESSION_CORRUPT'],
    ['nothing', Buffer.alloc(0), {}, 'SOURCE_EMPTY'],
    ['a form without its end', Buffer.from('--b\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\nid\n1\n'), { 'content-type': 'multipart/form-data; boundary=b' }, 'REQUEST_INVALID'],
    ['a form without a file', Buffer.from('--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n--b--\r\n'), { 'content-type': 'multipart/form-data; boundary=b' }, 'REQUEST_INVALID'],
  ])('of %s is refused', async (_, bytes, headers, code) => {
    const { status, body } = await put('/api/v1/import/malformed.csv?to=shop', bytes, headers);
    expect([body.code, status < 500]).toEqual([code, true]);
    expect(await exists('malformed')).toBe(false);
  });

  it('that unpacks to one endless record is stopped by the limit of a record', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('id\n"'), Buffer.alloc(200 * 2 ** 20, 0x61)]), { level: 1 });
    const before = process.memoryUsage.rss();
    const { body } = await put('/api/v1/import/bomb.csv?to=shop', bomb, { 'content-encoding': 'gzip' });
    expect(body.code).toBe('RECORD_TOO_LARGE');
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 2 ** 20);
  });

  it('with an idempotency key is loaded once', async () => {
    const headers = { 'idempotency-key': 'once-1' };
    const first = await put('/api/v1/import/once.csv?to=shop', CSV, headers);
    const again = await put('/api/v1/import/once.csv?to=shop', CSV, headers);
    expect([first.status, again.status, await count('once')]).toEqual([200, 200, 2]);
    expect((await put('/api/v1/import/other.csv?to=shop', CSV, headers)).body.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('comes eight times at once, and all are loaded within the budget', async () => {
    await server.json('/api/v1/settings', { as: 'admin', method: 'PATCH', send: { connectionsPerDatabase: 8 } });
    let most = 0;
    const watch = setInterval(() => { void (async () => { most = Math.max(most, await sessions()); })(); }, 50);
    const rows = `id,text\n${Array.from({ length: 50_000 }, (_, i) => `${i},abc\n`).join('')}`;
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => put(`/api/v1/import/many${i}.csv?to=shop`, rows)));
    clearInterval(watch);
    expect(all.map(({ body }) => body.totals.written)).toEqual(Array.from({ length: 8 }, () => 50_000));
    expect(most).toBeLessThanOrEqual(8);
  });
});

describe('a download', () => {
  it('has the rows, a trailer that says so, and the encoding that the client takes', async () => {
    const response = await server.ask('/api/v1/export?from=shop&table=people&format=ndjson', { as: 'viewer', headers: { 'accept-encoding': 'identity' } });
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([200, 'application/x-ndjson', '{"id":1,"name":"Ann"}\n{"id":2,"name":"Bo"}\n']);
    const raw = async (query: string, headers: Record<string, string>): Promise<{ bytes: Buffer; response: IncomingMessage }> => {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest(`${server.url}/api/v1/export?from=shop&${query}`, { headers: { authorization: `Bearer ${server.tokens.operator}`, ...headers } }, resolve).on('error', reject).end();
      });
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return { bytes: Buffer.concat(chunks), response: answer };
    };
    const gzip = await raw('table=people', { 'accept-encoding': 'gzip' });
    expect([gzip.response.headers['content-encoding'], gunzipSync(gzip.bytes).toString()]).toEqual(['gzip', CSV]);
    expect(gzip.response.trailers).toMatchObject({ 'sluice-status': 'done', 'sluice-rows': '2' });
    const file = await raw('table=people&compress=zstd', {});
    expect([file.response.headers['content-type'], zstdDecompressSync(file.bytes).toString()]).toEqual(['application/zstd', CSV]);
    const query = await raw(`query=${encodeURIComponent('SELECT count(*) AS n FROM big WHERE id > 5')}&header=false`, {});
    expect(query.bytes.toString()).toBe('199995\n');
    const parquet = await raw('table=people&format=parquet', { 'accept-encoding': 'gzip' });
    expect([parquet.response.headers['content-encoding'], parquet.bytes.subarray(0, 4).toString()]).toEqual([undefined, 'PAR1']);
  });

  it('by SQL is for operators, and of an embedded database for nobody', async () => {
    expect((await server.ask('/api/v1/export?from=shop&query=SELECT+1', { as: 'viewer' })).status).toBe(403);
    const { body } = await server.json(`/api/v1/export?query=${encodeURIComponent(`SELECT * FROM '/etc/passwd'`)}`, { as: 'admin' });
    expect(body.code).toBe('SQL_REFUSED');
  });

  it('that fails before its first byte is an error in order', async () => {
    const { status, body } = await server.json('/api/v1/export?from=shop&table=nothing_there');
    expect([status, body.code]).toEqual([404, 'TABLE_UNKNOWN']);
    expect((await server.json('/api/v1/export?from=nowhere')).body.code).toBe('CONNECTION_UNKNOWN');
  });

  it('in two steps, for browsers: what fails before the first byte is told by the first; the second is for the same holder, and once', async () => {
    const prepare = (send: object, as: Role = 'viewer') => server.json<{ run: string; code?: string }>('/api/v1/downloads', { as, send: { from: 'shop', ...send } });
    const { status, body: { run } } = await prepare({ table: 'people' });
    expect(status).toBe(201);
    expect((await server.json(`/api/v1/downloads/${run}`, { as: 'admin' })).body.code).toBe('DOWNLOAD_UNKNOWN');
    const response = await server.ask(`/api/v1/downloads/${run}`, { as: 'viewer' });
    expect([response.status, response.headers.get('sluice-run'), response.headers.get('content-disposition'), await response.text()]).toEqual([200, run, expect.stringContaining('"people.csv"'), CSV]);
    expect((await server.json(`/api/v1/downloads/${run}`, { as: 'viewer' })).status).toBe(404);
    const empty = await prepare({ query: 'SELECT 1 WHERE false', header: 'false' }, 'operator');
    expect(await (await server.ask(`/api/v1/downloads/${empty.body.run}`)).text()).toBe('');
    expect((await prepare({ table: 'nothing_there' })).body.code).toBe('TABLE_UNKNOWN');
    expect((await prepare({ table: 'people', where: 'id >' }, 'operator')).status).toBe(400);
    expect((await prepare({ query: 'SELECT 1' })).status).toBe(403);
    expect(await sessions()).toBe(0);
  });

  it('that nobody fetches ends by itself', async () => {
    const { body: { run } } = await server.json<{ run: string }>('/api/v1/downloads', { send: { from: 'shop', table: 'big' } });
    expect(await sessions()).toBeGreaterThan(0);
    await until(async () => (await sessions()) === 0);
    expect((await server.json(`/api/v1/downloads/${run}`)).status).toBeGreaterThanOrEqual(400);
  });

  it('that fails midway is broken off, never a short file that looks whole', async () => {
    const sql = 'SELECT 10 / (190000 - id) AS x, text FROM big';
    const response = await server.ask(`/api/v1/export?from=shop&query=${encodeURIComponent(sql)}`, { headers: { 'accept-encoding': 'identity' } });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow(/terminated|aborted/);
  });

  it('to a client that stops reading, or goes away, ends its run and frees its connections', async () => {
    for (const way of ['stops', 'goes'] as const) {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      const sql = encodeURIComponent('SELECT a.id, a.text FROM big a, generate_series(1, 50) g');
      socket.write(`GET /api/v1/export?from=shop&query=${sql} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${server.tokens.operator}\r\n\r\n`);
      socket.on('error', () => undefined);
      await once(socket, 'data');
      socket.pause();
      await until(async () => (await sessions()) > 0);
      if (way === 'goes') socket.destroy();
      await until(async () => (await sessions()) === 0, 10_000);
      socket.destroy();
    }
    const { body } = await server.json<{ items: { job: string; status: string }[] }>('/api/v1/runs?limit=2');
    expect(body.items.map(({ status }) => status)).not.toContain('done');
  });

  it('to a slow client takes no memory', async () => {
    const { hostname, port } = new URL(server.url);
    const before = process.memoryUsage.rss();
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(`GET /api/v1/export?from=shop&table=big HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${server.tokens.operator}\r\n\r\n`);
    let bytes = 0;
    let highest = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
      highest = Math.max(highest, process.memoryUsage.rss());
    });
    await pause(3000);
    socket.destroy();
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(highest - before).toBeLessThan(60 * 2 ** 20);
  });

  it('over HTTP/1.0 is refused: its end could not be told from a failure', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/export?from=shop&table=people HTTP/1.0\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${server.tokens.operator}\r\n\r\n`);
    const [chunk] = await once(socket, 'data') as [Buffer];
    expect(chunk.toString()).toContain('400 Bad Request');
    socket.destroy();
  });
});
