import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf, type Receipt } from '../../../src/jobs/receipt.ts';
import type { RestoreRequest } from '../../../src/jobs/restore-request.ts';
import { discardLoad, resumeLoad, startBackup, startRestore } from '../../../src/jobs/start-transfer.ts';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { chunkObject } from '../../../src/backup/repository/object-names.ts';
import { partEntrySchema, readList, tableEntrySchema } from '../../../src/backup/repository/entry-list.ts';
import { runCli, type CliResult } from '../../cli/run-cli.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { flipBit, openOrCreate } from '../support.ts';
import { ask } from '../../helpers/ask.ts';
import { backUp, described, dump, restore } from './support.ts';

const SHOP = `
  CREATE ROLE shop_owner; CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'ok', loud text GENERATED ALWAYS AS (upper(name)) STORED);
  CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES customers, total numeric(10,2), at timestamptz(0) DEFAULT now());
  CREATE INDEX customers_shout ON customers (shout(name));
  CREATE TABLE notes (body text);
  ALTER TABLE orders OWNER TO shop_owner; GRANT SELECT ON customers TO shop_owner;
  INSERT INTO customers (name, mood) SELECT 'name ' || i, (ARRAY['sad', 'ok']::mood[])[1 + i % 2] FROM generate_series(1, 3000) AS i;
  INSERT INTO orders (customer, total) SELECT 1 + i % 3000, i * 1.25 FROM generate_series(1, 60000) AS i;
  CREATE VIEW recent AS SELECT * FROM orders WHERE id > 59990;
  COMMENT ON TABLE customers IS 'who buys';`;

const COUNTS = 'SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT sum(total) FROM orders)';

let server: PostgresServer, shop: string, folder: string, backup: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  shop = await server.createDatabase('shop');
  await ask(shop, SHOP);
});
afterAll(() => server.stop());

async function prepared(): Promise<void> {
  folder = await temporaryFolder();
  backup = await backUp(shop, folder);
}

async function refused(work: Promise<unknown>): Promise<SluiceError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

