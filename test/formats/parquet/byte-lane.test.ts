/** Parquet files that we encode ourselves, from a real server's binary rows: the engine must read in them what it would have written itself. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection, ReadTableRequest } from '../../../src/connectors/connector.ts';
import { parquetFormat } from '../../../src/formats/parquet/parquet-format.ts';
import type { ByteSink } from '../../../src/io/byte-sink.ts';
import { openSink } from '../../../src/io/open-sink.ts';
import type { RowEncoding } from '../../../src/rows/row-encoding.ts';
import { connect, openDatabase, tableRequest, type Database } from '../../connectors/postgres/fixture.ts';
import { sql } from '../../connectors/duckdb/support.ts';
import { never, partOf, temporaryFolder } from '../../engine/support.ts';

const folder = temporaryFolder();
const scratch = join(folder, 'scratch.duckdb');
let number = 0;
let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  connection = await connect(database.url);
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

interface WriteChoices {
  readonly kind?: RowEncoding['kind'];
  readonly compression?: string;
  readonly partBytes?: number;
  /** Bytes that are handed over at once. */
  readonly cut?: number;
}

/** Writes a table or query through one of the lanes. */
async function write(request: ReadTableRequest, { kind = 'copy-binary', compression = 'zstd', partBytes = 1 << 20, cut = 1 << 18 }: WriteChoices = {}): Promise<string> {
  const path = join(folder, `${number++}.parquet`);
  const sink = await openSink(path, { compression: 'none', overwrite: false, run: 'test' });
  const reader = await connection.openReader([request]);
  const writer = parquetFormat.openWriter(sink, { multipleTables: false, compression });
  try {
    const [table] = reader.tables;
    expect(writer.accepts(table.schema, table.measuredSchema !== undefined)).toContain(kind);
    const encoding = table.encodings('json').find((offered) => offered.kind === kind)!;
    await writer.beginTable(await table.measuredSchema?.(writer.wantsMeasured!(kind), never) ?? table.schema);
    for await (const part of table.parts(encoding, { partBytes, arrays: 'json', signal: never })) {
      let first = true;
      for await (const chunk of writer.encodePart(table.schema, part, () => undefined)) {
        for (let at = 0; at < chunk.length; at += cut) {
          await writer.writeEncoded(chunk.subarray(at, at + cut), first);
          first = false;
        }
      }
    }
    await writer.endTable();
    await writer.finish();
    await sink.publish();
  } catch (error) {
    await writer.abort();
    await sink.abort();
    throw error;
  } finally {
    await reader.close();
  }
  return path;
}

const schemaOf = (path: string): Promise<unknown[][]> => sql(scratch, `SELECT name, type, type_length, repetition_type, converted_type, scale, precision FROM parquet_schema('${path}') WHERE num_children IS NULL AND repetition_type = 'OPTIONAL'`);

/** Same columns, same rows, in the same order; as text, where 0 and -0 are two values. */
async function expectSame(path: string, other: string): Promise<void> {
  expect(await schemaOf(path)).toEqual(await schemaOf(other));
  const described = await sql(scratch, `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${path}'))`);
  expect(described).toEqual(await sql(scratch, `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${other}'))`));
  const text = (file: string): string => `(SELECT columns(*)::VARCHAR FROM read_parquet('${file}', file_row_number = true))`;
  const names = (described as [string, string][]).map(([name]) => `"${name}"`);
  const differs = names.map((name) => `a.${name} IS DISTINCT FROM b.${name}`).join(' OR ');
  const differences = await sql(scratch, `SELECT a.*, b.* FROM ${text(path)} a FULL JOIN ${text(other)} b USING (file_row_number) WHERE ${differs} LIMIT 3`);
  expect(differences).toEqual([]);
}

/** Writes a table through both lanes and compares the files. */
async function expectBothLanes(name: string, choices: WriteChoices = {}): Promise<string> {
  const request = await tableRequest(connection, name);
  const path = await write(request, choices);
  await expectSame(path, await write(request, { kind: 'csv' }));
  return path;
}

