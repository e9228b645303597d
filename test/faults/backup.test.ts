/** Backups and restores that cannot be, or that end midway: each a coded error before any harm is done, and what the message says to do works as it is written. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MARKER } from '../../src/backup/repository/object-names.ts';
import { sealDocument, unsealDocument } from '../../src/backup/repository/sealed-document.ts';
import { backUpDatabase } from '../../src/index.ts';
import type { Receipt } from '../../src/jobs/receipt.ts';
import { findPostgres } from '../helpers/postgres-binaries.ts';
import { noPgbouncer, startPgbouncer } from '../helpers/pgbouncer.ts';
import { give, serverAccount } from '../helpers/postgres-account.ts';
import { startReplica } from '../helpers/postgres-replica.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { inspectFailure, Workbench, type Failure } from './command-line.ts';
import { runSql } from './databases.ts';
import { mountSmallDisk, noSmallDisk } from './small-disk.ts';

const SHOP = `
  CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL); INSERT INTO customers SELECT i, 'name ' || i FROM generate_series(1, 1000) AS i;
  CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, note text); INSERT INTO orders SELECT i, 1 + i % 1000, repeat(md5(i::text), 4) FROM generate_series(1, 60000) AS i;
  CREATE INDEX orders_customer ON orders (customer);
  CREATE UNLOGGED TABLE scratch AS SELECT 1 AS a; CREATE VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY 1; SELECT lo_from_bytea(4711, 'large')`;
const COUNTS = 'SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT count(*) FROM pg_constraint WHERE conrelid = \'orders\'::regclass AND convalidated)';

let server: PostgresServer, shop: string, bench: Workbench, repository: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  shop = await server.createDatabase('shop');
  await runSql(shop, SHOP);
});
afterAll(() => server.stop());
beforeEach(() => {
  bench = new Workbench();
  repository = bench.path('repository');
});
afterEach(() => bench.remove());

/** A URL without its password, which the environment has, as it should. */
const PASSWORD = { PGPASSWORD: 'sluice-test' };
const withoutPassword = (url: string): string => Object.assign(new URL(url), { password: '' }).href;

async function backUp(url = shop): Promise<void> {
  expect(await bench.sluice(['backup', url, '--to', repository, '--quiet'])).toMatchObject({ code: 0 });
}

/** The command that the message names, run as it is written. */
async function asTold({ error: _error, result }: Failure, word: 'to go on' | 'to give it up'): Promise<Receipt> {
  const line = new RegExp(`^  ${word}: sluice (.*)$`, 'm').exec(result.stderr);
  expect(line, result.stderr).not.toBeNull();
  const ended = await bench.sluice([...line![1].split(' '), '--json'], { env: PASSWORD });
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Receipt;
}

