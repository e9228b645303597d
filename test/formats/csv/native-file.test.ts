import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/io/byte-source.ts';
import { TEXT } from '../../../src/rows/column-type.ts';
import type { RowEncoding } from '../../../src/rows/row-encoding.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf } from '../../helpers/read-format.ts';
import { rowsOf, runCsv, type CsvRun } from './csv-rows.ts';

let folder: string;
let duckdb: DuckDBConnection;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-csv-'));
  duckdb = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
});

afterAll(() => {
  duckdb.closeSync();
  rmSync(folder, { recursive: true });
});

function fileOf(text: string): ByteSource {
  const path = join(folder, `it's ${files++}.csv`);
  writeFileSync(path, text);
  return { ...memorySource(text, { name: path }), path };
}

const isFile = (encoding: RowEncoding): boolean => encoding.kind === 'file';
const NATIVE: CsvRun = { encoding: (offered) => offered.find(isFile) ?? { kind: 'copy-text' } };

/** Options that make every column text, so that rows can be compared as they are. */
async function asText(text: string): Promise<CsvRun['options']> {
  const { inspected } = await runCsv(memorySource(text));
  return { types: Object.fromEntries(inspected.tables[0].columns.map(({ name }) => [name, TEXT])) };
}

async function readByDuckDb(text: string, run: CsvRun = {}): Promise<{ rows: unknown[][]; counted: number } | undefined> {
  const { parts, read } = await runCsv(fileOf(text), { ...NATIVE, ...run });
  const file = parts[0]?.part.file;
  if (file === undefined) return undefined;
  expect(parts[0].text).toBe('');
  const result = await duckdb.runAndReadAll(`SELECT ${file.expressions.join(', ')} FROM ${file.relation}`);
  return { rows: result.getRowsJson(), counted: read };
}

describe('DuckDB reads the file as the parser does', () => {
  test.each([
    ['a,b\n1,2\n3,4'], ['a,b\r\n1,2\r\n3,4\r\n'], ['a,b\r1,2\r3,4\r'], ['a,b\n1,""\n"",\n'], ['a,b\n"x\r\ny","z\nw"\n1,2\n'], ['a;b\n"x;y";"say ""so"""\n1;2\n'],
    ['\ufeffa,b\n1,2\n'], ['"a\nx",b\n1,2\n3,4\n'], ['a\tb\nx,y\tz\n1\t2\n'], ['a,A,a\n1,2,3\n'], ["a,b\n'x, y','z'\n'w','v'\n'1','2'\n"],
    ['1,x\n2,y\n3,z\n'], ['name\nx\n\ny\n'], ['name\nx, y\n"z"\n'], ['a,b\n,\n1,2\n'], ['a,b\n "x",2\n'], ['a\x01b\n1\x012\n3\x014\n'],
  ])('%j', async (text) => {
    const options = await asText(text);
    const own = await rowsOf(memorySource(text), options === undefined ? {} : { options });
    const native = await readByDuckDb(text, options === undefined ? {} : { options });
    expect(native === undefined ? 'not offered' : native.rows).toEqual(/ "x"/.test(text) ? 'not offered' : own.rows);
    if (native !== undefined) expect(native.counted).toBe(own.rows.length);
  });

  test('with types', async () => {
    const text = 'i,n,f,b,d,t,z,u\n-5,1.50,1e3,true,2024-02-29,2024-01-31T10:00,2024-01-31 10:00:00+02,550e8400-e29b-41d4-a716-446655440000\n,,,,,,,\n';
    const native = await readByDuckDb(text);
    expect(native!.rows).toEqual([
      ['-5', '1.50', 1000, true, '2024-02-29', '2024-01-31 10:00:00', expect.stringContaining('2024-01-31') as unknown, '550e8400-e29b-41d4-a716-446655440000'],
      Array.from({ length: 8 }, () => null),
    ]);
  });

  test('with fields chosen, reordered and absent', async () => {
    const text = 'a,b,c\n1,x,2\n3,y,4\n';
    const { parts } = await runCsv(fileOf(text), {
      request: {
        bind: async () => ({
          table: 't', encoding: { kind: 'file' }, ignored: ['b'],
          fields: [{ source: 'c', type: { kind: 'integer', bits: 64 }, arrays: 'json' }, { source: 'z', type: TEXT, arrays: 'json', absent: true }, { source: 'a', type: TEXT, arrays: 'json' }],
        }),
      },
    });
    const { relation, expressions } = parts[0].part.file!;
    expect((await duckdb.runAndReadAll(`SELECT ${expressions.join(', ')} FROM ${relation}`)).getRowsJson()).toEqual([['2', null, '1'], ['4', null, '3']]);
  });
});

test.each([
  ['blanks before a quote, which DuckDB drops', 'a,b\n1, "x"\n'], ['blanks after a quote', 'a,b\n1,"x" \n'], ['mixed line ends', 'a,b\n1,2\r\n3,4\n'], ['Latin-1', Buffer.from('a,b\n1,\xe9\n', 'latin1').toString('latin1')],
  ['backslash escapes', 'a,b\n"x\\"y",1\n"z",2\n'],
])('is not offered for %s', async (name, text) => {
  const options = name === 'Latin-1' ? { charset: 'latin1' } : {};
  expect(await readByDuckDb(text, { options })).toBeUndefined();
});

describe('what only the whole file shows', () => {
  const regular = '1,some plain text\n'.repeat(80_000);
  const withOdd = (odd: string): string => `a,b\n${regular.slice(0, 18 * 17_000)}${odd}\n${regular}`;

  test.each(['2, "x"', '2,x\r', '2,"x" '])('is an error instead of another reading: %j', async (odd) => {
    const text = withOdd(odd);
    expect(await errorOf(runCsv(fileOf(text), NATIVE))).toMatchObject({ code: 'CSV_IRREGULAR' });
    const full = await runCsv(fileOf(text), { ...NATIVE, depth: 'full' });
    expect([full.parts[0].part.file, full.read, full.inspected.details['regular']]).toEqual([undefined, 97_001, false]);
  });

  test.each([['CSV_FIELD_COUNT', '2,x,y'], ['SCHEMA_SURPRISE', '007,x']])('%s: %j', async (code, odd) => {
    expect(await errorOf(runCsv(fileOf(withOdd(odd)), NATIVE))).toMatchObject({ code, at: { row: 17_001, line: 17_002 } });
  });
});

test('locate takes lines of the file', async () => {
  const { parts } = await runCsv(fileOf('a,b\n1,"x\ny"\n2,z\n'), NATIVE);
  expect(await parts[0].part.locate!(4)).toMatchObject({ row: 2, line: 4, byte: 12 });
});
