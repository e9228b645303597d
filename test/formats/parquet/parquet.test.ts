import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parquetFormat } from '../../../src/formats/parquet/parquet-format.ts';
import type { ByteSink } from '../../../src/io/byte-sink.ts';
import type { ByteSource } from '../../../src/io/byte-source.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import type { TableSchema } from '../../../src/rows/table-schema.ts';
import { memorySink, type MemorySink } from '../../helpers/memory-sink.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { allFields, inspect, readAll, readText } from '../../helpers/read-format.ts';
import { never, partOf, temporaryFolder } from '../../engine/support.ts';
import { sql } from '../../connectors/duckdb/support.ts';

const folder = temporaryFolder();
const scratch = join(folder, 'scratch.duckdb');
let number = 0;

/** A local file as io/open-sources.ts hands it out. */
function fileSource(path: string): ByteSource {
  return {
    ...memorySource(readFileSync(path), { name: path }),
    path,
    async *read() { for await (const chunk of createReadStream(path)) yield chunk as Uint8Array; },
  };
}

async function makeParquet(select: string, name = `${number++}.parquet`): Promise<string> {
  const path = join(folder, name);
  await sql(scratch, `COPY (${select}) TO '${path}' (FORMAT parquet)`);
  return path;
}

// A temporary folder of its own: other processes leave and remove files in the common one.
mkdirSync(join(folder, 'tmp'));
process.env.TMPDIR = join(folder, 'tmp');
const spools = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-parquet-'));

