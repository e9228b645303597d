import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { makeReceipt } from '../../src/jobs/receipt.ts';
import { newOwner, type RunOwner } from '../../src/jobs/run-owner.ts';
import { STORE_FORMAT } from '../../src/jobs/run-store-format.ts';
import { LEASE_MS, RunStore } from '../../src/jobs/run-store.ts';
import { PLAN, tableReceipt } from './fake-transfer.ts';

const SUMMARY = { phase: 'moving', tablesStarted: 1, tablesDone: 0, rows: 5, bytes: 50, rssBytes: 1, parts: null } as const;

let root: string;
let folder: string;
let store: RunStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-store-'));
  folder = join(root, 'a', '.sluice');
  store = await RunStore.open(folder);
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const finished = (run: string) => makeReceipt({ run, job: 'import', status: 'done', seconds: 1, tables: [tableReceipt()], plan: PLAN });

describe('the workspace', () => {
  it('is private, and ignored by git', () => {
    store.create('r', 'import', newOwner());
    expect(modeOf(folder)).toBe(0o700);
    for (const file of ['runs.sqlite', 'runs.sqlite-wal', 'runs.sqlite-shm']) expect(modeOf(join(folder, file))).toBe(0o600);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('leaves a folder of the user as it is, but not a file that others can read', async () => {
    store.close();
    const own = join(root, 'own');
    mkdirSync(own);
    chmodSync(own, 0o755);
    writeFileSync(join(own, 'runs.sqlite'), '', { mode: 0o644 });
    store = await RunStore.open(own);
    expect(modeOf(own)).toBe(0o755);
    expect(modeOf(join(own, 'runs.sqlite'))).toBe(0o600);
    expect(existsSync(join(own, '.gitignore'))).toBe(false);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a folder whose store is a folder', (path: string) => mkdirSync(join(path, 'runs.sqlite'), { recursive: true })],
    ['a folder whose store is something else', (path: string) => {
      mkdirSync(path);
      writeFileSync(join(path, 'runs.sqlite'), 'this is not a database, and it is long enough to see that'.repeat(20));
    }],
  ])('cannot be %s', async (_, make) => {
    make(join(root, 'odd'));
    await expect(RunStore.open(join(root, 'odd'))).rejects.toMatchObject({ code: 'WORKSPACE_UNUSABLE' });
  });

  it('of a newer version is left alone', async () => {
    const database = new DatabaseSync(join(folder, 'runs.sqlite'));
    database.exec(`PRAGMA user_version = ${STORE_FORMAT + 1}`);
    database.close();
    await expect(RunStore.open(folder)).rejects.toMatchObject({ code: 'WORKSPACE_TOO_NEW', facts: { found: STORE_FORMAT + 1, known: STORE_FORMAT } });
  });

  it('is not made by looking', async () => {
    expect(await RunStore.openExisting(join(root, 'none'))).toBeUndefined();
    expect(existsSync(join(root, 'none'))).toBe(false);
  });

  it('is opened for the first time by many at once', async () => {
    const fresh = join(root, 'fresh');
    const stores = await Promise.all(Array.from({ length: 8 }, () => RunStore.open(fresh)));
    stores.forEach((one, index) => one.create(`r${index}`, 'copy', newOwner()));
    expect(stores[0].list()).toHaveLength(8);
    for (const one of stores) one.close();
  });
});

describe('a run', () => {
  let owner: RunOwner;
  beforeEach(() => {
    owner = newOwner();
    store.create('r1', 'import', owner, 1_000);
  });

  it('is running until it is finished', () => {
    expect(store.show('r1', 2_000)).toMatchObject({ run: 'r1', job: 'import', status: 'running', startedAt: 1_000, endedAt: null, plan: null, receipt: null, owner: { pid: process.pid } });
    store.savePlan('r1', owner, PLAN);
    expect(store.finish('r1', owner, finished('r1'), 5_000)).toBe(true);
    expect(store.show('r1')).toMatchObject({ status: 'done', endedAt: 5_000, from: 'a.csv', to: 'postgres://me@h/d', rows: 10, receipt: { status: 'done' } });
  });

  it('cannot be there twice', () => {
    expect(() => store.create('r1', 'import', newOwner())).toThrow(expect.objectContaining({ code: 'WORKSPACE_UNUSABLE' }));
  });

  it('shows how far it is', () => {
    store.beat('r1', owner, { summary: SUMMARY, course: [] });
    expect(store.show('r1')).toMatchObject({ summary: SUMMARY, rows: 5 });
  });

  it('keeps its course, also after its end; of another attempt it is another', () => {
    const course = [{ at: 1, rows: 2, bytes: 3, rssBytes: 4 }];
    expect(store.courseOf('r1')).toEqual([]);
    store.beat('r1', owner, { summary: SUMMARY, course });
    store.finish('r1', owner, finished('r1'));
    expect(store.courseOf('r1')).toEqual(course);
    expect(() => store.courseOf('r2')).toThrow(expect.objectContaining({ code: 'RUN_UNKNOWN' }));
  });

  it('obeys only its owner', () => {
    const other = newOwner();
    expect(store.beat('r1', other, { summary: SUMMARY, course: [] })).toBe('lost');
    expect(store.finish('r1', other, finished('r1'))).toBe(false);
    store.savePlan('r1', other, PLAN);
    expect(store.show('r1', 2_000)).toMatchObject({ status: 'running', plan: null });
    expect(store.finish('r1', owner, finished('r1'))).toBe(true);
    expect(store.finish('r1', owner, finished('r1'))).toBe(false);
    expect(store.beat('r1', owner, { summary: SUMMARY, course: [] })).toBe('lost');
  });

  it('is told when somebody wants it to end', () => {
    const now = Date.now();
    expect(store.beat('r1', owner, { summary: SUMMARY, course: [] }, now)).toBe('continue');
    expect(store.isCancelRequested('r1')).toBe(false);
    store.requestCancel('r1');
    expect(store.isCancelRequested('r1')).toBe(true);
    expect(store.beat('r1', owner, { summary: SUMMARY, course: [] }, now)).toBe('cancel');
    expect(store.show('r1')).toMatchObject({ status: 'running', cancelRequested: true });
  });

  it('cannot be cancelled when it is over, or was never there', () => {
    store.finish('r1', owner, finished('r1'));
    expect(() => store.requestCancel('r1')).toThrow(expect.objectContaining({ code: 'RUN_NOT_ACTIVE', message: expect.stringContaining('done') }));
    expect(() => store.requestCancel('r2')).toThrow(expect.objectContaining({ code: 'RUN_UNKNOWN' }));
  });

  it('is interrupted when its lease has run out, and running again when its owner wakes', () => {
    expect(store.show('r1', 1_000 + LEASE_MS).status).toBe('running');
    expect(store.show('r1', 1_001 + LEASE_MS).status).toBe('interrupted');
    expect(() => store.requestCancel('r1')).toThrow(expect.objectContaining({ code: 'RUN_NOT_ACTIVE', message: expect.stringContaining('interrupted') }));
    store.beat('r1', owner, { summary: SUMMARY, course: [] }, 100_000);
    expect(store.show('r1', 100_001).status).toBe('running');
  });

  it('is interrupted at once when its process on this machine is gone', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    store.create('r2', 'import', { ...newOwner(), pid }, 1_000);
    expect(store.show('r2', 1_001).status).toBe('interrupted');
    store.create('r3', 'import', { ...newOwner(), pid, host: 'elsewhere' }, 1_000);
    expect(store.show('r3', 1_001).status).toBe('running');
  });

  it('is listed newest first', () => {
    store.create('r0', 'export', newOwner(), 3_000);
    store.create('r9', 'copy', newOwner(), 2_000);
    expect(store.list().map(({ run }) => run)).toEqual(['r0', 'r9', 'r1']);
    expect(store.list(1).map(({ run }) => run)).toEqual(['r0']);
  });

  it('keeps no secret, even of a caller that forgot to remove it', () => {
    store.savePlan('r1', owner, PLAN);
    const error = new SluiceError('AUTH_FAILED', { address: 'postgres://me:topsecret@h/d', user: 'me', reason: '' });
    const receipt = makeReceipt({ run: 'r1', job: 'import', status: 'failed', seconds: 1, plan: PLAN, error });
    store.finish('r1', owner, { ...receipt, plan: PLAN });
    store.close();
    expect(readFileSync(join(folder, 'runs.sqlite')).includes('topsecret')).toBe(false);
  });
});
