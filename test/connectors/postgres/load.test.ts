import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { columns, connect, INTEGER, loadCsv, openDatabase, partOf, readAll, tableRequest, type Database } from './fixture.ts';

let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  connection = await connect(database.url, { jobs: 3 });
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

const ID_NAME = columns({ id: INTEGER, name: 'text' });

async function leftovers(): Promise<(string | null)[][]> {
  return database.sql(`SELECT relname FROM pg_class WHERE relname LIKE 'sluice%'`);
}

describe('a table that does not exist', () => {
  test('is created with its key, in a schema that is created too', async () => {
    const spec = { table: { schema: 'fresh', name: 'people' }, mode: 'append', columns: ID_NAME, primaryKey: ['id'] } as const;
    expect(await loadCsv(connection, spec, ['1,a\n2,\n', '3,""\n'])).toEqual({ written: 3, skipped: 0, duplicate: 0 });
    expect(await database.sql('SELECT * FROM fresh.people ORDER BY id')).toEqual([['1', 'a'], ['2', null], ['3', '']]);
    expect((await connection.describeTable(spec.table))?.primaryKey).toEqual(['id']);
  });

  test('is planned with its statements', async () => {
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const plan = await session.plan({ table: { name: 'planned' }, mode: 'append', columns: [...ID_NAME, { name: 'x'.repeat(70), type: { kind: 'json' }, nullable: false }], primaryKey: ['id'] });
    expect(plan).toMatchObject({ table: 'planned', name: { schema: 'public', name: 'planned' }, creates: true, publication: 'direct', key: ['id'], maxWriters: 3 });
    expect(plan.statements[0]).toContain('longer than 63 bytes');
    expect(plan.statements[1]).toMatch(/^CREATE TABLE "public"\."planned" \("id" integer, "name" text, "x{54}_[0-9a-f]{8}" json NOT NULL\)$/);
    expect(plan.statements.at(-1)).toBe('ALTER TABLE "public"."planned" ADD PRIMARY KEY ("id")');
    await session.abort();
    expect(await connection.describeTable({ name: 'planned' })).toBeUndefined();
  });

  test('is gone again after an abort, with its schema', async () => {
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const load = await session.begin(await session.plan({ table: { schema: 'passing', name: 't' }, mode: 'append', columns: ID_NAME }));
    const writer = await load.openWriter();
    await writer.write(partOf(0, ['1,a\n']), () => undefined);
    expect(await database.sql('SELECT count(*) FROM passing.t')).toEqual([['1']]);
    await session.abort();
    expect(await database.sql(`SELECT to_regnamespace('passing')`)).toEqual([[null]]);
  });

  test('is gone again when its key turns out to be none', async () => {
    const spec = { table: { name: 'keyed' }, mode: 'append', columns: ID_NAME, primaryKey: ['id'] } as const;
    await expect(loadCsv(connection, spec, ['1,a\n', '1,b\n'])).rejects.toMatchObject({ code: 'UNIQUE_VIOLATED', facts: { constraint: 'keyed_pkey' }, at: { table: 'keyed' } });
    expect(await connection.describeTable({ name: 'keyed' })).toBeUndefined();
  });

  test('merges equal keys of the source on upsert: the last row stays', async () => {
    const spec = { table: { name: 'merged' }, mode: 'upsert', columns: ID_NAME, key: ['id'] } as const;
    expect(await loadCsv(connection, spec, ['1,a\n2,b\n1,c\n', '2,d\n', '3,e\n1,f\n'])).toEqual({ written: 3, skipped: 0, duplicate: 3 });
    expect(await database.sql('SELECT * FROM merged ORDER BY id')).toEqual([['1', 'f'], ['2', 'd'], ['3', 'e']]);
    expect(await leftovers()).toEqual([]);
  });

  test('can hold every kind of column', async () => {
    const spec = columns({
      b: 'boolean', i: { kind: 'integer', bits: 64 }, n: { kind: 'numeric' }, f: { kind: 'float', bits: 64 }, t: 'text', y: 'bytes', d: 'date',
      ts: { kind: 'timestamp', zone: true }, iv: 'interval', u: 'uuid', j: 'json', a: { kind: 'array', element: { kind: 'text' } }, o: { kind: 'other', name: 'struct' },
    });
    const row = 'true,9223372036854775807,1e400,NaN,"é,""",\\xff,0044-01-01 BC,2024-01-01 00:00:00.000001+00,1 day,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,"{""a"":1.0,""a"":2}","{NULL,""x,y""}",raw\n';
    await loadCsv(connection, { table: { name: 'kinds' }, mode: 'append', columns: spec }, [row]);
    expect(await database.sql(`SELECT i, f, j, a[2], extract(epoch from d) < 0, pg_typeof(j), pg_typeof(o) FROM kinds`)).toEqual([['9223372036854775807', 'NaN', '{"a":1.0,"a":2}', 'x,y', 't', 'json', 'text']]);
  });
});

