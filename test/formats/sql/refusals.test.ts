import { describe, expect, test } from 'vitest';
import { sqlFormat } from '../../../src/formats/sql/sql-format.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { failureOf, readDump } from './read-dump.ts';

const TABLE = 'CREATE TABLE t (a integer, b text);\nINSERT INTO t VALUES (1, \'x\');\n';

describe('statements that change rows in another way', () => {
  test.each([
    ['UPDATE t SET a = 2;', 'UPDATE'],
    ['DELETE FROM t;', 'DELETE'],
    ['MERGE INTO t USING s ON (1=1) WHEN MATCHED THEN DELETE;', 'MERGE'],
    ['INSERT INTO t SELECT * FROM s;', 'INSERT INTO t SELECT'],
    ['INSERT INTO t (a, b) SELECT 1, \'x\';', 'SELECT'],
    ['INSERT INTO t (SELECT 1, 2);', 'SELECT'],
    ['INSERT INTO t DEFAULT VALUES;', 'DEFAULT'],
    ['INSERT INTO t SET a = 1;', 'SET'],
    ['INSERT INTO t VALUES (1, \'x\') ON CONFLICT (a) DO UPDATE SET b = \'y\';', 'ON CONFLICT'],
    ['INSERT INTO t VALUES (1, \'x\') ON DUPLICATE KEY UPDATE b = \'y\';', 'ON DUPLICATE'],
    ['WITH s AS (SELECT 1) INSERT INTO t SELECT * FROM s;', 'INSERT'],
    ['CREATE TABLE u AS SELECT * FROM t;', 'query'],
    ['SELECT * INTO u FROM t;', 'INTO'],
    ['COPY t FROM \'/tmp/file\';', 'another file'],
    ['COPY t FROM stdin WITH (FORMAT csv);', 'text format'],
    ['COPY t FROM stdin DELIMITER \',\';', 'text format'],
    ['LOAD DATA INFILE \'x\' INTO TABLE t;', 'another file'],
    ['\\copy t from file.csv', 'another file'],
    ['\\i other.sql', 'another file'],
    ['.read other.sql', 'another file'],
    ['@other.sql', 'another file'],
    ['PREPARE p AS INSERT INTO t VALUES ($1, $2);', 'INSERT'],
    ['DROP TABLE t;', 'dropped'],
    ['FROBNICATE t;', 'FROBNICATE'],
    ['INSERT INTO t VALUES (now(), \'x\');', 'now()'],
    ['INSERT INTO t VALUES (DEFAULT, \'x\');', 'DEFAULT'],
    ['INSERT INTO t VALUES (1 + 1, \'x\');', 'missing after a value'],
    ['INSERT INTO t VALUES (1);', '1 values'],
    ['INSERT INTO t (a) VALUES (1, 2);', '2 values'],
    ['INSERT INTO t VALUES (1, \'x\') (2, \'y\');', 'follows the rows'],
    ['INSERT INTO t VALUES (1, \'x\'), ;', 'parentheses'],
    ['INSERT INTO t VALUES (0x1G, \'x\');', 'constant'],
    ['ROLLBACK;\nBEGIN;\nINSERT INTO t VALUES (1, \'x\');\nROLLBACK;', 'rolled back'],
  ])('%s', async (statement, reason) => {
    const failure = await failureOf(`${TABLE}${statement}\n`);
    expect(failure.code).toBe('SQL_MALFORMED');
    expect(failure.message).toContain(reason);
    expect(failure.at).toMatchObject({ file: 'dump.sql' });
    expect((failure.at as { line: number }).line).toBeGreaterThanOrEqual(3);
  });

  test('the place of a value that only a database can compute', async () => {
    const dump = `${TABLE}INSERT INTO t VALUES\n(2, 'ok'),\n(3, CURRENT_TIMESTAMP);\n`;
    expect(await failureOf(dump)).toMatchObject({ at: { table: 't', line: 5, byte: dump.indexOf('CURRENT') } });
  });
});

