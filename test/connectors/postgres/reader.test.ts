import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { connect, openDatabase, readAll, readText, tableRequest, type Database } from './fixture.ts';

let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  await database.sql(`
    CREATE EXTENSION citext;
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE <= 100);
    CREATE TABLE everything (
      id bigint PRIMARY KEY, b boolean, s smallint, n numeric, p percent, r real, d double precision, t text, v varchar(30), c char(3), ci citext, y bytea,
      da date, ti time, tz timetz, ts timestamp, tt timestamptz, iv interval, u uuid, j json, jb jsonb, a integer[], ta text[], m mood, x xml,
      g bigint GENERATED ALWAYS AS (id % 10 + 1) STORED, nn integer NOT NULL DEFAULT 7);
    INSERT INTO everything (id, b, s, n, p, r, d, t, v, c, ci, y, da, ti, tz, ts, tt, iv, u, j, jb, a, ta, m, x) VALUES
      (9223372036854775807, true, -32768, 'NaN', 99.5, '-0', 'Infinity', E'tab\\t, quote " line\\nend \\\\', '', 'x', 'CI', '\\x00ff', '0044-03-15 BC', '24:00', '12:00:00.123456+02', 'infinity', '2024-01-31 13:45:00.123456+01',
       '1 year -2 days 03:04:05.6', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"b":1.0, "a":1}', '{"b":1.0}', '{{1,2},{3,NULL}}', '{"a,b",NULL,""}', 'ok', '<a>1</a>'),
      (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE "Odd ""Name" ("select" integer, "a b" text);
    INSERT INTO "Odd ""Name" VALUES (1, 'x');
    CREATE TABLE empty (a integer);
    CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 3) AS text FROM generate_series(1, 20000) AS i;
    CREATE TABLE measured (day date, value integer) PARTITION BY RANGE (day);
    CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE measured_2 (value integer, day date);
    ALTER TABLE measured ATTACH PARTITION measured_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO measured SELECT '2024-06-01'::date + i, i FROM generate_series(1, 400) AS i;
    CREATE TABLE parent (a integer);
    CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2);
    CREATE VIEW seen AS SELECT id FROM big WHERE id <= 3;
    CREATE MATERIALIZED VIEW kept AS SELECT id FROM big WHERE id <= 2;
    CREATE SCHEMA other; CREATE TABLE other.thing (a integer);
    CREATE UNLOGGED TABLE sluice_1m81bx1rp25qc2_1 (a integer);
    ANALYZE`);
  connection = await connect(database.url);
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

describe('the catalog', () => {
  test('lists the tables of the user, partitioned ones by their root', async () => {
    const names = (await connection.listTables()).map((table) => [table.schema, table.name]);
    expect(names).toEqual([['other', 'thing'], ...['Odd "Name', 'big', 'child', 'empty', 'everything', 'measured', 'parent'].map((name) => [undefined, name])]);
  });

  test('says types, keys and what the database fills by itself', async () => {
    const table = await connection.describeTable({ name: 'everything' });
    expect(table?.primaryKey).toEqual(['id']);
    expect(table?.indexes).toMatchObject([{ name: 'everything_pkey', columns: ['id'], unique: true, primary: true, definition: expect.stringContaining('CREATE UNIQUE INDEX') as string }]);
    const types = Object.fromEntries((table?.columns ?? []).map((column) => [column.name, column]));
    expect(types.id).toEqual({ name: 'id', type: { kind: 'integer', bits: 64 }, nullable: false, nativeType: 'bigint' });
    expect(types.p).toMatchObject({ type: { kind: 'numeric', precision: 5, scale: 2 }, nativeType: 'public.percent' });
    expect(types.v).toMatchObject({ type: { kind: 'text' }, nativeType: 'character varying(30)' });
    expect(types.ci).toMatchObject({ type: { kind: 'text' }, nativeType: 'public.citext' });
    expect(types.ta).toMatchObject({ type: { kind: 'array', element: { kind: 'text' } }, nativeType: 'text[]' });
    expect(types.m).toMatchObject({ type: { kind: 'other', name: 'public.mood' } });
    expect(types.g).toMatchObject({ filled: 'generated' });
    expect(types.nn).toMatchObject({ filled: 'default', nullable: false });
  });

  test('estimates rows and bytes, also of partitioned tables', async () => {
    expect((await connection.describeTable({ name: 'big' }))?.estimatedRows).toBe(20000);
    expect((await connection.describeTable({ name: 'measured' }))?.estimatedRows).toBe(400);
    expect((await connection.describeTable({ name: 'big' }))?.estimatedBytes).toBeGreaterThan(2_000_000);
    expect((await connection.describeTable({ name: 'seen' }))?.estimatedRows).toBeUndefined();
  });

  test('knows no other tables, and takes names as they are', async () => {
    expect(await connection.describeTable({ name: 'nothing' })).toBeUndefined();
    expect(await connection.describeTable({ name: 'BIG' })).toBeUndefined();
    expect(await connection.describeTable({ name: 'thing' })).toBeUndefined();
    expect(await connection.describeTable({ schema: 'other', name: 'thing' })).toMatchObject({ schema: 'other', name: 'thing' });
    expect(await connection.describeTable({ name: 'x"; DROP TABLE big; --' })).toBeUndefined();
  });
});

