import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PartStream } from '../../../src/rows/part.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { never, partOf, temporaryFolder } from '../../engine/support.ts';
import { column, connect, INTEGER, load, NUMERIC, sql, TEXT } from './support.ts';

const folder = temporaryFolder();
let number = 0;
const newPath = (): string => join(folder, `${number++}.duckdb`);
const NO_TABLES = 'SELECT table_name FROM duckdb_tables()';

/** A part that the engine reads itself from a CSV file, every field as text. */
function filePart(content: string, columns: number): PartStream {
  const path = join(folder, `${number++}.csv`);
  writeFileSync(path, content);
  const names = Array.from({ length: columns }, (_, i) => `f${i}`);
  return {
    ...partOf('', { kind: 'file' }),
    file: { path, relation: `read_csv('${path}', auto_detect = false, header = false, allow_quoted_nulls = false, columns = {${names.map((name) => `${name}: 'VARCHAR'`).join(', ')}})`, expressions: names },
  };
}

describe('a table that the run creates', () => {
  test('types, nullability, key; text and CSV parts', async () => {
    const path = newPath();
    const connection = await connect(path);
    const columns = [column('id', INTEGER, false), column('Name x', TEXT), column('at', { kind: 'timestamp', zone: true }), column('tags', { kind: 'array', element: TEXT })];
    const counts = await load(connection, { table: { name: 't' }, columns, primaryKey: ['id'] }, [
      partOf('1\ta\\tb\\\\n\t2024-01-01 10:00:00+02\t["x"]\n2\t\\N\t\\N\t\\N\n', COPY_TEXT, { chunkBytes: 1 }),
      partOf('3,"",,"[""y,""]"\n', CANONICAL_CSV),
    ]);
    expect(counts).toEqual({ written: 3, skipped: 0, duplicate: 0, accepted: 3 });
    await connection.close();
    expect(await sql(path, 'SELECT id, "Name x", "at"::VARCHAR, tags::VARCHAR FROM t')).toEqual([
      [1, 'a\tb\\n', '2024-01-01 08:00:00+00', '[x]'], [2, null, null, null], [3, '', null, "['y,']"],
    ]);
    expect((await sql(path, 'DESCRIBE t')).map((row) => row.slice(0, 4))).toEqual([['id', 'INTEGER', 'NO', 'PRI'], ['Name x', 'VARCHAR', 'YES', null], ['at', 'TIMESTAMP WITH TIME ZONE', 'YES', null], ['tags', 'VARCHAR[]', 'YES', null]]);
    expect(existsSync(`${path}.wal`)).toBe(false);
  });

  test('in a schema of its own', async () => {
    const path = newPath();
    const connection = await connect(path);
    await load(connection, { table: { schema: 'my s', name: 'my t' }, columns: [column('a', TEXT)] }, [partOf('x\n', CANONICAL_CSV)]);
    expect((await connection.listTables()).map(({ schema, name }) => [schema, name])).toEqual([['my s', 'my t']]);
    await connection.close();
  });

  test('without a row', async () => {
    const path = newPath();
    const connection = await connect(path);
    expect(await load(connection, { table: { name: 't' }, columns: [column('a', TEXT), column('n', NUMERIC)] }, [])).toMatchObject({ written: 0 });
    await connection.close();
    expect(await sql(path, 'SELECT count(*) FROM t')).toEqual([['0']]);
  });

  test('names that differ only in case are refused', async () => {
    const connection = await connect(newPath());
    await expect(load(connection, { table: { name: 't' }, columns: [column('a', TEXT), column('A', TEXT)] }, [])).rejects.toMatchObject({ code: 'USAGE' });
    await connection.close();
  });
});