describe('what is restored', () => {
  it('default privileges that hold for what is made are named', async () => {
    await prepared();
    const target = await server.createDatabase();
    await ask(target, 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC');
    const { warnings } = await restore(backup, target, folder);
    expect(warnings).toEqual([expect.stringContaining('default privileges of "postgres" were here before')]);
  });

  it('rows alone are without large objects, which is said, and without tables that have no columns, which are refused while they have rows', async () => {
    folder = await temporaryFolder();
    const odd = await server.createDatabase(), target = await server.createDatabase();
    await ask(odd, `CREATE TABLE kept (a int); INSERT INTO kept VALUES (1), (2); CREATE TABLE bare (); CREATE TABLE empty (); INSERT INTO bare SELECT FROM generate_series(1, 3); SELECT lo_from_bytea(4713, 'x')`);
    backup = await backUp(odd, folder);
    await ask(target, 'CREATE TABLE kept (a int); CREATE TABLE bare (); CREATE TABLE empty ()');
    expect(await refused(restore(backup, target, folder, { dataOnly: true }))).toMatchObject({ code: 'OPTION_UNSUPPORTED', at: { table: 'public.bare' } });
    const { warnings, tables } = await restore(backup, target, folder, { dataOnly: true, exclude: ['bare'] });
    expect([warnings, tables.map(({ name, written }) => [name, written])]).toEqual([['Large objects of the backup are left out: --data-only restores rows of tables'], [['kept', 2]]]);
  });

  it('a database that has something of it is refused, and left as it is', async () => {
    await prepared();
    const target = await server.createDatabase();
    await ask(target, 'CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)');
    const before = await described(target);
    expect(await refused(restore(backup, target, folder))).toMatchObject({ code: 'RESTORE_TARGET_IN_USE', facts: { objects: 'public.orders' } });
    expect(await described(target)).toBe(before);
  });

  it('a table comes with what is made of it and what it needs', async () => {
    await prepared();
    const target = await server.createDatabase();
    const receipt = await restore(backup, target, folder, { tables: ['customers'] });
    expect(receipt.tables.map(({ name, written }) => [name, written])).toEqual([['public.customers', 3000]]);
    expect(await ask(target, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")).toEqual([['customers_pkey'], ['customers_shout']]);
    expect(await ask(target, "INSERT INTO customers (name) VALUES ('new') RETURNING id, mood, loud")).toEqual([['3001', 'ok', 'NEW']]);
    // And a second one beside it: what it needs is there, and so is the other end of its key.
    expect((await restore(backup, target, folder, { tables: ['public.ord*'] })).warnings).toBeUndefined();
    expect(await ask(target, "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f'")).toEqual([['orders_customer_fkey', 't']]);
    expect(await refused(restore(backup, target, folder, { tables: ['nothing'] }))).toMatchObject({ code: 'BACKUP_EMPTY' });
  });

  it('owners, privileges and comments stay away when asked to, and roles that are missing are said', async () => {
    await prepared();
    const plain = await server.createDatabase();
    await restore(backup, plain, folder, { noOwner: true, noPrivileges: true, noComments: true });
    expect(await ask(plain, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")).toEqual([['postgres']]);
    expect(await ask(plain, "SELECT relacl, obj_description(oid) FROM pg_class WHERE relname = 'customers'")).toEqual([[null, null]]);
    const other = await startPostgres({ version: 'debian' });
    try {
      const target = await other.createDatabase();
      const { warnings } = await restore(backup, target, folder);
      expect(warnings).toEqual([
        'the role "shop_owner" does not exist here: 2 objects stay with the user who restores',
        expect.stringContaining('privileges were not granted: ACL public.TABLE customers: role "shop_owner" does not exist'),
      ]);
      expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    } finally {
      await other.stop();
    }
  });

  it('a schema alone, and then its rows', async () => {
    await prepared();
    const target = await server.createDatabase();
    expect((await restore(backup, target, folder, { schemaOnly: true })).tables).toEqual([]);
    expect(await ask(target, COUNTS)).toEqual([['0', '0', null]]);
    const receipt = await restore(backup, target, folder, { dataOnly: true });
    expect(receipt.totals).toMatchObject({ read: 63_000, written: 63_000 });
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    // Into tables with the same rows: the keys refuse, and nothing changes.
    expect(await refused(restore(backup, target, folder, { dataOnly: true }))).toMatchObject({ code: 'UNIQUE_VIOLATED' });
    await ask(target, 'DELETE FROM orders WHERE id < 100; UPDATE orders SET total = NULL WHERE id > 59000');
    await restore(backup, target, folder, { dataOnly: true, mode: 'replace', tables: ['orders'] });
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
  }, 60_000);

  it('the rows of an archive, too', async () => {
    await prepared();
    const target = await server.createDatabase();
    const archive = await dump(shop, join(folder, 'shop.dump'), '-Fc');
    await restore(archive, target, folder, { schemaOnly: true });
    await restore(archive, target, folder, { dataOnly: true });
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
  });

  it('rows that meet a condition come back into a table that is in use', async () => {
    await prepared();
    const target = await server.createDatabase();
    await restore(backup, target, folder);
    await ask(target, 'DELETE FROM orders WHERE id BETWEEN 1000 AND 1999');
    const receipt = await restore(backup, target, folder, { dataOnly: true, tables: ['orders'], where: 'id BETWEEN 1000 AND 1999' });
    expect(receipt.totals).toMatchObject({ read: 60_000, written: 1000, skipped: 59_000 });
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    expect(await refused(restore(backup, target, folder, { dataOnly: true, tables: ['orders'], where: 'id > 59000' }))).toMatchObject({ code: 'UNIQUE_VIOLATED' });
    expect(await refused(restore(backup, target, folder, { dataOnly: true, tables: ['orders'], where: 'no such thing' }))).toMatchObject({ code: 'QUERY_INVALID' });
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    const some = await server.createDatabase();
    await restore(backup, some, folder, { tables: ['customers'], where: "mood = 'sad'" });
    expect(await ask(some, 'SELECT count(*) FROM customers')).toEqual([['1500']]);
  });

  it('rows of one schema go into another', async () => {
    await prepared();
    const target = await server.createDatabase();
    await ask(target, 'CREATE SCHEMA archive; CREATE TABLE archive.notes (body text); CREATE TABLE archive.orders (id int, customer int, total numeric, at timestamptz)');
    await restore(backup, target, folder, { dataOnly: true, tables: ['orders', 'notes'], mapSchemas: { public: 'archive' } });
    expect(await ask(target, 'SELECT count(*), sum(total) FROM archive.orders')).toEqual(await ask(shop, 'SELECT count(*), sum(total) FROM orders'));
    expect(await refused(restore(backup, target, folder, { mapSchemas: { public: 'archive' } }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });
});

describe('what is there already', () => {
  const CHANGED = `DELETE FROM orders WHERE id % 2 = 0; UPDATE customers SET name = 'changed'; CREATE TABLE mine (id int); INSERT INTO mine VALUES (1); CREATE PUBLICATION mine_too FOR TABLE mine`;

  it('is replaced when all is complete, and what is not in the backup stays', async () => {
    await prepared();
    const target = await server.createDatabase();
    await restore(backup, target, folder);
    await ask(target, CHANGED);
    const receipt = await restore(backup, target, folder, { mode: 'replace' });
    expect(receipt.warnings).toBeUndefined();
    expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    expect(await ask(target, 'SELECT count(*) FROM mine')).toEqual([['1']]);
    await ask(target, 'DROP PUBLICATION mine_too; DROP TABLE mine');
    expect(await described(target)).toBe(await described(shop));
    expect(await ask(target, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'")).toEqual([]);
  });

  it('stays as it was when the restore is given up', async () => {
    await prepared();
    const target = await server.createDatabase();
    await restore(backup, target, folder);
    await ask(target, CHANGED);
    const before = await described(target), stop = new AbortController();
    const handle = startRestore({ source: backup, to: target, mode: 'replace', read: {} }, { workspace: join(folder, 'workspace'), jobs: 2, signal: stop.signal, onProgress: (event) => {
      if (event.type === 'phase' && event.detail === 'indexes and constraints') stop.abort();
    } });
    await handle.outcome;
    expect(await ask(target, 'SELECT count(*) FROM orders')).toEqual([['60000']]);
    // It ends as cancelled: that is what was wanted.
    expect((await discardLoad(handle.id, 'restore', target, { workspace: join(folder, 'workspace') }).outcome).error?.code).toBe('CANCELLED');
    expect(await described(target)).toBe(before);
  });

  it('is not touched where something that stays depends on it', async () => {
    await prepared();
    const target = await server.createDatabase();
    await restore(backup, target, folder);
    await ask(target, 'CREATE VIEW mine AS SELECT id FROM orders; CREATE TABLE also_mine (customer int REFERENCES customers, m mood)');
    const before = await described(target);
    expect(await refused(restore(backup, target, folder, { mode: 'replace' }))).toMatchObject({
      code: 'RESTORE_CLEAN_BLOCKED', facts: { objects: 'column m of table public.also_mine, constraint also_mine_customer_fkey on table public.also_mine, view public.mine' },
    });
    expect(await described(target)).toBe(before);
  });
});

describe('what hangs on something outside of schemas', () => {
  const FAR = `CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far; CREATE USER MAPPING FOR PUBLIC SERVER away; CREATE FUNCTION our_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'; CREATE LANGUAGE ours HANDLER our_handler;
    CREATE FUNCTION in_ours() RETURNS int LANGUAGE ours AS 'BEGIN RETURN 1; END'; CREATE FOREIGN TABLE there (a int) SERVER away`;

  it.each([
    ['a foreign table', 'CREATE FOREIGN TABLE mine (a int) SERVER away', 'foreign table public.mine'],
    ['a server', 'CREATE SERVER mine FOREIGN DATA WRAPPER far', 'server mine'],
    ['a function', `CREATE FUNCTION mine() RETURNS int LANGUAGE ours AS 'BEGIN RETURN 2; END'`, 'function public.mine()'],
  ])('is not dropped along with it: %s', async (_, sql, named) => {
    folder = await temporaryFolder();
    const far = await server.createDatabase();
    await ask(far, FAR);
    backup = await backUp(far, folder);
    await restore(backup, far, folder, { mode: 'replace' });
    expect(await ask(far, 'SELECT count(*)::text FROM pg_foreign_server')).toEqual([['1']]);
    await ask(far, sql);
    const before = await described(far);
    expect(await refused(restore(backup, far, folder, { mode: 'replace' }))).toMatchObject({ code: 'RESTORE_CLEAN_BLOCKED', facts: { objects: named } });
    expect(await described(far)).toBe(before);
  });
});

describe('an unfinished restore', () => {
  const STOPPED_AT = 'indexes and constraints';

  async function stopped(target: string, options: Partial<RestoreRequest> = {}): Promise<{ run: string; receipt: Receipt }> {
    const stop = new AbortController();
    const handle = startRestore({ source: backup, to: target, mode: 'append', read: {}, ...options }, { workspace: join(folder, 'workspace'), jobs: 2, signal: stop.signal, onProgress: (event) => {
      if (event.type === 'phase' && event.detail === STOPPED_AT) stop.abort();
    } });
    return { run: handle.id, receipt: (await handle.outcome).receipt };
  }

  const discard = async (run: string, target: string): Promise<unknown> => (await discardLoad(run, 'restore', target, { workspace: join(folder, 'workspace') }).outcome).error?.code;

  it('says how it goes on, is named by the next one, and cannot be mistaken for one of another database', async () => {
    await prepared();
    const target = await server.createDatabase(), other = await server.createDatabase();
    const { run, receipt } = await stopped(target);
    expect(receipt.resume).toBe(`sluice runs resume ${run}`);
    for (const mode of ['append', 'replace'] as const) expect(await refused(restore(backup, target, folder, { mode }))).toMatchObject({ code: 'RESTORE_UNFINISHED', facts: { run } });
    expect(await refused(resumeLoad(run, 'restore', other, { workspace: join(folder, 'workspace') }).receipt)).toMatchObject({ code: 'RESUME_REFUSED' });
    expect(await discard(run, other)).toBe('RESUME_REFUSED');
    expect((await resumeLoad(run, 'restore', target, { workspace: join(folder, 'workspace') }).receipt).resume).toBeUndefined();
    // It is done, and nothing of it can be undone any more.
    expect(await discard(run, target)).toBe('RESUME_REFUSED');
    expect(await described(target)).toBe(await described(shop));
  });

  it('is no part of a backup', async () => {
    await prepared();
    const target = await server.createDatabase(), copy = await server.createDatabase();
    const { run } = await stopped(target);
    const { backup: made, tables } = await startBackup({ from: target, to: join(folder, 'other'), tables: [], exclude: [], schema: true, data: true }, { workspace: join(folder, 'workspace') }).receipt;
    expect(tables.map(({ name }) => name)).toEqual(['public.customers', 'public.notes', 'public.orders']);
    expect(made!.notes.join()).toContain(run);
    await restore(join(folder, 'other'), copy, folder);
    expect(await ask(copy, `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'`)).toEqual([]);
  });

  it('given up, leaves what was there before: schemas, extensions, large objects; and nothing else', async () => {
    const rich = await server.createDatabase(), target = await server.createDatabase();
    await ask(rich, `CREATE SCHEMA made; CREATE EXTENSION hstore; CREATE TYPE made.kind AS RANGE (subtype = numeric); CREATE FUNCTION made.named(a made.kind, b int DEFAULT 1, OUT c int) LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE made.a (id int PRIMARY KEY, b int); CREATE TABLE made.b (id int PRIMARY KEY, a int REFERENCES made.a); ALTER TABLE made.a ADD FOREIGN KEY (b) REFERENCES made.b;
      CREATE TEXT SEARCH CONFIGURATION made.words (COPY = english); CREATE CAST (made.kind AS text) WITH INOUT; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
      SELECT lo_from_bytea(4711, 'new'); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC; SELECT lo_from_bytea(4712, 'only here')`);
    folder = await temporaryFolder();
    backup = await backUp(rich, folder);
    await ask(target, `CREATE EXTENSION hstore; CREATE SCHEMA made; CREATE TABLE made.mine (a int); SELECT lo_from_bytea(4711, 'old'); COMMENT ON LARGE OBJECT 4711 IS 'mine'`);
    const before = await described(target);
    const { run } = await stopped(target, { mode: 'replace' });
    expect(await ask(target, 'SELECT lo_get(4711)::text')).toEqual([['\\x6e6577']]);
    expect(await discard(run, target)).toBe('CANCELLED');
    expect(await described(target)).toBe(before);
    // With all of it there, all of it is replaced.
    await ask(target, 'DROP TABLE made.mine');
    await restore(backup, target, folder, { mode: 'replace' });
    // What the target gives by default is given to what is made in it, as by pg_restore.
    await ask(target, `UPDATE made.a SET b = 1; SELECT lo_put(4711, 0, 'changed'); ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC`);
    await restore(backup, target, folder, { mode: 'replace' });
    expect(await described(target)).toBe(await described(rich));
    expect(await ask(target, 'SELECT count(*) FROM pg_largeobject_metadata')).toEqual([['2']]);
  });
});

describe('what goes wrong', () => {
  it('a damaged chunk ends the restore at its place, or costs one part', async () => {
    await prepared();
    const root = join(folder, 'repository');
    const { chunks, manifest } = await openOrCreate(root).then(async (repository) => ({ chunks: repository.chunks, manifest: await repository.manifest(await repository.find(undefined)) }));
    for await (const table of readList(chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup })) {
      if (table.name !== 'orders') continue;
      for await (const part of readList(chunks, table.parts, partEntrySchema, { backup: manifest.backup })) {
        if (part.pages![0] === 0) flipBit(root, chunkObject(part.chunks[0]), 60);
      }
    }
    const target = await server.createDatabase();
    expect(await refused(restore(backup, target, folder))).toMatchObject({ code: 'CHUNK_DAMAGED', exitCode: 4, at: { table: 'public.orders', part: 0 } });
    const rest = await server.createDatabase();
    const receipt = await restore(backup, rest, folder, { skipDamaged: true });
    expect(receipt.missing).toMatchObject([{ table: 'public.orders', place: expect.stringMatching(/^pages 0 to \d+$/) }]);
    expect(exitCodeOf(receipt)).toBe(4);
    const orders = receipt.tables.find(({ name }) => name === 'public.orders')!;
    expect(await ask(rest, 'SELECT count(*) FROM orders')).toEqual([[String(orders.written)]]);
    expect(orders.written).toBeGreaterThan(0);
  });

  it('a restore that was stopped goes on where it was, or is given up without a trace', async () => {
    await prepared();
    const workspace = join(folder, 'workspace');
    const stopped = async (target: string, at: string): Promise<string> => {
      const stop = new AbortController();
      const handle = startRestore({ source: backup, to: target, mode: 'append', read: {} }, { workspace, jobs: 1, signal: stop.signal, onProgress: (event) => {
        if (event.type === 'phase' && event.detail === at) stop.abort();
      } });
      expect((await handle.outcome).receipt.status).toBe('cancelled');
      return handle.id;
    };
    for (const at of ['definitions', 'rows', 'indexes and constraints']) {
      const target = await server.createDatabase();
      const run = await stopped(target, at);
      expect(await ask(target, `SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice_${run}'`)).toEqual([['1']]);
      const receipt = await resumeLoad(run, 'restore', target, { workspace, jobs: 2 }).receipt;
      expect(receipt.totals).toMatchObject({ read: 63_000, written: 63_000 });
      expect(await described(target)).toBe(await described(shop));
      const other = await server.createDatabase();
      const given = await stopped(other, at);
      await discardLoad(given, 'restore', other, { workspace }).outcome;
      expect(await ask(other, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'")).toEqual([]);
    }
  }, 120_000);

  it('killed again and again, it is complete in the end, every row once', async () => {
    await prepared();
    const target = await server.createDatabase();
    const ledger = async (): Promise<number> => {
      const [[name]] = await ask(target, "SELECT max(nspname) FROM pg_namespace WHERE nspname LIKE 'sluice%'");
      return name === null ? 0 : ask(target, `SELECT count(*) FROM ${name}.done`).then(([[count]]) => Number(count), () => 0);
    };
    /** Killed as soon as so much is done. */
    const cli = async (args: readonly string[], entries: number): Promise<CliResult> => {
      let hasEnded = false;
      const ended = runCli(args, { cwd: folder, env: { SLUICE_HOME: join(folder, 'workspace') }, during: (child) => {
        void (async () => {
          while (!hasEnded && await ledger() < entries) await sleep(5);
          child.kill('SIGKILL');
        })();
      } });
      return ended.finally(() => (hasEnded = true));
    };
    let result = await cli(['restore', backup, '--to', target, '--jobs', '2'], 1), kills = 0;
    for (let entries = 6; result.signal === 'SIGKILL'; entries += 6) {
      kills++;
      expect(await ledger()).toBeGreaterThan(0);
      result = await cli(['runs', 'resume', '--to', target], entries);
    }
    expect(result.code, result.stderr).toBe(0);
    expect(kills).toBeGreaterThan(1);
    expect(await described(target)).toBe(await described(shop));
  }, 120_000);

  it.each([14, 18] as const)('servers of version %i take it, too', async (version) => {
    await prepared();
    const other = await startPostgres({ version });
    try {
      const target = await other.createDatabase();
      await ask(target, 'CREATE ROLE shop_owner');
      const receipt = await restore(backup, target, folder);
      expect([receipt.warnings, receipt.totals.written]).toEqual([undefined, 63_000]);
      expect(await ask(target, COUNTS)).toEqual(await ask(shop, COUNTS));
    } finally {
      await other.stop();
    }
  }, 60_000);

  it('a definition that the server refuses is named with the line of its text', async () => {
    await prepared();
    const target = await server.createDatabase();
    await ask(target, 'CREATE TYPE mood AS ENUM ()');
    expect(await refused(restore(backup, target, folder))).toMatchObject({ code: 'RESTORE_ENTRY_FAILED', facts: { entry: 'TYPE public.mood', reason: 'type "mood" already exists' } });
  });

  it('options that a backup or a folder of files does not know are refused', async () => {
    await prepared();
    const target = await server.createDatabase();
    expect(await refused(restore(backup, target, folder, { pick: 'x' }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
    expect(await refused(restore(folder, target, folder, { dataOnly: true }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
    expect(await refused(restore(backup, target, folder, { dataOnly: true, schemaOnly: true }))).toMatchObject({ code: 'USAGE' });
  });
});