describe('appending to an existing table', () => {
  test('without keys is direct, and undone by an abort, row for row', async () => {
    await database.sql(`CREATE TABLE log (id integer, name text); INSERT INTO log VALUES (0, 'before')`);
    const spec = { table: { name: 'log' }, mode: 'append', columns: ID_NAME } as const;
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const plan = await session.plan(spec);
    expect(plan).toMatchObject({ creates: false, publication: 'direct' });
    const load = await session.begin(plan);
    const writer = await load.openWriter();
    await writer.write(partOf(0, ['1,a\n2,b\n']), () => undefined);
    await database.sql(`INSERT INTO log VALUES (9, 'another')`);
    await writer.write(partOf(1, ['3,c\n']), () => undefined);
    expect(await database.sql('SELECT count(*) FROM log')).toEqual([['5']]);
    await session.abort();
    expect(await database.sql('SELECT id FROM log ORDER BY id')).toEqual([['0'], ['9']]);
    expect(await loadCsv(connection, spec, ['4,d\n'])).toEqual({ written: 1, skipped: 0, duplicate: 0 });
  });

  test('under a key is staged: all rows or none, in source order', async () => {
    await database.sql(`CREATE TABLE keyed_rows (place serial, id integer PRIMARY KEY, name text)`);
    const spec = { table: { name: 'keyed_rows' }, mode: 'append', columns: ID_NAME } as const;
    const parts = Array.from({ length: 12 }, (_, part) => Array.from({ length: 50 }, (__, i) => `${part * 50 + i},x\n`).join(''));
    expect(await loadCsv(connection, spec, parts)).toEqual({ written: 600, skipped: 0, duplicate: 0 });
    expect(await database.sql('SELECT count(*) FROM keyed_rows WHERE place <> id + 1')).toEqual([['0']]);
    await expect(loadCsv(connection, spec, ['1000,new\n', '7,again\n'])).rejects.toMatchObject({ code: 'UNIQUE_VIOLATED', facts: { constraint: 'keyed_rows_pkey' } });
    expect(await database.sql('SELECT count(*) FROM keyed_rows')).toEqual([['600']]);
    expect(await leftovers()).toEqual([]);
  });

  test('counts what a trigger leaves out', async () => {
    await database.sql(`CREATE TABLE guarded (id integer, name text);
      CREATE FUNCTION no_odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 2 = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$;
      CREATE TRIGGER no_odd BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION no_odd()`);
    expect(await loadCsv(connection, { table: { name: 'guarded' }, mode: 'append', columns: ID_NAME }, ['1,a\n2,b\n', '3,c\n'])).toEqual({ written: 1, skipped: 2, duplicate: 0 });
  });

  test('goes through partitions, views with rules of their own and identity columns', async () => {
    await database.sql(`
      CREATE TABLE split (id integer, name text) PARTITION BY RANGE (id);
      CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (10); CREATE TABLE split_2 PARTITION OF split FOR VALUES FROM (10) TO (20);
      CREATE TABLE under (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); CREATE VIEW over AS SELECT * FROM under`);
    expect(await loadCsv(connection, { table: { name: 'split' }, mode: 'append', columns: ID_NAME }, ['1,a\n12,b\n'])).toMatchObject({ written: 2 });
    await expect(loadCsv(connection, { table: { name: 'split' }, mode: 'append', columns: ID_NAME }, ['2,a\n', '99,b\n'])).rejects.toMatchObject({ code: 'CHECK_VIOLATED' });
    expect(await database.sql('SELECT tableoid::regclass, id FROM split ORDER BY id')).toEqual([['split_1', '1'], ['split_2', '12']]);
    expect(await loadCsv(connection, { table: { name: 'under' }, mode: 'append', columns: ID_NAME }, ['41,a\n'])).toMatchObject({ written: 1 });
    expect(await loadCsv(connection, { table: { name: 'over' }, mode: 'append', columns: columns({ name: 'text' }) }, ['b\n'])).toMatchObject({ written: 1 });
    expect(await database.sql('SELECT * FROM under ORDER BY id')).toEqual([['41', 'a'], ['42', 'b']]);
  });

  test('numbers that were loaded are not handed out again, and sequences never go back', async () => {
    await database.sql(`CREATE TABLE numbered (id serial PRIMARY KEY, name text); SELECT setval('numbered_id_seq', 100)`);
    const spec = { table: { name: 'numbered' }, mode: 'append', columns: ID_NAME } as const;
    await loadCsv(connection, spec, ['5,a\n']);
    await database.sql(`INSERT INTO numbered (name) VALUES ('next')`);
    await loadCsv(connection, spec, ['500,b\n']);
    expect(await database.sql(`INSERT INTO numbered (name) VALUES ('next') RETURNING id`)).toEqual([['501']]);
    expect(await database.sql('SELECT id FROM numbered ORDER BY id')).toEqual([['5'], ['101'], ['500'], ['501']]);
  });

  test('matches columns without case, fills the others, and says what does not fit', async () => {
    await database.sql(`CREATE TABLE shop ("Id" integer NOT NULL, "id" integer, price numeric NOT NULL DEFAULT 1, total numeric GENERATED ALWAYS AS (price * 2) STORED, note text NOT NULL)`);
    const plan = async (names: Record<string, string>): Promise<unknown> => {
      const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
      try {
        return await session.plan({ table: { name: 'shop' }, mode: 'append', columns: columns(names) });
      } finally {
        await session.abort();
      }
    };
    expect(await plan({ id: 'text', ID: 'text', Note: 'text' })).toMatchObject({ columns: [{ name: 'id', type: INTEGER }, { name: 'Id' }, { name: 'note', type: { kind: 'text' } }] });
    await expect(plan({ Id: 'text', note: 'text', prise: 'text' })).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN', hint: expect.stringContaining('"price"') as string, at: { column: 'prise' } });
    await expect(plan({ Id: 'text', note: 'text', total: 'text' })).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN', hint: expect.stringContaining('by itself') as string });
    await expect(plan({ note: 'text' })).rejects.toMatchObject({ code: 'COLUMN_MISSING', facts: { column: 'Id' } });
    await expect(plan({ Id: 'text', note: 'text', Note: 'text' })).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN' });
  });
});

