import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableEntry } from '../../src/backup/repository/entry-list.ts';
import { partEntrySchema, readList, largeObjectEntrySchema, sequenceEntrySchema, tableEntrySchema } from '../../src/backup/repository/entry-list.ts';
import { readLocks } from '../../src/backup/repository/lock.ts';
import type { Manifest } from '../../src/backup/repository/manifest.ts';
import { readContent, type Content } from '../../src/backup/repository/content.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import { verifyRepository } from '../../src/backup/repository/verify.ts';
import { backUpDatabase, type BackUpOptions, type Receipt } from '../../src/index.ts';
import { displayName } from '../../src/rows/table-schema.ts';
import { runCli } from '../cli/run-cli.ts';
import { collect } from '../helpers/collect.ts';
import { findPostgres } from '../helpers/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';
import { openOrCreate } from './support.ts';
import { ask } from '../helpers/ask.ts';

let server: PostgresServer, shop: string;

beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  shop = await server.createDatabase();
  await ask(shop, `
    CREATE SCHEMA sales; CREATE SCHEMA "odd ""s.1";
    CREATE TABLE sales.orders (id serial PRIMARY KEY, placed timestamptz, amount numeric, note text);
    INSERT INTO sales.orders (placed, amount, note) SELECT '2024-01-01'::timestamptz + i * interval '1 minute', i / 7.0, repeat(md5(i::text), 4) FROM generate_series(1, 40000) AS i;
    CREATE TABLE sales.orders_log (at timestamptz, doubled int GENERATED ALWAYS AS (n * 2) STORED, n int);
    INSERT INTO sales.orders_log (at, n) VALUES ('infinity', 1), ('0044-03-15 12:00 BC', NULL), ('-infinity', 3);
    CREATE TABLE "odd ""s.1"."Tab.le
two" ("a ""b" double precision, bytes bytea, kind pg_catalog.regclass);
    INSERT INTO "odd ""s.1"."Tab.le
two" VALUES ('NaN', '\\x00ff0a5c', NULL), ('-Infinity', '', 'pg_class'), ('-0', NULL, NULL);
    CREATE TABLE toasted (id int PRIMARY KEY, big text); ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
    INSERT INTO toasted SELECT i, repeat(md5(i::text), 1024) FROM generate_series(1, 200) AS i;
    CREATE TABLE embeddings (id int, v real[]);
    INSERT INTO embeddings SELECT i, (SELECT array_agg(((i * k) % 1009 / 1009.0)::real) FROM generate_series(1, 256) AS k) FROM generate_series(1, 3000) AS i;
    CREATE TABLE measured (day date, value int) PARTITION BY RANGE (day);
    CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO measured SELECT '2024-12-20'::date + i, i FROM generate_series(1, 30) AS i;
    CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
    CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE empty (a int);
    CREATE UNLOGGED TABLE scratch (a int); INSERT INTO scratch VALUES (1);
    CREATE SEQUENCE numbers MINVALUE -5; SELECT setval('numbers', -3, false);
    SELECT lo_create(4711); SELECT lo_put(4711, 0, 'hello'), lo_put(4711, 3000000, '\\x01'); COMMENT ON LARGE OBJECT 4711 IS 'a hole';
    SELECT lo_create(4712);
    ANALYZE`);
});
afterAll(() => server.stop());

async function place(): Promise<{ to: string; workspace: string }> {
  const folder = await temporaryFolder();
  return { to: join(folder, 'repository'), workspace: join(folder, 'workspace') };
}

function backUp(where: { to: string; workspace: string }, options: Partial<BackUpOptions> = {}): Promise<Receipt> {
  return backUpDatabase({ from: shop, jobs: 2, ...where, ...options }).receipt;
}

async function read(to: string, { backup }: Receipt): Promise<{ repository: Repository; manifest: Manifest; tables: TableEntry[] }> {
  const repository = await openOrCreate(to);
  const manifest = await repository.manifest(backup!.backup);
  return { repository, manifest, tables: await collect(readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup })) };
}