describe('values', () => {
  const row = [
    '9223372036854775807', 't', '-32768', 'NaN', '99.50', '-0', 'Infinity', '"tab\t, quote "" line\nend \\"', '""', 'x  ', 'CI', '\\x00ff',
    '0044-03-15 BC', '24:00:00', '12:00:00.123456+02', 'infinity', '2024-01-31 12:45:00.123456+00', '1 year -2 days +03:04:05.6',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '"{""b"":1.0, ""a"":1}"', '"{""b"": 1.0}"', '"{{1,2},{3,NULL}}"', '"{""a,b"",NULL,""""}"', 'ok', '<a>1</a>',
  ];

  test('come as text that says all of them', async () => {
    const request = await tableRequest(connection, 'everything', { columns: (await allButGenerated()) });
    expect(await readText(connection, request)).toBe(`${row.join(',')},7\n1${','.repeat(24)},7\n`);
  });

  test('of arrays are JSON for those who know no others', async () => {
    const request = await tableRequest(connection, 'everything', { columns: ['id', 'a', 'ta'], where: 'id > 1' });
    expect(await readText(connection, request, 'copy-text', 'json')).toBe('9223372036854775807\t[[1,2],[3,null]]\t["a,b",null,""]\n');
  });

  test('that the database computes are read too', async () => {
    expect(await readText(connection, await tableRequest(connection, 'everything', { columns: ['g'], where: 'id = 1' }))).toBe('2\n');
  });

  async function allButGenerated(): Promise<string[]> {
    const table = await connection.describeTable({ name: 'everything' });
    return (table?.columns ?? []).filter((column) => column.filled !== 'generated').map((column) => column.name);
  }
});

