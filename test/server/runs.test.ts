/** Runs over HTTP with a real PostgreSQL: plans, starts, events that go on, cancel, resume after the server was stopped, quarantine, tables page by page, and what paths may be named. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  server = await startTestServer({ shop: url });
  writeFileSync(join(server.files, 'cities.csv'), 'id,name\n1,Bern\n2,Basel\n');
});
afterAll(() => server.end());

interface Shown { run: string; status: string; rows: number; resumable: boolean; receipt: { status: string; totals: { written: number; rejected: number } } | null }

async function start(job: Record<string, unknown>, headers: Record<string, string> = {}): Promise<string> {
  const { status, body } = await server.json<{ run: string }>('/api/v1/runs', { send: job, headers });
  expect([status, body]).toEqual([202, { run: expect.any(String) as string }]);
  return body.run;
}

async function ended(run: string, on: TestServer = server): Promise<Shown> {
  let shown: Shown | undefined;
  await until(async () => {
    shown = (await on.json<Shown>(`/api/v1/runs/${run}`)).body;
    return shown.status !== undefined && shown.status !== 'running';
  });
  return shown!;
}

interface Sent { id: number; event: string; data: Record<string, unknown> }

/** Events until the stream ends or `enough` of them are there. */
async function events(path: string, lastId = 0, enough: (sent: Sent[]) => boolean = () => false): Promise<Sent[]> {
  const stop = new AbortController();
  const response = await server.ask(path, { signal: stop.signal, headers: lastId === 0 ? {} : { 'last-event-id': String(lastId) } });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  const sent = (): Sent[] => [...text.matchAll(/id: (\d+)\nevent: (.+)\ndata: (.+)\n\n/g)].map(([, id, event, data]) => ({ id: Number(id), event, data: JSON.parse(data) as Record<string, unknown> }));
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (enough(sent())) break;
  }
  stop.abort();
  return sent();
}

