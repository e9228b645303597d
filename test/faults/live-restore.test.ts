/** A restore over a database that is in use: readers see the old or the new state and nothing between, and a failure at any point leaves the old. */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/error-codes.ts';
import type { Receipt } from '../../src/jobs/receipt.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { CuttingProxy } from '../kill/cutting-proxy.ts';
import { expectNoSecrets, inspectFailure, Workbench, type Failure } from './command-line.ts';
import { backupOf, dumpOf, fillDatabase, look, Readers, writeBackup, type Backup } from './live-database.ts';

let bench: Workbench;
let url: string;
let client: pg.Client;
beforeEach(async () => {
  bench = new Workbench();
  url = await createDatabase();
  client = new pg.Client({ connectionString: url });
  await client.connect();
  await fillDatabase(client);
});
afterEach(async () => {
  await client.end();
  bench.remove();
});

const RESTORE = ['restore', 'backup', '--part-size', '16kB', '--json'];
const put = (backup: Backup): void => {
  rmSync(bench.path('backup'), { recursive: true, force: true });
  writeBackup(bench.path('backup'), backup);
};

describe('readers of a live database', () => {
  it.each<[string, string[], number]>([
    ['--clean', ['--clean'], 0],
    ['--clean --disable-triggers', ['--clean', '--disable-triggers'], 0],
    ['--clean --on-error quarantine', ['--clean', '--on-error', 'quarantine'], 0],
    ['a plain restore', [], 10_000],
    ['--mode upsert', ['--mode', 'upsert', '--exclude', 'settings'], 0],
  ])('see the old or the new state: %s', { timeout: 60_000 }, async (_what, flags, from) => {
    put(backupOf(3, from));
    const before = await look(client);
    const outside = async (): Promise<unknown> => (await client.query('SELECT (SELECT json_agg(n ORDER BY id) FROM notes n), (SELECT json_agg(m ORDER BY member) FROM memberships m), (SELECT json_agg(s ORDER BY name) FROM summary s)')).rows;
    const catalog = async (): Promise<string[]> => (await dumpOf(client)).split('\n').filter((line) => !/^(?:regions|accounts|entries|settings|audit) \d/.test(line));
    const [others, objects] = [await outside(), await catalog()];
    const readers = new Readers(url);
    await readers.start(4);
    const result = await bench.sluice([...RESTORE, '--to', url, ...flags]);
    const seen = await readers.stop();
    expect(result.code, result.stderr).toBe(0);
    const after = await look(client);
    expect(after).not.toBe(before);
    expect(seen.filter((state) => state !== before && state !== after)).toEqual([]);
    expect(seen).toContain(before);
    expect(await outside()).toEqual(others);
    expect(await catalog()).toEqual(objects);
    const audited = (await client.query<{ n: number }>('SELECT count(*)::int AS n FROM audit')).rows[0].n;
    if (flags.includes('--disable-triggers')) expect(audited).toBe(0);
    else expect(audited).toBeGreaterThan(0);
    if (flags.includes('--clean')) expect((JSON.parse(result.stdout) as Receipt).totals).toMatchObject({ read: 3605, written: 3605, removed: 3605 });
  });

  it.each([[['--clean']], [['--clean', '--on-error', 'quarantine']]])('and a writer that is in the way: the restore tries again (%j)', { timeout: 60_000 }, async (flags) => {
    const backup = backupOf(3);
    put({ ...backup, accounts: backup.accounts.map((row, i) => (i === 200 && flags.length > 1 ? { ...row, balance: -1 } : row)) });
    const writer = new pg.Client({ connectionString: url });
    await writer.connect();
    try {
      // It holds the table that is locked last, and never gives way itself.
      await writer.query(`SET deadlock_timeout = '60s'; BEGIN; UPDATE settings SET value = value WHERE key = 'key 1'`);
      const running = bench.sluice([...RESTORE, '--to', url, ...flags]);
      while ((await client.query(`SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND NOT granted`)).rowCount === 0) await sleep(20);
      await writer.query('UPDATE regions SET name = name WHERE id = 1');
      await writer.query('COMMIT');
      const result = await running;
      const rejected = flags.length > 1 ? 11 : 0;
      expect(result.code, result.stderr).toBe(rejected > 0 ? 3 : 0);
      expect((JSON.parse(result.stdout) as Receipt).totals).toMatchObject({ read: 3605, written: 3605 - rejected, rejected });
    } finally {
      await writer.end();
    }
  });

  it('refuses --clean when a row outside the backup would lose what it refers to, and changes nothing', async () => {
    const before = await dumpOf(client);
    const backup = backupOf(3);
    put({ ...backup, accounts: backup.accounts.slice(5), entries: backup.entries.filter((entry) => (entry as { account_id: number }).account_id > 5) });
    await bench.fails([...RESTORE.slice(0, -1), '--to', url, '--clean'], { code: 'FOREIGN_KEY_VIOLATED' });
    expect(await dumpOf(client)).toBe(before);
  });
});

