import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { never, partOf, temporaryFolder } from '../../engine/support.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import type { Rejection } from '../../../src/rows/rejection.ts';
import { careful, copyTextOf, indexed, quarantine, type Outcome, type QuarantinedTable } from './quarantine-support.ts';
import { column, connect, INTEGER, NUMERIC, sql, TEXT } from './support.ts';

const folder = temporaryFolder();
let number = 0;

/** Each database in a folder of its own, so that what is left behind can be seen. */
function newPath(): string {
  const own = join(folder, String(number++));
  mkdirSync(own);
  return join(own, 'x.duckdb');
}

async function run(path: string, tables: readonly QuarantinedTable[], judged?: (rejected: number) => void): Promise<Outcome> {
  const connection = await connect(path);
  try {
    return await quarantine(connection, tables, judged);
  } finally {
    await connection.close();
  }
}

const ID_NAME = [column('id', INTEGER), column('name', TEXT)];
const one = (rows: QuarantinedTable['parts'][number]['rows'], more: Partial<QuarantinedTable> = {}): QuarantinedTable => ({ table: { name: 't' }, columns: ID_NAME, parts: [{ index: 0, rows }], ...more });

describe('values', () => {
  test('bad ones are found with their record, column and text, the rest is written', async () => {
    const path = newPath();
    const columns = [column('id', INTEGER), column('name', TEXT), column('day', { kind: 'date' })];
    const rows = [['1', 'a\tb\\n', '2024-01-01'], ['x\ty', 'c', '2024-01-01'], ['3', null, null], ['4', 'd', '2024-13-01'], ['5.5', 'e', 'never']];
    const { rejected, all, counts, written } = await run(path, [one(rows, { columns })]);
    expect(rejected).toEqual({ t: ['0.2 VALUE_INVALID id', '0.4 VALUE_INVALID day', '0.5 VALUE_INVALID id'] });
    expect(all[0]).toMatchObject({ message: '"x\ty" cannot be stored as INTEGER without loss', values: ['x\ty', 'c', '2024-01-01'] });
    expect(written).toBe(2);
    expect(counts.get('t')).toEqual({ written: 2, rejected: 0, skipped: 0, duplicate: 0 });
    expect(await sql(path, 'SELECT id, name, "day"::VARCHAR FROM t')).toEqual([[1, 'a\tb\\n', '2024-01-01'], [3, null, null]]);
    expect(readdirSync(join(path, '..'))).toEqual(['x.duckdb']);
  });

  test('records that were left out count', async () => {
    const connection = await connect(newPath());
    const session = await connection.openLoad({ run: 'r', signal: never, onError: 'quarantine' });
    const load = await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: [column('id', INTEGER, false)] }));
    const writer = await load.openWriter();
    const seen: number[] = [];
    const note = async (rejections: readonly Rejection[]): Promise<void> => { seen.push(...rejections.map(({ record }) => record)); await Promise.resolve(); };
    // Records 1, 4, 5, 9 are missing: what came are 2, 3, 6, 7, 8, 10.
    expect(await writer.writeCarefully!(careful('a\n1\nb\n2\n\\N\nc\n', [1, 4, 5, 9]), 3, note)).toEqual({ written: 3, rejected: 3 });
    expect(seen).toEqual([2, 6, 10]);
    const clean = indexed(partOf('1\n\\N\n2\n\\N\n', COPY_TEXT), 1);
    await writer.write({ ...clean, leftOut: [{ record: 2, code: 'ROW_INVALID', message: '' }, { record: 4, code: 'ROW_INVALID', message: '' }] }, () => undefined);
    const places: string[] = [];
    await session.publish({ rejected: async (_, rows) => { places.push(...rows.map(({ part, record }) => `${part}.${record}`)); await Promise.resolve(); }, judged: () => Promise.resolve() });
    expect(places).toEqual(['1.3', '1.6', '3.8']);
    await connection.close();
  });

  test('a refusal of the caller leaves nothing of the part', async () => {
    const path = newPath();
    const connection = await connect(path);
    const session = await connection.openLoad({ run: 'r', signal: never, onError: 'quarantine' });
    const writer = await (await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: ID_NAME }))).openWriter();
    await expect(writer.writeCarefully!(careful(copyTextOf([['1', 'a'], ['x', 'b']])), 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await writer.writeCarefully!(careful(copyTextOf([['2', 'a'], ['x', 'b']])), 0, () => Promise.resolve())).toEqual({ written: 1, rejected: 1 });
    await session.publish({ rejected: () => Promise.resolve(), judged: () => Promise.resolve() });
    await connection.close();
    expect(await sql(path, 'SELECT id FROM t')).toEqual([[2]]);
  });

  test('batches are bounded when every row is bad', async () => {
    const connection = await connect(newPath());
    const session = await connection.openLoad({ run: 'r', signal: never, onError: 'quarantine' });
    const writer = await (await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: ID_NAME }))).openWriter();
    const sizes: number[] = [];
    const records: number[] = [];
    const rows = Array.from({ length: 5000 }, (_, i) => ['x', i === 2000 ? 'y'.repeat(5_000_000) : 'z']);
    await writer.writeCarefully!(careful(copyTextOf(rows)), 0, async (batch) => { sizes.push(batch.length); records.push(...batch.map(({ record }) => record)); await Promise.resolve(); });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1100);
    expect(records).toEqual(rows.map((_, i) => i + 1));
    await session.abort();
    await connection.close();
  });

  test('a record larger than the engine takes is rejected by itself', async () => {
    const path = newPath();
    const connection = await connect(path);
    const session = await connection.openLoad({ run: 'r', signal: never, onError: 'quarantine' });
    const writer = await (await session.begin(await session.plan({ table: { name: 't' }, mode: 'append', columns: ID_NAME }))).openWriter();
    const seen: string[] = [];
    const text = `1\ta\n2\t${'x'.repeat(45_000_000)}\nz\tb\n4\tc\n`;
    const result = await writer.writeCarefully!({ chunks: partOf(text, COPY_TEXT).chunks, leftOut: [] }, 0, async (batch) => { seen.push(...batch.map(({ record, code }) => `${record} ${code}`)); await Promise.resolve(); });
    expect(result).toEqual({ written: 2, rejected: 2 });
    expect(seen).toEqual(['2 RECORD_TOO_LARGE', '3 VALUE_INVALID']);
    await session.abort();
    await connection.close();
  });

  test('numerics whose type follows the data: what is no number is rejected when all are there', async () => {
    const path = newPath();
    const columns = [column('id', INTEGER), column('n', NUMERIC), column('m', NUMERIC)];
    const { rejected, all } = await run(path, [one([['1', '1.25', '1'], ['2', 'abc', 'def'], ['3', '4', 'x'], ['4', '1e', '7']], { columns })]);
    expect(rejected).toEqual({ t: ['0.2 VALUE_INVALID n', '0.3 VALUE_INVALID m', '0.4 VALUE_INVALID n'] });
    expect(all.map(({ values }) => values)).toEqual([['2', 'abc', 'def'], ['3', '4.00', 'x'], ['4', '1e', '7']]);
    expect(await sql(path, 'SELECT id, typeof(n), n::VARCHAR FROM t')).toEqual([[1, 'DECIMAL(18,2)', '1.25']]);
  });
});

