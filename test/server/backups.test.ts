/** Backups over HTTP with a real PostgreSQL: a repository is made known, a database backed up, looked at, verified, compared and restored, each as a run with its plan first. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

let postgres: PostgresServer;
let url: string;
let emptyUrl: string;
let server: TestServer;
beforeAll(async () => {
  // Whose pg_dump is installed beside it.
  postgres = await startPostgres({ version: 'debian' });
  [url, emptyUrl] = [await postgres.createDatabase(), await postgres.createDatabase()];
  await runSql(url, `CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL); INSERT INTO city SELECT g, 'city ' || g FROM generate_series(1, 500) g; CREATE TABLE empty (x int)`);
  // pg_dump is found by PATH.
  server = await startTestServer({ shop: url, restored: emptyUrl }, { env: { PATH: process.env.PATH } });
});
afterAll(async () => {
  await server.end();
  await postgres.stop();
});

interface Shown { status: string; plan: { job: string; from: string } | null; receipt: { backup?: { backup: string }; verification?: { ok: boolean; report: { problems?: unknown[]; tables?: { status: string }[] } }; error?: { code: string }; totals: { written: number } } }

async function ran(job: Record<string, unknown>): Promise<Shown> {
  const plan = await server.json<{ status: string; plan: { job: string } }>('/api/v1/plans', { send: job });
  expect([plan.status, plan.body.status, plan.body.plan?.job]).toEqual([200, 'planned', job.job]);
  const { status, body } = await server.json<{ run: string }>('/api/v1/runs', { send: job });
  expect([status, body]).toEqual([202, { run: expect.any(String) as string }]);
  let shown: Shown | undefined;
  await until(async () => {
    shown = (await server.json<Shown>(`/api/v1/runs/${body.run}`)).body;
    return shown.status !== 'running' && shown.status !== undefined;
  });
  return shown!;
}

describe('a repository', () => {
  it('is made known by an administrator, below the folders of the server, once', async () => {
    const add = (body: unknown, as: 'admin' | 'operator' = 'admin') => server.json('/api/v1/repositories', { as, send: body });
    expect((await add({ name: 'nightly', path: 'nightly' }, 'operator')).status).toBe(403);
    expect((await add({ name: 'nightly', path: '/etc/nightly' })).body.code).toBe('PATH_REFUSED');
    expect((await add({ name: 'nightly', path: '../nightly' })).body.code).toBe('PATH_REFUSED');
    expect((await add({ name: 'nightly', path: join(server.files, 'n'.repeat(300)) })).body.code).toBe('PATH_REFUSED');
    mkdirSync(join(server.files, 'other'));
    writeFileSync(join(server.files, 'other', 'a.txt'), 'x');
    expect((await add({ name: 'nightly', path: 'other' })).body.code).toBe('REPOSITORY_FOREIGN');
    expect((await add({ name: 'nightly', path: 'other/a.txt' })).body.code).toBe('REQUEST_INVALID');
    const { status, body } = await add({ name: 'nightly', path: 'nightly/' });
    expect([status, body]).toEqual([201, { name: 'nightly', path: join(server.files, 'nightly'), status: 'empty', backups: 0, newest: null, newestAt: null, error: null }]);
    expect((await add({ name: 'nightly', path: 'another' })).body.code).toBe('REPOSITORY_EXISTS');
    expect((await server.json('/api/v1/repositories/nightly/backups', { as: 'viewer' })).body).toEqual({ items: [], next: null, locks: [] });
    expect((await server.json('/api/v1/repositories/unknown/backups')).body.code).toBe('REPOSITORY_NOT_NAMED');
  });

  it('takes backups, which are listed and shown', async () => {
    const first = await ran({ job: 'backup', from: 'shop', repository: 'nightly' });
    expect([first.status, first.plan?.from]).toEqual(['done', expect.stringContaining('postgres://')]);
    // Names say the second of their start.
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    const second = await ran({ job: 'backup', from: 'shop', repository: 'nightly', tables: ['city'], schema: false });
    const one = await server.json<{ items: { backup: string; totals: { rows: number } }[]; next: string }>('/api/v1/repositories/nightly/backups?limit=1', { as: 'viewer' });
    expect(one.body.items).toMatchObject([{ backup: second.receipt.backup!.backup, status: 'complete', totals: { rows: 500, tables: 1 } }]);
    const two = await server.json<{ items: { backup: string }[]; next: null }>(`/api/v1/repositories/nightly/backups?limit=1&cursor=${one.body.next}`, { as: 'viewer' });
    expect([two.body.items[0].backup, two.body.next]).toEqual([first.receipt.backup!.backup, null]);
    expect((await server.json('/api/v1/repositories/nightly/backups/newest')).body).toMatchObject({ backup: second.receipt.backup!.backup, schemaWriter: null, scope: { schema: false, tables: ['city'] } });
    const tables = await server.json<{ items: object[]; next: string | null }>(`/api/v1/repositories/nightly/backups/${first.receipt.backup!.backup}/tables?search=CIT`);
    expect(tables.body).toMatchObject({ items: [{ name: 'public.city', rows: 500, columns: [{ name: 'id', type: 'integer' }, { name: 'name', type: 'text' }] }], next: null });
    expect((await server.json('/api/v1/repositories')).body).toMatchObject({ items: [{ name: 'nightly', status: 'ready', backups: 2, newest: second.receipt.backup!.backup }] });
    expect((await server.json('/api/v1/repositories/nightly/backups/20010101')).body.code).toBe('BACKUP_UNKNOWN');
  });

  it('is restored from, whole or by name, into a database that has nothing', async () => {
    const { body } = await server.json<{ items: { backup: string }[] }>('/api/v1/repositories/nightly/backups');
    const oldest = body.items.at(-1)!.backup;
    const shown = await ran({ job: 'restore', repository: 'nightly', backup: oldest, to: 'restored', noOwner: true });
    expect([shown.status, shown.receipt.totals.written, shown.receipt.error]).toEqual(['done', 500, undefined]);
    expect(await runSql(emptyUrl, `SELECT count(*)::int, (SELECT count(*)::int FROM pg_index WHERE indrelid = 'city'::regclass AND indisprimary) FROM city`)).toEqual([[500, 1]]);
    const partly = await server.json('/api/v1/plans', { send: { job: 'restore', repository: 'nightly', source: 'x', to: 'restored' } });
    expect(partly.body.code).toBe('REQUEST_INVALID');
    const mixed = await server.json('/api/v1/plans', { send: { job: 'restore', repository: 'nightly', to: 'restored', pick: 'x' } });
    expect(mixed.body.code).toBe('OPTION_UNSUPPORTED');
  });

  it('gives rows back that were deleted', async () => {
    await runSql(emptyUrl, 'DELETE FROM city WHERE id <= 10');
    const shown = await ran({ job: 'restore', repository: 'nightly', to: 'restored', dataOnly: true, tables: ['city'], where: 'id <= 10' });
    expect([shown.status, shown.receipt.totals.written]).toEqual(['done', 10]);
  });

  it('is verified, and compared with a database: what differs is in the receipt of the failed run', async () => {
    const read = await ran({ job: 'verify', repository: 'nightly' });
    expect([read.status, read.receipt.verification?.ok, read.receipt.verification?.report.problems]).toEqual(['done', true, []]);
    expect((await ran({ job: 'verify', repository: 'nightly', against: 'restored' })).receipt.verification).toMatchObject({ ok: true });
    await runSql(emptyUrl, `UPDATE city SET name = 'other' WHERE id = 7`);
    const differs = await ran({ job: 'verify', repository: 'nightly', against: 'restored', tables: ['city'], examples: 1 });
    expect([differs.status, differs.receipt.error?.code, differs.receipt.verification?.report.tables?.[0].status]).toEqual(['failed', 'COMPARISON_FAILED', 'different']);
  });

  it('with a damaged chunk fails its verification, which names what it is of', async () => {
    const folder = join(server.files, 'nightly', 'chunks');
    const some = readdirSync(folder, { recursive: true, withFileTypes: true }).find((one) => one.isFile())!;
    rmSync(join(some.parentPath, some.name));
    const shown = await ran({ job: 'verify', repository: 'nightly' });
    expect([shown.status, shown.receipt.error?.code, shown.receipt.verification?.ok]).toEqual(['failed', 'VERIFICATION_FAILED', false]);
  });

  it('is forgotten, and its files stay', async () => {
    expect((await server.ask('/api/v1/repositories/nightly', { as: 'admin', method: 'DELETE' })).status).toBe(204);
    expect((await server.json('/api/v1/repositories')).body).toEqual({ items: [] });
    expect(readdirSync(join(server.files, 'nightly'))).toContain('chunks');
    // A path works as well as a name, for whoever may read files.
    const { status } = await server.json('/api/v1/plans', { send: { job: 'restore', source: 'nightly', to: 'restored', dataOnly: true } });
    expect([200, 500]).toContain(status);
  });
});