describe('reading', () => {
  test('columns, exact row count and types', async () => {
    const path = await makeParquet("SELECT range::INTEGER AS id, 'x' AS name, 1.5::DECIMAL(5,2) AS n, [range] AS l, {'a': 1} AS s FROM range(1000)");
    const { tables, details } = await inspect(parquetFormat, fileSource(path));
    expect(tables[0].columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', { kind: 'integer', bits: 32 }], ['name', { kind: 'text' }], ['n', { kind: 'numeric', precision: 5, scale: 2 }],
      ['l', { kind: 'array', element: { kind: 'integer', bits: 64 } }], ['s', { kind: 'json' }],
    ]);
    expect(tables[0].estimatedRows).toBe(1000);
    expect(details).toMatchObject({ rows: 1000, rowGroups: 1 });
  });

  test('values as text; chosen columns in another order; one that is absent', async () => {
    const path = await makeParquet("SELECT 1 AS a, 'tab\t' AS b, ['x', NULL] AS c, '\\xAB'::BLOB AS d, 'nan'::DOUBLE AS e, TIMESTAMP '2024-01-01 10:00:00.5' AS f, {'k': 1.50::DECIMAL(5,2)} AS g, TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS h");
    expect(await readText(parquetFormat, fileSource(path))).toBe('1\ttab\\t\t{"x",NULL}\t\\\\xab\tNaN\t2024-01-01 10:00:00.5\t{"k":1.50}\t2024-01-01 00:00:00.123456789\n');
    const inspected = await inspect(parquetFormat, fileSource(path));
    const text: ColumnType = { kind: 'text' };
    const results = await readAll(parquetFormat, inspected, {
      bind: () => ({ encoding: CANONICAL_CSV, ignored: ['a', 'b', 'd', 'e', 'f', 'g', 'h'], fields: [{ source: 'none', type: text, arrays: 'json', absent: true }, { source: 'c', type: { kind: 'json' }, arrays: 'postgres' }] }),
    });
    expect(results.get('stem')).toEqual({ text: ',"[""x"",null]"\n', rows: 1, parts: 1 });
  });

  test('a column that is neither wanted nor left out', async () => {
    const inspected = await inspect(parquetFormat, fileSource(await makeParquet('SELECT 1 AS a, 2 AS b')));
    await expect(readAll(parquetFormat, inspected, { bind: (table) => ({ fields: allFields(table).slice(0, 1) }) })).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN', at: { column: 'b' } });
  });

  test('a table that nobody wants', async () => {
    const inspected = await inspect(parquetFormat, fileSource(await makeParquet('SELECT range FROM range(7)')));
    let skipped = 0;
    await readAll(parquetFormat, inspected, { bind: () => null, request: { onSkipped: (_table, rows) => { skipped = rows; } } });
    expect(skipped).toBe(7);
  });

  test('parts: in order, numbered, counted', async () => {
    const inspected = await inspect(parquetFormat, fileSource(await makeParquet('SELECT range AS a FROM range(200000)')));
    const result = (await readAll(parquetFormat, inspected, { partBytes: 100_000 })).get('stem')!;
    expect(result.rows).toBe(200_000);
    expect(result.parts).toBeGreaterThan(5);
    expect(result.text).toBe(Array.from({ length: 200_000 }, (_, i) => `${i}\n`).join(''));
  });

  test('for the same engine: the file itself', async () => {
    const path = await makeParquet('SELECT 1 AS "a b", 2 AS c', 'odd [1]*name?.parquet');
    const inspected = await inspect(parquetFormat, fileSource(path));
    const parts = [];
    for await (const part of parquetFormat.read(inspected, {
      jobs: 1, partBytes: 1000, signal: never,
      bind: async (table, encodings) => {
        expect(encodings([])[0]).toEqual({ kind: 'file' });
        return { table: 't', fields: allFields(table), encoding: { kind: 'file' }, ignored: [] };
      },
    })) parts.push(part);
    expect(parts).toHaveLength(1);
    expect(parts[0].counts().read).toBe(1);
    const file = parts[0].file!;
    expect(file.expressions).toEqual(['"a b"', '"c"']);
    expect(await sql(scratch, `SELECT ${file.expressions.join(', ')} FROM ${file.relation}`)).toEqual([[1, 2]]);
  });

  test('folders named like columns add none', async () => {
    await sql(scratch, `COPY (SELECT 1 AS a, 2024 AS year) TO '${folder}/parts' (FORMAT parquet, PARTITION_BY (year))`);
    const { tables } = await inspect(parquetFormat, fileSource(join(folder, 'parts', 'year=2024', 'data_0.parquet')));
    expect(tables[0].columns.map((column) => column.name)).toEqual(['a']);
  });

  test('a source without a path is kept in a temporary file, and only as long as needed', async () => {
    const bytes = readFileSync(await makeParquet('SELECT range AS a FROM range(3)'));
    const before = spools();
    const inspected = await inspect(parquetFormat, memorySource(bytes, { repeatable: false }));
    expect(spools().length).toBe(before.length + 1);
    expect((await readAll(parquetFormat, inspected)).get('stem')!.text).toBe('0\n1\n2\n');
    expect(spools()).toEqual(before);
    const unread = await inspect(parquetFormat, memorySource(bytes, { repeatable: false }));
    await unread.source.close();
    expect(spools()).toEqual(before);
  });

  test.each([
    ['nothing', '', 'SOURCE_EMPTY'],
    ['a few bytes', 'PAR1', 'PARQUET_UNREADABLE'],
    ['something else', 'a,b\n1,2\n'.repeat(10), 'PARQUET_UNREADABLE'],
    ['marks around nothing', `PAR1${'\0'.repeat(100)}PAR1`, 'PARQUET_UNREADABLE'],
  ])('%s', async (_name, content, code) => {
    const path = join(folder, `bad${number++}.parquet`);
    writeFileSync(path, content);
    const before = spools();
    await expect(inspect(parquetFormat, fileSource(path))).rejects.toMatchObject({ code, at: { file: path } });
    await expect(inspect(parquetFormat, memorySource(content))).rejects.toMatchObject({ code });
    expect(spools()).toEqual(before);
  });

  test('damage anywhere is an error or other values, never more or fewer rows than said, never a crash', async () => {
    const good = readFileSync(await makeParquet("SELECT range AS a, 'text ' || (range % 7) AS b, [range, NULL] AS c FROM range(2000)"));
    const path = join(folder, 'damaged.parquet');
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from(good);
      const at = Math.floor((i * 7919) % bytes.length);
      bytes[at] ^= 1 << (i % 8);
      writeFileSync(path, i % 10 === 9 ? bytes.subarray(0, at) : bytes);
      try {
        await readText(parquetFormat, fileSource(path));
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/PARQUET_UNREADABLE|SOURCE_EMPTY|SOURCE_CHANGED|RECEIPT_UNBALANCED/) });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

function tableOf(columns: Record<string, ColumnType>): TableSchema {
  return { name: 't', columns: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })), primaryKey: [], indexes: [] };
}