describe('numerics without precision get a DECIMAL that is exact', () => {
  const columns = [column('id', INTEGER), column('n', NUMERIC)];
  const loaded = async (parts: readonly PartStream[], primaryKey: string[] = []): Promise<unknown[][]> => {
    const path = newPath();
    const connection = await connect(path);
    await load(connection, { table: { name: 't' }, columns, primaryKey }, parts);
    await connection.close();
    return sql(path, 'SELECT typeof(n), n::VARCHAR FROM t ORDER BY id');
  };

  test('from pipes', async () => {
    expect(await loaded([partOf('1,1.5\n2,\n', CANONICAL_CSV), partOf('3,-100.125\n', CANONICAL_CSV)])).toEqual([['DECIMAL(18,3)', '1.500'], ['DECIMAL(18,3)', null], ['DECIMAL(18,3)', '-100.125']]);
  });
  test('wide ones', async () => {
    expect(await loaded([partOf('1,1234567890123456789012345678.0000000001\n', CANONICAL_CSV)])).toEqual([['DECIMAL(38,10)', '1234567890123456789012345678.0000000001']]);
  });
  test('what no DECIMAL holds stays text', async () => {
    expect(await loaded([partOf('1,NaN\n2,1.10\n', CANONICAL_CSV)])).toEqual([['VARCHAR', 'NaN'], ['VARCHAR', '1.10']]);
    const digits = '9'.repeat(39);
    expect(await loaded([partOf(`1,${digits}\n`, CANONICAL_CSV)])).toEqual([['VARCHAR', digits]]);
  });
  test('from files, by a look at the head', async () => {
    expect(await loaded([filePart('1,1.5\n2,10.25\n', 2)])).toEqual([['DECIMAL(18,2)', '1.50'], ['DECIMAL(18,2)', '10.25']]);
  });
  test('from files whose tail is finer than their head', async () => {
    const head = Array.from({ length: 120_000 }, (_, i) => `${i},1.5\n`).join('');
    const rows = await loaded([filePart(`${head}120000,1.123456\n`, 2)]);
    expect(rows).toHaveLength(120_001);
    expect([rows[0], rows.at(-1)]).toEqual([['DECIMAL(18,6)', '1.500000'], ['DECIMAL(18,6)', '1.123456']]);
  });
  test('from several files, each finer than the one before, and from a pipe after that', async () => {
    const parts = [filePart('1,1.5\n', 2), filePart('2,1.25\n', 2), filePart('3,1234567890123456.5\n', 2), partOf('4,0.0001\n', CANONICAL_CSV)];
    expect(await loaded(parts)).toEqual(['1.5000', '1.2500', '1234567890123456.5000', '0.0001'].map((text) => ['DECIMAL(38,4)', text]));
  });
  test('also as the key', async () => {
    expect(await loaded([partOf('1,1.5\n2,2\n', CANONICAL_CSV)], ['n'])).toEqual([['DECIMAL(18,1)', '1.5'], ['DECIMAL(18,1)', '2.0']]);
  });
});

