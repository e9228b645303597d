import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discardLoad, startRestore } from '../../../src/jobs/start-transfer.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { ask } from '../../helpers/ask.ts';
import { backUp, COUNTS, described, dump, refused, restore, SHOP } from './support.ts';

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
