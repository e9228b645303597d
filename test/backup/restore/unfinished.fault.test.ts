// Restores that end before their end: stopped, killed, damaged, refused; and how they go on, or are given up.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf, type Receipt } from '../../../src/jobs/receipt.ts';
import type { RestoreRequest } from '../../../src/jobs/restore-request.ts';
import { discardLoad, resumeLoad, startBackup, startRestore } from '../../../src/jobs/start-transfer.ts';
import { chunkObject } from '../../../src/backup/repository/object-names.ts';
import { partEntrySchema, readList, tableEntrySchema } from '../../../src/backup/repository/entry-list.ts';
import { runCli, type CliResult } from '../../cli/run-cli.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { flipBit, openOrCreate } from '../support.ts';
import { ask } from '../../helpers/ask.ts';
import { backUp, COUNTS, described, refused, restore, SHOP } from './support.ts';

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