describe('a run', () => {
  it('is planned, started, followed and shown', async () => {
    const job = { job: 'import', sources: ['cities.csv'], to: 'shop', read: { types: { id: 'bigint' } } };
    const plan = await server.json<{ status: string; plan: { tables: { name: string }[] } }>('/api/v1/plans', { send: job });
    expect([plan.status, plan.body.status, plan.body.plan.tables[0].name]).toEqual([200, 'planned', 'cities']);
    expect((await runSql(url, `SELECT to_regclass('cities')::text`))[0][0]).toBe(null);

    const run = await start(job);
    const sent = await events(`/api/v1/runs/${run}/events`);
    expect(sent[0].event).toBe('run-started');
    expect(sent.at(-1)).toMatchObject({ event: 'run-ended', data: { run, status: 'done' } });
    expect(sent.map(({ id }) => id)).toEqual(sent.map(({ id }) => id).toSorted((a, b) => a - b));
    // Who comes back gets what is newer, but for what was replaced meanwhile by something newer still.
    const again = await events(`/api/v1/runs/${run}/events`, sent[1].id);
    expect(again.at(-1)).toEqual(sent.at(-1));
    expect(again.every(({ id }) => id > sent[1].id)).toBe(true);
    const { body: { samples } } = await server.json<{ samples: { at: number; rows: number; bytes: number; rssBytes: number }[] }>(`/api/v1/runs/${run}/course`);
    expect(samples[0]).toMatchObject({ rows: 0, bytes: 0 });
    expect(samples.at(-1)).toMatchObject({ rows: 2, rssBytes: expect.toSatisfy((rss: number) => rss > 1e6) as number });
    expect((await events('/api/v1/events', 0, (all) => all.some(({ data }) => data.run === run))).length).toBeGreaterThan(0);

    expect(await ended(run)).toMatchObject({ status: 'done', rows: 2 });
    expect((await server.json<{ totals: object }>(`/api/v1/runs/${run}/receipt`)).body.totals).toMatchObject({ read: 2, written: 2 });
  });

  it('is started once with the same key, and listed page by page', async () => {
    const job = { job: 'import', sources: ['cities.csv'], to: 'shop', table: 'keyed' };
    const headers = { 'idempotency-key': 'k1' };
    const run = await start(job, headers);
    expect(await start(job, headers)).toBe(run);
    expect((await server.json('/api/v1/runs', { send: { ...job, table: 'other' }, headers })).body.code).toBe('IDEMPOTENCY_CONFLICT');
    await ended(run);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: { items: Shown[]; next: string | null } } = await server.json<{ items: Shown[]; next: string | null }>(`/api/v1/runs?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.items.map((one) => one.run));
      cursor = body.next;
    }
    expect(seen).toEqual(seen.toSorted().toReversed());
    expect(seen).toContain(run);
    expect((await server.json('/api/v1/runs?cursor=nonsense')).body.code).toBe('REQUEST_INVALID');
  });

  it('exports, copies and restores', async () => {
    const written = await ended(await start({ job: 'export', from: 'shop', tables: ['cities'], to: 'out.ndjson' }));
    expect(written.status).toBe('done');
    expect(readFileSync(join(server.files, 'out.ndjson'), 'utf8')).toBe('{"id":1,"name":"Bern"}\n{"id":2,"name":"Basel"}\n');
    expect((await ended(await start({ job: 'copy', from: 'shop', to: 'duckdb', tables: ['cities'] }))).status).toBe('done');
    mkdirSync(join(server.files, 'backup'));
    writeFileSync(join(server.files, 'backup', 'cities.csv'), 'id,name\n3,Zug\n');
    expect((await ended(await start({ job: 'restore', source: 'backup', to: 'shop' }))).receipt?.totals.written).toBe(1);
  });

  it('is cancelled within a second', async () => {
    await runSql(url, `CREATE TABLE large AS SELECT g AS id, repeat('z', 500) AS t FROM generate_series(1, 100000) g`);
    const run = await start({ job: 'export', from: 'shop', query: 'SELECT a.* FROM large a, generate_series(1, 100)', to: 'large.csv' });
    await until(async () => (await server.json<{ plan: unknown }>(`/api/v1/runs/${run}`)).body.plan !== null);
    expect((await server.ask(`/api/v1/runs/${run}/cancel`, { method: 'POST' })).status).toBe(202);
    expect((await ended(run)).status).toBe('cancelled');
  });

  it('that was under way when the server stopped is resumed by the next, every row once', { timeout: 60_000 }, async () => {
    const first = await startTestServer({ shop: url });
    writeFileSync(join(first.files, 'many.csv'), `id,text\n${Array.from({ length: 1_500_000 }, (_, i) => `${i},${'t'.repeat(30)}\n`).join('')}`);
    const { body } = await first.json<{ run: string }>('/api/v1/runs', { send: { job: 'import', sources: ['many.csv'], to: 'shop', read: { types: { id: 'bigint', text: 'text' } } } });
    await until(async () => Number((await runSql(url, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE 'COPY%many%' OR query LIKE 'COPY%sluice%')`))[0][0]) > 0);
    await first.close();
    await expect(fetch(`${first.url}/healthz`)).rejects.toThrow(/fetch failed/);
    expect(readdirSync(first.workspace)).toContain('runs.sqlite');
    const second = await startTestServer({ shop: url }, { settings: { workspace: first.workspace, jobs: 2 }, files: [first.files] });
    try {
      const ask = { headers: { authorization: `Bearer ${first.tokens.operator}` } };
      const shown = await second.json<Shown>(`/api/v1/runs/${body.run}`, { as: null, ...ask });
      expect(shown.body).toMatchObject({ status: 'interrupted', resumable: true });
      expect((await second.ask(`/api/v1/runs/${body.run}/resume`, { as: null, method: 'POST', ...ask })).status).toBe(202);
      await until(async () => (await second.json<Shown>(`/api/v1/runs/${body.run}`, { as: null, ...ask })).body.status === 'done', 30_000);
      expect(await runSql(url, 'SELECT count(*)::int, count(DISTINCT id)::int FROM many')).toEqual([[1_500_000, 1_500_000]]);
    } finally {
      await second.end();
      await first.end();
    }
  });

  it('shows its rejected rows page by page', async () => {
    await runSql(url, 'CREATE TABLE strict (id int PRIMARY KEY)');
    writeFileSync(join(server.files, 'bad.csv'), 'id\n1\nx\ny\n2\n');
    const run = await start({ job: 'import', sources: ['bad.csv'], to: 'shop', table: 'strict', onError: 'quarantine' });
    expect((await ended(run)).receipt?.totals).toMatchObject({ written: 2, rejected: 2 });
    const one = await server.json<{ items: { raw: string; row: number }[]; next: string; rows: number }>(`/api/v1/runs/${run}/quarantine?limit=1`);
    const two = await server.json<{ items: { raw: string; row: number }[]; next: null }>(`/api/v1/runs/${run}/quarantine?limit=1&cursor=${one.body.next}`);
    expect([one.body.rows, one.body.items[0].raw, two.body.items[0].raw, two.body.next]).toEqual([2, 'x', 'y', null]);
  });

  it('that is unknown is said to be', async () => {
    for (const path of ['', '/receipt', '/events', '/quarantine']) expect((await server.json(`/api/v1/runs/nothing${path}`)).body.code).toBe('RUN_UNKNOWN');
    for (const path of ['/cancel', '/resume', '/discard']) expect((await server.json(`/api/v1/runs/nothing${path}`, { method: 'POST' })).body.code).toBe('RUN_UNKNOWN');
  });
});