async function textOf(repository: Repository, content: Content): Promise<string> {
  return Buffer.concat(await collect(readContent(repository.chunks, content))).toString();
}

const names = (tables: readonly { schema: string; name: string }[]): string[] => tables.map(({ schema, name }) => `${schema}.${name}`);

describe('a backup', () => {
  it('has every table once, with its rows, in order; and verifies', async () => {
    const where = await place();
    const receipt = await backUp(where);
    const { status, tables: receipts, totals, backup } = receipt;
    expect(status).toBe('done');
    expect(totals.read).toBe(totals.written);
    const { repository, manifest, tables } = await read(where.to, receipt);
    expect(backup).toMatchObject({ backup: manifest.backup, largeObjects: 2, sequences: 2 });
    const rows = Object.fromEntries(tables.map(({ schema, name, rows: count }) => [`${schema}.${name}`, count]));
    expect(rows).toEqual({
      'odd "s.1.Tab.le\ntwo': 3, 'public.child': 2, 'public.embeddings': 3000, 'public.empty': 0, 'public.measured_1': 11, 'public.measured_2': 19, 'public.nothing': 2, 'public.parent': 1,
      'public.scratch': 1, 'public.toasted': 200, 'sales.orders': 40_000, 'sales.orders_log': 3,
    });
    expect(names(tables)).toEqual(Object.keys(rows));
    expect(receipts.map(({ name, written }) => [name, written])).toEqual(tables.map((table) => [displayName(table), table.rows]));
    expect(receipts[0].name).toBe('"odd ""s.1"."Tab.le\ntwo"');
    const byName = new Map(tables.map((table) => [table.name, table]));
    expect(byName.get('orders_log')!.columns).toEqual([{ name: 'at', type: 'timestamp with time zone' }, { name: 'n', type: 'integer' }]);
    expect(byName.get('Tab.le\ntwo')).toMatchObject({ encoding: 'copy-text' });
    expect(byName.get('orders')).toMatchObject({ encoding: 'copy-binary' });
    expect(byName.get('toasted')!.partCount).toBeGreaterThan(1);
    expect(byName.get('orders')!.partCount).toBeGreaterThan(3);
    expect(await verifyRepository(repository)).toMatchObject({ backups: 1, problems: [] });
    expect(await readLocks(repository.storage)).toEqual([]);
  });

  it('has text with all its oddities, sequences, large objects and the schema', async () => {
    const where = await place();
    const { repository, manifest, tables } = await read(where.to, await backUp(where));
    const options = { backup: manifest.backup };
    const [part] = await collect(readList(repository.chunks, tables[0].parts, partEntrySchema, options));
    expect(await textOf(repository, part)).toBe('NaN\t\\\\x00ff0a5c\t\\N\n-Infinity\t\\\\x\tpg_class\n-0\t\\N\t\\N\n');
    expect(await collect(readList(repository.chunks, manifest.sequences, sequenceEntrySchema, options))).toEqual([
      { schema: 'public', name: 'numbers', lastValue: '-3', isCalled: false }, { schema: 'sales', name: 'orders_id_seq', lastValue: '40000', isCalled: true },
    ]);
    const objects = await collect(readList(repository.chunks, manifest.largeObjects, largeObjectEntrySchema, options));
    expect(objects).toMatchObject([{ oid: 4711, owner: 'postgres', acl: null, comment: 'a hole', content: { bytes: 3_000_001 } }, { oid: 4712, content: { bytes: 0 } }]);
    expect((await textOf(repository, objects[0].content)).replaceAll('\0', '')).toBe('hello\x01');
    const { archive, preData, postData, writer } = manifest.schema!;
    expect(writer).toMatch(/^pg_dump 15/);
    expect((await textOf(repository, archive!)).startsWith('PGDMP')).toBe(true);
    expect(await textOf(repository, preData)).toContain('CREATE TABLE sales.orders');
    expect(await textOf(repository, postData)).toContain('ADD CONSTRAINT orders_pkey');
  });

  it('of unchanged data is a manifest, and of a little more data a little more', async () => {
    const where = await place();
    const first = await backUp(where);
    const again = await backUp(where);
    expect(again.totals).toEqual(first.totals);
    expect(again.backup).toMatchObject({ newChunks: 0, newBytes: 0 });
    await ask(shop, 'VACUUM sales.orders');
    expect((await backUp(where)).backup).toMatchObject({ newChunks: 0 });
    await ask(shop, "INSERT INTO sales.orders (placed, amount, note) SELECT '2025-01-01', i, repeat(md5(i::text), 4) FROM generate_series(1, 400) AS i");
    const more = await backUp(where);
    expect(more.totals.read).toBe(first.totals.read + 400);
    // The last group, the table's list of parts, the list of tables, that of sequences.
    expect(more.backup!.newChunks).toBe(4);
    expect(await verifyRepository(await openOrCreate(where.to))).toMatchObject({ backups: 4, problems: [] });
  });

  it('takes the tables that names and globs mean', async () => {
    const where = await place();
    const chosen = async (options: Partial<BackUpOptions>): Promise<string[]> => {
      return names((await read(where.to, await backUp(where, { only: 'data', ...options }))).tables);
    };
    expect(await chosen({ tables: ['sales.*'], exclude: ['*_log'] })).toEqual(['sales.orders']);
    expect(await chosen({ tables: ['orders', 'measured'], exclude: ['measured_1'] })).toEqual(['public.measured_2', 'sales.orders']);
    expect(await chosen({ tables: ['measured_[1-9]', 'odd*.Tab.le?two'] })).toEqual(['odd "s.1.Tab.le\ntwo', 'public.measured_1', 'public.measured_2']);
    expect(await chosen({ exclude: ['public.*', 'odd*.*'] })).toEqual(['sales.orders', 'sales.orders_log']);
    await expect(backUp(where, { tables: ['orders', 'no_such_*'] })).rejects.toMatchObject({ code: 'TABLE_UNKNOWN', at: { table: 'no_such_*' } });
    expect((await read(where.to, await backUp(where, { only: 'schema' }))).manifest).toMatchObject({ scope: { schema: true, data: false }, totals: { tables: 0, rows: 0 } });
  });

  it('plans without making anything', async () => {
    const where = await place();
    const { status, plan } = await backUp(where, { dryRun: true });
    expect(status).toBe('planned');
    expect(plan!.tables).toHaveLength(12);
    expect(plan!.notes.join()).toContain('pg_dump 15');
    await expect(readFile(join(where.to, 'readme.txt'))).rejects.toThrow('ENOENT');
  });

  it('can be without compression, and finds the same content again with it', async () => {
    const where = await place();
    const raw = await backUp(where, { level: 0 });
    expect(raw.backup!.newBytes).toBeGreaterThan(raw.totals.bytes * 0.9);
    expect((await backUp(where, { level: 9 })).backup).toMatchObject({ newChunks: 0 });
    expect(await verifyRepository(await openOrCreate(where.to))).toMatchObject({ problems: [] });
  });

  it('of many small tables has them all', async () => {
    const many = await server.createDatabase();
    await ask(many, `DO $$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('CREATE TABLE t_%s AS SELECT n, md5(n::text) FROM generate_series(1, %s) AS n', i, i % 7); END LOOP; END $$`);
    const where = await place();
    const { totals, tables } = await backUp(where, { from: many, only: 'data' });
    expect(tables).toHaveLength(400);
    expect(totals.written).toBe(Array.from({ length: 400 }, (_, i) => (i + 1) % 7).reduce((sum, rows) => sum + rows, 0));
  });
});