describe('who answers is not fit for it', () => {
  it('a pooler that shares servers: nothing is set, read or written', { timeout: 60_000 }, async ({ skip }) => {
    const reason = noPgbouncer();
    skip(reason !== undefined, reason);
    await backUp();
    for (const poolSize of [1, 20]) {
      const pooler = await startPgbouncer(server, 'transaction', poolSize);
      try {
        const target = await server.createDatabase();
        const before = (await runSql(pooler.urlOf(shop), 'SELECT name, setting FROM pg_settings ORDER BY 1')).join('\n');
        await bench.fails(['backup', pooler.urlOf(shop), '--to', bench.path('other')], { code: 'POOLER_DETECTED' });
        await bench.fails(['restore', repository, '--to', pooler.urlOf(target)], { code: 'POOLER_DETECTED' });
        // What somebody else gets next is as it was.
        expect((await runSql(pooler.urlOf(shop), 'SELECT name, setting FROM pg_settings ORDER BY 1')).join('\n')).toBe(before);
      } finally {
        await pooler.stop();
      }
    }
    const pooler = await startPgbouncer(server, 'session', 20);
    try {
      const target = await server.createDatabase();
      expect(await bench.sluice(['backup', pooler.urlOf(shop), '--to', bench.path('other'), '--quiet'])).toMatchObject({ code: 0 });
      expect(await bench.sluice(['restore', bench.path('other'), '--to', pooler.urlOf(target), '--quiet'])).toMatchObject({ code: 0 });
      expect(await runSql(target, COUNTS)).toEqual(await runSql(shop, COUNTS));
    } finally {
      await pooler.stop();
    }
  });

  it('a replica is backed up, without what it does not have; nothing is restored into it', { timeout: 90_000 }, async () => {
    const replica = await startReplica(server);
    try {
      const from = replica.urlOf(shop);
      const { stdout, code } = await bench.sluice(['backup', from, '--to', repository, '--json', '--quiet']);
      expect(code).toBe(0);
      expect((JSON.parse(stdout) as Receipt).backup!.notes).toEqual(['Rows of unlogged tables are left out: a replica does not have them (public.scratch)']);
      const target = await server.createDatabase();
      expect(await bench.sluice(['restore', repository, '--to', target, '--quiet'])).toMatchObject({ code: 0 });
      expect(await runSql(target, COUNTS)).toEqual(await runSql(shop, COUNTS));
      await replica.caughtUp();
      for (const more of [[], ['--clean'], ['--data-only'], ['--data-only', '--where', 'true']]) {
        const { result } = await bench.fails(['restore', repository, '--to', replica.urlOf(target), ...more], { code: 'TARGET_READ_ONLY' });
        expect(result.stderr).not.toContain('to go on');
      }
    } finally {
      await replica.stop();
    }
  });

  it('a replica that has to replay a change ends the read, and says so', { timeout: 90_000 }, async () => {
    const replica = await startReplica(server, { max_standby_streaming_delay: '0' });
    const database = await server.createDatabase();
    await runSql(database, SHOP);
    await replica.caughtUp();
    try {
      let dropped: Promise<unknown> | undefined;
      const { error } = await backUpDatabase({ from: replica.urlOf(database), to: repository, workspace: bench.path('w'), jobs: 2, only: 'data', onProgress: (event) => {
        if (event.type === 'table-started') dropped ??= runSql(database, 'DROP TABLE orders CASCADE');
      } }).outcome;
      await dropped;
      expect(error).toMatchObject({ code: 'REPLICA_CONFLICT' });
      expect(existsSync(join(repository, 'backups'))).toBe(false);
    } finally {
      await replica.stop();
    }
  });
});

describe('while the backup runs', () => {
  it.each([
    ['a table is dropped', 'DROP TABLE orders CASCADE'], ['a table is emptied', 'TRUNCATE orders'], ['a column is added', `ALTER TABLE orders ADD COLUMN late text DEFAULT 'x'`],
    ['a column is dropped', 'ALTER TABLE orders DROP COLUMN note CASCADE'], ['a table is renamed', 'ALTER TABLE orders RENAME TO others'], ['a type is changed', 'ALTER TABLE orders ALTER COLUMN id TYPE bigint'],
  ])('%s: the backup has the state before it or behind it, whole', { timeout: 60_000 }, async (_what, sql) => {
    const look = (url: string): Promise<string> => runSql(url, COUNTS).then(String, (error: Error) => error.message);
    for (const moment of ['moving', 'table-started']) {
      const database = await server.createDatabase();
      await runSql(database, SHOP);
      const before = await look(database), to = bench.path(moment);
      let changed: Promise<unknown> | undefined;
      await backUpDatabase({ from: database, to, workspace: bench.path('w'), jobs: 2, onProgress: (event) => {
        if ((event.type === 'phase' ? event.phase : event.type) === moment) changed ??= runSql(database, sql);
      } }).receipt;
      await changed;
      const target = await server.createDatabase();
      expect(await bench.sluice(['restore', to, '--to', target, '--quiet'])).toMatchObject({ code: 0 });
      // Once tables are read they are locked: whoever wants to change one waits.
      expect(moment === 'moving' ? [before, await look(database)] : [before]).toContain(await look(target));
    }
  });

  it('a view is dropped before pg_dump has read it: everything begins anew', { timeout: 60_000 }, async () => {
    const database = await server.createDatabase();
    await runSql(database, SHOP);
    const programs = join(await findPostgres('debian'), 'bin'), slow = bench.path('pg_dump');
    writeFileSync(slow, `#!/bin/sh\n[ "$1" = --version ] || PGOPTIONS= '${programs}/psql' -X -q -c 'DROP VIEW IF EXISTS totals'\nexec '${programs}/pg_dump' "$@"\n`);
    chmodSync(slow, 0o755);
    expect(await bench.sluice(['backup', database, '--to', repository, '--pg-dump', slow, '--quiet'])).toMatchObject({ code: 0 });
    const target = await server.createDatabase();
    expect(await bench.sluice(['restore', repository, '--to', target, '--quiet'])).toMatchObject({ code: 0 });
    expect(await runSql(target, `SELECT to_regclass('totals')`)).toEqual([[null]]);
  });
});