describe('every type', () => {
  beforeAll(async () => {
    await database.sql(`
      CREATE DOMAIN percent AS numeric(5,2);
      CREATE TABLE plain (id bigint, b boolean, s smallint, i integer, o oid, n numeric, p percent, p1 numeric(1,0), p9 numeric(9,4), p18 numeric(18,3), p38 numeric(38,8), p38s numeric(38,38), w numeric, odd numeric,
        r real, d double precision, t text, v varchar(30), c char(3), nm name, q "char", y bytea, da date, ti time, ts timestamp, tt timestamptz, u uuid, j json, jb jsonb, nothing text, nothing_either integer);
      INSERT INTO plain (id, b, s, i, o, n, p, p1, p9, p18, p38, p38s, w, odd, r, d, t, v, c, nm, q, y, da, ti, ts, tt, u, j, jb) VALUES
        (9223372036854775807, true, -32768, -2147483648, 4294967295, 1.50, 99.5, -9, -99999.9999, 999999999999999.999, 123456789012345678901234567890.12345678, 0.00000000000000000000000000000000000001, 12345678901234567890.125, 'NaN',
         '-0', 'Infinity', E'tab\\t, quote " line\\nend \\\\', '', 'x', 'name', 'q', '\\x00ff', '0044-03-15 BC', '24:00', '0044-03-15 12:00:00.5 BC', '2024-01-31 13:45:00.123456+01', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"b":1.0, "a":1}', '{"b":1.0}'),
        (-9223372036854775808, false, 32767, 2147483647, 0, -0.001, -0.01, 0, 0.0001, -0.001, -999999999999999999999999999999.99999999, -0.99999999999999999999999999999999999999, 0, '-Infinity',
         'NaN', '-0', '', 'é🦆', 'ab', '', '', '\\x', '9999-12-31', '23:59:59.999999', '9999-12-31 23:59:59.999999', '4714-11-24 00:00:00+00 BC', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', '[1, {"é": null}]'),
        (0, NULL, 0, 0, 1, 10000, 0, 5, 1000, 10000.1, 10000, 0.0001, -99999999999999999999.999, 1e30,
         '-Infinity', 'NaN', 'x', NULL, '', NULL, NULL, NULL, '4714-11-24 BC', '00:00', '1970-01-01', '1969-12-31 23:59:59.999999+00', NULL, '"x"', 'true'),
        (1, true, 1, 1, 1, 123456789.12, 1.1, 1, 9999.0001, 123.4, 0.00000001, 0, 1, 0.00012000,
         1e-45, 5e-324, repeat('long ', 100), 'v', NULL, 'n', 'z', '\\xdeadbeef', '5874897-12-31', '12:34:56.000001', '290000-12-31', '2000-01-01 00:00:00+00', '00000000-0000-0000-0000-000000000001', '[]', '12345678901234567890.125'),
        (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
  });

  test.each(['zstd', 'gzip', 'none'])('as the engine writes it, with %s', async (compression) => {
    const path = await expectBothLanes('plain', { compression });
    const facts = await sql(scratch, `SELECT DISTINCT compression FROM parquet_metadata('${path}')`);
    expect(facts).toEqual([[{ zstd: 'ZSTD', gzip: 'GZIP', none: 'UNCOMPRESSED' }[compression]]]);
    expect(await sql(scratch, `SELECT created_by, num_rows::INTEGER, num_row_groups::INTEGER FROM parquet_file_metadata('${path}')`)).toEqual([['sluice', 5, 1]]);
  });

  test('however the bytes are cut', async () => {
    const request = await tableRequest(connection, 'plain');
    const whole = readFileSync(await write(request));
    for (const cut of [1, 2, 3, 7, 64, 997]) expect(readFileSync(await write(request, { cut })).equals(whole)).toBe(true);
  });

  test('bounds that are right', async () => {
    const path = await write(await tableRequest(connection, 'plain'));
    const bounds = await sql(scratch, `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count::INTEGER FROM parquet_metadata('${path}') WHERE path_in_schema IN ('id', 's', 'p', 'p18', 'p9', 'r', 'da', 'ts', 'nm', 'nothing') ORDER BY path_in_schema`);
    expect(bounds).toEqual([
      ['da', '4714-11-24 (BC)', '5874897-12-31', 1], ['id', '-9223372036854775808', '9223372036854775807', 1], ['nm', '', 'name', 2], ['nothing', null, null, 5], ['p', null, null, 1],
      ['p18', '-0.001', '999999999999999.999', 1], ['p9', null, null, 1], ['r', null, null, 1], ['s', '-32768', '32767', 1], ['ts', '0044-03-15 (BC) 12:00:00.5', '290000-12-31 00:00:00', 1],
    ]);
    expect(await sql(scratch, `SELECT count(*)::INTEGER FROM read_parquet('${path}') WHERE id > 1 AND s < 0 AND p9 < 0 AND da < DATE '0001-01-01' AND nm = 'name'`)).toEqual([[1]]);
  });

  test('a query, whose numerics must have a size', async () => {
    const query = (text: string): ReadTableRequest => ({ kind: 'query', name: 'q', sql: text });
    const select = 'SELECT id, p, t, ts FROM plain';
    await expectSame(await write(query(select)), await write(query(select), { kind: 'csv' }));
    await expect(write(query('SELECT n FROM plain'))).rejects.toThrow(/copy-binary/);
  });

  test.each([
    ['date', `'infinity'`, 'infinity'], ['date', `'-infinity'`, '-infinity'], ['timestamp', `'infinity'`, 'infinity'], ['timestamptz', `'-infinity'`, '-infinity'],
    ['timestamp', `'294276-12-31'`, '294246'], ['numeric(5,2)', `'NaN'`, 'NaN'],
  ])('%s %s is refused', async (type, value, shown) => {
    const refused = write({ kind: 'query', name: 'q', sql: `SELECT 1 AS a, CAST(${value} AS ${type}) AS b` });
    await expect(refused).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { table: 'q', column: 'b' }, message: expect.stringContaining(shown) });
  });
});

describe('tables of all shapes', () => {
  test('no rows, one row', async () => {
    await database.sql('CREATE TABLE few (a integer, n numeric, t text, b boolean)');
    expect(await sql(scratch, `SELECT count(*)::INTEGER FROM read_parquet('${await expectBothLanes('few')}')`)).toEqual([[0]]);
    await database.sql(`INSERT INTO few VALUES (1, 2.5, 'x', true)`);
    expect(await sql(scratch, `SELECT a, n::VARCHAR, t, b FROM read_parquet('${await expectBothLanes('few')}')`)).toEqual([[1, '2.5', 'x', true]]);
  });

  test('many rows: texts with few and with many values, NULLs that come late, parts, row groups', async () => {
    await database.sql(`CREATE TABLE many AS SELECT i AS id, (ARRAY['Berlin', 'Paris', 'São Paulo'])[1 + i % 3] AS city, md5(i::text) AS hash, 'c' || (i % 3000) AS code, CASE WHEN i < 150000 THEN 'early' ELSE 'late ' || i END AS changing,
      CASE WHEN i > 100000 AND i % 7 = 0 THEN NULL ELSE i END AS holes, i % 2 = 0 AS even, (i * 1.25)::numeric AS amount, 'same' AS same, '' AS blank, i / 3.0::double precision AS third FROM generate_series(1, 200000) AS i`);
    const path = await expectBothLanes('many');
    expect(await sql(scratch, `SELECT num_row_groups::INTEGER FROM parquet_file_metadata('${path}')`)).toEqual([[2]]);
    const encodings = await sql(scratch, `SELECT path_in_schema, string_agg(DISTINCT encodings ORDER BY encodings) FROM parquet_metadata('${path}') WHERE path_in_schema IN ('city', 'hash', 'changing') GROUP BY ALL ORDER BY ALL`);
    expect(encodings).toEqual([['changing', expect.stringContaining('RLE_DICTIONARY')], ['city', 'RLE, PLAIN, RLE_DICTIONARY'], ['hash', 'RLE, PLAIN']]);
    const other = await write(await tableRequest(connection, 'many'), { cut: 77_777, partBytes: 1 << 20 });
    expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
  });

  test('a dictionary that grows until it no longer pays', async () => {
    await database.sql(`CREATE TABLE growing AS SELECT CASE WHEN i <= 110000 THEN 'v' || i % 40000 ELSE 'w' || i END AS a, CASE WHEN i <= 100000 THEN 'v' || i % 3 ELSE repeat('x', 500) || i END AS b FROM generate_series(1, 122880) AS i`);
    const encodings = await sql(scratch, `SELECT encodings FROM parquet_metadata('${await expectBothLanes('growing')}')`);
    expect(encodings).toEqual([['RLE, PLAIN'], ['RLE, PLAIN, RLE_DICTIONARY']]);
  });

  test('rows of a megabyte, and many small ones beside them', async () => {
    await database.sql(`CREATE TABLE wide AS SELECT i AS id, CASE WHEN i % 50 = 0 THEN (SELECT string_agg(encode(sha512((i * 100000 + k)::text::bytea), 'hex'), '') FROM generate_series(1, 8192) AS k) ELSE 'x' END AS doc, repeat('é', 1000) AS more FROM generate_series(1, 2000) AS i`);
    const path = await expectBothLanes('wide');
    expect(Number((await sql(scratch, `SELECT num_row_groups FROM parquet_file_metadata('${path}')`))[0][0])).toBeGreaterThan(1);
  });

  test('1,600 columns', async () => {
    const columns = Array.from({ length: 1600 }, (_, i) => `c${i} ${['integer', 'text', 'boolean', 'bigint', 'smallint'][i % 5]}`);
    const values = Array.from({ length: 1600 }, (_, i) => [`i`, `CASE WHEN i % 3 = 0 THEN NULL ELSE 't' || i % 4 END`, `i % 2 = 0`, `NULL`, `${i}`][i % 5]);
    await database.sql(`CREATE TABLE broad (${columns.join(', ')}); INSERT INTO broad SELECT ${values.join(', ')} FROM generate_series(1, 150) AS i`);
    // Of the engine's memory, 1,600 columns of text need more than a test has: the server is asked instead.
    const path = await write(await tableRequest(connection, 'broad'));
    const rows = await sql(scratch, `SELECT columns(*)::VARCHAR FROM read_parquet('${path}')`);
    const names = Array.from({ length: 1600 }, (_, i) => i);
    expect(rows).toEqual(Array.from({ length: 150 }, (_, i) => i + 1).map((row) => names.map((i) => [String(row), row % 3 === 0 ? null : `t${row % 4}`, String(row % 2 === 0), null, String(i)][i % 5])));
  });
});

describe('what is not encoded here', () => {
  test('columns of other types, repeated names, no columns, numerics that nobody measures', () => {
    const writer = parquetFormat.openWriter({} as ByteSink, { multipleTables: false });
    const accepts = (columns: readonly { name: string; type: object }[], measurable = true): boolean => writer.accepts({ name: 't', columns: columns.map((column) => ({ ...column, nullable: true })) as never, primaryKey: [], indexes: [] }, measurable).includes('copy-binary');
    expect(accepts([{ name: 'a', type: { kind: 'text' } }])).toBe(true);
    expect(accepts([{ name: 'a', type: { kind: 'numeric' } }])).toBe(true);
    expect(accepts([{ name: 'a', type: { kind: 'numeric' } }], false)).toBe(false);
    for (const type of [{ kind: 'interval' }, { kind: 'time', zone: true }, { kind: 'array', element: { kind: 'text' } }, { kind: 'other', name: 'mood' }]) expect(accepts([{ name: 'a', type }])).toBe(false);
    expect(accepts([{ name: 'a', type: { kind: 'text' } }, { name: 'A', type: { kind: 'text' } }])).toBe(false);
    expect(accepts([{ name: '', type: { kind: 'text' } }])).toBe(false);
    expect(accepts([])).toBe(false);
  });

  test.each([
    ['something else', [Buffer.from('no signature at all, but long enough')]],
    ['a part that is cut off', [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\0\0', 'latin1')]],
    ['too many fields', [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff', 'latin1')]],
    ['a value of another length', [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01x\xff\xff', 'latin1')]],
    ['fewer rows than said', [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\xff\xff', 'latin1')]],
  ])('%s', async (name, [bytes]) => {
    const sink = await openSink(join(folder, `${number++}.parquet`), { compression: 'none', overwrite: false, run: 'test' });
    const writer = parquetFormat.openWriter(sink, { multipleTables: false });
    const table = { name: 't', columns: [{ name: 'a', type: { kind: 'integer', bits: 32 } as const, nullable: true }], primaryKey: [], indexes: [] };
    await writer.beginTable(table);
    const part = partOf(bytes, { kind: 'copy-binary', types: ['integer'] }, { rows: 1 });
    await expect((async () => {
      for await (const chunk of writer.encodePart(table, part, () => undefined)) await writer.writeEncoded(chunk, true);
      await writer.endTable();
    })()).rejects.toMatchObject({ code: name === 'fewer rows than said' ? 'RECEIPT_UNBALANCED' : 'INTERNAL' });
    await writer.abort();
    await sink.abort();
  });

  test('texts that are none', async () => {
    const bytes = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x02\xff\xfe\xff\xff', 'latin1');
    const sink = await openSink(join(folder, `${number++}.parquet`), { compression: 'none', overwrite: false, run: 'test' });
    const writer = parquetFormat.openWriter(sink, { multipleTables: false });
    const table = { name: 't', columns: [{ name: 'a', type: { kind: 'text' } as const, nullable: true }], primaryKey: [], indexes: [] };
    await writer.beginTable(table);
    for await (const chunk of writer.encodePart(table, partOf(bytes, { kind: 'copy-binary', types: ['text'] }, { rows: 1 }), () => undefined)) await writer.writeEncoded(chunk, true);
    await expect(writer.endTable()).rejects.toMatchObject({ code: 'ENCODING_INVALID', at: { column: 'a' } });
    await sink.abort();
  });
});

/** Random tables, as SQL literals, so that both lanes get them from the server. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const digits = (most: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{0,${most}}$`));
const decimal = (whole: number, scale: number): fc.Arbitrary<string> => fc.tuple(fc.constantFrom('', '-'), digits(whole), digits(scale)).map(([sign, a, b]) => `${sign}0${a}.0${b}`.replace('.0', '.') || '0');
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a', 'b', 'Berlin')).map((value) => literal(value.replaceAll('\0', '')));
const instant = fc.integer({ min: -210_000_000_000, max: 9_000_000_000_000 }).chain((seconds) => fc.integer({ min: 0, max: 999_999 }).map((micros) => `(timestamp '1970-01-01' + ${seconds} * interval '1 second' + ${micros} * interval '1 microsecond')`));
const KINDS: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['boolean', fc.boolean().map(String)], ['smallint', fc.integer({ min: -32768, max: 32767 }).map((i) => literal(String(i)))], ['integer', fc.integer().map((i) => literal(String(i)))],
  ['bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((i) => literal(String(i)))], ['numeric(7,3)', decimal(4, 3)], ['numeric(18,5)', decimal(13, 5)], ['numeric(31,13)', decimal(18, 13)],
  ['numeric', decimal(20, 12)], ['double precision', fc.double().map((value) => literal(Object.is(value, -0) ? '-0' : String(value)))], ['real', fc.float().map((value) => literal(Object.is(value, -0) ? '-0' : String(value)))],
  ['text', text], ['bytea', fc.uint8Array().map((bytes) => literal(`\\x${Buffer.from(bytes).toString('hex')}`))], ['date', instant.map((value) => `${value}::date`)], ['timestamp', instant],
  ['time', instant.map((value) => `${value}::time`)], ['uuid', fc.uuid().map(literal)], ['jsonb', fc.json().map((value) => literal(value.replaceAll('\\u0000', '')))],
];

test('any table is the same in both lanes', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 6 }).chain((kinds) => fc.tuple(
    fc.constant(kinds), fc.array(fc.tuple(...kinds.map(([, values]) => fc.option(values, { freq: 5, nil: 'NULL' }))), { maxLength: 40 }), fc.integer({ min: 1, max: 200 }),
  )), async ([kinds, rows, cut]) => {
    const name = `random_${number++}`;
    await database.sql(`CREATE TABLE ${name} (${kinds.map(([type], i) => `c${i} ${type}`).join(', ')})`);
    const values = rows.map((row) => `(${row.map((value, i) => `CAST(${value} AS ${kinds[i][0]})`).join(', ')})`);
    if (rows.length > 0) await database.sql(`INSERT INTO ${name} VALUES ${values.join(', ')}`);
    const path = await expectBothLanes(name, { cut });
    expect(await sql(scratch, `SELECT count(*)::INTEGER FROM read_parquet('${path}')`)).toEqual([[rows.length]]);
    await database.sql(`DROP TABLE ${name}`);
  }), { numRuns: 15 });
}, 90_000);

