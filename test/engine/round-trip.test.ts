/** Every type out of the engine as text and back in again: both encodings, through a real pipe, value for value. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnTypeOf, engineTypeFor } from '../../src/engine/column-types.ts';
import type { EngineConnection } from '../../src/engine/engine-connection.ts';
import { VARCHAR } from '../../src/engine/engine-type.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { feed } from '../../src/engine/feed.ts';
import { loadSelect } from '../../src/engine/load-select.ts';
import { readColumns, readParts } from '../../src/engine/read-parts.ts';
import { textRelation } from '../../src/engine/text-relation.ts';
import { createFifo } from '../../src/io/fifo.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../src/rows/row-encoding.ts';
import { collect, MEMORY, memoryEngine, never, partOf } from './support.ts';

let engine: Engine;
let connection: EngineConnection;
beforeAll(async () => { ({ engine, connection } = await memoryEngine()); });
afterAll(() => engine.close());

const TYPES: Record<string, string[]> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-128', '127'], UTINYINT: ['255'], SMALLINT: ['-32768'], USMALLINT: ['65535'], INTEGER: ['-2147483648'], UINTEGER: ['4294967295'],
  BIGINT: ['-9223372036854775808', '9223372036854775807'], UBIGINT: ['18446744073709551615'],
  HUGEINT: ['-170141183460469231731687303715884105728'], UHUGEINT: ['340282366920938463463374607431768211455'],
  'DECIMAL(18,3)': ['-0.001', '123456789012345.678'], 'DECIMAL(38,10)': ['1234567890123456789012345678.0123456789'],
  FLOAT: ["'nan'", "'inf'", "'-inf'", '0.1', "'-0.0'", '3.4e38', '1e-45'], DOUBLE: ["'nan'", "'-inf'", '0.1', "'-0.0'", '1.7976931348623157e308', '5e-324', '1e16', '123456789012345680.0'],
  VARCHAR: ["''", "'a''b'", "'tab\there'", "'line\nend\r'", "'back\\slash \\n \\\\'", "'\\N'", "'\"quoted\"'", "'é€😀'", "'a,b'", "' blank '", "'NULL'", "chr(8) || chr(11) || chr(12)"],
  JSON: ["'{\"a\": [1.10, null]}'", "'\"text\\n\"'"],
  BLOB: ["'\\x00\\xFF\\x0A'", "''"],
  UUID: ["'00000000-0000-0000-0000-00000000abcd'"],
  DATE: ["'2024-02-29'", "'0044-03-15 (BC)'", "'infinity'", "'-infinity'", "'10000-01-01'"],
  TIME: ["'00:00:00'", "'23:59:59.999999'", "'24:00:00'"],
  TIMETZ: ["'12:00:00+05:30'", "'12:00:00.5-11'"],
  TIMESTAMP: ["'2024-02-29 12:34:56.123456'", "'0044-03-15 (BC) 12:00:00'", "'infinity'", "'-infinity'", "'1969-12-31 23:59:59.999999'"],
  TIMESTAMP_S: ["'2024-01-01 00:00:01'"], TIMESTAMP_MS: ["'2024-01-01 00:00:01.123'"], TIMESTAMP_NS: ["'2024-01-01 00:00:01.123456789'"],
  TIMESTAMPTZ: ["'2024-02-29 12:34:56.123456+02'", "'0044-03-15 (BC) 12:00:00+00'", "'infinity'"],
  INTERVAL: ["'1 year 2 months -3 days 04:05:06.000001'", "'-1 month'", "'00:00:00'"],
  BIT: ["'010101'"], "ENUM('x y', 'b')": ["'x y'"], GEOMETRY: ["'POINT (1 2.5)'"],
  'INTEGER[]': ['[1, NULL, -3]', '[]'], 'VARCHAR[]': ["['a\"b', NULL, '', '\\', 'x,y', 'é\n']"], 'DECIMAL(10,2)[]': ['[1.10, NULL]'], 'DOUBLE[]': ["['nan'::DOUBLE, 0.1, '-inf'::DOUBLE]"],
  'TIMESTAMP[]': ["['2024-01-01 10:00:00.5', NULL]"], 'DATE[]': ["['0044-03-15 (BC)']"], 'BLOB[]': ["['\\xAB', NULL]"], 'UUID[]': ["['00000000-0000-0000-0000-000000000001']"], 'BOOLEAN[]': ['[true, NULL]'],
  'FLOAT[3]': ['[1.5, 2.5, NULL]'],
  'STRUCT(a INTEGER, "b c" VARCHAR[])': ["{'a': 1, 'b c': ['x\"', NULL]}"],
  'MAP(VARCHAR, BIGINT)': ["MAP {'k\"': 9007199254740993, 'l': NULL}"],
  'INTEGER[][]': ['[[1, 2], NULL, []]'],
  'STRUCT(d DATE, t TIMESTAMP)[]': ["[{'d': '2024-01-01', 't': '2024-01-01 10:00:00.5'}]"],
};

/** The rows of the table `source` as texts, before and after the way. */
async function roundTrip(encoding: RowEncoding, partBytes: number): Promise<{ before: unknown[][]; after: unknown[][] }> {
  const columns = await connection.columns('SELECT * FROM source');
  const parts = await collect(readParts({
    connection, columns: readColumns(columns), relation: 'source', encoding, arrays: 'json', partBytes, signal: never, openPipe: createFifo, table: 'source', context: {},
  }));
  const count = Number(await connection.value('SELECT count(*) FROM source'));
  expect(parts.rows).toBe(count);
  await connection.run('CREATE OR REPLACE TABLE target AS SELECT * FROM source LIMIT 0');
  const types = columns.map((column) => column.type);
  const part = partOf(parts.text, encoding, { chunkBytes: 7 });
  const { through } = textRelation('', encoding, types, MEMORY);
  const inserted = await feed({
    connection, openPipe: createFifo, signal: never, context: { table: 'target' }, chunks: through(part.chunks),
    statement: (path) => {
      const { relation, expressions } = textRelation(path, encoding, types, MEMORY);
      return `INSERT INTO target ${loadSelect(expressions.map((expression, i) => ({ expression, from: VARCHAR, column: columns[i].name, to: types[i] })), relation, { numbered: true })}`;
    },
  });
  expect(inserted).toBe(count);
  // By text, because NaN, -0 and infinity must be compared as what they are.
  const text = columns.map((column) => `CAST("${column.name}" AS VARCHAR)`).join(', ');
  return { before: await connection.rows(`SELECT ${text} FROM source`), after: await connection.rows(`SELECT ${text} FROM target`) };
}