describe('parts', () => {
  test.each(['csv', 'copy-text', 'copy-binary'] as const)('together are the table, once, as %s', async (kind) => {
    const reader = await connection.openReader([await tableRequest(connection, 'big')]);
    try {
      const { rows, parts, bytes } = await readAll(reader.tables[0], kind, { partBytes: 300_000 });
      expect(rows).toBe(20000);
      expect(parts.length).toBeGreaterThan(5);
      expect(parts.map((part) => part.part.index)).toEqual(parts.map((_, i) => i));
      expect(parts.reduce((sum, part) => sum + part.counts().bytes, 0)).toBe(bytes.length);
      const ids = bytes.toString().split('\n').map((line) => line.split(kind === 'csv' ? ',' : '\t')[0]);
      if (kind !== 'copy-binary') expect(ids.slice(0, -1)).toEqual(Array.from({ length: 20000 }, (_, i) => String(i + 1)));
    } finally {
      await reader.close();
    }
  });

  test('can be read at once, in any order, and see one state', async () => {
    await database.sql('CREATE TABLE moving AS SELECT i AS id, repeat(md5(i::text), 5) AS text FROM generate_series(1, 5000) AS i');
    const reader = await connection.openReader([await tableRequest(connection, 'moving'), await tableRequest(connection, 'big')]);
    try {
      await database.sql('DELETE FROM moving WHERE id % 2 = 0; INSERT INTO moving SELECT -i, \'new\' FROM generate_series(1, 3000) AS i; UPDATE big SET text = text');
      const encoding = reader.tables[0].encodings('postgres').find((offered) => offered.kind === 'csv')!;
      const signal = new AbortController().signal;
      const parts = [];
      for await (const part of reader.tables[0].parts(encoding, { partBytes: 100_000, arrays: 'postgres', signal })) parts.push(part);
      let text = '';
      await Promise.all(parts.toReversed().map(async (part) => {
        let own = '';
        for await (const chunk of part.chunks) own += Buffer.from(chunk).toString();
        text += own;
      }));
      const ids = text.trimEnd().split('\n').map((line) => Number(line.split(',')[0])).toSorted((a, b) => a - b);
      expect(ids).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
      expect((await readAll(reader.tables[1])).rows).toBe(20000);
    } finally {
      await reader.close();
    }
  });

  test('of partitioned tables are those of the partitions, whatever the order of their columns', async () => {
    const text = await readText(connection, await tableRequest(connection, 'measured', { columns: ['value', 'day'] }));
    expect(text.trimEnd().split('\n').map((line) => Number(line.split(',')[0]))).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(text).toContain('214,2025-01-01\n');
  });

  test('leave out the tables that inherit', async () => {
    expect(await readText(connection, await tableRequest(connection, 'parent'))).toBe('1\n');
  });

  test('of views, materialized views and empty tables are one', async () => {
    expect(await readText(connection, await tableRequest(connection, 'seen'))).toBe('1\n2\n3\n');
    expect(await readText(connection, await tableRequest(connection, 'kept'))).toBe('1\n2\n');
    expect(await readText(connection, await tableRequest(connection, 'empty'))).toBe('');
    expect(await readText(connection, await tableRequest(connection, 'Odd "Name'), 'copy-text')).toBe('1\tx\n');
  });

  test('with a condition hold only its rows, also where it ends in a comment', async () => {
    const request = await tableRequest(connection, 'big', { columns: ['id'], where: 'id % 5000 = 0 -- every 5000th' });
    const reader = await connection.openReader([request]);
    try {
      expect((await readAll(reader.tables[0], 'csv', { partBytes: 100_000 })).bytes.toString()).toBe('5000\n10000\n15000\n20000\n');
    } finally {
      await reader.close();
    }
  });

  test('are sized by what is in TOAST too', async () => {
    await database.sql(`CREATE TABLE wide (id integer, body text); ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
      INSERT INTO wide SELECT i, repeat('x', 20000) FROM generate_series(1, 400) AS i`);
    const reader = await connection.openReader([await tableRequest(connection, 'wide')]);
    try {
      const { rows, parts } = await readAll(reader.tables[0], 'csv', { partBytes: 1_000_000 });
      expect(rows).toBe(400);
      expect(parts.length).toBeGreaterThan(2);
    } finally {
      await reader.close();
    }
  });

  test('pass on a row larger than all buffers', async () => {
    await database.sql(`CREATE TABLE huge AS SELECT repeat('0123456789', 3000000) AS body`);
    const text = await readText(connection, await tableRequest(connection, 'huge'));
    expect(text.length).toBe(30_000_001);
    expect(text.slice(0, 20) + text.slice(-3)).toBe('0123456789012345678989\n');
  });
});