describe('the schema', () => {
  it('needs a pg_dump that is there, new enough, and succeeds', async () => {
    const where = await place();
    const script = async (text: string): Promise<string> => {
      const path = join(await temporaryFolder(), 'pg_dump');
      await writeFile(path, `#!/bin/sh\n${text}\n`);
      await chmod(path, 0o755);
      return path;
    };
    await expect(backUp(where, { pgDump: '/nowhere/pg_dump' })).rejects.toMatchObject({ code: 'DUMP_PROGRAM_MISSING' });
    await expect(backUp(where, { env: { PATH: process.env.PATH, PG_DUMP: await script("echo 'pg_dump (PostgreSQL) 9.6.1'") } })).rejects.toMatchObject({ code: 'DUMP_PROGRAM_TOO_OLD', facts: { version: '9.6.1', server: 15 } });
    const failing = await script(`[ "$1" = --version ] && echo 'pg_dump (PostgreSQL) 18.1' && exit; echo "pg_dump: error: it $PGPASSWORD is $*" >&2; exit 1`);
    const failure = await backUp(where, { pgDump: failing }).then(() => undefined, (error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'SCHEMA_DUMP_FAILED', message: expect.stringContaining('could not write the schema: it ') as string });
    // By the environment, never in the command line.
    const [, inEnvironment, inArguments] = /it (.*?) is (.*)/.exec(failure!.message)!;
    expect(inEnvironment).toBe(server.password);
    expect(inArguments).not.toContain(server.password);
    const repository = await openOrCreate(where.to);
    expect(await repository.backupNames()).toEqual([]);
    expect(await readLocks(repository.storage)).toEqual([]);
    expect((await backUp(where, { pgDump: '/nowhere/pg_dump', only: 'data' })).status).toBe('done');
  });

  it("is not written by what Debian's script on PATH would choose, where there is a program besides", async () => {
    const where = await place(), first = await temporaryFolder();
    const wrapper = join(await temporaryFolder(), 'pg_wrapper');
    await writeFile(wrapper, `#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'; [ "$1" = --version ]\n`);
    await chmod(wrapper, 0o755);
    await symlink(wrapper, join(first, 'pg_dump'));
    const real = join(await findPostgres('debian'), 'bin');
    const { manifest } = await read(where.to, await backUp(where, { env: { PATH: `${first}:${real}:/usr/bin:/bin` } }));
    expect(manifest.schema!.writer).toMatch(/^pg_dump 15\./);
    await expect(backUp(await place(), { env: { PATH: `${first}:/bin` }, pgDump: join(first, 'pg_dump') })).rejects.toMatchObject({ code: 'SCHEMA_DUMP_FAILED' });
  });
});

