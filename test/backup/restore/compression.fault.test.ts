// Columns in which the source could compress nothing: the target does not try while their rows come, and has the storage of the source in the end, whatever happens between.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { partEntrySchema, readList, tableEntrySchema } from '../../../src/backup/repository/entry-list.ts';
import { chunkObject } from '../../../src/backup/repository/object-names.ts';
import { exitCodeOf } from '../../../src/jobs/receipt.ts';
import { discardLoad, resumeLoad, startRestore } from '../../../src/jobs/start-transfer.ts';
import { ask } from '../../helpers/ask.ts';
import { collect } from '../../helpers/collect.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { openOrCreate } from '../support.ts';
import { backUp, restore } from './support.ts';

/** Numbers that do not compress; text that does, in one table for all rows and in another for one. */
const MODELS = `
  CREATE FUNCTION numbers(n int) RETURNS real[] LANGUAGE sql AS $$ SELECT array_agg((hashint8(n * 768 + k)::float8 / 2147483648)::real ORDER BY k) FROM generate_series(1, 768) AS k $$;
  CREATE TABLE models (id int PRIMARY KEY, "the ""numbers""" real[] NOT NULL, title text, body text, plain bytea);
  ALTER TABLE models ALTER plain SET STORAGE EXTERNAL;
  CREATE TABLE small_parent (id int, v real[]);
  INSERT INTO models SELECT i, numbers(i), 'title ' || i, repeat('body ' || i, 500), decode(repeat('00', 3000), 'hex') FROM generate_series(1, 1500) AS i;
  CREATE TABLE mostly (id int PRIMARY KEY, a real[], b real[] NOT NULL); INSERT INTO mostly SELECT id, CASE WHEN id = 1400 THEN array_fill(0::real, '{3000}') ELSE "the ""numbers""" END, "the ""numbers""" FROM models WHERE id > 500;
  CREATE UNLOGGED TABLE scratch AS SELECT id, "the ""numbers""" AS a FROM models;
  CREATE TABLE parted (id int, v real[]) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parted DEFAULT; INSERT INTO parted SELECT id, b FROM mostly; INSERT INTO parted SELECT -id, b FROM mostly WHERE id < 1000;
  CREATE TABLE child (w int) INHERITS (small_parent); INSERT INTO child SELECT id, v, id FROM parted;
  CREATE TABLE small AS SELECT * FROM models WHERE id < 5`;

const STORAGE = `SELECT attrelid::regclass || '.' || attname || ' ' || attstorage::text FROM pg_attribute WHERE attrelid IN ('models'::regclass, 'mostly'::regclass, 'scratch'::regclass, 'parted'::regclass, 'part'::regclass, 'child'::regclass) AND attnum > 1 AND NOT attisdropped ORDER BY attrelid::regclass::text, attnum`;
const COMPRESSED = `SELECT count(pg_column_compression("the ""numbers""")), count(pg_column_compression(body)), (SELECT count(pg_column_compression(a)) FROM mostly) FROM models`;
const CONTENT = 'SELECT count(*), sum(hashtextextended(models::text, 0)) FROM models';
const LEDGERS = `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'`;

let server: PostgresServer, models: string, folder: string, backup: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  models = await server.createDatabase();
  await ask(models, MODELS);
  folder = await mkdtemp(join(tmpdir(), 'sluice-compression-'));
  backup = await backUp(models, folder);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function read() {
  const repository = await openOrCreate(join(folder, 'repository'));
  const manifest = await repository.manifest(await repository.find(undefined));
  return { repository, tables: await collect(readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup })) };
}

it('a backup says of which columns no value is compressed though it could be', async () => {
  const { tables } = await read();
  expect(Object.fromEntries(tables.map(({ name, uncompressed }) => [name, uncompressed]))).toEqual({ models: ['the "numbers"', 'title'], mostly: ['b'], scratch: ['a'], part: ['v'], child: ['v'], small: undefined, small_parent: undefined });
});

it('restored, everything is stored as it was', async () => {
  const copy = await server.createDatabase();
  await restore(backup, copy, folder);
  for (const question of [STORAGE, COMPRESSED, LEDGERS, CONTENT]) expect(await ask(copy, question)).toEqual(await ask(models, question));
});

/** Ends before the last part of `models`, for want of a chunk, which is there again afterwards. */
async function stopped(target: string): Promise<string> {
  const { repository, tables } = await read();
  const parts = await collect(readList(repository.chunks, tables.find(({ name }) => name === 'models')!.parts, partEntrySchema, { backup: '' }));
  const { storage } = repository, chunk = chunkObject(parts.at(-1)!.chunks[0]), bytes = (await storage.get(chunk))!;
  await storage.delete(chunk);
  const handle = startRestore({ source: backup, to: target, mode: 'append', read: {} }, { workspace: join(folder, 'workspace'), jobs: 2 });
  expect((await handle.outcome).error?.code).toBe('CHUNK_MISSING');
  await storage.putIfAbsent(chunk, [bytes]);
  return handle.id;
}

it('an unfinished restore takes it back when it goes on, and leaves nothing when it is given up', async () => {
  const target = await server.createDatabase(), workspace = join(folder, 'workspace');
  const run = await stopped(target);
  expect((await ask(target, STORAGE)).flat()).toContain('models.the "numbers" e');
  const { receipt } = await resumeLoad(run, 'restore', target, { workspace }).outcome;
  expect(exitCodeOf(receipt)).toBe(0);
  for (const question of [STORAGE, COMPRESSED, LEDGERS, CONTENT]) expect(await ask(target, question)).toEqual(await ask(models, question));
  const other = await server.createDatabase();
  await discardLoad(await stopped(other), 'restore', other, { workspace }).outcome;
  expect(await ask(other, `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL ${LEDGERS}`)).toEqual([]);
});