describe('a failure leaves the old state to the byte', () => {
  let before: string;
  let proxy: CuttingProxy;
  let through: string;
  beforeEach(async () => {
    before = await dumpOf(client);
    const target = new URL(url);
    proxy = await CuttingProxy.open(Number(target.port));
    target.hostname = '127.0.0.1';
    target.port = String(proxy.port);
    through = target.href;
  });
  afterEach(() => proxy.close());

  /** Runs it while readers look; nothing but the old state may be seen. */
  async function failing(args: readonly string[], code: ErrorCode, during?: (child: ChildProcess) => void): Promise<Failure> {
    const old = await look(client);
    const readers = new Readers(url);
    await readers.start(2);
    const result = await bench.sluice([...RESTORE, ...args], during === undefined ? {} : { during });
    expect(await readers.stop()).toEqual([old]);
    const failure = inspectFailure(result);
    expect({ code: failure.error.code, message: failure.error.message }).toMatchObject({ code });
    expectNoSecrets(bench, result);
    return failure;
  }

  const changed = (rows: readonly object[], at: number, change: object): object[] => rows.map((row, i) => (i === at ? { ...row, ...change } : row));

  it.each<[string, (backup: Backup) => Partial<Backup>, ErrorCode]>([
    ['a value of another type in the last row of the last table', ({ entries }) => ({ entries: changed(entries, entries.length - 1, { amount: 'many' }) }), 'VALUE_INVALID'],
    ['a parent that is not there', ({ entries }) => ({ entries: changed(entries, entries.length - 1, { account_id: 99_999 }) }), 'FOREIGN_KEY_VIOLATED'],
    ['a table without keys', ({ settings }) => ({ settings: changed(settings, settings.length - 1, { value: 'x' }) }), 'VALUE_INVALID'],
  ])('%s', { timeout: 60_000 }, async (_what, change, code) => {
    const backup = backupOf(3);
    put({ ...backup, ...change(backup) });
    await failing(['--to', url, '--clean'], code);
    expect(await dumpOf(client)).toBe(before);
  });

  it.each([['a number', ['--max-errors', '2']], ['a share', ['--max-errors', '0.05%']]])('too many rejected rows, as %s', { timeout: 60_000 }, async (_what, flags) => {
    const backup = backupOf(3);
    put({ ...backup, accounts: changed(backup.accounts, 200, { balance: -1 }), entries: changed(changed(backup.entries, 5, { amount: 'x' }), 9, { id: 1 }) });
    await failing(['--to', url, '--clean', '--on-error', 'quarantine', ...flags], 'TOO_MANY_REJECTED');
    expect(await dumpOf(client)).toBe(before);
  });

  it.each<[string, RegExp]>([
    ['while parts are moving', /COPY "public"\."sluice_/],
    ['while the tables are emptied', /DELETE FROM/],
    ['while rows are inserted', /INSERT INTO "public"\."entries"/],
    ['before the commit', /pg_current_xact_id/],
  ])('Ctrl-C %s', { timeout: 60_000 }, async (_what, text) => {
    put(backupOf(3));
    const { receipt } = await failing(['--to', through, '--clean', '--disable-triggers'], 'CANCELLED', (child) => proxy.armText(text, 'before', () => child.kill('SIGINT')));
    expect(receipt.status).toBe('cancelled');
    expect(await dumpOf(client)).toBe(before);
  });

  it.each<[string, RegExp]>([
    ['while the tables are emptied', /DELETE FROM/],
    ['while rows are inserted', /INSERT INTO "public"\."entries"/],
    ['before the commit', /pg_current_xact_id/],
  ])('a connection that is lost %s: what waits to be resumed is given up, and nothing is left', { timeout: 90_000 }, async (_what, text) => {
    put(backupOf(3));
    await failing(['--to', through, '--clean'], 'CONNECTION_LOST', () => proxy.armText(text, 'sent', () => proxy.cut()));
    const own = (await dumpOf(client)).split('\n').filter((line) => !/(?:^| )sluice_/.test(line));
    expect(own).toEqual(before.split('\n'));
    expect(await bench.sluice(['runs', 'discard', '--to', url])).toMatchObject({ code: 0 });
    expect(await dumpOf(client)).toBe(before);
  });
});