describe('replacing', () => {
  test('takes the place of all rows, for several tables at once, along their foreign keys', async () => {
    await database.sql(`CREATE TABLE customer (id integer PRIMARY KEY, name text); CREATE TABLE purchase (id integer PRIMARY KEY, customer integer REFERENCES customer);
      INSERT INTO customer VALUES (1, 'old'); INSERT INTO purchase VALUES (1, 1)`);
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const write = async (name: string, spec: ReturnType<typeof columns>, text: string): Promise<void> => {
      const load = await session.begin(await session.plan({ table: { name }, mode: 'replace', columns: spec }));
      const writer = await load.openWriter();
      await writer.write(partOf(0, [text]), () => undefined);
      await writer.close();
    };
    await write('purchase', columns({ id: INTEGER, customer: INTEGER }), '10,2\n11,3\n');
    await write('customer', ID_NAME, '2,b\n3,c\n');
    expect(await database.sql('SELECT count(*) FROM purchase')).toEqual([['1']]);
    expect(Object.fromEntries(await session.publish())).toEqual({ purchase: { written: 2, removed: 1, skipped: 0, duplicate: 0 }, customer: { written: 2, removed: 1, skipped: 0, duplicate: 0 } });
    expect(await database.sql('SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer ORDER BY 1')).toEqual([['10', 'b'], ['11', 'c']]);
    expect(await leftovers()).toEqual([]);
  });

  test('with nothing empties the table', async () => {
    await database.sql(`CREATE TABLE full_one (id integer); INSERT INTO full_one VALUES (1)`);
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    await session.begin(await session.plan({ table: { name: 'full_one' }, mode: 'replace', columns: columns({ id: INTEGER }) }));
    expect([...(await session.publish()).values()]).toEqual([{ written: 0, removed: 1, skipped: 0, duplicate: 0 }]);
    expect(await database.sql('SELECT count(*) FROM full_one')).toEqual([['0']]);
  });

  test('is refused where rows of other tables would go along', async () => {
    await database.sql(`CREATE TABLE head (id integer PRIMARY KEY); CREATE TABLE line (head integer REFERENCES head ON DELETE CASCADE)`);
    await expect(loadCsv(connection, { table: { name: 'head' }, mode: 'replace', columns: columns({ id: INTEGER }) }, ['1\n'])).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED', message: expect.stringContaining('line') as string });
  });
});