/** A sink with a place for the unfinished file, as files have, or without one, as standard output has. */
function sinkAt(path: string | undefined): MemorySink & ByteSink {
  const sink = memorySink();
  return path === undefined ? sink : Object.assign(Object.create(sink) as typeof sink, { partialPath: path });
}

async function write(table: TableSchema, parts: readonly { text: string; rows: number }[], encoding: RowEncoding = CANONICAL_CSV, toStdout = false): Promise<string> {
  const path = join(folder, `${number++}.parquet`);
  const sink = sinkAt(toStdout ? undefined : path);
  const writer = parquetFormat.openWriter(sink, { multipleTables: false });
  try {
    expect(writer.accepts(table)).toContain(encoding.kind);
    await writer.beginTable(table);
    for (const { text, rows } of parts) {
      let first = true;
      let written = 0;
      for await (const chunk of writer.encodePart(table, partOf(text, encoding, { rows, chunkBytes: 10 }), (count) => { written = count; })) {
        await writer.writeEncoded(chunk, first);
        first = false;
      }
      expect(written).toBe(rows);
    }
    await writer.endTable();
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  if (toStdout) writeFileSync(path, Buffer.from(sink.text, 'utf8'));
  return path;
}

describe('INT96', () => {
  // A file as Spark writes it, made by hand: one INT96 column, plain, uncompressed, three values.
  const day = (julian: number, nanoseconds: bigint): Buffer => {
    const bytes = Buffer.alloc(12);
    bytes.writeBigInt64LE(nanoseconds);
    bytes.writeInt32LE(julian, 8);
    return bytes;
  };
  const int96File = (values: readonly Buffer[]): Buffer => {
    // Thrift compact: field headers are (delta << 4 | type), numbers zigzag varints.
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]);
    const zigzag = (value: number): number[] => varint(value * 2);
    const text = (value: string): number[] => [...varint(value.length), ...Buffer.from(value)];
    const data = Buffer.concat(values);
    const page = Buffer.from([0x15, 0, 0x15, ...zigzag(data.length), 0x15, ...zigzag(data.length), 0x2c, 0x15, ...zigzag(values.length), 0x15, 0, 0x15, ...zigzag(3), 0x15, ...zigzag(3), 0, 0]);
    const size = page.length + data.length;
    const root = [0x48, ...text('m'), 0x15, ...zigzag(1), 0];
    const leaf = [0x15, ...zigzag(3), 0x25, 0, 0x18, ...text('a'), 0];
    const meta = [0x15, ...zigzag(3), 0x19, 0x15, 0, 0x19, 0x18, ...text('a'), 0x15, 0, 0x16, ...zigzag(values.length), 0x16, ...zigzag(size), 0x16, ...zigzag(size), 0x26, ...zigzag(4), 0];
    const group = [0x19, 0x1c, 0x26, ...zigzag(4), 0x1c, ...meta, 0, 0x16, ...zigzag(size), 0x16, ...zigzag(values.length), 0];
    const footer = Buffer.from([0x15, ...zigzag(1), 0x19, 0x2c, ...root, ...leaf, 0x16, ...zigzag(values.length), 0x19, 0x1c, ...group, 0]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    return Buffer.concat([Buffer.from('PAR1'), page, data, footer, length, Buffer.from('PAR1')]);
  };

  test('days whose number overflowed at the writer are what they were', async () => {
    const path = join(folder, 'int96.parquet');
    // 2024-01-01 12:34:56.123456, day 0, and Spark's 290000-12-30 23:00:00, whose Julian day wrapped around.
    writeFileSync(path, int96File([day(2_460_311, 45_296_123_456_000n), day(0, 0n), day(wrapped.day, wrapped.nanoseconds)]));
    const inspected = await inspect(parquetFormat, fileSource(path));
    expect(inspected.details).toHaveProperty('int96');
    expect(await readText(parquetFormat, fileSource(path))).toBe('2024-01-01 12:34:56.123456\n4714-11-24 00:00:00 BC\n290000-12-30 23:00:00\n');
  });

  const wrapped = (() => {
    const julian = BigInt.asIntN(64, 9_089_380_393_200_000_000n + 2_440_588n * 86_400_000_000n);
    const days = (julian - 86_399_999_999n) / 86_400_000_000n;
    return { day: Number(days), nanoseconds: (julian - days * 86_400_000_000n) * 1000n };
  })();
});

