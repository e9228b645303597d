import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import type { WriteOptions } from '../../../src/formats/format.ts';
import { sqlFormat } from '../../../src/formats/sql/sql-format.ts';
import type { ByteSink } from '../../../src/io/byte-sink.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import type { Column, TableSchema } from '../../../src/rows/table-schema.ts';
import { readDump } from './read-dump.ts';

type Kind = Column['type'];

const TYPES: Record<string, Kind> = {
  id: { kind: 'integer', bits: 64 }, price: { kind: 'numeric', precision: 10, scale: 2 }, ratio: { kind: 'float', bits: 64 }, ok: { kind: 'boolean' },
  'odd "name"': { kind: 'text' }, data: { kind: 'bytes' }, tags: { kind: 'array', element: { kind: 'text' } },
};

function schemaOf(types: Record<string, Kind>, more: Partial<TableSchema> = {}): TableSchema {
  const columns = Object.entries(types).map(([name, type]): Column => ({ name, type, nullable: name !== 'id' }));
  return { name: 't', columns, primaryKey: [], indexes: [], ...more };
}

/** Writes tables of copy-text, each given as its parts. @returns the document and the rows counted per part */
async function write(tables: readonly { schema: TableSchema; parts: readonly string[] }[], options: Partial<WriteOptions> = {}, chunkBytes = 7): Promise<{ text: string; rows: number[] }> {
  const pieces: Buffer[] = [];
  let finished = false;
  const sink = { name: 'out.sql', write: async (chunk: Uint8Array) => void pieces.push(Buffer.from(chunk)), finish: async () => void (finished = true), publish: async () => {}, abort: async () => {}, bytesWritten: 0 } satisfies ByteSink;
  const writer = sqlFormat.openWriter(sink, { multipleTables: true, ...options });
  const rows: number[] = [];
  for (const { schema, parts } of tables) {
    expect(writer.accepts(schema)).toEqual(['copy-text']);
    await writer.beginTable(schema);
    for (const [index, text] of parts.entries()) {
      const bytes = Buffer.from(text);
      const chunks = (async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
      })();
      const part = { part: { index, interval: { kind: 'whole' as const } }, encoding: COPY_TEXT, chunks, counts: () => ({ read: 0, skipped: 0, bytes: 0 }) };
      let first = true;
      for await (const chunk of writer.encodePart(schema, part, (count) => rows.push(count))) {
        await writer.writeEncoded(chunk, first);
        first = false;
      }
    }
    await writer.endTable();
  }
  await writer.finish();
  expect(finished).toBe(true);
  return { text: Buffer.concat(pieces).toString(), rows };
}

const ROWS = String.raw`1	1.50	0.1	t	it's\t\\ \n	\\x00ff	{a,"b c"}
-9223372036854775808	-0.01	-0	f			{}
3	NaN	-Infinity	\N	\N	\N	\N
`;

