/** Archives of pg_dumps that are newer or older than the server's own. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { contentEntry, SMALL } from '../pg-dump/small-archive.ts';
import { contentOf, USUAL_FORM, writeCustom } from '../pg-dump/write-archive.ts';
import { sampleDatabase, type Dumps } from '../pg-dump/support.ts';
import { ask } from '../../helpers/ask.ts';
import { described, restore } from './support.ts';

const fixture = (name: string): string => join(import.meta.dirname, '../../fixtures/pg-dump', `${name}.dump`);
const OBJECTS = `SELECT m.oid, rolname, lomacl, encode(substr(lo_get(m.oid), 1, 6), 'hex'), obj_description(m.oid, 'pg_largeobject') FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = lomowner ORDER BY 1`;

let server: PostgresServer, dumps: Dumps;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  await ask(server.url, 'CREATE ROLE reader; CREATE ROLE "odd ""LARGE OBJECT 7; role"');
  dumps = await sampleDatabase(server);
});
afterAll(() => server.stop());

it.each(['18-gzip', '18-statistics'])('of pg_dump 18, with its groups of large objects: %s', async (name) => {
  const to = await server.createDatabase();
  const receipt = await restore(fixture(name), to, await temporaryFolder());
  expect(receipt.status).toBe('done');
  expect(await ask(to, 'SELECT (SELECT string_agg(name, \' \' ORDER BY id) FROM cities), (SELECT count(*) FROM events), (SELECT count(*) FROM names), (SELECT last_value FROM counter)')).toEqual([['Zürich Genève \\.', '200', '3', '7']]);
  const granted = '{postgres=rw/postgres,reader=r/postgres,"\\"odd \\"\\"LARGE OBJECT 7; role\\"=r*w*/postgres"}';
  const found = await ask(to, OBJECTS);
  expect(found.map(([oid, owner, , bytes, comment]) => [oid, owner, bytes, comment])).toEqual([['5001', 'postgres', '6f6e65', null], ['5002', 'postgres', '74776f', null], ['5003', 'postgres', '', 'alone'], ['5004', 'postgres', '00ff1000ff10', null]]);
  for (const [oid, , acl] of found) expect(acl?.replaceAll('\\', '').length ?? 0).toBe(Number(oid) < 5003 ? granted.replaceAll('\\', '').length : 0);
});

it.each([['-Fc', '--load-via-partition-root'], ['-Fd', '--quote-all-identifiers', '-Z0'], ['| -Fc'], ['-Fc', '--no-owner', '--no-comments']])('of pg_dump with %s', async (format, ...options) => {
  const folder = await temporaryFolder(), to = await server.createDatabase();
  const file = join(folder, 'sample');
  await dumps.dump(format.startsWith('| ') ? `| ${file}` : file, format.replace('| ', ''), ...options);
  expect((await restore(file, to, folder)).status).toBe('done');
  const without = (text: string): string => (options.includes('--no-comments') ? text.split('\n').filter((line) => !/^(--|COMMENT ON |$)/.test(line)).join('\n') : text);
  expect(without(await described(to))).toBe(without(await described(new URL('/sample', server.url).href)));
});

it('without rows they make no large objects', async () => {
  const to = await server.createDatabase();
  await restore(fixture('18-gzip'), to, await temporaryFolder(), { schemaOnly: true });
  expect(await ask(to, OBJECTS)).toEqual([]);
  expect(await ask(to, 'SELECT count(*) FROM cities')).toEqual([['0']]);
});

it('of a version in which nothing but their bytes told of large objects', async () => {
  const folder = await temporaryFolder(), file = join(folder, 'old.dump'), to = await server.createDatabase();
  await writeFile(file, writeCustom([SMALL[0], contentEntry(9, 'STDSTRINGS', 'STDSTRINGS', { sql: "SET standard_conforming_strings = 'on';\n" }), ...SMALL.slice(1).map((entry) => ({ ...entry, owner: '' }))], { ...USUAL_FORM, minor: 11 }));
  await restore(file, to, folder);
  expect(await ask(to, 'SELECT oid, encode(lo_get(oid), \'escape\') FROM pg_largeobject_metadata ORDER BY 1')).toEqual([['5', 'five'], ['4000000000', '']]);
  expect(await ask(to, 'SELECT count(*) FROM public.cities')).toEqual([['4']]);
});

it('with strings of the old kind they are refused', async () => {
  const folder = await temporaryFolder(), file = join(folder, 'strings.dump');
  const archive = await openDumpArchive(fixture('18-gzip'));
  const content = (await contentOf(archive)).map((entry) => (entry.description === 'STDSTRINGS' ? { ...entry, statements: { ...entry.statements, definition: "SET standard_conforming_strings = 'off';\n" } } : entry));
  await archive.close();
  await writeFile(file, writeCustom(content, { ...USUAL_FORM, minor: 16 }));
  await expect(restore(file, await server.createDatabase(), folder)).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
  expect(readFileSync(file).subarray(0, 5).toString()).toBe('PGDMP');
});