describe('queries', () => {
  const query = (sql: string): { kind: 'query'; name: string; sql: string } => ({ kind: 'query', name: 'q', sql });

  test('are read as they are, with their types', async () => {
    const reader = await connection.openReader([query('SELECT id, id::numeric(10,1) / 2 AS half, ARRAY[1,2] AS list FROM big ORDER BY id LIMIT 2 ;\n')]);
    try {
      expect(reader.tables[0].schema.columns.map((column) => [column.name, column.type.kind])).toEqual([['id', 'integer'], ['half', 'numeric'], ['list', 'array']]);
      expect((await readAll(reader.tables[0], 'copy-text', { arrays: 'json' })).bytes.toString()).toBe('1\t0.50000000000000000000\t[1,2]\n2\t1.00000000000000000000\t[1,2]\n');
    } finally {
      await reader.close();
    }
  });

  test.each([
    ['SELECT nothing FROM big', 'nothing'],
    ['SELEC 1', 'SELEC'],
    ['SELECT 1; DROP TABLE empty', 'multiple commands'],
    ['DELETE FROM empty', 'no rows'],
    ['DELETE FROM big RETURNING id', 'read-only'],
    ['SELECT 1/0', 'zero'],
    ['', 'no rows'],
  ])('%j is refused', async (sql, reason) => {
    await expect(readText(connection, query(sql))).rejects.toMatchObject({ code: 'QUERY_INVALID', message: expect.stringContaining(reason) as string });
    expect((await database.sql(`SELECT to_regclass('empty')`))[0][0]).toBe('empty');
  });

  test('a condition that is not one is refused before anything is read', async () => {
    const request = await tableRequest(connection, 'big', { where: 'no_such = 1' });
    await expect(connection.openReader([request])).rejects.toMatchObject({ code: 'QUERY_INVALID' });
    await expect(connection.openReader([await tableRequest(connection, 'big', { where: 'true); DROP TABLE empty; SELECT (1' })])).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });
});