describe('for PostgreSQL', () => {
  test('the whole document', async () => {
    const schema = schemaOf(TYPES, {
      schema: 'app', primaryKey: ['id'],
      indexes: [
        { name: 't_pkey', columns: ['id'], unique: true, primary: true, definition: 'never' },
        { name: 'i', columns: ['price'], unique: false, primary: false, definition: 'CREATE INDEX i ON app.t USING btree (price)' },
        { name: 'u', columns: ['ok', 'price'], unique: true, primary: false },
      ],
    });
    const { text, rows } = await write([{ schema, parts: [ROWS, '4\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n'] }]);
    expect(rows).toEqual([3, 1]);
    expect(text).toBe(`-- Sluice SQL export, dialect postgres

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
BEGIN TRANSACTION;

CREATE SCHEMA IF NOT EXISTS "app";
CREATE TABLE "app"."t" (
  "id" bigint NOT NULL,
  "price" numeric(10,2),
  "ratio" double precision,
  "ok" boolean,
  "odd ""name""" text,
  "data" bytea,
  "tags" text[],
  PRIMARY KEY ("id")
);
INSERT INTO "app"."t" ("id", "price", "ratio", "ok", "odd ""name""", "data", "tags") VALUES
(1,1.50,0.1,TRUE,'it''s\t\\ \n','\\x00ff','{a,"b c"}'),
(-9223372036854775808,-0.01,'-0',FALSE,'','','{}'),
(3,'NaN','-Infinity',NULL,NULL,NULL,NULL);
INSERT INTO "app"."t" ("id", "price", "ratio", "ok", "odd ""name""", "data", "tags") VALUES
(4,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX i ON app.t USING btree (price);
CREATE UNIQUE INDEX "u" ON "app"."t" ("ok", "price");

COMMIT;

-- Sluice SQL export complete
`.replace(String.raw`it''s\t\\ \n`, () => "it''s\t\\ \n").replace(String.raw`'\\x00ff'`, () => String.raw`'\x00ff'`));
  });

  test('identity and generated columns, native types', async () => {
    const columns: Column[] = [
      { name: 'id', type: { kind: 'integer', bits: 32 }, nullable: false, filled: 'identity-always' },
      { name: 'v', type: { kind: 'text' }, nullable: true, nativeType: 'character varying(30)' },
      { name: 'g', type: { kind: 'integer', bits: 32 }, nullable: true, filled: 'generated' },
    ];
    const schema = { ...schemaOf({}), columns };
    const { text } = await write([{ schema, parts: ['1\tx\t2\n'] }]);
    expect(text).toContain('"id" integer GENERATED ALWAYS AS IDENTITY NOT NULL,\n  "v" character varying(30),\n  "g" integer\n');
    expect(text).toContain('INSERT INTO "t" ("id", "v", "g") OVERRIDING SYSTEM VALUE VALUES\n(1,\'x\',2);\n');
    expect(text).toContain('SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(\'"t"\', \'id\'), (SELECT max("id") FROM "t"));');
    const dataOnly = await write([{ schema, parts: ['1\tx\t2\n'] }], { sql: { dialect: 'postgres', schema: false } });
    expect(dataOnly.text).not.toContain('CREATE');
    expect(dataOnly.text).toContain('INSERT INTO "t" ("id", "v") OVERRIDING SYSTEM VALUE VALUES\n(1,\'x\');\n');
  });

  test('statements end after 500 rows or 64 KiB, and within their part', async () => {
    const schema = schemaOf({ id: TYPES.id, b: { kind: 'text' } });
    const many = Array.from({ length: 1200 }, (_, i) => `${i}\tx\n`).join('');
    const { text, rows } = await write([{ schema, parts: [many, many] }], {}, 1000);
    expect(rows).toEqual([1200, 1200]);
    expect(text.split('INSERT INTO').slice(1).map((statement) => statement.split('\n(').length - 1)).toEqual([500, 500, 200, 500, 500, 200]);
    const large = Array.from({ length: 10 }, (_, i) => `${i}\t${"'".repeat(20_000)}\n`).join('');
    const statements = (await write([{ schema, parts: [large] }])).text.split('INSERT INTO').slice(1);
    expect(statements.map((statement) => statement.split('\n(').length - 1)).toEqual([2, 2, 2, 2, 2]);
  });

  test('a value larger than every buffer', async () => {
    const value = "'\\\\x".repeat(300_000);
    const { text } = await write([{ schema: schemaOf({ id: TYPES.id, b: { kind: 'text' } }), parts: [`1\t${value}\n2\ty\n`] }], {}, 65_536);
    expect((await readDump(text)).get('t')!.text).toBe(`1\t${value}\n2\ty\n`);
  });

  test('no tables, and a table without rows', async () => {
    expect((await write([])).text).toMatch(/^-- Sluice SQL export, dialect postgres\n[\s\S]*BEGIN TRANSACTION;\n\nCOMMIT;\n/);
    const { text } = await write([{ schema: schemaOf(TYPES), parts: [''] }]);
    expect(text).not.toContain('INSERT');
    expect(text).toContain('CREATE TABLE "t"');
  });
});