describe('upsert', () => {
  const PARTS = ['1,a\n2,b\n', '3,c\n2,B\n', '1,A\n'];

  test('changes rows that are there and adds others; of equal keys the last of the source counts', async () => {
    await database.sql(`CREATE TABLE stock (id integer PRIMARY KEY, name text, kept text DEFAULT 'kept'); INSERT INTO stock VALUES (2, 'old', 'mine'), (9, 'other', 'x')`);
    const spec = { table: { name: 'stock' }, mode: 'upsert', columns: ID_NAME } as const;
    expect(await loadCsv(connection, spec, PARTS)).toEqual({ written: 3, skipped: 0, duplicate: 2 });
    expect(await database.sql('SELECT * FROM stock ORDER BY id')).toEqual([['1', 'A', 'kept'], ['2', 'B', 'mine'], ['3', 'c', 'kept'], ['9', 'other', 'x']]);
    expect(await loadCsv(connection, spec, PARTS)).toEqual({ written: 3, skipped: 0, duplicate: 2 });
  });

  test('works by a key that the table does not know of', async () => {
    await database.sql(`CREATE TABLE loose (id integer, name text, kept text DEFAULT 'kept'); INSERT INTO loose VALUES (2, 'old', 'mine'), (2, 'twice', 'mine'), (9, 'other', 'x')`);
    expect(await loadCsv(connection, { table: { name: 'loose' }, mode: 'upsert', columns: ID_NAME, key: ['id'] }, PARTS)).toEqual({ written: 3, skipped: 0, duplicate: 2 });
    expect(await database.sql('SELECT * FROM loose ORDER BY id, name')).toEqual([['1', 'A', 'kept'], ['2', 'B', 'mine'], ['2', 'B', 'mine'], ['3', 'c', 'kept'], ['9', 'other', 'x']]);
  });

  test('NULL is equal to nothing', async () => {
    await database.sql(`CREATE TABLE nulls (id integer UNIQUE, name text)`);
    expect(await loadCsv(connection, { table: { name: 'nulls' }, mode: 'upsert', columns: ID_NAME, key: ['id'] }, [',a\n,b\n', '1,c\n1,d\n'])).toEqual({ written: 3, skipped: 0, duplicate: 1 });
  });

  test('of nothing but keys keeps what is there', async () => {
    await database.sql(`CREATE TABLE tags (a integer, b text, PRIMARY KEY (a, b)); INSERT INTO tags VALUES (1, 'x')`);
    expect(await loadCsv(connection, { table: { name: 'tags' }, mode: 'upsert', columns: columns({ b: 'text', a: INTEGER }) }, ['x,1\ny,1\n', 'y,1\n'])).toEqual({ written: 1, skipped: 0, duplicate: 2 });
  });

  test('tells duplicates from what a trigger leaves out', async () => {
    await database.sql(`CREATE TABLE picky (id integer PRIMARY KEY, name text); CREATE TRIGGER no_odd BEFORE INSERT ON picky FOR EACH ROW EXECUTE FUNCTION no_odd()`);
    expect(await loadCsv(connection, { table: { name: 'picky' }, mode: 'upsert', columns: ID_NAME }, PARTS)).toEqual({ written: 1, skipped: 2, duplicate: 2 });
  });

  test('needs a key that is loaded', async () => {
    await database.sql('CREATE TABLE keyless (id integer, name text)');
    await expect(loadCsv(connection, { table: { name: 'keyless' }, mode: 'upsert', columns: ID_NAME }, [])).rejects.toMatchObject({ code: 'KEY_REQUIRED' });
    await expect(loadCsv(connection, { table: { name: 'stock' }, mode: 'upsert', columns: columns({ name: 'text' }), key: ['id'] }, [])).rejects.toMatchObject({ code: 'COLUMN_MISSING' });
  });
});

