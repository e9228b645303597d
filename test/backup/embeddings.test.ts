// Tables of pgvector's types. No package that tests may install has pgvector: an extension of its name makes types that send and take the same bytes (test/fixtures/pgvector-stand-in).
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ComparisonReport } from '../../src/backup/compare/comparison-report.ts';
import { partEntrySchema, readList, tableEntrySchema } from '../../src/backup/repository/entry-list.ts';
import { chunkObject } from '../../src/backup/repository/object-names.ts';
import { runCli } from '../cli/run-cli.ts';
import { ask } from '../helpers/ask.ts';
import { collect } from '../helpers/collect.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';
import { openOrCreate } from './support.ts';

const ROWS = 800;
const WIDTH = 768;

let server: PostgresServer, documents: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian', extension: join(import.meta.dirname, '../fixtures/pgvector-stand-in') });
  documents = await server.createDatabase();
  await ask(documents, `
    CREATE SCHEMA ext; CREATE EXTENSION vector SCHEMA ext; SET search_path = public, ext;
    CREATE DOMAIN embedding AS vector(${WIDTH}) CHECK (octet_length(value::bytea) = ${4 + 4 * WIDTH});
    CREATE FUNCTION numbers(n int) RETURNS real[] LANGUAGE sql AS
      $$ SELECT array_agg(((hashint8(n * ${WIDTH} + k)::float8 / 2147483648 + hashint8(n * ${WIDTH} + k + 7)::float8 / 2147483648) / 20)::real ORDER BY k) FROM generate_series(1, ${WIDTH}) AS k $$;
    CREATE TABLE documents (id int PRIMARY KEY, body text, embedding embedding);
    INSERT INTO documents SELECT i, 'document ' || i, numbers(i)::vector FROM generate_series(1, ${ROWS}) AS i;
    CREATE TABLE halves (id int, embedding halfvec(${WIDTH})); INSERT INTO halves SELECT id, numbers(id)::halfvec FROM documents WHERE id <= 400;
    CREATE TABLE notes (id int PRIMARY KEY, embedding vector); INSERT INTO notes SELECT id, embedding FROM documents;
    CREATE TABLE sparse (id int, embedding sparsevec(1000)); INSERT INTO sparse VALUES (1, (int4send(1000) || int4send(1) || int4send(0) || int4send(7) || float4send(0.5))::sparsevec), (2, NULL);
    CREATE TABLE lists (id int, several vector[]); INSERT INTO lists SELECT 1, array_agg(embedding::vector) FROM documents WHERE id < 4;
    ANALYZE`);
});
afterAll(() => server.stop());

const CONTENT = `SELECT (SELECT md5(string_agg(id || body || embedding::text, ',' ORDER BY id)) FROM documents), (SELECT md5(string_agg(id || embedding::text, ',' ORDER BY id)) FROM halves),
  (SELECT string_agg(id || coalesce(embedding::text, '-'), ',' ORDER BY id) FROM sparse), (SELECT md5(several::text) FROM lists)`;

it('embeddings are backed up in binary form with their bytes in planes, restored, and proved', async () => {
  const cwd = await temporaryFolder(), repository = join(cwd, 'repository');
  expect(await runCli(['backup', documents, '--to', repository, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  const { chunks, storage, ...opened } = await openRepository(repository);
  const tables = await collect(readList(chunks, opened.manifest.tables, tableEntrySchema, { backup: opened.manifest.backup }));
  // The array of an extension's type has the number of that type in this database in it.
  expect(Object.fromEntries(tables.map(({ name, encoding }) => [name, encoding]))).toEqual({ documents: 'copy-binary', halves: 'copy-binary', sparse: 'copy-binary', lists: 'copy-text', notes: 'copy-binary' });
  for (const [name, most] of [['documents', 0.89], ['halves', 0.93]] as const) {
    const table = tables.find((entry) => entry.name === name)!;
    const parts = await collect(readList(chunks, table.parts, partEntrySchema, { backup: opened.manifest.backup }));
    const files = await Promise.all(parts.flatMap((part) => part.chunks).map(async (id) => (await storage.get(chunkObject(id)))!));
    expect(files.every((file) => file[13] === 1), `${name}: every chunk has the filter`).toBe(true);
    expect(files.reduce((sum, file) => sum + file.length, 0) / table.bytes).toBeLessThan(most);
  }
  const copy = await server.createDatabase();
  expect(await runCli(['restore', repository, '--to', copy, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(await ask(`${copy}?options=-csearch_path%3Dpublic,ext`, CONTENT)).toEqual(await ask(`${documents}?options=-csearch_path%3Dpublic,ext`, CONTENT));
  expect(await runCli(['verify', repository, '--against', copy, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  await ask(copy, 'UPDATE documents SET embedding = (SELECT embedding FROM documents WHERE id = 5) WHERE id = 7');
  const differs = await runCli(['verify', repository, '--against', copy, '--quiet', '--json'], { cwd });
  expect(differs.code).toBe(4);
  expect(differs.stdout).toContain('"7"');
});

it('rows alone go into tables whose extension is in another schema', async () => {
  const cwd = await temporaryFolder(), repository = join(cwd, 'repository'), copy = await server.createDatabase();
  await runCli(['backup', documents, '--to', repository, '--table', 'notes', '--quiet'], { cwd });
  await ask(copy, `CREATE EXTENSION vector; CREATE TABLE notes (id int PRIMARY KEY, embedding vector(${WIDTH}))`);
  expect(await runCli(['restore', repository, '--data-only', '--to', copy, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(await ask(copy, 'SELECT count(*)::int FROM notes')).toEqual([[String(ROWS)]]);
  const verified = await runCli(['verify', repository, '--against', copy, '--quiet', '--json'], { cwd });
  const [notes] = (JSON.parse(verified.stdout) as ComparisonReport).tables;
  expect(notes.database).toEqual(notes.backup);
  expect(notes.differences).toEqual([`column embedding is public.vector(${WIDTH}), and ext.vector in the backup`]);
});

async function openRepository(path: string) {
  const repository = await openOrCreate(path);
  return { chunks: repository.chunks, storage: repository.chunks.storage, manifest: await repository.manifest(await repository.find(undefined)) };
}
