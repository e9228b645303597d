import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { columns, connect, INTEGER, openDatabase, partOf, type Database } from './fixture.ts';
import { carefulPart, loadWithQuarantine, summary, type LadderTable, type TextRow } from './ladder.ts';

const VERSIONS = [18, 14] as const;

describe.each(VERSIONS)('PostgreSQL %i', (version) => {
  let server: PostgresServer;
  let database: Database;
  let connection: Connection;

  beforeAll(async () => {
    server = await startPostgres({ version });
    database = await openDatabase(await server.createDatabase());
    connection = await connect(database.url, { jobs: 8 });
  });

  afterAll(async () => {
    await connection.close();
    await database.close();
    await server.stop();
  });

  const table = (name: string, spec: Record<string, string>, parts: readonly (readonly TextRow[])[], mode: 'append' | 'replace' | 'upsert' = 'append'): LadderTable =>
    ({ spec: { table: { name }, mode, columns: columns(Object.fromEntries(Object.entries(spec).map(([key, type]) => [key, type === 'int' ? INTEGER : type]))) }, parts });
  const rows = (name: string, order = '1'): Promise<(string | null)[][]> => database.sql(`SELECT * FROM ${name} ORDER BY ${order}`);
  const leftovers = (): Promise<(string | null)[][]> => database.sql(`SELECT relname FROM pg_class WHERE relname LIKE 'sluice%' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'sluice%'`);

  test('every value is tested as COPY would, and the good rows are written', async () => {
    await database.sql(`CREATE DOMAIN positive AS integer CONSTRAINT is_positive CHECK (VALUE > 0); CREATE DOMAIN needed AS varchar(3) NOT NULL; CREATE TYPE mood AS ENUM ('ok', 'sad');
      CREATE TABLE typed (id integer, price numeric(5,2), short varchar(3), p positive, need needed, tags int[], feeling mood, doc jsonb, at timestamptz, flag boolean, raw bytea, fixed char(2), bits bit(3))`);
    const good: TextRow = ['1', '999.994', 'abc   ', '1', 'abc', '{1,NULL}', 'ok', '{"a":1}', '2024-01-01 00:00:00+00', 't', '\\xff', 'ab', '101'];
    const bad: [number, string | null][] = [[0, 'x'], [0, '99999999999'], [1, '1000'], [2, 'abcd'], [3, '0'], [4, null], [4, 'abcd'], [5, '{1,x}'], [5, '{1'], [6, 'glad'], [7, '{'], [8, '2024-02-30'], [9, 'maybe'], [10, '\\xf'], [11, 'abc'], [12, '10']];
    const part = [good, ...bad.flatMap(([field, value]) => [good.with(field, value), good])];
    const outcome = await loadWithQuarantine(connection, [table('typed', Object.fromEntries(['id', 'price', 'short', 'p', 'need', 'tags', 'feeling', 'doc', 'at', 'flag', 'raw', 'fixed', 'bits'].map((name) => [name, 'text'])), [part])]);
    expect([...outcome.counts.values()]).toEqual([{ written: bad.length + 1, skipped: 0, duplicate: 0 }]);
    const names = ['id', 'price', 'short', 'p', 'need', 'tags', 'feeling', 'doc', 'at', 'flag', 'raw', 'fixed', 'bits'];
    const code = (i: number): string => (i === 4 ? 'CHECK_VIOLATED is_positive' : i === 5 ? 'NOT_NULL_VIOLATED' : 'VALUE_INVALID');
    expect(summary(outcome, 'typed')).toEqual(bad.map(([field], i) => `0:${2 * i + 2} ${code(i)} ${names[field]}`));
    expect(outcome.rejected.get('typed')![0]).toMatchObject({ message: 'invalid input syntax for type integer: "x"', values: good.with(0, 'x') });
    expect(outcome.rejected.get('typed')![2].message).toContain('numeric field overflow');
    expect(await database.sql('SELECT DISTINCT price, short, tags, raw FROM typed')).toEqual([['999.99', 'abc', '{1,NULL}', '\\xff']]);
    expect(await leftovers()).toEqual([]);
  });

  test('records that were left out keep their numbers, in what is written and what is judged', async () => {
    await database.sql('CREATE TABLE gapped (id integer PRIMARY KEY)');
    const session = await connection.openLoad({ run: 'gaps', signal: new AbortController().signal, onError: 'quarantine' });
    const load = await session.begin(await session.plan({ table: { name: 'gapped' }, mode: 'append', columns: columns({ id: INTEGER }) }));
    const writer = await load.openWriter();
    const leftOut = [1, 2, 5].map((record) => ({ record, code: 'ROW_INVALID', message: 'x' }) as const);
    expect(await writer.write({ ...partOf(0, ['1\n1\n2\n2\n'], COPY_TEXT), leftOut }, () => undefined)).toEqual({ written: 4 });
    const bad: number[] = [];
    expect(await writer.writeCarefully!(carefulPart('3\nx\n1\n', leftOut), 1, async (found) => void bad.push(...found.map(({ record }) => record)))).toEqual({ written: 2, rejected: 1 });
    await writer.close();
    const found: string[] = [];
    await session.publish({ rejected: async (_, list) => void found.push(...list.map(({ part, record }) => `${part}:${record}`)), judged: async () => undefined });
    expect(bad).toEqual([4]);
    expect(found).toEqual(['0:4', '0:7', '1:6']);
    expect(await rows('gapped')).toEqual([['1'], ['2'], ['3']]);
    expect(await leftovers()).toEqual([]);
  });

  test('each class of constraint, and several at once', async () => {
    await database.sql(`CREATE TABLE owner (id integer PRIMARY KEY); INSERT INTO owner VALUES (1);
      CREATE TABLE thing (id integer PRIMARY KEY, code text UNIQUE, size integer NOT NULL CONSTRAINT small CHECK (size < 10), owner integer CONSTRAINT has_owner REFERENCES owner, name text DEFAULT 'n');
      CREATE UNIQUE INDEX thing_lower ON thing (lower(code)) WHERE size > 5; INSERT INTO thing VALUES (100, 'taken', 1, 1)`);
    const outcome = await loadWithQuarantine(connection, [table('thing', { id: 'int', code: 'text', size: 'int', owner: 'int' }, [
      [['1', 'a', '1', '1'], ['1', 'b', '1', '1'], ['2', 'a', '1', '1'], ['3', null, '1', null]],
      [['4', 'c', null, '1'], ['5', 'd', '10', '1'], ['6', 'e', '1', '9'], ['100', 'f', '1', '1'], ['7', 'taken', '1', '1'], [null, 'g', '1', '1'], ['8', 'X', '6', '1'], ['9', 'x', '6', '1'], ['10', null, '1', '1']],
    ])]);
    expect(summary(outcome, 'thing')).toEqual([
      '0:2 UNIQUE_VIOLATED thing_pkey id', '0:3 UNIQUE_VIOLATED thing_code_key code', '1:1 NOT_NULL_VIOLATED size', '1:2 CHECK_VIOLATED small', '1:3 FOREIGN_KEY_VIOLATED has_owner owner',
      '1:4 UNIQUE_VIOLATED thing_pkey id', '1:5 UNIQUE_VIOLATED thing_code_key code', '1:6 NOT_NULL_VIOLATED id', '1:8 UNIQUE_VIOLATED thing_lower',
    ]);
    expect(outcome.rejected.get('thing')![0]).toMatchObject({ message: 'Key (id)=(1) is already present', values: ['1', 'b', '1', '1'] });
    expect(outcome.counts.get('thing')).toEqual({ written: 4, rejected: 9, skipped: 0, duplicate: 0 });
    expect((await rows('thing')).map(([id]) => id)).toEqual(['1', '3', '8', '10', '100']);
    expect(await leftovers()).toEqual([]);
  });

  test('exclusion constraints, in source order', async () => {
    await database.sql('CREATE TABLE booking (id integer PRIMARY KEY, span int4range, CONSTRAINT apart EXCLUDE USING gist (span WITH &&))');
    const outcome = await loadWithQuarantine(connection, [table('booking', { id: 'int', span: 'text' }, [[['1', '[1,5)'], ['2', '[4,6)'], ['2', '[5,7)'], ['2', '[8,9)'], ['3', '[6,8)']]])]);
    expect(summary(outcome, 'booking')).toEqual(['0:2 EXCLUSION_VIOLATED apart', '0:4 UNIQUE_VIOLATED booking_pkey', '0:5 EXCLUSION_VIOLATED apart']);
    expect(await rows('booking')).toEqual([['1', '[1,5)'], ['2', '[5,7)']]);
  });

  test('keys are rejected through several tables, whatever their order', async () => {
    await database.sql(`CREATE TABLE a (id integer PRIMARY KEY, up integer REFERENCES a); CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a); CREATE TABLE c (b integer REFERENCES b)`);
    const tables = [
      table('c', { b: 'int' }, [[['1'], ['2'], ['3'], [null]]]),
      table('b', { id: 'int', a: 'int' }, [[['1', '1'], ['2', '2'], ['3', '9']]]),
      table('a', { id: 'int', up: 'int' }, [[['1', '4'], ['2', '3'], ['3', '8'], ['4', null], ['4', '7']]]),
    ];
    for (const order of [tables, tables.toReversed()]) {
      const outcome = await loadWithQuarantine(connection, order);
      expect(summary(outcome, 'a')).toEqual(['0:2 FOREIGN_KEY_VIOLATED a_up_fkey up', '0:3 FOREIGN_KEY_VIOLATED a_up_fkey up', '0:5 FOREIGN_KEY_VIOLATED a_up_fkey up']);
      expect(summary(outcome, 'b')).toEqual(['0:2 FOREIGN_KEY_VIOLATED b_a_fkey a', '0:3 FOREIGN_KEY_VIOLATED b_a_fkey a']);
      expect(summary(outcome, 'c')).toEqual(['0:2 FOREIGN_KEY_VIOLATED c_b_fkey b', '0:3 FOREIGN_KEY_VIOLATED c_b_fkey b']);
      await database.sql('TRUNCATE a, b, c');
    }
  });

  test('replace works in circles, with cascades among the replaced, and says what went', async () => {
    await database.sql(`CREATE TABLE team (id integer PRIMARY KEY, lead integer); CREATE TABLE person (id integer PRIMARY KEY, team integer NOT NULL REFERENCES team ON DELETE CASCADE);
      ALTER TABLE team ADD CONSTRAINT led FOREIGN KEY (lead) REFERENCES person; INSERT INTO team VALUES (1, NULL), (2, NULL); INSERT INTO person VALUES (1, 1), (2, 2); UPDATE team SET lead = id`);
    const load = (): ReturnType<typeof loadWithQuarantine> => loadWithQuarantine(connection, [
      table('team', { id: 'int', lead: 'int' }, [[['5', '7'], ['6', '99'], ['8', null]]], 'replace'), table('person', { id: 'int', team: 'int' }, [[['7', '5'], ['9', '6']]], 'replace'),
    ]);
    const outcome = await load();
    expect(outcome.counts.get('team')).toEqual({ written: 2, rejected: 1, removed: 2, skipped: 0, duplicate: 0 });
    expect(outcome.counts.get('person')).toEqual({ written: 1, rejected: 1, removed: 2, skipped: 0, duplicate: 0 });
    expect(await rows('team')).toEqual([['5', '7'], ['8', null]]);
    expect(await database.sql(`SELECT condeferrable FROM pg_constraint WHERE conname = 'led'`)).toEqual([['f']]);
    await expect(loadWithQuarantine(connection, [table('team', { id: 'int', lead: 'int' }, [], 'replace')])).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  test('a role without rights beyond its tables gets the same', async () => {
    const role = `plain_${version}`;
    await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT CREATE, USAGE ON SCHEMA public TO ${role}; SET ROLE ${role};
      CREATE TABLE mine (id integer PRIMARY KEY, other integer); CREATE TABLE yours (id integer PRIMARY KEY, mine integer REFERENCES mine); ALTER TABLE mine ADD FOREIGN KEY (other) REFERENCES yours; RESET ROLE`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'x';
    const own = await connect(url.href, { jobs: 2 });
    try {
      const outcome = await loadWithQuarantine(own, [table('mine', { id: 'int', other: 'int' }, [[['1', '1'], ['2', 'x'], ['3', '9']]], 'replace'), table('yours', { id: 'int', mine: 'int' }, [[['1', '1'], ['2', '3']]], 'replace')]);
      expect(summary(outcome, 'mine')).toEqual(['0:2 VALUE_INVALID other', '0:3 FOREIGN_KEY_VIOLATED mine_other_fkey other']);
      expect(await rows('yours')).toEqual([['1', '1']]);
    } finally {
      await own.close();
    }
  });

  test('triggers have the last word, or none', async () => {
    await database.sql(`CREATE TABLE watched (id integer PRIMARY KEY, name text NOT NULL); CREATE TABLE seen (id integer);
      CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id % 7 = 0 THEN RAISE EXCEPTION 'no sevens'; END IF; NEW.name := COALESCE(NEW.name, 'filled'); INSERT INTO seen VALUES (NEW.id); RETURN NEW; END $$;
      CREATE TRIGGER watch BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION watch()`);
    const part = Array.from({ length: 30 }, (_, i): TextRow => [String(i + 1), i === 2 ? null : 'x']);
    const outcome = await loadWithQuarantine(connection, [table('watched', { id: 'int', name: 'text' }, [part])]);
    expect(summary(outcome, 'watched')).toEqual([7, 14, 21, 28].map((record) => `0:${record} ROW_INVALID`));
    expect(outcome.rejected.get('watched')![0].message).toBe('no sevens');
    expect(outcome.counts.get('watched')).toMatchObject({ written: 26, rejected: 4, skipped: 0 });
    expect(await database.sql('SELECT count(*) FROM seen')).toEqual([['26']]);
    await database.sql('TRUNCATE watched, seen');
    const quiet = await loadWithQuarantine(connection, [table('watched', { id: 'int', name: 'text' }, [part])], { disableTriggers: true });
    expect(summary(quiet, 'watched')).toEqual(['0:3 NOT_NULL_VIOLATED name']);
    expect(await database.sql('SELECT (SELECT count(*) FROM seen), tgenabled FROM pg_trigger WHERE tgname = $$watch$$')).toEqual([['0', 'O']]);
  });

  test('a table that the run creates with a key has its duplicates rejected', async () => {
    const spec = { table: { name: 'made' }, mode: 'append', columns: columns({ id: INTEGER, name: 'text' }), primaryKey: ['id'] } as const;
    const outcome = await loadWithQuarantine(connection, [{ spec, parts: [[['1', 'a'], ['1', 'b']], [[null, 'c'], ['1', 'd'], ['2', 'e']]] }]);
    expect(summary(outcome, 'made')).toEqual(['0:2 UNIQUE_VIOLATED made_pkey id', '1:1 NOT_NULL_VIOLATED id', '1:2 UNIQUE_VIOLATED made_pkey id']);
    expect(await rows('made')).toEqual([['1', 'a'], ['2', 'e']]);
  });

  test('upsert: the last good row wins, other keys still count', async () => {
    await database.sql(`CREATE TABLE merge (id integer PRIMARY KEY, mail text UNIQUE, n integer CHECK (n > 0)); INSERT INTO merge VALUES (1, 'a', 1), (2, 'b', 1)`);
    const outcome = await loadWithQuarantine(connection, [table('merge', { id: 'int', mail: 'text', n: 'int' }, [[['1', 'a', '5'], ['1', 'a', '0'], ['3', 'b', '1'], ['4', 'c', '1'], ['4', 'd', '2']]], 'upsert')]);
    expect(summary(outcome, 'merge')).toEqual(['0:2 CHECK_VIOLATED merge_n_check', '0:3 UNIQUE_VIOLATED merge_mail_key mail']);
    expect(outcome.counts.get('merge')).toMatchObject({ written: 2, rejected: 2, duplicate: 1, skipped: 0 });
    expect(await rows('merge')).toEqual([['1', 'a', '5'], ['2', 'b', '1'], ['4', 'd', '2']]);
  });

  test('upsert into a table without a key: what is there is changed, also when a trigger refuses others', async () => {
    await database.sql(`CREATE TABLE keyless (low integer, high integer, found text); INSERT INTO keyless VALUES (1, 0, 'old'), (2, 0, 'old'), (9, 0, 'stays');
      CREATE FUNCTION choose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.high < 0 THEN RAISE EXCEPTION 'below zero'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER choose BEFORE INSERT OR UPDATE ON keyless FOR EACH ROW EXECUTE FUNCTION choose()`);
    const part: TextRow[] = [['1', '5', 'first'], ['2', '-1', 'bad'], ['3', '3', 'new'], ['1', '6', 'last'], ['4', '-1', 'bad'], ['3', '-7', 'bad'], ['5', '5', 'new']];
    const wanted = table('keyless', { low: 'int', high: 'int', found: 'text' }, [part], 'upsert');
    const outcome = await loadWithQuarantine(connection, [{ ...wanted, spec: { ...wanted.spec, key: ['low'] } }]);
    expect(summary(outcome, 'keyless')).toEqual([2, 5, 6].map((record) => `0:${record} ROW_INVALID`));
    expect(await rows('keyless')).toEqual([['1', '6', 'last'], ['2', '0', 'old'], ['3', '3', 'new'], ['5', '5', 'new'], ['9', '0', 'stays']]);
    expect(outcome.counts.get('keyless')).toMatchObject({ written: 3, duplicate: 1, rejected: 3, skipped: 0 });
  });

  test.each([1, 2, 15, 400])('rows that exclude each other, one of %i', async (every) => {
    await database.sql('DROP TABLE IF EXISTS slots; CREATE TABLE slots (id integer PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&))');
    const isBad = (i: number): boolean => i > 0 && i % every === 0;
    const parts = [0, 1].map((part) => Array.from({ length: 600 }, (_, n): TextRow => { const i = part * 600 + n; return [String(i), isBad(i) ? '[0,1)' : `[${i * 2},${i * 2 + 2})`]; }));
    const outcome = await loadWithQuarantine(connection, [table('slots', { id: 'int', during: 'text' }, parts)]);
    const bad = Array.from({ length: 1200 }, (_, i) => i).filter(isBad);
    expect(summary(outcome, 'slots')).toEqual(bad.map((i) => `${Math.floor(i / 600)}:${(i % 600) + 1} EXCLUSION_VIOLATED slots_during_excl`));
    expect(outcome.counts.get('slots')).toMatchObject({ written: 1200 - bad.length, rejected: bad.length, skipped: 0 });
    expect(await database.sql('SELECT count(*), sum(id) FROM slots')).toEqual([[String(1200 - bad.length), String((1199 * 1200) / 2 - bad.reduce((sum, i) => sum + i, 0))]]);
  });

  test('every row bad, and nothing published when the limit says so', async () => {
    await database.sql('CREATE TABLE all_bad (id integer PRIMARY KEY, n integer CHECK (n > 0)); INSERT INTO all_bad VALUES (1, 1)');
    const parts = Array.from({ length: 4 }, (_, part) => Array.from({ length: 2000 }, (__, i): TextRow => (part % 2 === 0 ? ['x', '1'] : [String(i + 2), '0'])));
    const outcome = await loadWithQuarantine(connection, [table('all_bad', { id: 'int', n: 'int' }, parts)]);
    expect(outcome.rejected.get('all_bad')).toHaveLength(8000);
    expect(outcome.counts.get('all_bad')).toEqual({ written: 0, rejected: 4000, skipped: 0, duplicate: 0 });
    const stop = loadWithQuarantine(connection, [table('all_bad', { id: 'int', n: 'int' }, [[['2', '1']]], 'replace')], { judged: async () => Promise.reject(new Error('too many')) });
    await expect(stop).rejects.toThrow('too many');
    expect(await rows('all_bad')).toEqual([['1', '1']]);
    expect(await leftovers()).toEqual([]);
  });

  test('the outcome is the same for any number of jobs', async () => {
    await database.sql('CREATE TABLE shared (id integer PRIMARY KEY, k integer UNIQUE, name text)');
    const parts = Array.from({ length: 16 }, (_, part) => Array.from({ length: 100 }, (__, i): TextRow => [String((part * 61 + i * 7) % 900), String((part * 37 + i * 11) % 1100), i === 50 ? null : `${part}.${i}`]));
    const outcomes = [];
    for (const jobs of [1, 2, 8]) {
      await database.sql('TRUNCATE shared');
      const outcome = await loadWithQuarantine(connection, [table('shared', { id: 'int', k: 'int', name: 'text' }, parts)], { jobs });
      outcomes.push({ rejected: summary(outcome, 'shared'), rows: await rows('shared') });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
    expect(outcomes[0].rejected.length + outcomes[0].rows.length).toBe(1600);
  });
});