describe('encodings', () => {
  test('any dialect of CSV with its charset', async () => {
    const encoding = { ...CANONICAL_CSV, delimiter: ';', quote: "'", escape: '\\', nullText: 'NA', charset: 'windows-1252' } as const;
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const load = await session.begin(await session.plan({ table: { name: 'dialect' }, mode: 'append', columns: ID_NAME }));
    expect(load.accepts(encoding)).toBe(true);
    const writer = await load.openWriter();
    let sent = 0;
    await writer.write(partOf(0, [Buffer.from("1;'it\\'s; \x80'\r\nNA;\x93\r\n", 'latin1')], encoding), (bytes) => (sent += bytes));
    await session.publish();
    expect(sent).toBe(20);
    expect(await database.sql('SELECT * FROM dialect')).toEqual([['1', "it's; €"], [null, '“']]);
  });

  test('copy-text and copy-binary from another PostgreSQL table, byte for byte', async () => {
    await database.sql(`CREATE TYPE feeling AS ENUM ('ok'); CREATE TABLE source AS SELECT i::bigint AS id, i / 3.0 AS n, repeat('ä', i) AS t, ARRAY[i, NULL] AS a, now() - i * interval '1 day' AS tt FROM generate_series(0, 300) AS i;
      ALTER TABLE source ADD PRIMARY KEY (id); CREATE TABLE felt (f feeling); INSERT INTO felt VALUES ('ok')`);
    for (const kind of ['copy-binary', 'copy-text', 'csv'] as const) {
      const name = `copied_${kind}`;
      const reader = await connection.openReader([await tableRequest(connection, 'source')]);
      const table = reader.tables[0];
      const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
      const load = await session.begin(await session.plan({ table: { name }, mode: 'append', columns: table.schema.columns, primaryKey: ['id'], nativeTypesOf: 'postgres' }));
      const encoding = table.encodings('postgres').find((offered) => offered.kind === kind && load.accepts(offered))!;
      const writer = await load.openWriter();
      for await (const part of table.parts(encoding, { partBytes: 20_000, arrays: 'postgres', signal: new AbortController().signal })) await writer.write(part, () => undefined);
      await writer.close();
      expect([...(await session.publish()).values()]).toEqual([{ written: 301, skipped: 0, duplicate: 0 }]);
      await reader.close();
      expect(await database.sql(`SELECT count(*) FROM (TABLE source EXCEPT TABLE "${name}") AS missing`)).toEqual([['0']]);
    }
    const felt = await connection.openReader([await tableRequest(connection, 'felt')]);
    expect(felt.tables[0].encodings('postgres').map((encoding) => encoding.kind)).toEqual(['csv', 'copy-text']);
    await felt.close();
  });

  test('types that only the source has become what they are in text', async () => {
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const plan = await session.plan({ table: { name: 'foreign_types' }, mode: 'append', nativeTypesOf: 'postgres', columns: [
      { name: 'a', type: { kind: 'other', name: 'public.nowhere' }, nullable: true, nativeType: 'public.nowhere' },
      { name: 'b', type: { kind: 'text' }, nullable: false, nativeType: 'character varying(5)' },
      { name: 'c', type: INTEGER, nullable: false, nativeType: 'integer', filled: 'identity-always' },
    ] });
    await session.abort();
    expect(plan.statements[0]).toBe('CREATE TABLE "public"."foreign_types" ("a" text, "b" character varying(5) NOT NULL, "c" integer GENERATED ALWAYS AS IDENTITY)');
  });

  test('chunks cut anywhere arrive whole', async () => {
    const text = Array.from({ length: 300 }, (_, i) => `${i},"line ""${i}""\nrest"\n`).join('');
    const session = await connection.openLoad({ run: 'r', signal: new AbortController().signal });
    const load = await session.begin(await session.plan({ table: { name: 'cut' }, mode: 'append', columns: ID_NAME }));
    const writer = await load.openWriter();
    const bytes = Buffer.from(text);
    expect(await writer.write(partOf(0, [...bytes].map((byte) => Buffer.from([byte]))), () => undefined)).toEqual({ written: 300 });
    // Chunks in memory that is used again, small and large.
    async function* reused(): AsyncGenerator<Uint8Array, void, undefined> {
      const memory = Buffer.alloc(200_000);
      for (let at = 0, size = 1; at < 600_000; at += size, size = Math.min(size * 3, memory.length)) {
        const line = Buffer.from('7,x\n'.repeat(Math.ceil(size / 4)));
        line.copy(memory);
        yield memory.subarray(0, Math.min(line.length, memory.length));
        memory.fill(0x22);
      }
    }
    const { written } = await writer.write(partOf(1, reused()), () => undefined);
    await session.publish();
    expect(await database.sql('SELECT count(*) FROM cut')).toEqual([[String(300 + written)]]);
    expect(await database.sql(`SELECT count(*) FROM cut WHERE id = 7 AND name = 'x'`)).toEqual([[String(written)]]);
  });

  test('an empty part is a part', async () => {
    expect(await loadCsv(connection, { table: { name: 'nothing_in_it' }, mode: 'append', columns: ID_NAME }, ['', ''], { encoding: COPY_TEXT })).toEqual({ written: 0, skipped: 0, duplicate: 0 });
    const reader = await connection.openReader([await tableRequest(connection, 'nothing_in_it')]);
    expect(await readAll(reader.tables[0], 'copy-binary')).toMatchObject({ rows: 0 });
    await reader.close();
  });
});