describe('writing', () => {
  test('every type', async () => {
    const table = tableOf({
      bool: { kind: 'boolean' }, int: { kind: 'integer', bits: 64 }, dec: { kind: 'numeric', precision: 10, scale: 2 }, num: { kind: 'numeric' }, dbl: { kind: 'float', bits: 64 }, txt: { kind: 'text' },
      bin: { kind: 'bytes' }, day: { kind: 'date' }, at: { kind: 'timestamp', zone: false }, atz: { kind: 'timestamp', zone: true }, clock: { kind: 'time', zone: false }, clockz: { kind: 'time', zone: true },
      span: { kind: 'interval' }, id: { kind: 'uuid' }, doc: { kind: 'json' }, tags: { kind: 'array', element: { kind: 'text' } }, sums: { kind: 'array', element: { kind: 'numeric' } }, own: { kind: 'other', name: 'range' },
    });
    const row = 't\t9223372036854775807\t-1.50\t123.456\tNaN\ttab\\t\\\\\t\\\\xab00\t0044-03-15 BC\t2024-01-01 10:00:00.123456\t2024-01-01 10:00:00+02\t10:00:00\t10:00:00+02\t1 mon -00:00:01\t00000000-0000-0000-0000-000000000001\t{"a": 1.10}\t["x",null]\t[1.10]\t[1,2)\n';
    const nulls = `${Array.from({ length: 18 }, () => '\\N').join('\t')}\n`;
    const path = await write(table, [{ text: row, rows: 1 }, { text: nulls, rows: 1 }], COPY_TEXT);
    const types = await sql(scratch, `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${path}'))`);
    expect(Object.fromEntries(types as [string, string][])).toEqual({
      bool: 'BOOLEAN', int: 'BIGINT', dec: 'DECIMAL(10,2)', num: 'DECIMAL(18,3)', dbl: 'DOUBLE', txt: 'VARCHAR', bin: 'BLOB', day: 'DATE', at: 'TIMESTAMP', atz: 'TIMESTAMP WITH TIME ZONE',
      clock: 'TIME', clockz: 'VARCHAR', span: 'VARCHAR', id: 'UUID', doc: 'JSON', tags: 'VARCHAR[]', sums: 'JSON', own: 'VARCHAR',
    });
    const rows = await readText(parquetFormat, fileSource(path), { bind: (one) => ({ fields: allFields(one).map((field) => ({ ...field, arrays: 'json' as const })) }) });
    expect(rows).toBe(row.replace('t\t', 'true\t').replace('2024-01-01 10:00:00+02', '2024-01-01 08:00:00+00').replace('1 mon ', '1 month ') + nulls);
  });

  test.each([['a file', false], ['standard output', true]])('CSV parts to %s, in order', async (_name, toStdout) => {
    const table = tableOf({ a: { kind: 'integer', bits: 32 } });
    const parts = Array.from({ length: 20 }, (_, part) => ({ text: Array.from({ length: 500 }, (_unused, i) => `${part * 500 + i}\n`).join(''), rows: 500 }));
    if (toStdout) {
      const sink = memorySink();
      const writer = parquetFormat.openWriter(sink, { multipleTables: false });
      await writer.beginTable(table);
      for await (const chunk of writer.encodePart(table, partOf('1\n2\n', CANONICAL_CSV, { rows: 2 }), () => undefined)) await writer.writeEncoded(chunk, true);
      await writer.endTable();
      expect(sink.text.startsWith('PAR1')).toBe(true);
      expect(sink.text.endsWith('PAR1')).toBe(true);
      return;
    }
    const path = await write(table, parts);
    expect(await sql(scratch, `SELECT count(*), bool_and(a = rn) FROM (SELECT a, file_row_number AS rn FROM read_parquet('${path}', file_row_number = true))`)).toEqual([['10000', true]]);
  });

  test('numerics without precision: the narrowest exact DECIMAL, or text', async () => {
    const table = tableOf({ a: { kind: 'numeric' }, b: { kind: 'numeric' }, c: { kind: 'integer', bits: 32 } });
    const path = await write(table, [{ text: '1.5,NaN,1\n', rows: 1 }, { text: '12345678901234567890.25,1e3,2\n', rows: 1 }]);
    expect(await sql(scratch, `SELECT typeof(a), a::VARCHAR, typeof(b), b, c FROM read_parquet('${path}')`)).toEqual([['DECIMAL(38,2)', '1.50', 'VARCHAR', 'NaN', 1], ['DECIMAL(38,2)', '12345678901234567890.25', 'VARCHAR', '1e3', 2]]);
  });

  test('no rows', async () => {
    const path = await write(tableOf({ a: { kind: 'integer', bits: 32 }, n: { kind: 'numeric' } }), []);
    expect(await sql(scratch, `SELECT count(*) FROM read_parquet('${path}')`)).toEqual([['0']]);
  });

  test.each([
    ['an infinite timestamp', { kind: 'timestamp', zone: false } as const, 'infinity'],
    ['an infinite date', { kind: 'date' } as const, '-infinity'],
    ['a rounded number', { kind: 'numeric', precision: 5, scale: 1 } as const, '1.25'],
    ['an infinite timestamp in a list', { kind: 'array', element: { kind: 'timestamp', zone: false } } as const, '"[""infinity""]"'],
  ])('%s is refused', async (_name, type, value) => {
    await expect(write(tableOf({ a: type }), [{ text: `${value}\n`, rows: 1 }])).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { column: 'a' } });
  });

  test('a count that is not what came out', async () => {
    await expect(write(tableOf({ a: { kind: 'integer', bits: 32 } }), [{ text: '1\n', rows: 2 }])).rejects.toMatchObject({ code: 'RECEIPT_UNBALANCED' });
  });

  test('a disk that is full, and a failure while much is still to come', async () => {
    const table = tableOf({ a: { kind: 'integer', bits: 32 } });
    const writer = parquetFormat.openWriter(sinkAt(join(folder, 'absent', 'x.parquet')), { multipleTables: false });
    await writer.beginTable(table);
    const chunk = Buffer.from('1\n'.repeat(100_000));
    await expect((async () => { for (let i = 0; i < 1000; i++) await writer.writeEncoded(chunk, i === 0); })()).rejects.toMatchObject({ code: 'TARGET_UNWRITABLE' });
    await writer.abort();
    await writer.abort();
  });

  test('an abort half way leaves nothing behind', async () => {
    const before = spools();
    const table = tableOf({ a: { kind: 'numeric' } });
    const writer = parquetFormat.openWriter(memorySink(), { multipleTables: false });
    await writer.beginTable(table);
    await writer.writeEncoded(Buffer.from('1\n'), true);
    await writer.abort();
    expect(spools()).toEqual(before);
  });

  test('several tables', async () => {
    expect(() => parquetFormat.openWriter(memorySink(), { multipleTables: true })).toThrow(expect.objectContaining({ code: 'OPTION_UNSUPPORTED' }));
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