describe('a repository that is not ours to use', () => {
  it('of a newer format is refused by every command, and not touched', { timeout: 60_000 }, async () => {
    await backUp();
    const marker = join(repository, MARKER);
    const newer = Buffer.concat(sealDocument({ ...(unsealDocument(readFileSync(marker)) as object), format: 2 }).map((piece) => Buffer.from(piece)));
    writeFileSync(marker, newer);
    const before = readdirSync(repository, { recursive: true }).map(String).toSorted();
    const target = await server.createDatabase();
    await bench.fails(['backup', shop, '--to', repository], { code: 'REPOSITORY_TOO_NEW' });
    await bench.fails(['restore', repository, '--to', target], { code: 'REPOSITORY_TOO_NEW' });
    for (const args of [['verify', repository], ['backups', repository], ['verify', repository, '--against', shop], ['show', repository]]) {
      const { code, stderr } = await bench.sluice(args);
      expect([code, stderr]).toEqual([1, expect.stringContaining('REPOSITORY_TOO_NEW')]);
    }
    expect(readdirSync(repository, { recursive: true }).map(String).toSorted()).toEqual(before);
    expect(await runSql(target, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual([['0']]);
  });
});

describe('a disk is full', () => {
  it('that of the repository: what is listed stays whole, and the backup goes on when there is room', { timeout: 90_000 }, async ({ skip }) => {
    const reason = noSmallDisk();
    skip(reason !== undefined, reason);
    const disk = mountSmallDisk('16m');
    try {
      repository = join(disk.path, 'repository');
      const { bavail, bsize } = statfsSync(disk.path);
      for (const room of [0, 60, 300, 1200]) {
        rmSync(repository, { recursive: true, force: true });
        const ballast = join(disk.path, 'ballast');
        writeFileSync(ballast, Buffer.alloc(bavail * bsize - room * 1024));
        const failure = inspectFailure(await bench.sluice(['backup', withoutPassword(shop), '--to', repository, '--json'], { env: PASSWORD }));
        expect([room, failure.error.code]).toEqual([room, 'DISK_FULL']);
        if (existsSync(join(repository, MARKER))) expect((await bench.sluice(['verify', repository])).code).toBe(0);
        rmSync(ballast);
        if (failure.receipt.resume === undefined) await backUp();
        else expect(await asTold(failure, 'to go on')).toMatchObject({ status: 'done' });
        expect((await bench.sluice(['verify', repository])).code).toBe(0);
      }
    } finally {
      disk.remove();
    }
  });

  it('that of the server: the restore goes on when there is room, or is given up without a trace', { timeout: 120_000 }, async ({ skip }) => {
    const reason = noSmallDisk();
    skip(reason !== undefined, reason);
    await backUp();
    const disk = mountSmallDisk('64m');
    try {
      mkdirSync(join(disk.path, 'space'));
      await give(disk.path, await serverAccount());
      await runSql(server.url, `CREATE TABLESPACE small LOCATION '${disk.path}/space'`);
      for (const word of ['to go on', 'to give it up'] as const) {
        await runSql(server.url, 'CREATE DATABASE small TABLESPACE small');
        const target = Object.assign(new URL(server.url), { pathname: '/small' }).href;
        const before = await runSql(target, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`);
        const { bavail, bsize } = statfsSync(disk.path), ballast = join(disk.path, 'ballast');
        writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4 * 1024 * 1024));
        const failure = inspectFailure(await bench.sluice(['restore', repository, '--to', withoutPassword(target), '--json'], { env: PASSWORD }));
        expect(failure.error.code).toBe('SERVER_DISK_FULL');
        rmSync(ballast);
        // Whoever says the same again is told that it has begun.
        await bench.fails(['restore', repository, '--to', target], { code: 'RESTORE_UNFINISHED' });
        await asTold(failure, word);
        if (word === 'to go on') expect(await runSql(target, COUNTS)).toEqual(await runSql(shop, COUNTS));
        else expect(await runSql(target, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual(before);
        await runSql(server.url, 'DROP DATABASE small WITH (FORCE)');
      }
      await runSql(server.url, 'DROP TABLESPACE small');
    } finally {
      disk.remove();
    }
  });
});