describe('what cannot be backed up is refused before anything is written', () => {
  it('rows that a policy hides, tables that may not be read', async () => {
    const database = await server.createDatabase();
    await ask(database, `CREATE ROLE reader_${process.pid} LOGIN PASSWORD 'reader'; CREATE TABLE open (a int); GRANT SELECT ON open TO reader_${process.pid}; INSERT INTO open VALUES (1);
      CREATE TABLE hidden (a int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; GRANT SELECT ON hidden TO reader_${process.pid}; CREATE TABLE closed (a int); CREATE SEQUENCE kept`);
    const from = Object.assign(new URL(database), { username: `reader_${process.pid}`, password: 'reader' }).href;
    const where = await place();
    await expect(backUp(where, { from, only: 'data', exclude: ['closed'] })).rejects.toMatchObject({ code: 'ROW_SECURITY', at: { table: 'public.hidden' } });
    await expect(backUp(where, { from, only: 'data', exclude: ['hidden'] })).rejects.toMatchObject({ code: 'PERMISSION_DENIED', at: { table: 'public.closed' } });
    await ask(database, 'SELECT lo_create(4711); DROP SEQUENCE kept');
    await expect(backUp(where, { from, only: 'data', exclude: ['hidden', 'closed'] })).rejects.toMatchObject({ code: 'PERMISSION_DENIED', message: expect.stringContaining('large object 4711') as string });
    await ask(database, 'SELECT lo_unlink(4711); CREATE SEQUENCE kept');
    await ask(database, 'DROP TABLE hidden, closed');
    await expect(backUp(where, { from, only: 'data' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED', message: expect.stringContaining('public.kept') as string });
    await expect(readFile(join(where.to, 'readme.txt'))).rejects.toThrow('ENOENT');
    expect((await backUp(where, { from, only: 'data', tables: ['open'] })).totals.read).toBe(1);
  });

  it('a folder with other things in it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'photo.jpg'), '');
    await expect(backUp({ to: folder, workspace: join(folder, 'w') })).rejects.toMatchObject({ code: 'REPOSITORY_FOREIGN' });
  });
});

describe('an interrupted backup', () => {
  it('is not listed, and the next one uses what it has stored', async () => {
    const where = await place();
    const cancel = new AbortController();
    const cancelled = backUpDatabase({ from: shop, jobs: 2, ...where, only: 'data', signal: cancel.signal, onProgress: (event) => {
      if (event.type === 'table-started' && event.table === 'sales.orders') cancel.abort();
    } });
    expect(await cancelled.outcome).toMatchObject({ receipt: { status: 'cancelled' } });
    const repository = await openOrCreate(where.to);
    expect(await repository.backupNames()).toEqual([]);
    expect(await readLocks(repository.storage)).toEqual([]);
    const whole = await place();
    const [next, fresh] = [await backUp(where, { only: 'data' }), await backUp(whole, { only: 'data' })];
    expect(next.totals).toEqual(fresh.totals);
    expect(next.backup!.newBytes).toBeLessThan(fresh.backup!.newBytes * 0.9);
    expect(await verifyRepository(await openOrCreate(where.to))).toMatchObject({ backups: 1, problems: [] });
    expect(await ask(shop, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sluice%'")).toEqual([['0']]);
  });

  it('by SIGKILL leaves a valid repository and nothing that holds the next one up', async () => {
    const where = await place();
    const stored = async (): Promise<number> => readdir(join(where.to, 'chunks'), { recursive: true }).then((found) => found.length, () => 0);
    // Killed when so many chunks and folders of them are there.
    for (const chunks of [1, 8, 16]) {
      const killed = await runCli(['backup', shop, '--to', where.to, '--data-only'], { cwd: dirname(where.to), during: (child) => {
        const killWhenThere = async (): Promise<void> => {
          if (await stored() >= chunks) child.kill('SIGKILL');
        };
        const look = setInterval(() => void killWhenThere(), 5);
        child.once('exit', () => clearInterval(look));
      } });
      const repository = await openOrCreate(where.to);
      const listed = await repository.backupNames();
      expect(killed.signal).toBe('SIGKILL');
      expect(await verifyRepository(repository)).toMatchObject({ backups: listed.length, problems: [] });
    }
    const { stdout, code } = await runCli(['backup', shop, '--to', where.to, '--data-only', '--json'], { cwd: dirname(where.to) });
    expect([code, (JSON.parse(stdout) as Receipt).status]).toEqual([0, 'done']);
    expect(await verifyRepository(await openOrCreate(where.to))).toMatchObject({ problems: [] });
  });

  it('by the loss of a connection ends with a coded error', async () => {
    const where = await place();
    let ended: Promise<unknown> | undefined;
    const { receipt, error } = await backUpDatabase({ from: shop, jobs: 2, ...where, only: 'data', onProgress: (event) => {
      if (event.type === 'table-started' && event.table === 'public.toasted') ended ??= ask(server.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice backup%'");
    } }).outcome;
    await ended;
    expect([receipt.status, error?.code]).toEqual(['failed', 'CONNECTION_LOST']);
    expect(await (await openOrCreate(where.to)).backupNames()).toEqual([]);
  });
});
