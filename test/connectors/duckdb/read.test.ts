import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { duckdbConnector } from '../../../src/connectors/duckdb/duckdb-connector.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { collect, MEMORY, never, temporaryFolder } from '../../engine/support.ts';
import { connect, load, sql } from './support.ts';

const folder = temporaryFolder();
const path = join(folder, 'source.duckdb');

beforeAll(async () => {
  await sql(
    path,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, "Name, x" VARCHAR UNIQUE, n DECIMAL(5,2), huge HUGEINT, span INTERVAL, tags VARCHAR[], s STRUCT(d DECIMAL(5,3)), g INTEGER GENERATED ALWAYS AS (id + 1), "d" INTEGER DEFAULT 5)',
    "INSERT INTO t VALUES (1, 'a,\"b\"', 1.5, 170141183460469231731687303715884105727, '1 month 00:00:00.000001', ['x', NULL], {'d': 1.25}, 1), (2, NULL, NULL, 1, NULL, NULL, NULL, NULL)",
    'CREATE SCHEMA other', 'CREATE TABLE other.u AS SELECT range AS a FROM range(50000)', 'CREATE UNIQUE INDEX ux ON other.u (a)', 'CREATE VIEW v AS SELECT 1', 'CREATE TABLE empty (a INTEGER)',
  );
});

async function withSource<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(path, false);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

test('the catalog', async () => {
  await withSource(async (connection) => {
    const tables = await connection.listTables();
    expect(tables.map(({ schema, name }) => [schema, name])).toEqual([[undefined, 'empty'], [undefined, 't'], ['other', 'u']]);
    const t = tables[1];
    expect(t.primaryKey).toEqual(['id']);
    expect(t.indexes.map(({ columns, unique, primary }) => ({ columns, unique, primary }))).toEqual([
      { columns: ['id'], unique: true, primary: true }, { columns: ['Name, x'], unique: true, primary: false },
    ]);
    expect(t.columns.map(({ name, type, nullable, filled }) => [name, type.kind, nullable, filled])).toEqual([
      ['id', 'integer', false, undefined], ['Name, x', 'text', true, undefined], ['n', 'numeric', true, undefined], ['huge', 'numeric', true, undefined], ['span', 'interval', true, undefined],
      ['tags', 'array', true, undefined], ['s', 'json', true, undefined], ['g', 'integer', true, 'generated'], ['d', 'integer', true, 'default'],
    ]);
    expect(tables[2]).toMatchObject({ estimatedRows: 50_000, indexes: [{ name: 'ux', columns: ['a'], unique: true }] });
    expect(await connection.describeTable({ name: 'T' })).toMatchObject({ name: 't' });
    expect(await connection.describeTable({ name: 'v' })).toBeUndefined();
    expect(connection.serverVersion).toMatch(/^v1\./);
  });
});

test('tables, columns, conditions and queries', async () => {
  await withSource(async (connection) => {
    const t = (await connection.describeTable({ name: 't' }))!;
    const u = (await connection.describeTable({ schema: 'other', name: 'u' }))!;
    const reader = await connection.openReader([
      { kind: 'table', table: t },
      { kind: 'table', table: t, columns: ['Name, x', 'id'], where: 'id = 2 -- the second' },
      { kind: 'table', table: u },
      { kind: 'query', name: 'q', sql: "SELECT 1 AS a, ';' AS b;\n" },
    ]);
    const options = { partBytes: 20_000, arrays: 'json' as const, signal: never };
    const [all, some, many, query] = reader.tables;
    expect((await collect(all.parts(COPY_TEXT, options))).text).toBe('1\ta,"b"\t1.50\t170141183460469231731687303715884105727\t1 month 00:00:00.000001\t["x",null]\t{"d":1.250}\t2\t1\n2\t\\N\t\\N\t1\t\\N\t\\N\t\\N\t3\t\\N\n');
    expect((await collect(all.parts(COPY_TEXT, { ...options, arrays: 'postgres' }))).text).toContain('\t{"x",NULL}\t');
    expect((await collect(some.parts(CANONICAL_CSV, options))).text).toBe(',2\n');
    expect(some.schema).toMatchObject({ estimatedRows: 1, primaryKey: [] });
    const parts = await collect(many.parts(COPY_TEXT, options));
    expect(parts.rows).toBe(50_000);
    expect(parts.parts.length).toBeGreaterThan(2);
    expect((await collect(query.parts(CANONICAL_CSV, options))).text).toBe('1,;\n');
    await reader.close();
  });
});

test.each([
  ['several statements', { kind: 'query' as const, name: 'q', sql: 'SELECT 1; SELECT 2' }],
  ['a change', { kind: 'query' as const, name: 'q', sql: 'DELETE FROM t' }],
  ['no SQL', { kind: 'query' as const, name: 'q', sql: 'SELEC 1' }],
])('a query that is %s is refused', async (_name, request) => {
  await withSource(async (connection) => {
    await expect(connection.openReader([request])).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });
});

