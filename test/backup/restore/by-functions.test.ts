// Databases whose functions name things without their schemas, and whose checks read other tables: pg_restore leaves seven errors behind with this one.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../helpers/ask.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { backUp, dump, restore } from './support.ts';

let server: PostgresServer, original: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  original = await server.createDatabase();
  await ask(original, `
    CREATE EXTENSION unaccent; CREATE SCHEMA app; CREATE ROLE without_rights; SET search_path = app, public;
    CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(unaccent($1))';
    CREATE TABLE z_countries (code text PRIMARY KEY); INSERT INTO z_countries VALUES ('de'), ('fr');
    CREATE FUNCTION is_country(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM z_countries WHERE code = $1)';
    CREATE TABLE addresses (id int, country text CHECK (is_country(country)), name text);
    INSERT INTO addresses SELECT n, 'de', CASE WHEN n = 7 THEN repeat('long ', 1000000) ELSE repeat('É' || n, 30) END FROM generate_series(1, 30000) AS n;
    CREATE INDEX addresses_plain ON addresses (left(plain(name), 100));
    CREATE TABLE generated (a text, b text GENERATED ALWAYS AS (plain(a)) STORED); INSERT INTO generated VALUES ('Ü');
    CREATE MATERIALIZED VIEW plainly AS SELECT plain(a) AS p FROM generated;
    CREATE TABLE secret (a int); CREATE MATERIALIZED VIEW of_another AS SELECT a FROM secret; ALTER MATERIALIZED VIEW of_another OWNER TO without_rights; GRANT USAGE ON SCHEMA app TO without_rights`);
});
afterAll(() => server.stop());

const CONTENT = `SELECT (SELECT count(*) FROM app.addresses), (SELECT sum(length(name)) FROM app.addresses), (SELECT b FROM app.generated), (SELECT p FROM app.plainly), (SELECT count(*) FROM pg_indexes WHERE indexname = 'addresses_plain')`;

it.each(['a backup', 'an archive of pg_dump'])('they come back from %s, and what cannot be is said', async (kind) => {
  const folder = await temporaryFolder(), to = await server.createDatabase();
  const source = kind === 'a backup' ? await backUp(original, folder) : await dump(original, join(folder, 'archive'), '-Fc');
  const receipt = await restore(source, to, folder);
  expect(receipt.status).toBe('done');
  expect(receipt.totals).toMatchObject({ read: 30_003, written: 30_003 });
  expect(await ask(to, CONTENT)).toEqual(await ask(original, CONTENT));
  expect(receipt.warnings).toEqual(expect.arrayContaining([
    'INDEX app.addresses_plain was made with app and public on the search path: a function that it calls names something without its schema',
    'MATERIALIZED VIEW DATA app.of_another was left out: permission denied for table secret',
  ]));
});

it('a row that breaks its check all the same ends the restore', async () => {
  const folder = await temporaryFolder(), to = await server.createDatabase(), broken = await server.createDatabase();
  await ask(broken, `CREATE FUNCTION small(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 < 10'; CREATE TABLE t (a int CHECK (small(a))); INSERT INTO t VALUES (1), (2); CREATE TABLE u AS SELECT 1 AS a;
    CREATE OR REPLACE FUNCTION small(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 < 2'`);
  await expect(restore(await backUp(broken, folder), to, folder)).rejects.toMatchObject({ code: 'CHECK_VIOLATED', at: { table: 'public.t' } });
});
