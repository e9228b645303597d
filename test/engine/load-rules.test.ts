import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineConnection } from '../../src/engine/engine-connection.ts';
import { VARCHAR, type EngineType } from '../../src/engine/engine-type.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { canLoad, loadSelect } from '../../src/engine/load-select.ts';
import { quoteString } from '../../src/engine/quoting.ts';
import { memoryEngine } from './support.ts';

let engine: Engine;
let connection: EngineConnection;
beforeAll(async () => { ({ engine, connection } = await memoryEngine()); });
afterAll(() => engine.close());

async function typeOf(sql: string): Promise<EngineType> {
  return (await connection.columns(`SELECT CAST(NULL AS ${sql}) AS v`))[0].type;
}

/** The text of what becomes of a text in a type. */
async function load(text: string, to: EngineType, from: EngineType = VARCHAR): Promise<string | undefined> {
  const select = loadSelect([{ expression: 's', from, column: 'col', to }], `(SELECT CAST(${quoteString(text)} AS ${from.sql}) AS s)`, { numbered: true });
  return connection.value(`SELECT CAST(v AS VARCHAR) FROM (${select}) AS x(v)`);
}

/** Text → stored value as the engine writes it, or null where the text is refused. */
const CASES: Record<string, Record<string, string | null>> = {
  INTEGER: { '1': '1', '+5': '5', '007': '7', ' 5 ': '5', '5.0': '5', '-0': '0', '1.5': null, '1e2': null, '99999999999': null, '': null, x: null, '0x10': null },
  HUGEINT: { '170141183460469231731687303715884105727': '170141183460469231731687303715884105727', '170141183460469231731687303715884105728': null },
  'DECIMAL(5,2)': { '1.5': '1.50', '1.500': '1.50', '.5': '0.50', '5.': '5.00', '1e1': '10.00', '1.25e1': '12.50', '1.239': null, '1.255e0': null, '12345': null, '1.5x': null },
  DOUBLE: { '1.5': '1.5', '-0': '-0.0', '0.0': '0.0', NaN: 'nan', Infinity: 'inf', '-inf': '-inf', '1e308': '1e+308', '1e400': null, '1e-400': null, x: null },
  DATE: { '2024-01-01': '2024-01-01', '0044-03-15 BC': '0044-03-15 (BC)', infinity: 'infinity', '2024-01-01 00:00:00': '2024-01-01', '10000-01-01': '10000-01-01', '2024-01-01 10:00:00': null, '2024-01-01 later': null, '2024-02-30': null },
  TIMESTAMP: {
    '2024-01-01 10:00:00': '2024-01-01 10:00:00', '2024-01-01 10:00:00.5': '2024-01-01 10:00:00.5', '2024-01-01T10:00:00Z': '2024-01-01 10:00:00', '2024-01-01': '2024-01-01 00:00:00',
    '0044-03-15 12:00:00.5 BC': '0044-03-15 (BC) 12:00:00.5', infinity: 'infinity', '-infinity': '-infinity', '2024-01-01 10:00:00.120000000': '2024-01-01 10:00:00.12',
    '2024-01-01 10:00:00+02': null, '2024-01-01 10:00:00.1234567': null,
  },
  TIMESTAMPTZ: {
    '2024-01-01 10:00:00+00': '2024-01-01 10:00:00+00', '2024-01-01 10:00:00+02': '2024-01-01 08:00:00+00', '2024-01-01T10:00:00Z': '2024-01-01 10:00:00+00',
    '2024-01-01 10:00:00+05:30': '2024-01-01 04:30:00+00', '0044-03-15 12:00:00+00 BC': '0044-03-15 (BC) 12:00:00+00', '2024-01-01 10:00:00.1234567+00': null,
  },
  TIME: { '10:00:00': '10:00:00', '24:00:00': '24:00:00', '10:00:00.120': '10:00:00.12', '10:00:00 x': null, '10:00:00.1234567': null },
  TIMETZ: { '10:00:00+02': '10:00:00+02', '10:00:00-05:30': '10:00:00-05:30' },
  INTERVAL: { '1 year 2 mons 3 days 04:05:06.000001': '1 year 2 months 3 days 04:05:06.000001', '-1 days +02:03:04': '-1 day 02:03:04', '00:00:00': '00:00:00', '-00:00:01': '-00:00:01', '0.0000001 seconds': null, x: null },
  BLOB: { '\\xab': '\\xAB', '\\x': '', '\\xa': null, ab: null, '\\xzz': null },
  UUID: { '00000000-0000-0000-0000-000000000001': '00000000-0000-0000-0000-000000000001', x: null },
  BOOLEAN: { t: 'true', f: 'false', true: 'true', x: null },
  JSON: { '{"a": 1.10}': '{"a": 1.10}', '{': null },
  'DECIMAL(10,2)[]': { '[1.10,null]': '[1.10, NULL]', '[]': '[]', '[1.239]': null, '{1}': null, x: null },
  'VARCHAR[]': { '["a\\"b",null,"\\u00e9",""]': '[\'a"b\', NULL, é, \'\']', '{}': null },
  'DOUBLE[]': { '["NaN",1.5]': '[nan, 1.5]', '[1e400]': null },
  'DATE[]': { '["2024-01-01",null]': '[2024-01-01, NULL]', '["x"]': null },
  'BLOB[]': { '["\\\\xab",null]': '[\\xAB, NULL]' },
  'STRUCT(a INTEGER, "b c" DOUBLE[])': { '{"a":1,"b c":[2.5]}': '{\'a\': 1, \'b c\': [2.5]}', '{"a":"x"}': null, '{"a":1.5}': null },
  'MAP(VARCHAR, INTEGER)': { '{"k":1}': '{k=1}' },
  "ENUM('a', 'b')": { a: 'a', c: null },
  TIMESTAMP_NS: { '2024-01-01 10:00:00.123456789': '2024-01-01 10:00:00.123456789' },
  BIT: { '0101': '0101', '2': null },
};