describe('others in the database', () => {
  test('cannot truncate a table between snapshot and read; parts of a table that somebody waits for are read all the same', async () => {
    await database.sql(`CREATE TABLE wanted AS SELECT i AS id, repeat('x', 200) AS text FROM generate_series(1, 3000) AS i`);
    const reader = await connection.openReader([await tableRequest(connection, 'wanted')]);
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      const truncated = other.query('TRUNCATE wanted');
      // The lock request has to be in the queue before we read.
      while ((await database.sql(`SELECT count(*) FROM pg_locks WHERE NOT granted`))[0][0] !== '1') await new Promise((resolve) => setTimeout(resolve, 10));
      expect((await readAll(reader.tables[0], 'csv', { partBytes: 100_000 })).rows).toBe(3000);
      await reader.close();
      await truncated;
    } finally {
      await reader.close();
      await other.end();
    }
  });

  test('a consumer that stops early leaves no session and no lock behind', async () => {
    const own = await connect(database.url);
    const reader = await own.openReader([await tableRequest(own, 'big')]);
    const table = reader.tables[0];
    for (const stopAfter of [0, 1]) {
      for await (const part of table.parts(table.encodings('postgres')[1], { partBytes: 1 << 30, arrays: 'postgres', signal: new AbortController().signal })) {
        let chunks = 0;
        for await (const chunk of part.chunks) {
          expect(chunk.length).toBeGreaterThan(0);
          if (chunks++ === stopAfter) break;
        }
      }
    }
    expect((await readAll(table)).rows).toBe(20000);
    await reader.close();
    await own.close();
    expect(await database.sql(`SET lock_timeout TO '2s'; BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE; COMMIT; RESET lock_timeout; SELECT 'locked'`)).toEqual([['locked']]);
  });

  test('row security that would hide rows is an error', async () => {
    await database.sql(`CREATE TABLE secret (a integer); INSERT INTO secret VALUES (1); ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
      DROP ROLE IF EXISTS sluice_reader; CREATE ROLE sluice_reader LOGIN PASSWORD 'pw'; GRANT SELECT ON secret, measured TO sluice_reader; GRANT SELECT (id) ON big TO sluice_reader`);
    const url = new URL(database.url);
    url.username = 'sluice_reader';
    url.password = 'pw';
    const limited = await connect(url.href);
    try {
      const request = await tableRequest(limited, 'secret');
      await expect(readText(limited, request)).rejects.toMatchObject({ code: 'ROW_SECURITY', facts: { table: 'secret', user: 'sluice_reader' } });
      // Partitions that the user may not read by themselves, and single columns.
      expect((await readText(limited, await tableRequest(limited, 'measured'))).split('\n')).toHaveLength(401);
      expect((await readText(limited, await tableRequest(limited, 'big', { columns: ['id'] }))).split('\n')).toHaveLength(20001);
      await expect(readText(limited, await tableRequest(limited, 'big'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    } finally {
      await limited.close();
      await database.sql('DROP OWNED BY sluice_reader; DROP ROLE sluice_reader');
    }
  });

  test('a table that is gone is said to be', async () => {
    await database.sql('CREATE TABLE gone (a integer)');
    const request = await tableRequest(connection, 'gone');
    await database.sql('DROP TABLE gone');
    await expect(connection.openReader([request])).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
  });
});

describe('numerics without precision', () => {
  const sizedTypes = async (request: Parameters<Connection['openReader']>[0][number]): Promise<Record<string, unknown>> => {
    const reader = await connection.openReader([request]);
    try {
      const { columns } = await reader.tables[0].measuredSchema!(['numeric', 'float'], new AbortController().signal);
      return Object.fromEntries(columns.map((column) => [column.name, column.type]));
    } finally {
      await reader.close();
    }
  };
  const decimalOf = (precision: number, scale: number): object => ({ kind: 'numeric', precision, scale });

  test('get the size of the values that are read', async () => {
    await database.sql(`CREATE TABLE numbers (small numeric, wide numeric, padded numeric, huge numeric, odd numeric, far numeric, none numeric, plain numeric(5,2), n integer);
      INSERT INTO numbers VALUES (1.50, 12345678901234567890.12, 1.00000000000000000000, 1e40, 'NaN', '-Infinity', NULL, 1, 1), (-0.001, 1, -200, 1, 1, 1, NULL, 2, 2), (99.5, 1, 3, 1, 1, 1, NULL, 2, 3)`);
    expect(await sizedTypes(await tableRequest(connection, 'numbers'))).toEqual({
      small: decimalOf(18, 3), wide: decimalOf(38, 2), padded: decimalOf(18, 0), huge: { kind: 'text' }, odd: { kind: 'text' }, far: { kind: 'text' },
      none: decimalOf(18, 0), plain: decimalOf(5, 2), n: { kind: 'integer', bits: 32 },
    });
  });

  test('only the rows of the condition and the columns that are asked for count', async () => {
    const request = await tableRequest(connection, 'numbers', { where: 'n = 3', columns: ['huge', 'small'] });
    expect(await sizedTypes(request)).toEqual({ huge: decimalOf(18, 0), small: decimalOf(18, 1) });
  });

  test('a float column says whether it has a negative zero', async () => {
    await database.sql(`CREATE TABLE zeros (a real, b double precision, c real[], n integer); INSERT INTO zeros VALUES (0, '-0', '{0}', 1), (1, 2, '{-0}', 2)`);
    const reader = await connection.openReader([await tableRequest(connection, 'zeros')]);
    const { columns } = await reader.tables[0].measuredSchema!(['numeric', 'float'], new AbortController().signal);
    await reader.close();
    expect(columns.map((column) => column.noNegativeZero)).toEqual([true, false, undefined, undefined]);
  });

  test('a query is not asked twice', async () => {
    const reader = await connection.openReader([{ kind: 'query', name: 'q', sql: 'SELECT small FROM numbers' }]);
    expect(typeof reader.tables[0].measuredSchema).toBe('undefined');
    await reader.close();
  });
});