test('a condition or a column that cannot be', async () => {
  await withSource(async (connection) => {
    const table = (await connection.describeTable({ name: 't' }))!;
    await expect(connection.openReader([{ kind: 'table', table, where: 'nope = 1' }])).rejects.toMatchObject({ code: 'QUERY_INVALID' });
    await expect(connection.openReader([{ kind: 'table', table, where: '1 = 1); DROP TABLE t; --' }])).rejects.toMatchObject({ code: 'QUERY_INVALID' });
    await expect(connection.openReader([{ kind: 'table', table, columns: ['nope'] }])).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN' });
  });
});

test('files by the engine itself', async () => {
  await withSource(async (connection) => {
    const table = (await connection.describeTable({ name: 't' }))!;
    const reader = await connection.openReader([{ kind: 'table', table, columns: ['id', 'Name, x', 'span', 'tags', 's'] }, { kind: 'table', table, columns: ['huge'] }]);
    const [some, huge] = reader.tables;
    expect(some.encodings('json')[0]).toEqual({ kind: 'file' });
    const csv = join(folder, 'out.csv');
    expect(await some.writeFile!({ path: csv, format: 'csv', csv: { delimiter: ';', header: true }, compression: 'none' }, never)).toEqual({ read: 2, written: 2 });
    expect(readFileSync(csv, 'utf8')).toBe('id;Name, x;span;tags;s\n1;"a,""b""";1 month 00:00:00.000001;"[""x"",null]";"{""d"":1.250}"\n2;;;;\n');
    const parquet = join(folder, 'out[1].parquet');
    expect(await some.writeFile!({ path: parquet, format: 'parquet', compression: 'zstd' }, never)).toEqual({ read: 2, written: 2 });
    expect(await sql(join(folder, 'check.duckdb'), `SELECT id, span, tags::VARCHAR, s.d::VARCHAR FROM read_parquet('${parquet.replace('[', '[[]')}')`)).toEqual([[1, '1 month 00:00:00.000001', '[x, NULL]', '1.250'], [2, null, null, null]]);
    // 39 digits are more than Parquet's decimals hold: refused, not rounded.
    await expect(huge.writeFile!({ path: join(folder, 'huge.parquet'), format: 'parquet', compression: 'zstd' }, never)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await expect(some.writeFile!({ path: '/dev/full', format: 'csv', csv: { delimiter: ',', header: true }, compression: 'none' }, never)).rejects.toMatchObject({ code: expect.stringMatching(/DISK_FULL|ENGINE_ERROR/) });
    await reader.close();
  });
});

test('one DuckDB file into another: every type as it is', async () => {
  const target = join(folder, 'target.duckdb');
  const [from, to] = [await connect(path, false), await connect(target)];
  const table = (await from.describeTable({ name: 't' }))!;
  const columns = table.columns.filter((column) => column.filled !== 'generated').map((column) => column.name);
  const reader = await from.openReader([{ kind: 'table', table, columns, where: 'id < 10' }]);
  const parts = [];
  for await (const part of reader.tables[0].parts({ kind: 'file' }, { partBytes: 1000, arrays: 'json', signal: never })) parts.push(part);
  expect(await load(to, { table: { name: 't' }, columns: reader.tables[0].schema.columns, primaryKey: ['id'], nativeTypesOf: 'duckdb' }, parts)).toMatchObject({ written: 2 });
  await reader.close();
  await to.close();
  await from.close();
  const query = `SELECT ${columns.map((name) => `"${name}"::VARCHAR, typeof("${name}")`).join(', ')} FROM t`;
  expect(await sql(target, query)).toEqual(await sql(path, query));
});

test('what a killed process committed but did not move out of the log is read', async () => {
  const killed = join(folder, 'killed.duckdb');
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { openEngine } from ${JSON.stringify(new URL('../../../src/engine/engine.ts', import.meta.url).href)};
    const engine = await openEngine({ path: ${JSON.stringify(killed)}, memoryLimitBytes: 1e8, threads: 1, create: true, tempFolder: ${JSON.stringify(folder)} });
    const connection = await engine.connect();
    await connection.run('CREATE TABLE t AS SELECT 42 AS a');
    process.kill(process.pid, 'SIGKILL');`]);
  await once(child, 'exit');
  const connection = await connect(killed, false);
  expect(await connection.listTables()).toMatchObject([{ name: 't' }]);
  await connection.close();
});

test.each(['duckdb::memory:', 'duckdb:'])('%s is refused', async (url) => {
  await expect(duckdbConnector.connect(url, { signal: never, jobs: 1, engineMemoryBytes: MEMORY, applicationName: 't', create: true, env: {} })).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
});

test('a file that is not there', async () => {
  await expect(connect(join(folder, 'absent.duckdb'), false)).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
});

test('a source becomes a target when rows are loaded into it', async () => {
  const both = join(folder, 'both.duckdb');
  await sql(both, 'CREATE TABLE t (a INTEGER)');
  const connection = await connect(both, false);
  const session = await connection.openLoad({ run: 'r', signal: never });
  expect(await session.plan({ table: { name: 'T' }, mode: 'append', columns: [{ name: 'a', type: { kind: 'integer', bits: 32 }, nullable: true }] })).toMatchObject({ creates: false, maxWriters: 1, publication: 'transaction' });
  await session.abort();
  await connection.close();
});