test('what is written is read again, byte for byte', async () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom('\\', "'", '"', '\n', '\t', '\r', '\b', ',', ')', ';', '-', '{', 'é', '😀'), fc.string({ minLength: 1, maxLength: 1 })) }).map((value) => value.replaceAll('\0', '').toWellFormed());
  const escaped = (value: string | null): string => (value === null ? '\\N' : value.replaceAll(/[\\\b\t\n\v\f\r]/g, (one) => ({ '\b': '\\b', '\t': '\\t', '\n': '\\n', '\v': '\\v', '\f': '\\f', '\r': '\\r' })[one] ?? '\\\\'));
  const bytes = fc.uint8Array({ maxLength: 8 }).map((value) => `\\x${Buffer.from(value).toString('hex')}`);
  const number = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String));
  const float = fc.oneof(fc.double().map((value) => (Object.is(value, -0) ? '-0' : String(value))), fc.constantFrom('NaN', 'Infinity', '-Infinity'));
  const nullable = (value: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(value, { nil: null });
  const row = fc.tuple(nullable(number), nullable(float), nullable(fc.constantFrom('t', 'f')), nullable(text), nullable(bytes));
  const schema = schemaOf({ id: TYPES.id, ratio: TYPES.ratio, ok: TYPES.ok, 'odd "name"': TYPES['odd "name"'], data: TYPES.data });
  await fc.assert(fc.asyncProperty(fc.array(row, { maxLength: 8 }), fc.constantFrom('postgres' as const, 'duckdb' as const), fc.integer({ min: 1, max: 50 }), async (rows, dialect, chunkBytes) => {
    const records = rows.map((one) => `${one.map(escaped).join('\t')}\n`).join('');
    const document = await write([{ schema, parts: [records] }], { sql: { dialect, schema: true } }, chunkBytes);
    expect(document.rows).toEqual([rows.length]);
    const read = await readDump(document.text, { chunkBytes });
    expect(read.get('t')?.text ?? '').toBe(records);
  }), { numRuns: 150 });
});

test('the script runs in PostgreSQL, and nothing is lost', async () => {
  const types = { ...TYPES, price: { kind: 'numeric' } as const, at: { kind: 'timestamp', zone: false } as const };
  const schema = schemaOf(types, { schema: 'sluice_sql_writing', primaryKey: ['id'] });
  const records = String.raw`1	1234567890123456789012345678.0123456789	0.1	t	it's\t\\ \n	\\x00ff27	{"a \\"q\\"",NULL}	infinity
-9223372036854775808	-0.0000000001	-0	f		\\x	{}	0044-03-15 00:00:00.000001 BC
9223372036854775807	NaN	1e-310	\N	\N	\N	\N	\N
`;
  const { text } = await write([{ schema, parts: [records] }]);
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(text);
    const select = 'SELECT id::text, price::text, ratio::text, ok::text, "odd ""name""", data::text, tags::text, at::text FROM sluice_sql_writing.t ORDER BY id';
    const { rows } = await client.query({ text: select, rowMode: 'array' });
    expect(rows).toEqual([
      ['-9223372036854775808', '-0.0000000001', '-0', 'false', '', '\\x', '{}', '0044-03-15 00:00:00.000001 BC'],
      ['1', '1234567890123456789012345678.0123456789', '0.1', 'true', "it's\t\\ \n", '\\x00ff27', '{"a \\"q\\"",NULL}', 'infinity'],
      ['9223372036854775807', 'NaN', '1e-310', null, null, null, null, null],
    ]);
  } finally {
    await client.query('DROP SCHEMA IF EXISTS sluice_sql_writing CASCADE');
    await client.end();
  }
});

describe('for DuckDB', () => {
  test('the script runs there, and nothing is lost', async () => {
    const schema = schemaOf({ ...TYPES, any: { kind: 'numeric' }, price: { kind: 'numeric', precision: 38, scale: 10 } }, { schema: 'app', primaryKey: ['id'] });
    const records = String.raw`1	1234567890123456789012345678.0123456789	0.1	t	it's\t\\ \n	\\x00ff27	["a \\"q\\"",null]	123456789012345678901234567890123456789012345678901234567890.5
-9223372036854775808	-0.0000000001	-0	f		\\x	[]	0
9223372036854775807	\N	1e-310	\N	\N	\N	\N	\N
`;
    const { text } = await write([{ schema, parts: [records] }], { sql: { dialect: 'duckdb', schema: true } });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(text);
    const answer = await connection.runAndReadAll('SELECT id::VARCHAR, price::VARCHAR, ratio::VARCHAR, ok::VARCHAR, "odd ""name""", hex(data), to_json(tags)::VARCHAR, "any" FROM app.t ORDER BY id');
    expect(answer.getRowsJson()).toEqual([
      ['-9223372036854775808', '-0.0000000001', '-0.0', 'false', '', '', '[]', '0'],
      ['1', '1234567890123456789012345678.0123456789', '0.1', 'true', "it's\t\\ \n", '00FF27', '["a \\"q\\"",null]', '123456789012345678901234567890123456789012345678901234567890.5'],
      ['9223372036854775807', null, '1e-310', null, null, null, null, null],
    ]);
    connection.closeSync();
  });
});
