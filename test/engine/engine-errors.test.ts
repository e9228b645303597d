import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineConnection } from '../../src/engine/engine-connection.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { memoryEngine, temporaryFolder } from './support.ts';

const folder = temporaryFolder();
let engine: Engine;
let connection: EngineConnection;

beforeAll(async () => {
  ({ engine, connection } = await memoryEngine());
  await connection.run('CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, n INTEGER CHECK (n > 0)); INSERT INTO t VALUES (1, \'a\', 1); CREATE TABLE c (t INTEGER REFERENCES t(id)); INSERT INTO c VALUES (1)');
});
afterAll(() => engine.close());

const context = { table: 't', connection: 'duckdb:x', source: 'in.csv' };

test.each([
  ["INSERT INTO t VALUES (1, 'b', 1)", { code: 'UNIQUE_VIOLATED', facts: { constraint: 'PRIMARY KEY', table: 't' } }],
  ["INSERT INTO t VALUES (2, 'b', -1)", { code: 'CHECK_VIOLATED', facts: { constraint: 'CHECK' } }],
  ['INSERT INTO c VALUES (9)', { code: 'FOREIGN_KEY_VIOLATED', facts: { constraint: 'FOREIGN KEY' } }],
  ['DELETE FROM t', { code: 'CONSTRAINT_VIOLATED', facts: { constraint: 'FOREIGN KEY' } }],
  ['INSERT INTO t VALUES (2, NULL, 1)', { code: 'NOT_NULL_VIOLATED', at: { table: 't', column: 'name' } }],
  ["SELECT 'abc'::INTEGER", { code: 'VALUE_INVALID', at: { table: 't' } }],
  ['SELECT * FROM tt', { code: 'TABLE_UNKNOWN', facts: { table: 'tt' }, hint: 'Did you mean "t"?' }],
  ['SELECT nope FROM t', { code: 'ENGINE_ERROR' }],
])('%s', async (sql, expected) => {
  await expect(connection.run(sql, context)).rejects.toMatchObject(expected);
});

test.each(['SELECT nope FROM t', 'SELEC', 'SELECT * FROM tt', "SELECT 'abc'::INTEGER"])("what the user wrote is the user's: %s", async (sql) => {
  await expect(connection.run(sql, { userSql: true })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
});

const csv = (content: string | Uint8Array, columns: string): string => {
  const path = join(folder, 'in.csv');
  writeFileSync(path, content);
  return `SELECT * FROM read_csv('${path}', auto_detect = false, header = false, columns = {${columns}}, max_line_size = 100)`;
};

test.each([
  ['too few', '1,2,3\n4,5\n', { code: 'CSV_FIELD_COUNT', at: { line: 2 }, facts: { expected: 3, found: 2 } }],
  ['too many', '1,2,3\n4,5,6\n7,8,9,0\n', { code: 'CSV_FIELD_COUNT', at: { line: 3 }, facts: { expected: 3, found: 4 } }],
  ['an open quote', '1,2,3\n4,5,"x\n', { code: 'CSV_MALFORMED', at: { line: 2 } }],
  ['no UTF-8', Buffer.from([0x31, 0x2c, 0x32, 0x2c, 0xff, 0xfe, 0x0a]), { code: 'ENCODING_INVALID', at: { line: 1 } }],
  ['a long record', `1,2,3\n4,5,${'x'.repeat(500)}\n`, { code: 'RECORD_TOO_LARGE', facts: { limit: 100 } }],
])('a CSV record with %s', async (_name, content, expected) => {
  await expect(connection.run(csv(content, "a: 'VARCHAR', b: 'VARCHAR', c: 'VARCHAR'"), context)).rejects.toMatchObject(expected);
});

test('a CSV value that does not fit names line and column', async () => {
  await expect(connection.run(csv('1,x\n2,y\nz,w\n', "a: 'INTEGER', b: 'VARCHAR'"), context)).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { line: 3, column: 'a' } });
});

test('messages are one line without advice', async () => {
  const error = await connection.run('SELECT nope FROM t').catch((caught: unknown) => caught as Error);
  expect((error as Error).message).not.toMatch(/\n|LINE 1/);
});

test('a full disk and a missing folder', async () => {
  await expect(connection.run("COPY (SELECT * FROM range(100000)) TO '/dev/full' (FORMAT csv, USE_TMP_FILE false)", { path: 'out.csv' })).rejects.toMatchObject({ code: 'DISK_FULL', facts: { path: 'out.csv' } });
  const path = join(folder, 'absent', 'out.csv');
  await expect(connection.run(`COPY (SELECT 1) TO '${path}' (FORMAT csv)`, { path })).rejects.toMatchObject({ code: 'TARGET_UNWRITABLE' });
});

test('too little memory says so', async () => {
  await connection.run("SET memory_limit = '10MB'; SET max_temp_directory_size = '1MB'");
  await expect(connection.run('CREATE TABLE big AS SELECT range AS a, hash(range) AS b FROM range(5000000) ORDER BY b')).rejects.toMatchObject({ code: expect.stringMatching(/DISK_FULL|ENGINE_ERROR/) });
});