test('standard output gets the bytes of the file', async () => {
  await database.sql('CREATE TABLE streamed AS SELECT i FROM generate_series(1, 1000) AS i');
  const request = await tableRequest(connection, 'streamed');
  const file = readFileSync(await write(request));
  const chunks: Buffer[] = [];
  const sink = { name: 'out', bytesWritten: 0, write: async (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)), finish: async () => undefined, publish: async () => undefined, abort: async () => undefined };
  const writer = parquetFormat.openWriter(sink, { multipleTables: false });
  const reader = await connection.openReader([request]);
  const [table] = reader.tables;
  await writer.beginTable(table.schema);
  for await (const part of table.parts(table.encodings('json')[0], { partBytes: 1 << 20, arrays: 'json', signal: never })) {
    let first = true;
    for await (const chunk of writer.encodePart(table.schema, part, () => undefined)) {
      await writer.writeEncoded(chunk, first);
      first = false;
    }
  }
  await writer.endTable();
  await reader.close();
  writeFileSync(join(folder, 'streamed.parquet'), Buffer.concat(chunks));
  expect(Buffer.concat(chunks).equals(file)).toBe(true);
  expect(await sql(scratch, `SELECT sum(i)::INTEGER FROM read_parquet('${join(folder, 'streamed.parquet')}')`)).toEqual([[500_500]]);
});