describe('constraints', () => {
  const judged = async (ddl: string, rows: QuarantinedTable['parts'][number]['rows'], more: Partial<QuarantinedTable> = {}): Promise<{ outcome: Outcome; rows: unknown[][] }> => {
    const path = newPath();
    await sql(path, ...ddl.split(';'));
    const outcome = await run(path, [one(rows, more)]);
    return { outcome, rows: await sql(path, 'SELECT * FROM t ORDER BY 1') };
  };

  test.each([
    ['primary key', "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR); INSERT INTO t VALUES (1, 'there')", [['1', 'a'], ['2', 'b'], ['2', 'c'], ['3', 'd']], ['0.1 UNIQUE_VIOLATED id', '0.3 UNIQUE_VIOLATED id'], 3],
    ['unique, in which NULL is like nothing', 'CREATE TABLE t (id INTEGER, name VARCHAR UNIQUE)', [['1', 'a'], ['2', null], ['3', null], ['4', 'a']], ['0.4 UNIQUE_VIOLATED name'], 3],
    ['unique index over an expression', "CREATE TABLE t (id INTEGER, name VARCHAR); CREATE UNIQUE INDEX i ON t (lower(name), (id % 2)); INSERT INTO t VALUES (1, 'A')", [['3', 'a'], ['2', 'a'], ['4', 'A']], ['0.1 UNIQUE_VIOLATED', '0.3 UNIQUE_VIOLATED'], 2],
    ['not null', 'CREATE TABLE t (id INTEGER NOT NULL, name VARCHAR NOT NULL)', [['1', 'a'], [null, 'b'], ['3', null]], ['0.2 NOT_NULL_VIOLATED id', '0.3 NOT_NULL_VIOLATED name'], 1],
    ['check, of columns with defaults too; NULL passes', 'CREATE TABLE t (id INTEGER, name VARCHAR, d INTEGER DEFAULT 5, CHECK (id < d))', [['1', 'a'], ['5', 'b'], [null, 'c']], ['0.2 CHECK_VIOLATED'], 2],
    ['foreign key to a table that is there', 'CREATE TABLE p (a INTEGER PRIMARY KEY); INSERT INTO p VALUES (7); CREATE TABLE t (id INTEGER REFERENCES p(a), name VARCHAR)', [['7', 'a'], ['8', 'b'], [null, 'c']], ['0.2 FOREIGN_KEY_VIOLATED id'], 2],
    ['several at once: each row for its first', 'CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id < 10), name VARCHAR NOT NULL UNIQUE)', [['99', null], ['99', 'a'], ['1', 'a'], ['2', 'a'], ['1', 'b'], ['2', 'b']], ['0.1 NOT_NULL_VIOLATED name', '0.2 CHECK_VIOLATED', '0.4 UNIQUE_VIOLATED name', '0.5 UNIQUE_VIOLATED id'], 2],
    ['keys over columns that are not loaded and have no constant are left to the engine', "CREATE SEQUENCE s; CREATE TABLE t (id INTEGER, name VARCHAR, k INTEGER DEFAULT nextval('s') UNIQUE)", [['1', 'a'], ['1', 'a']], undefined, 2],
  ])('%s', async (_name, ddl, rows, rejected, written) => {
    const { outcome, rows: there } = await judged(ddl, rows);
    expect(outcome.rejected.t).toEqual(rejected);
    expect(outcome.counts.get('t')).toMatchObject({ written: rows.length - (rejected?.length ?? 0), rejected: rejected?.length ?? 0 });
    expect(there).toHaveLength(written);
  });

  test('a rejection says constraint, message and values', async () => {
    const { outcome } = await judged('CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR)', [['1', 'a'], ['1', null]]);
    expect(outcome.all).toEqual([{ table: 't', part: 0, record: 2, code: 'UNIQUE_VIOLATED', constraint: 't_id_pkey', column: 'id', message: 'the key (id) = (1) is that of an earlier row', values: ['1', null] }]);
  });

  test('rows chained by two keys: whether one is accepted depends on the one before', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => [String(Math.floor(i / 2)), `n${Math.floor((i + 1) / 2)}`]);
    const { outcome } = await judged('CREATE TABLE t (id INTEGER UNIQUE, name VARCHAR UNIQUE)', rows);
    expect(outcome.all.map(({ record }) => record)).toEqual(rows.map((_, i) => i + 1).filter((record) => record % 2 === 0));
  });

  test('every row is bad', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => [String(i), 'x']);
    const { outcome, rows: there } = await judged('CREATE TABLE t (id INTEGER CHECK (id < 0), name VARCHAR)', rows);
    expect(outcome.counts.get('t')).toMatchObject({ written: 0, rejected: 5000 });
    expect(outcome.all.map(({ record }) => record)).toEqual(rows.map((_, i) => i + 1));
    expect(there).toEqual([]);
  });

  test('a table that the run creates has its key and its NOT NULL', async () => {
    const path = newPath();
    const columns = [column('id', NUMERIC, false), column('name', TEXT, false)];
    const { rejected } = await run(path, [one([['1', 'a'], ['1.0', 'b'], ['2', null], ['3', 'c']], { columns, primaryKey: ['id'] })]);
    expect(rejected).toEqual({ t: ['0.2 UNIQUE_VIOLATED id', '0.3 NOT_NULL_VIOLATED name'] });
    expect(await sql(path, 'SELECT id::VARCHAR, name FROM t ORDER BY id')).toEqual([['1.0', 'a'], ['3.0', 'c']]);
    expect((await sql(path, 'DESCRIBE t')).map((row) => row.slice(0, 4))).toEqual([['id', 'DECIMAL(18,1)', 'NO', 'PRI'], ['name', 'VARCHAR', 'NO', null]]);
  });

  test('replace: what goes is no conflict, and is counted', async () => {
    const { outcome, rows } = await judged("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR); INSERT INTO t VALUES (1, 'old'), (2, 'old')", [['1', 'new'], ['1', 'again']], { mode: 'replace' });
    expect(outcome.rejected.t).toEqual(['0.2 UNIQUE_VIOLATED id']);
    expect(outcome.counts.get('t')).toEqual({ written: 1, rejected: 1, removed: 2, skipped: 0, duplicate: 0 });
    expect(rows).toEqual([[1, 'new']]);
  });

  test('upsert: the last good row of a key wins, other keys are judged', async () => {
    const ddl = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR UNIQUE CHECK (name <> 'bad')); INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')";
    const { outcome, rows } = await judged(ddl, [['1', 'a'], ['1', 'bad'], ['4', 'three'], [null, 'z'], ['5', 'five'], ['5', 'a'], ['2', 'b'], ['2', 'c']], { mode: 'upsert' });
    expect(outcome.rejected.t).toEqual(['0.2 CHECK_VIOLATED', '0.3 UNIQUE_VIOLATED name', '0.4 NOT_NULL_VIOLATED id', '0.6 UNIQUE_VIOLATED name']);
    expect(outcome.counts.get('t')).toEqual({ written: 3, rejected: 4, skipped: 0, duplicate: 1 });
    expect(rows).toEqual([[1, 'a'], [2, 'c'], [3, 'three'], [5, 'five']]);
  });

  test('nothing is published when the limit is exceeded, and no file is left', async () => {
    const path = newPath();
    await expect(run(path, [one([['x', 'a'], ['1', 'b']])], () => { throw new Error('too many'); })).rejects.toThrow('too many');
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });
});