describe('a table that exists', () => {
  const prepared = async (): Promise<string> => {
    const path = newPath();
    await sql(path, 'CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR, n DECIMAL(5,2) DEFAULT 7, twice INTEGER GENERATED ALWAYS AS (id * 2))', "INSERT INTO t VALUES (1, 'a', 1.5), (2, 'b', 2.5)");
    return path;
  };
  const columns = [column('ID', INTEGER), column('name', TEXT)];
  const rows = (path: string): Promise<unknown[][]> => sql(path, 'SELECT id, name, n::VARCHAR FROM t ORDER BY id');

  test('append: columns by name, defaults for the rest', async () => {
    const path = await prepared();
    const connection = await connect(path);
    expect(await load(connection, { table: { name: 'T' }, columns }, [partOf('3,c\n', CANONICAL_CSV)])).toMatchObject({ written: 1 });
    await connection.close();
    expect(await rows(path)).toEqual([[1, 'a', '1.50'], [2, 'b', '2.50'], [3, 'c', '7.00']]);
  });

  test('replace', async () => {
    const path = await prepared();
    const connection = await connect(path);
    expect(await load(connection, { table: { name: 't' }, columns, mode: 'replace' }, [partOf('2,z\n1,y\n', CANONICAL_CSV)])).toMatchObject({ written: 2 });
    await connection.close();
    expect(await rows(path)).toEqual([[1, 'y', '7.00'], [2, 'z', '7.00']]);
  });

  test('upsert: the last source row wins, columns that are not loaded keep their values', async () => {
    const path = await prepared();
    const connection = await connect(path);
    const parts = [partOf('2,x\n3,c\n2,y\n', CANONICAL_CSV), partOf('3,d\n4,e\n', CANONICAL_CSV)];
    expect(await load(connection, { table: { name: 't' }, columns, mode: 'upsert' }, parts)).toEqual({ written: 3, skipped: 0, duplicate: 2, accepted: 5 });
    expect((await connection.listTables()).map((table) => table.name)).toEqual(['t']);
    await connection.close();
    expect(await rows(path)).toEqual([[1, 'a', '1.50'], [2, 'y', '2.50'], [3, 'd', '7.00'], [4, 'e', '7.00']]);
  });

  test('upsert by a key without an index, of columns that are only keys, and with NULL in it', async () => {
    const path = await prepared();
    const connection = await connect(path);
    expect(await load(connection, { table: { name: 't' }, columns, mode: 'upsert', key: ['name'] }, [partOf('9,c\n', CANONICAL_CSV)])).toMatchObject({ written: 1 });
    expect(await load(connection, { table: { name: 't' }, columns: [columns[0]], mode: 'upsert' }, [partOf('9\n10\n', CANONICAL_CSV)])).toMatchObject({ written: 2 });
    await expect(load(connection, { table: { name: 't' }, columns, mode: 'upsert', key: ['name'] }, [partOf('11,\n', CANONICAL_CSV)])).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { column: 'name' } });
    await connection.close();
    expect((await rows(path)).map(([id]) => id)).toEqual([1, 2, 9, 10]);
  });

  test('upsert into a table that the run creates', async () => {
    const path = newPath();
    const connection = await connect(path);
    const spec = { table: { name: 't' }, columns: [column('id', INTEGER), column('n', NUMERIC)], mode: 'upsert' as const };
    await expect(load(connection, spec, [])).rejects.toMatchObject({ code: 'KEY_REQUIRED' });
    expect(await load(connection, { ...spec, key: ['id'] }, [partOf('1,1\n2,2\n1,3.5\n', CANONICAL_CSV)])).toMatchObject({ written: 2, duplicate: 1 });
    await connection.close();
    expect(await sql(path, 'SELECT id, n::VARCHAR FROM t ORDER BY id')).toEqual([[1, '3.5'], [2, '2.0']]);
    expect((await sql(path, 'DESCRIBE t')).map((row) => row.slice(0, 4))).toEqual([['id', 'INTEGER', 'NO', 'PRI'], ['n', 'DECIMAL(18,1)', 'YES', null]]);
  });

  test.each([
    ['an unknown column', [column('nope', TEXT)], 'COLUMN_UNKNOWN'],
    ['no value for a column that needs one', [column('name', TEXT)], 'COLUMN_MISSING'],
    ['a generated column', [column('id', INTEGER), column('twice', INTEGER)], 'OPTION_UNSUPPORTED'],
  ])('%s', async (_name, wrong, code) => {
    const connection = await connect(await prepared());
    await expect(load(connection, { table: { name: 't' }, columns: wrong }, [])).rejects.toMatchObject({ code });
    await connection.close();
  });
});