describe('dumps that are cut off', () => {
  test.each([
    ['within a string', "INSERT INTO t VALUES (2, 'never", "'never", 'string'],
    ['within a row', 'INSERT INTO t VALUES (2, ', '(2, ', 'row'],
    ['after a row', "INSERT INTO t VALUES (2, 'y')", undefined, 'semicolon'],
    ['after a comma', "INSERT INTO t VALUES (2, 'y'),", undefined, ''],
    ['before the values', 'INSERT INTO t (a, b)', 'INSERT INTO t (a, b)', 'VALUES'],
    ['within COPY', 'COPY t (a, b) FROM stdin;\n2\ty\n3', '3', '\\.'],
    ['within COPY, after a line', 'COPY t (a, b) FROM stdin;\n2\ty\n', undefined, '\\.'],
    ['within a comment', '/* never', '/* never', 'comment'],
    ['within a dollar quote', 'CREATE FUNCTION f() AS $$ BEGIN', '$$ BEGIN', 'dollar'],
    ['within a transaction', "BEGIN;\nINSERT INTO t VALUES (2, 'y');\n", 'BEGIN;', 'never committed'],
  ])('%s', async (_name, rest, place, reason) => {
    const dump = `${TABLE.replace("INSERT INTO t VALUES (1, 'x');\n", '')}${rest}`;
    for (const chunkBytes of [1, 4, 1 << 16]) {
      const failure = await failureOf(dump, { chunkBytes });
      expect(failure.code).toBe('SQL_MALFORMED');
      expect(failure.message).toContain(reason);
      if (place !== undefined) expect(failure.at).toMatchObject({ byte: dump.lastIndexOf(place), line: dump.slice(0, dump.lastIndexOf(place)).split('\n').length });
    }
  });

  test('a transaction that is committed is complete', async () => {
    const tables = await readDump(`BEGIN;\n${TABLE}COMMIT;\n`);
    expect(tables.get('t')!.rows).toBe(1);
  });
});

describe('sources', () => {
  const { signal } = new AbortController();

  test('an empty one', async () => {
    await expect(sqlFormat.inspect(memorySource(''), {}, 'sample', signal)).rejects.toMatchObject({ code: 'SOURCE_EMPTY' });
  });

  test('one without tables or rows', async () => {
    await expect(sqlFormat.inspect(memorySource('-- nothing\nSELECT 1;\n'), {}, 'sample', signal)).rejects.toMatchObject({ code: 'SQL_MALFORMED' });
  });

  test('a character set that nobody here reads', async () => {
    expect(await failureOf("SET client_encoding = 'EUC_JP';\nCREATE TABLE t (a text);\n")).toMatchObject({ code: 'SQL_MALFORMED', at: { line: 1 } });
    await expect(sqlFormat.inspect(memorySource('SELECT 1;'), { charset: 'koi8-r' }, 'sample', signal)).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  test('UTF-16 that is not', async () => {
    expect(await failureOf(Buffer.concat([Buffer.from('\ufeffINSERT INTO t (a) VALUES (\'', 'utf16le'), Buffer.from([0x00, 0xd8, 0x41, 0x00]), Buffer.from("');", 'utf16le')]))).toMatchObject({ code: 'ENCODING_INVALID' });
  });

  test('a record over the limit, in INSERT and in COPY', async () => {
    const options = { maxRecordBytes: 1000 };
    const long = 'x'.repeat(2000);
    expect(await failureOf(`${TABLE}INSERT INTO t VALUES (2, '${long}');`, { options })).toMatchObject({ code: 'RECORD_TOO_LARGE', at: { line: 3 } });
    expect(await failureOf(`${TABLE}COPY t FROM stdin;\n2\t${long}\n\\.\n`, { options, chunkBytes: 100 })).toMatchObject({ code: 'RECORD_TOO_LARGE', at: { line: 4 } });
  });

  test('a string that never ends costs no more than its limit', async () => {
    const dump = `${TABLE}INSERT INTO t VALUES (2, '${'x'.repeat(3_000_000)}`;
    expect(await failureOf(dump, { options: { maxRecordBytes: 100_000 }, chunkBytes: 1000 })).toMatchObject({ code: 'RECORD_TOO_LARGE' });
  });

  test('nesting without end is refused', async () => {
    expect(await failureOf(`INSERT INTO t (a) VALUES (${'('.repeat(5000)}1${')'.repeat(5000)});`)).toMatchObject({ code: 'SQL_MALFORMED' });
  });

  test('nothing at all of what is thrown at it escapes uncoded', async () => {
    const pieces = ['INSERT INTO t VALUES ', '(', ')', ',', ';', "'", '"', '`', '[', ']', '$$', '$a$', '/*', '*/', '--', '\n', '\\', 'COPY t FROM stdin;\n', '\\.\n', 'NULL', '0x', "x'", "E'", '::', '||', 'CREATE TABLE t (', 'a int', 'GO', 'SET ', '\0', '\u00ff', 'DELIMITER ;;\n', 'BEGIN', 'END'];
    let seed = 12345;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const codes = new Set<string>();
    for (let i = 0; i < 400; i++) {
      const head = ['', '-- MySQL dump\n', 'PRAGMA x;\n', '-- PostgreSQL database dump\n', 'SET ANSI_NULLS ON\nGO\n', 'SET DEFINE OFF;\n'][i % 6];
      const dump = head + Array.from({ length: random(30) + 1 }, () => pieces[random(pieces.length)]).join('');
      try {
        await readDump(dump, { chunkBytes: 1 + random(20) });
      } catch (error) {
        codes.add((error as { code?: string }).code ?? String(error));
      }
    }
    expect([...codes].filter((code) => !['SQL_MALFORMED', 'RECORD_TOO_LARGE'].includes(code))).toEqual([]);
  });
});