describe.each([['copy-text', COPY_TEXT], ['csv', CANONICAL_CSV]] as const)('%s', (_name, encoding) => {
  test.each(Object.entries(TYPES))('%s', async (type, values) => {
    // One column alone is the hard case of both encodings: NULL and the empty text are then empty lines.
    await connection.run(`CREATE OR REPLACE TABLE source AS SELECT CAST(v AS ${type}) AS v FROM (VALUES (NULL), ${values.map((value) => `(CAST(${value} AS ${type}))`).join(', ')}, (NULL)) x(v)`);
    const { before, after } = await roundTrip(encoding, 16);
    expect(after).toEqual(before);
  });

  test('all types in one table', async () => {
    const items = Object.entries(TYPES).map(([type, values], i) => `CAST(${values[0]} AS ${type}) AS "c ${i}"`);
    await connection.run(`CREATE OR REPLACE TABLE source AS SELECT ${items.join(', ')} FROM range(50)`);
    const { before, after } = await roundTrip(encoding, 10_000);
    expect(after).toEqual(before);
  });
});

test('every type has a type on the way, and back one that holds its values', async () => {
  for (const type of Object.keys(TYPES)) {
    const [column] = await connection.columns(`SELECT CAST(NULL AS ${type}) AS v`);
    const back = engineTypeFor(columnTypeOf(column.type));
    if (back !== undefined) expect(back.sql.length, type).toBeGreaterThan(0);
    else expect(['HUGEINT', 'UHUGEINT'], type).toContain(type);
  }
});

test('doubles survive as text, whatever their bits', async () => {
  await connection.run('CREATE OR REPLACE TABLE source AS SELECT (random() * 2 - 1) * pow(10, (random() * 600 - 300)::INTEGER) AS v, (random() * pow(10, (random() * 60 - 30)::INTEGER))::FLOAT AS f FROM range(20000)');
  const { before, after } = await roundTrip(COPY_TEXT, 50_000);
  expect(after).toEqual(before);
});