describe('what goes wrong leaves the database as it was', () => {
  test.each([
    ['a value that does not fit', '5,x\n6,y\nz,w\n', { code: 'VALUE_INVALID', at: { table: 't', column: 'id', row: 103 } }],
    ['a value that would be rounded', '5.5,x\n', { code: 'VALUE_INVALID', at: { column: 'id', row: 101 } }],
    ['a field too few', '5,x\n6\n', { code: 'CSV_FIELD_COUNT', at: { line: 2 } }],
    ['a duplicate key', '5,x\n1,y\n', { code: 'UNIQUE_VIOLATED', facts: { table: 't' } }],
    ['bytes that are not UTF-8', Buffer.from([0x35, 0x2c, 0xff, 0x0a]), { code: 'ENCODING_INVALID', at: { line: 1 } }],
  ])('%s', async (_name, content, expected) => {
    const path = newPath();
    await sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR); INSERT INTO t VALUES (1, 'a')");
    const connection = await connect(path);
    const columns = [column('id', INTEGER), column('name', TEXT)];
    const parts = [partOf('2,good\n', CANONICAL_CSV), partOf(content, CANONICAL_CSV, { firstRow: 101 })];
    await expect(load(connection, { table: { name: 't' }, columns, mode: 'append' }, parts)).rejects.toMatchObject(expected);
    await connection.close();
    expect(await sql(path, 'SELECT * FROM t')).toEqual([[1, 'a']]);
  });

  test('a value in a file is found again with its row', async () => {
    const path = newPath();
    const connection = await connect(path);
    const part = filePart(`${Array.from({ length: 3000 }, (_, i) => `${i},x\n`).join('')}1.5,y\n`, 2);
    await expect(load(connection, { table: { name: 't' }, columns: [column('id', INTEGER), column('name', TEXT)] }, [part])).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { column: 'id', row: 3001, file: part.file!.path } });
    await connection.close();
    expect(existsSync(path)).toBe(false);
  });

  test('an abort after parts were written, and a file that got no table is removed', async () => {
    const path = newPath();
    const connection = await connect(path);
    const session = await connection.openLoad({ run: 'r', signal: never });
    const table = await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: [column('a', TEXT)] }));
    await (await table.openWriter()).write(partOf('x\n', CANONICAL_CSV), () => undefined);
    await session.abort();
    await session.abort();
    expect(await connection.listTables()).toEqual([]);
    expect(await load(connection, { table: { name: 'second' }, columns: [column('a', TEXT)] }, [partOf('x\n', CANONICAL_CSV)])).toMatchObject({ written: 1 });
    await connection.close();
    expect(await sql(path, NO_TABLES)).toEqual([['second']]);
  });

  test('a failed session publishes nothing', async () => {
    const path = newPath();
    const connection = await connect(path);
    const session = await connection.openLoad({ run: 'r', signal: never });
    const columns = [column('id', INTEGER)];
    const good = await session.begin(await session.plan({ table: { name: 'good' }, mode: 'append', columns }));
    await (await good.openWriter()).write(partOf('1\n', CANONICAL_CSV), () => undefined);
    const bad = await session.begin(await session.plan({ table: { name: 'bad' }, mode: 'append', columns }));
    await expect((await bad.openWriter()).write(partOf('x\n', CANONICAL_CSV), () => undefined)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await expect(session.publish()).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await session.abort();
    await connection.close();
    expect(existsSync(path)).toBe(false);
  });

  test('a cancelled load', async () => {
    const connection = await connect(newPath());
    const stop = new AbortController();
    const session = await connection.openLoad({ run: 'r', signal: stop.signal });
    const table = await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: [column('a', TEXT)] }));
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) yield Buffer.from(`${'x'.repeat(100)}\n`.repeat(100));
    }
    setTimeout(() => stop.abort(), 100);
    await expect((await table.openWriter()).write({ ...partOf('', CANONICAL_CSV), chunks: endless() }, () => undefined)).rejects.toMatchObject({ code: 'CANCELLED' });
    await session.abort();
    expect(await connection.listTables()).toEqual([]);
    await connection.close();
  });
});

test('encodings that are taken', async () => {
  const connection = await connect(newPath());
  const session = await connection.openLoad({ run: 'r', signal: never });
  const one = await session.begin(await session.plan({ table: { name: 'a' }, mode: 'append', columns: [column('a', TEXT)] }));
  const two = await session.begin(await session.plan({ table: { name: 'b' }, mode: 'append', columns: [column('a', TEXT), column('b', TEXT)] }));
  expect(two.accepts({ kind: 'file' })).toBe(true);
  expect(two.accepts(COPY_TEXT)).toBe(true);
  expect(two.accepts({ ...CANONICAL_CSV, delimiter: ';', quote: "'", escape: "'", nullText: 'NA' })).toBe(true);
  expect(one.accepts({ ...CANONICAL_CSV, nullText: 'NA' })).toBe(false);
  expect(two.accepts({ ...CANONICAL_CSV, charset: 'latin1' })).toBe(false);
  expect(two.accepts({ kind: 'copy-binary', types: [] })).toBe(false);
  await session.abort();
  await connection.close();
});

test('other dialects of CSV', async () => {
  const path = newPath();
  const connection = await connect(path);
  const columns = [column('a', TEXT), column('b', TEXT)];
  await load(connection, { table: { name: 't' }, columns }, [
    partOf("'a;''b';NA\r\n'NA';x\r\n", { ...CANONICAL_CSV, delimiter: ';', quote: "'", escape: "'", nullText: 'NA' }),
    partOf('"a"\tb\n', { ...CANONICAL_CSV, delimiter: '\t', quote: '\u0001', escape: '\u0001' }),
  ]);
  await connection.close();
  expect(await sql(path, 'SELECT * FROM t')).toEqual([["a;'b", null], ['NA', 'x'], ['"a"', 'b']]);
});