describe('foreign keys over the tables of a run', () => {
  const DDL = ['CREATE TABLE a (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL)', 'CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id))', 'CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id))', "INSERT INTO a VALUES (100, 'there')"];
  const tables: QuarantinedTable[] = [
    { table: { name: 'c' }, columns: [column('id', INTEGER), column('b', INTEGER)], parts: [{ index: 0, rows: [['1', '1'], ['2', '2'], ['3', '3'], ['4', null], ['5', '4']] }] },
    { table: { name: 'a' }, columns: [column('id', INTEGER), column('name', TEXT)], parts: [{ index: 0, rows: [['1', 'one'], ['2', null], ['100', 'again']] }] },
    { table: { name: 'b' }, columns: [column('id', INTEGER), column('a', INTEGER)], parts: [{ index: 0, rows: [['1', '1'], ['2', '2'], ['3', '100']] }, { index: 1, rows: [['x', '1'], ['4', '9']] }] },
  ];
  const expected = {
    a: ['0.2 NOT_NULL_VIOLATED name', '0.3 UNIQUE_VIOLATED id'],
    b: ['0.2 FOREIGN_KEY_VIOLATED a', '1.1 VALUE_INVALID id', '1.2 FOREIGN_KEY_VIOLATED a'],
    c: ['0.2 FOREIGN_KEY_VIOLATED b', '0.5 FOREIGN_KEY_VIOLATED b'],
  };

  test.each([['as given', [0, 1, 2]], ['backwards', [2, 1, 0]], ['mixed', [1, 2, 0]]])('rejections cascade, whatever the order of files: %s', async (_name, order) => {
    const path = newPath();
    await sql(path, ...DDL);
    const { rejected } = await run(path, order.map((i) => tables[i]));
    expect(Object.fromEntries(Object.entries(rejected).map(([table, rows]) => [table, rows.toSorted()]))).toEqual(expected);
    expect(await sql(path, 'SELECT id, b FROM c ORDER BY id')).toEqual([[1, 1], [3, 3], [4, null]]);
  });

  test('parts in any order: the outcome is the same', async () => {
    const outcomes: unknown[] = [];
    for (const turn of [false, true]) {
      const path = newPath();
      await sql(path, 'CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR UNIQUE)');
      const parts = Array.from({ length: 6 }, (_, index) => ({ index, rows: Array.from({ length: 50 }, (_row, i) => [String((i * 7 + index * 13) % 90), `n${(i * 5 + index) % 80}`]) }));
      const { rejected } = await run(path, [one([], { parts: turn ? parts.toReversed() : parts })]);
      outcomes.push([rejected, await sql(path, 'SELECT * FROM t ORDER BY id')]);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  test('a table that refers to itself: any order, but no circles', async () => {
    const path = newPath();
    await sql(path, 'CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t(id))');
    const rows = [['5', '4'], ['4', '3'], ['3', null], ['8', '9'], ['9', '8'], ['7', '7'], ['6', '66'], ['10', '8'], ['3', '99'], ['5', null], ['11', '5']];
    const { rejected } = await run(path, [one(rows, { columns: [column('id', INTEGER), column('up', INTEGER)] })]);
    expect(rejected.t).toEqual(['0.4', '0.5', '0.6', '0.7', '0.8', '0.9'].map((at) => `${at} FOREIGN_KEY_VIOLATED up`).concat('0.10 UNIQUE_VIOLATED id'));
    expect(await sql(path, 'SELECT * FROM t ORDER BY id')).toEqual([[3, null], [4, 3], [5, 4], [11, 5]]);
  });
});