describe('a path', () => {
  it.each(['/etc/passwd', '../server.key', 'link', 'link/passwd', 'folder', '..', '/', 'cities.csv/../../server.key', '-', 'file:///etc/passwd', '/dev/stdin', '/proc/self/environ'])('%s leads out and is refused, for reading and for writing', async (path) => {
    try {
      symlinkSync('/etc', join(server.files, 'link'));
      mkdirSync(join(server.files, 'folder'));
      symlinkSync('/etc/passwd', join(server.files, 'folder', 'passwd.csv'));
    } catch { /* made already */ }
    const read = await server.json('/api/v1/plans', { send: { job: 'import', sources: [path], to: 'shop' } });
    expect([read.status, read.body.code]).toEqual([403, 'PATH_REFUSED']);
    const restored = await server.json('/api/v1/plans', { send: { job: 'restore', source: path, to: 'shop' } });
    expect([restored.status, restored.body.code]).toEqual([403, 'PATH_REFUSED']);
    if (path === 'folder' || path === '-') return;
    const written = await server.json('/api/v1/runs', { send: { job: 'export', from: 'shop', tables: ['cities'], to: path, format: 'csv' } });
    expect([written.status, written.body.code]).toEqual([403, 'PATH_REFUSED']);
    expect((await server.ask(`/api/v1/files?path=${encodeURIComponent(path)}`)).status).toBeGreaterThanOrEqual(400);
  });

  it('below the folders is listed; links that lead out are not there', async () => {
    const { body } = await server.json<{ items: { name: string }[] }>(`/api/v1/files?path=${encodeURIComponent(server.files)}`);
    const names = body.items.map(({ name }) => name);
    expect(names).toContain('cities.csv');
    expect(names).not.toContain('link');
  });

  it('is no address, unless the server may read some', async () => {
    const { body } = await server.json('/api/v1/plans', { send: { job: 'import', sources: ['http://127.0.0.1:1/x.csv'], to: 'shop' } });
    expect(body.code).toBe('OPTION_UNSUPPORTED');
  });
});

describe('a table', () => {
  interface Page { rows: (string | null)[][]; cut: [number, number][]; order: string; next: string | null }
  const page = async (path: string): Promise<Page> => (await server.json<Page>(`/api/v1/connections/${path}`)).body;

  it('is paged by its key, in the order of the key, with values as the database has them', async () => {
    await runSql(url, `CREATE TABLE keyed_rows (a text, b int, v text, f float8, PRIMARY KEY (a, b));
      INSERT INTO keyed_rows SELECT chr(97 + g % 3), g, CASE WHEN g % 2 = 0 THEN NULL ELSE 'tab' || chr(9) || 'line' || chr(10) || '\\' || g END, 'NaN' FROM generate_series(1, 25) g`);
    const seen: (string | null)[][] = [];
    for (let next: string | null = ''; next !== null;) {
      const got: Page = await page(`shop/tables/keyed_rows/rows?limit=4${next === '' ? '' : `&cursor=${next}`}`);
      expect(got.order).toBe('key');
      seen.push(...got.rows);
      next = got.next;
    }
    expect(seen).toEqual(await runSql(url, 'SELECT a, b::text, v, f::text FROM keyed_rows ORDER BY keyed_rows.a, keyed_rows.b'));
  });

  it('without a key is paged by place, and long values are cut and said to be', async () => {
    const one = await page('shop/tables/large/rows?limit=2&maxCell=10&columns=id,t');
    expect(one).toMatchObject({ order: 'place', rows: [['1', 'zzzzzzzzzz'], ['2', 'zzzzzzzzzz']], cut: [[0, 1], [1, 1]] });
    expect((await page(`shop/tables/large/rows?limit=2&maxCell=10&cursor=${one.next}`)).rows[0][0]).toBe('3');
  });

  it('of an embedded database is paged as well, and tables are listed', async () => {
    expect((await page('duckdb/tables/cities/rows')).rows).toEqual([['1', 'Bern'], ['2', 'Basel']]);
    const { body } = await server.json<{ items: { name: string }[]; next: string | null }>('/api/v1/connections/shop/tables?limit=1&search=keyed');
    expect([body.items.map(({ name }) => name), body.next === null]).toEqual([['keyed'], false]);
    const tested = await server.json<{ ok: boolean; version: string }>('/api/v1/connections/shop/test', { method: 'POST' });
    expect(tested.body.ok).toBe(true);
    expect((await server.json('/api/v1/connections/shop/tables/nothing')).body.code).toBe('TABLE_UNKNOWN');
  });
});

describe('the system', () => {
  it('shows health, readiness, metrics and settings', async () => {
    expect((await server.ask('/healthz', { as: null })).status).toBe(200);
    expect((await server.ask('/readyz', { as: null })).status).toBe(200);
    const text = await (await server.ask('/metrics', { as: 'viewer' })).text();
    expect(text).toMatch(/^sluice_runs_started_total [1-9]/m);
    expect(text).toMatch(/^sluice_runs_ended_total\{status="done"\} [1-9]/m);
    expect((await server.json('/api/v1/settings', { as: 'admin', method: 'PATCH', send: { maxRuns: 3 } })).body).toMatchObject({ maxRuns: 3, files: [server.files] });
  });
});