describe.each(Object.entries(CASES))('text into %s', (sql, cases) => {
  test.each(Object.entries(cases))('%s', async (text, expected) => {
    const type = await typeOf(sql);
    if (expected !== null) expect(await load(text, type)).toBe(expected);
    else await expect(load(text, type)).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { column: 'col', row: 1 } });
  });
});

test('NULL stays NULL in every type', async () => {
  for (const sql of Object.keys(CASES)) {
    const to = await typeOf(sql);
    const select = loadSelect([{ expression: 's', from: VARCHAR, column: 'col', to }], '(SELECT CAST(NULL AS VARCHAR) AS s)', { numbered: false });
    expect(await connection.value(`SELECT v IS NULL FROM (${select}) AS x(v)`), sql).toBe('true');
  }
});

test.each([
  ['BIGINT', '2147483648', 'INTEGER', null],
  ['BIGINT', '5', 'INTEGER', '5'],
  ['DOUBLE', '0.1', 'FLOAT', null],
  ['DOUBLE', '0.5', 'FLOAT', '0.5'],
  ['DECIMAL(10,4)', '1.2300', 'DECIMAL(10,2)', '1.23'],
  ['DECIMAL(10,4)', '1.2345', 'DECIMAL(10,2)', null],
  ['TIMESTAMP_NS', '2024-01-01 00:00:00.123456789', 'TIMESTAMP', null],
  ['TIMESTAMP_NS', '2024-01-01 00:00:00.123456', 'TIMESTAMP', '2024-01-01 00:00:00.123456'],
  ['TIMESTAMP', '2024-01-01 10:00:00', 'DATE', null],
  ['BIGINT', '9007199254740993', 'DOUBLE', null],
  ['INTEGER', '7', 'DOUBLE', '7.0'],
  ['INTEGER[]', '[1, 2]', 'BIGINT[]', '[1, 2]'],
  ['DOUBLE', 'nan', 'VARCHAR', 'NaN'],
  ['INTEGER[]', '[1, 2]', 'JSON', '[1,2]'],
])('%s %s into %s', async (from, value, to, expected) => {
  const [fromType, toType] = [await typeOf(from), await typeOf(to)];
  expect(canLoad(fromType, toType)).toBe(true);
  if (expected !== null) expect(await load(value, toType, fromType)).toBe(expected);
  else await expect(load(value, toType, fromType)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
});

test('the record of a refused value is numbered', async () => {
  const to = await typeOf('INTEGER');
  const select = loadSelect([{ expression: 's', from: VARCHAR, column: 'n', to }], "(SELECT CASE WHEN range = 4999 THEN '1.5' ELSE range::VARCHAR END AS s FROM range(10000))", { numbered: true });
  await expect(connection.value(`SELECT sum(v) FROM (${select}) AS x(v)`, { table: 't' })).rejects.toMatchObject({
    code: 'VALUE_INVALID', at: { table: 't', column: 'n', row: 5000 }, message: expect.stringContaining('"1.5"'),
  });
});

test('decimals inside structures cannot come from text', async () => {
  expect(canLoad(VARCHAR, await typeOf('STRUCT(a DECIMAL(10,2))'))).toBe(false);
});
