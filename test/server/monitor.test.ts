/** Performance targets, trends, alerts, metrics and the map of parts over HTTP, of runs with a real PostgreSQL. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  await runSql(url, `CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT g, repeat('n', 200) FROM generate_series(1, 30000) g`);
  server = await startTestServer({ shop: url });
});
afterAll(() => server.end());

interface Target { name: string; wanted: number; measured: number; met: boolean }
interface Shown { status: string; receipt: { targets: Target[] }; summary: { parts: Parts | null } }
interface Parts { span: number; begun: number; cells: string; done: number; moving: number; rejected: number; failed: number; tables: { table: string }[] }

async function ran(job: Record<string, unknown>): Promise<{ run: string; shown: Shown }> {
  const { status, body } = await server.json<{ run: string }>('/api/v1/runs', { send: job });
  expect(status).toBe(202);
  let shown: Shown | undefined;
  await until(async () => {
    shown = (await server.json<Shown>(`/api/v1/runs/${body.run}`)).body;
    return shown.status !== 'running' && shown.status !== undefined;
  });
  return { run: body.run, shown: shown! };
}

const exportJob = (to: string): Record<string, unknown> => ({ job: 'export', from: 'shop', tables: ['item'], to });

describe('performance targets', () => {
  it('are checked on every run that is done: those of its kind', async () => {
    const { shown } = await ran(exportJob('one.csv'));
    const of = (name: string): Target | undefined => shown.receipt.targets.find((one) => one.name === name);
    expect(of('seconds')).toMatchObject({ wanted: 90, met: true });
    expect(of('rowsPerSecond')).toMatchObject({ wanted: 300, met: true });
    // Too few bytes for a rate that means something.
    expect(of('bytesPerSecond')).toBeUndefined();
    // Of this process, which runs the tests as well.
    expect(of('peakRssBytes')?.measured).toBeGreaterThan(50_000_000);
    writeFileSync(join(server.files, 'few.csv'), 'id\n1\n');
    expect((await ran({ job: 'import', sources: ['few.csv'], to: 'shop' })).shown.receipt.targets.map(({ name }) => name)).toEqual(['seconds', 'peakRssBytes']);
  });

  it('are changed by administrators, by kind of job', async () => {
    const change = (targets: object, as: 'admin' | 'operator' = 'admin') => server.json<{ targets: Record<string, object> }>('/api/v1/settings', { as, method: 'PATCH', send: { targets } });
    expect((await change({ export: {} }, 'operator')).status).toBe(403);
    expect((await change({ export: { seconds: -1 } })).status).toBe(400);
    expect((await change({ nothing: {} })).status).toBe(400);
    expect((await change({ import: { peakBytes: 1e12 } })).body.targets).toMatchObject({ import: { peakBytes: 1e12 } });
    const { body } = await change({ export: { seconds: 30, peakBytes: 1e12, rowsPerSecond: 1e12 } });
    expect(body.targets).toMatchObject({ import: { peakBytes: 1e12 }, export: { rowsPerSecond: 1e12 }, restore: { seconds: 60, peakBytes: 150_000_000, rowsPerSecond: 200 } });
  });

  it('that a run misses make an alert, which is acknowledged', async () => {
    const { run, shown } = await ran(exportJob('two.csv'));
    expect([shown.status, shown.receipt.targets.filter(({ met }) => !met).map(({ name }) => name)]).toEqual(['done', ['rowsPerSecond']]);
    const events = await (await server.ask(`/api/v1/runs/${run}/events`)).text();
    expect(events).toMatch(/event: run-ended\ndata: .*"missed":\["rowsPerSecond"\]/);
    const alerts = await server.json<{ items: { run: string; missed: Target[] }[]; open: number }>('/api/v1/alerts', { as: 'viewer' });
    expect(alerts.body.items[0]).toMatchObject({ run, job: 'export', status: 'done', error: null, missed: [{ name: 'rowsPerSecond', wanted: 1e12, met: false }] });
    expect((await server.ask(`/api/v1/alerts/${run}/acknowledge`, { as: 'viewer', method: 'POST' })).status).toBe(403);
    expect((await server.json(`/api/v1/alerts/${run}/acknowledge`, { method: 'POST' })).body).toEqual({ open: alerts.body.open - 1 });
    expect((await server.json<{ items: { run: string }[] }>('/api/v1/alerts')).body.items.map((one) => one.run)).not.toContain(run);
    expect((await server.json<{ items: object[] }>('/api/v1/alerts?state=all&limit=1')).body.items[0]).toMatchObject({ run, acknowledgedBy: 'operator', acknowledgedAt: expect.any(Number) as number });
    expect((await server.json('/api/v1/alerts/nothing/acknowledge', { method: 'POST' })).body.code).toBe('RUN_UNKNOWN');
  });

  it('are in the metrics', async () => {
    const text = await (await server.ask('/metrics', { as: 'viewer' })).text();
    expect(text).toMatch(/^sluice_target_checks_total\{job="export",target="rowsPerSecond",outcome="missed"\} 1$/m);
    expect(text).toMatch(/^sluice_target_checks_total\{job="export",target="rowsPerSecond",outcome="met"\} 1$/m);
    expect(text).toMatch(/^sluice_alerts_open \d+$/m);
  });
});

describe('a run that fails', () => {
  it('is an alert with its error, and no part of the trend', async () => {
    const { run } = await ran({ job: 'export', from: 'shop', query: 'SELECT 1/0', to: 'never.csv' });
    const { body } = await server.json<{ items: { run: string; error: { code: string } }[] }>('/api/v1/alerts');
    expect(body.items[0]).toMatchObject({ run, error: { code: expect.any(String) as string } });
    const history = await server.json<{ items: { run: string }[] }>('/api/v1/history');
    expect(history.body.items.map((one) => one.run)).not.toContain(run);
  });
});

describe('the history', () => {
  it('has the rates of the runs that are done, by kind and time, page by page', async () => {
    const all = await server.json<{ items: { job: string; rows: number; seconds: number; rowsPerSecond: number; startedAt: number; missed: string[] }[]; next: string | null }>('/api/v1/history?job=export', { as: 'viewer' });
    expect(all.body.items.map(({ job, rows, missed }) => [job, rows, missed])).toEqual([['export', 30_000, ['rowsPerSecond']], ['export', 30_000, expect.not.arrayContaining(['rowsPerSecond']) as string[]]]);
    const [newest] = all.body.items;
    expect(newest.rowsPerSecond).toBeCloseTo(newest.rows / newest.seconds, 0);
    const one = await server.json<{ items: object[]; next: string }>('/api/v1/history?job=export&limit=1');
    const two = await server.json<{ items: object[]; next: null }>(`/api/v1/history?job=export&limit=1&cursor=${one.body.next}`);
    expect([...one.body.items, ...two.body.items, two.body.next]).toEqual([...all.body.items, null]);
    expect((await server.json<{ items: object[] }>(`/api/v1/history?job=export&since=${newest.startedAt}`)).body.items).toHaveLength(1);
  });
});

describe('the map of parts', () => {
  it('is that of the run, also when it has ended and in the events', async () => {
    await runSql(url, 'CREATE TABLE strict (id int PRIMARY KEY)');
    writeFileSync(join(server.files, 'ids.csv'), `id\n${Array.from({ length: 600_000 }, (_, i) => `${i === 299_999 ? 'x' : i}\n`).join('')}`);
    const { run } = await ran({ job: 'import', sources: ['ids.csv'], to: 'shop', table: 'strict', onError: 'quarantine' });
    const { body: { parts } } = await server.json<{ parts: Parts }>(`/api/v1/runs/${run}/parts`, { as: 'viewer' });
    expect(parts).toMatchObject({ span: 1, moving: 0, failed: 0, rejected: 1, tables: [{ table: 'strict', from: 0 }] });
    expect([parts.cells.length, parts.done, parts.cells.replaceAll('d', '')]).toEqual([parts.begun, parts.begun, 'r']);
    expect((await server.json<Shown>(`/api/v1/runs/${run}`)).body.summary.parts).toEqual(parts);
    expect(await (await server.ask(`/api/v1/runs/${run}/events`)).text()).toContain('event: parts\n');
    expect((await server.json('/api/v1/runs/nothing/parts')).body.code).toBe('RUN_UNKNOWN');
  });
});
