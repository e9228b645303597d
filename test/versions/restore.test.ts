/**
 * Backups of one version of PostgreSQL restored into another, on real servers. pg_dump is Debian's (15), which reads servers up to its own version: of newer ones the rows are backed up, and their schema comes from an
 * archive that a newer pg_dump wrote.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, type CliResult } from '../cli/run-cli.ts';
import { ask } from '../helpers/ask.ts';
import { startPostgres, type PostgresServer, type PostgresVersion } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';

/** The versions of this run beside Debian's; `npm run test:matrix` says them. */
const others = (process.env.SLUICE_TEST_VERSIONS ?? '14,18').split(',').map(Number).filter((version): version is 14 | 16 | 17 | 18 => [14, 16, 17, 18].includes(version));
const DEBIAN = 15;

const servers = new Map<number, PostgresServer>();
beforeAll(async () => {
  for (const version of new Set([DEBIAN, ...others])) {
    const which: PostgresVersion = version === DEBIAN ? 'debian' : version as 14 | 16 | 17 | 18;
    servers.set(version, await startPostgres({ version: which }));
  }
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

const server = (version: number): PostgresServer => servers.get(version)!;

/** Every type with a binary form of its own, the values at their edges, and a table that goes as text. */
const TABLES = `
  CREATE TABLE kinds (id bigint PRIMARY KEY, b boolean, s smallint, i integer, o oid, n numeric, p numeric(20,5), r real, d double precision, t text, v varchar(30), c char(5), nm name, q "char", y bytea,
    da date, ti time, tz timetz, ts timestamp, tt timestamptz, u uuid, j json, jb jsonb, ip inet, cd cidr, ma macaddr, m8 macaddr8, bi bit(5), vb varbit, po point, ls lseg, pa path, bo box, pg polygon, li line, ci circle,
    ir int4range, i8 int8range, nr numrange, tr tsrange, zr tstzrange, dr daterange, ln pg_lsn, ai integer[], at text[], ar real[], an numeric[], ad timestamptz[]);
  CREATE TABLE spans (id int, span interval, at interval(0))`;
const ROWS = `${TABLES};
  INSERT INTO kinds VALUES
    (1, true, -32768, 2147483647, 4294967295, 'NaN', 123456789.12345, 'NaN', '-Infinity', E'tab\\t nl\\n \\\\ é 😀', '', 'ab', 'a name', 'x', '\\x00ff0a5c', '4713-01-01 BC', '24:00', '23:59:59.999999+15:59', 'infinity', '-infinity',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b":1, "a":1,"a":2}', '{"b":1.00,"a":[null,1e400]}', '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '10101', '101', '(1.5,-2)', '((0,0),(1,1))', '[(0,0),(1,2)]', '((0,0),(1,1))',
     '((0,0),(1,0),(0,1))', '{1,2,3}', '<(0,0),5>', '[1,5)', 'empty', '(,1.5]', '[2020-01-01,infinity]', '(,)', '[2020-01-01,2020-02-01)', 'FFFFFFFF/FFFFFFFF', '{{1,2},{3,NULL}}', '{"a,b",NULL,""}', '{1e-45,NaN,-0}', '{1.10,Infinity}', '{infinity,0044-03-15 12:00:00+00 BC}');
  INSERT INTO kinds (id) VALUES (2);
  INSERT INTO kinds (id, i, t, j, ar) SELECT n, n, 'row ' || n, json_build_object('n', n), ARRAY[n, n / 3.0]::real[] FROM generate_series(3, 20000) AS n;
  INSERT INTO spans VALUES (1, '1 year -2 days 3.5 s', '1 s'), (2, '-178000000 years', NULL)`;

const SCHEMA = `${ROWS};
  CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE pair AS (a int, b text);
  CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'ok', age positive, both_ pair, loud text GENERATED ALWAYS AS (upper(name)) STORED, friend int REFERENCES people);
  INSERT INTO people (name, mood, age, both_, friend) SELECT 'p' || n, 'sad', n, ROW(n, 'x')::pair, NULLIF(n - 1, 0) FROM generate_series(1, 500) AS n;
  CREATE TABLE log (day date, what text) PARTITION BY RANGE (day); CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE log_2 PARTITION OF log DEFAULT;
  CREATE TABLE hashed (m mood, n int) PARTITION BY HASH (m); CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO log SELECT '2024-12-01'::date + n, 'w' || n FROM generate_series(1, 60) AS n; INSERT INTO hashed SELECT (ARRAY['sad', 'ok']::mood[])[1 + n % 2], n FROM generate_series(1, 50) AS n;
  CREATE INDEX log_what ON log (what); CREATE INDEX people_age ON people (age) INCLUDE (name) WHERE age > 10; CREATE STATISTICS people_stats ON mood, age FROM people;
  CREATE VIEW adults AS SELECT id, name FROM people WHERE age > 18 WITH CHECK OPTION; CREATE MATERIALIZED VIEW counts AS SELECT mood, count(*) AS n FROM people GROUP BY mood;
  CREATE FUNCTION double(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 * 2; CREATE PROCEDURE nothing() LANGUAGE plpgsql AS 'BEGIN NULL; END';
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON people USING (name = current_user);
  CREATE SEQUENCE numbers AS smallint INCREMENT -1 CYCLE; SELECT nextval('numbers'); SELECT lo_from_bytea(4200001, '\\xdeadbeef'); COMMENT ON TABLE people IS 'who';
  ANALYZE`;

async function sluice(cwd: string, ...args: string[]): Promise<CliResult> {
  return runCli([...args, '--quiet'], { cwd });
}

const pairs = (froms: readonly number[], tos: readonly number[]): (readonly [number, number])[] => froms.flatMap((from) => tos.filter((to) => to !== from).map((to) => [from, to] as const));
const all = [DEBIAN, ...others];

describe('a whole database', () => {
  it.each(pairs(all.filter((version) => version <= DEBIAN), all))('of version %i restores into %i, and verifies', async (from, to) => {
    const cwd = await temporaryFolder(), source = await server(from).createDatabase(), target = await server(to).createDatabase();
    await ask(source, SCHEMA);
    expect(await sluice(cwd, 'backup', source, '--to', 'repository')).toMatchObject({ code: 0, stderr: '' });
    expect(await sluice(cwd, 'restore', 'repository', '--to', target)).toMatchObject({ code: 0, stderr: '' });
    expect(await sluice(cwd, 'verify', 'repository', '--against', target)).toMatchObject({ code: 0, stderr: '' });
    for (const question of ['SELECT count(*), sum(age), max(loud), count(DISTINCT (both_).a) FROM people', 'SELECT * FROM counts', 'SELECT last_value, is_called FROM numbers', 'SELECT relname, relrowsecurity FROM pg_class WHERE relname IN (\'people\', \'adults\') ORDER BY 1']) {
      expect(await ask(target, question), question).toEqual(await ask(source, question));
    }
    await expect(ask(target, `INSERT INTO people (name, friend) VALUES ('x', 99999)`)).rejects.toThrow(/foreign key/);
  });

  it.each(pairs([DEBIAN], all.filter((version) => version < DEBIAN)))('of version %i with what %i does not know ends with the definition, and can be given up', async (from, to) => {
    const cwd = await temporaryFolder(), source = await server(from).createDatabase(), target = await server(to).createDatabase();
    await ask(source, `${SCHEMA}; CREATE TABLE only_new (a int, UNIQUE NULLS NOT DISTINCT (a)); INSERT INTO only_new VALUES (1)`);
    await sluice(cwd, 'backup', source, '--to', 'repository');
    const failed = await sluice(cwd, 'restore', 'repository', '--to', target);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/CONSTRAINT public\.only_new only_new_a_key[^]*syntax error at or near "NULLS"[^]*RESTORE_ENTRY_FAILED/) });
    expect(await sluice(cwd, 'runs', 'discard', '--to', target)).toMatchObject({ code: 0, stderr: '' });
    expect(await ask(target, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).toEqual([['0']]);
    expect(await sluice(cwd, 'restore', 'repository', '--to', target, '--exclude', 'only_new')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the rows of a database', () => {
  it.each(pairs(all, all))('of version %i go into tables of %i, and verify', async (from, to) => {
    const cwd = await temporaryFolder(), source = await server(from).createDatabase(), target = await server(to).createDatabase();
    await ask(source, ROWS);
    await ask(target, TABLES);
    expect(await sluice(cwd, 'backup', source, '--to', 'repository', '--data-only')).toMatchObject({ code: 0, stderr: '' });
    expect(await sluice(cwd, 'restore', 'repository', '--data-only', '--to', target)).toMatchObject({ code: 0, stderr: '' });
    expect(await sluice(cwd, 'verify', 'repository', '--against', target)).toMatchObject({ code: 0, stderr: '' });
    expect(await ask(target, 'SELECT md5(string_agg(k::text, \' \' ORDER BY id)) FROM kinds AS k')).toEqual(await ask(source, 'SELECT md5(string_agg(k::text, \' \' ORDER BY id)) FROM kinds AS k'));
  });

  it.each(pairs(all.filter((version) => version >= 17), all.filter((version) => version < 17)))('of version %i with an infinite interval are refused by %i, which has none, and nothing is loaded', async (from, to) => {
    const cwd = await temporaryFolder(), source = await server(from).createDatabase(), target = await server(to).createDatabase();
    await ask(source, `CREATE TABLE spans (span interval); INSERT INTO spans VALUES ('1 day'), ('infinity')`);
    await ask(target, 'CREATE TABLE spans (span interval)');
    await sluice(cwd, 'backup', source, '--to', 'repository', '--data-only');
    expect(await sluice(cwd, 'restore', 'repository', '--data-only', '--to', target)).toMatchObject({ code: 1, stderr: expect.stringMatching(/infinity[^]*VALUE_INVALID/) });
    expect(await ask(target, 'SELECT count(*) FROM spans')).toEqual([['0']]);
    // So does a copy from server to server, which would otherwise go the binary way, too.
    expect(await sluice(cwd, 'copy', `${source}#spans`, '--to', `${target}#spans`)).toMatchObject({ code: 1, stderr: expect.stringMatching(/VALUE_INVALID/) });
  });
});

it.each(all.filter((version) => version > DEBIAN))('the schema of version %i needs a pg_dump of that version, and it is said before anything is written', async (version) => {
  const cwd = await temporaryFolder(), source = await server(version).createDatabase();
  expect(await sluice(cwd, 'backup', source, '--to', 'repository')).toMatchObject({ code: 1, stderr: expect.stringMatching(/--data-only[^]*DUMP_PROGRAM_TOO_OLD/) });
});

it.each(all)('an archive of pg_dump 18 restores into %i', async (version) => {
  const cwd = await temporaryFolder(), target = await server(version).createDatabase(), fixtures = join(import.meta.dirname, '../fixtures/pg-dump');
  await ask(target, 'DO $$ BEGIN CREATE ROLE reader; CREATE ROLE "odd ""LARGE OBJECT 7; role"; EXCEPTION WHEN duplicate_object THEN NULL; END $$');
  expect(await sluice(cwd, 'restore', join(fixtures, '18-statistics.dump'), '--to', target)).toMatchObject({ code: 0, stderr: '' });
  expect(await ask(target, `SELECT (SELECT string_agg(name, ' ' ORDER BY id) FROM cities), (SELECT count(*) FROM events), (SELECT count(*) FROM names), (SELECT encode(lo_get(5001), 'escape'))`)).toEqual([['Zürich Genève \\.', '200', '3', 'one']]);
});
