/** What is wrong with the input: each a coded error with its place, and nothing left behind. */
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/error-codes.ts';
import { connect } from '../conformance/database-under-test.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { rowsOf, tablesOf, Workbench, type Fault } from './command-line.ts';
import { runSql } from './databases.ts';

let bench: Workbench;
beforeEach(() => { bench = new Workbench(); });
afterEach(() => bench.remove());

function write(name: string, content: string | Uint8Array): string {
  const path = bench.path(name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return name;
}

/** A table of many rows, of which one is replaced; `row` counts from 1 after the header. */
function rowsWith(row: number, bad: string, lineEnd = '\n', count = 3_000): { text: string; line: number } {
  const lines = Array.from({ length: count }, (_, i) => `${i + 1},name ${i + 1}`);
  lines[row - 1] = bad;
  return { text: ['id,name', ...lines, ''].join(lineEnd), line: row + 1 };
}

/** The same, where names before it have line ends in quotes. */
function quotedRowsWith(row: number, bad: string, lineEnd = '\n'): { text: string; line: number } {
  const lines = Array.from({ length: 3_000 }, (_, i) => (i % 3 === 0 ? `${i + 1},"name${lineEnd}""${i + 1}"""` : `${i + 1},name`));
  lines[row - 1] = bad;
  return { text: ['id,name', ...lines, ''].join(lineEnd), line: row + 1 + Math.ceil((row - 1) / 3) };
}

const TARGETS = {
  postgres: () => createDatabase(),
  duckdb: async () => {
    const url = `duckdb:${bench.path('target.duckdb')}`;
    await runSql(url, 'SELECT 1');
    return url;
  },
};

describe('sources', () => {
  it.each<[string, () => string[], Fault]>([
    ['a file that is not there', () => ['nothing.csv'], { code: 'SOURCE_NOT_FOUND', at: { file: 'nothing.csv' } }],
    ['a glob that finds nothing', () => ['*.csv'], { code: 'SOURCE_NOT_FOUND', at: { file: '*.csv' } }],
    ['a file in a file', () => [`${write('a.csv', 'a\n1\n')}/b.csv`], { code: 'SOURCE_NOT_FOUND' }],
    ['a folder without a file of a known kind', () => [write('folder/notes.doc', 'x').replace('/notes.doc', '')], { code: 'NO_FILES', at: { file: 'folder' } }],
    ['a folder where one table is named', () => [write('folder/a.csv', 'a\n1\n').replace('/a.csv', ''), '--table', 't'], { code: 'SOURCE_IS_DIRECTORY', at: { file: 'folder' } }],
    ['an empty file', () => [write('empty.csv', '')], { code: 'SOURCE_EMPTY', at: { file: 'empty.csv' } }],
    ['an empty compressed file', () => [write('empty.csv.gz', gzipSync(''))], { code: 'SOURCE_EMPTY', at: { file: 'empty.csv.gz' } }],
    ['nothing but a byte order mark', () => [write('mark.csv', '\ufeff')], { code: ['SOURCE_EMPTY', 'CSV_NO_COLUMNS'], at: { file: 'mark.csv' } }],
    ['nothing but blank lines', () => [write('blank.csv', '\n\n\n')], { code: ['SOURCE_EMPTY', 'CSV_NO_COLUMNS'], at: { file: 'blank.csv' } }],
    ['empty NDJSON', () => [write('empty.ndjson', '')], { code: 'SOURCE_EMPTY', at: { file: 'empty.ndjson' } }],
    ['empty JSON', () => [write('empty.json', '')], { code: ['SOURCE_EMPTY', 'JSON_MALFORMED'], at: { file: 'empty.json' } }],
    ['JSON that is cut off', () => [write('cut.json', '[{"a":1},{"a":')], { code: 'JSON_MALFORMED', at: { file: 'cut.json', line: 1, row: 2 } }],
    ['JSON without records', () => [write('scalar.json', '[1,2,3]')], { code: 'JSON_NOT_RECORDS', at: { file: 'scalar.json' } }],
    ['JSON whose keys all are new', () => [write('keys.ndjson', '{"a":1}\n{"a":1,"a":}\n')], { code: 'JSON_MALFORMED', at: { file: 'keys.ndjson', line: 2, row: 2 } }],
    ['SQL that is no dump', () => [write('drop.sql', 'DELETE FROM t;\n')], { code: 'SQL_MALFORMED', at: { file: 'drop.sql', line: 1 } }],
    ['a picture', () => [write('picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))], { code: 'FORMAT_UNKNOWN', at: { file: 'picture' } }],
    ['a Parquet file that is none', () => [write('broken.parquet', 'PAR1 and nothing else PAR1')], { code: 'PARQUET_UNREADABLE', at: { file: 'broken.parquet' } }],
    ['gzip that is cut off', () => [write('cut.csv.gz', gzipSync(`a,b\n${'1,2\n'.repeat(50_000)}`).subarray(0, -100))], { code: 'COMPRESSION_CORRUPT', at: { file: 'cut.csv.gz' } }],
    ['zstd that is cut off', () => [write('cut.csv.zst', zstdCompressSync(`a,b\n${'1,2\n'.repeat(50_000)}`).subarray(0, -20))], { code: 'COMPRESSION_CORRUPT', at: { file: 'cut.csv.zst' } }],
    ['gzip that is none after its magic number', () => [write('no.csv.gz', Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(500, 7)]))], { code: 'COMPRESSION_CORRUPT', at: { file: 'no.csv.gz' } }],
    ['gzip with a byte changed', () => [write('changed.csv.gz', flipped(gzipSync(`a,b\n${Array.from({ length: 9_000 }, (_, i) => `${i},${i * 7}\n`).join('')}`)))], { code: 'COMPRESSION_CORRUPT', at: { file: 'changed.csv.gz' } }],
    ['a field that is not there, mapped', () => [write('a.csv', 'id,name\n1,x\n'), '--map', 'nme=title'], { code: 'COLUMN_UNKNOWN', at: { column: 'nme' } }],
    ['a field that is not there, chosen', () => [write('a.csv', 'id,name\n1,x\n'), '--columns', 'id,nme'], { code: 'COLUMN_UNKNOWN', at: { column: 'nme' } }],
    ['two fields to one column', () => [write('a.csv', 'id,name\n1,x\n'), '--map', 'name=id'], { code: 'USAGE' }],
  ])('%s', async (_what, source, fault) => {
    const url = await TARGETS.duckdb();
    const args = source();
    const { error, receipt } = await bench.fails(['import', ...args, '--to', url], fault);
    expect(error.message.length).toBeGreaterThan(10);
    expect(receipt.totals.written).toBe(0);
    expect(await tablesOf(url)).toEqual([]);
  });

  it('a name that ends in .gz may be a plain file after all', async () => {
    const url = await TARGETS.duckdb();
    const { code } = await bench.sluice(['import', write('plain.csv.gz', 'a\n1\n'), '--to', url]);
    expect(code).toBe(0);
    expect(await rowsOf(url, 'plain')).toEqual([['1']]);
  });

  it('a database file that a failed import would have made is not made', async () => {
    await bench.fails(['import', 'nothing.csv', '--to', 'new.duckdb'], { code: 'SOURCE_NOT_FOUND' });
    await bench.fails(['import', write('bad.csv', rowsWith(2_000, '1,2,3').text), '--to', 'new.duckdb'], { code: 'CSV_FIELD_COUNT' });
    expect(existsSync(bench.path('new.duckdb'))).toBe(false);
  });
});

function flipped(bytes: Buffer): Buffer {
  bytes[Math.floor(bytes.length / 2)] ^= 0xff;
  return bytes;
}

describe.each(Object.keys(TARGETS) as (keyof typeof TARGETS)[])('rows for %s', (kind) => {
  let url: string;
  beforeEach(async () => { url = await TARGETS[kind](); });

  it('a file of a header only is a table of no rows', async () => {
    const { code, stdout } = await bench.sluice(['import', write('header.csv', 'id,name\n'), '--to', url, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'done', tables: [{ name: 'header', read: 0, written: 0 }] });
    expect(await tablesOf(url)).toEqual(['header']);
  });

  const BAD: Uint8Array = Buffer.from([0x37, 0x2c, 0x61, 0xff, 0x62]);
  it.each<[string, { text: string; line: number }, number, ErrorCode]>([
    ['a field too many', rowsWith(3, '3,a,b'), 3, 'CSV_FIELD_COUNT'],
    ['a field too many in a later part', rowsWith(2_700, '3,a,b'), 2_700, 'CSV_FIELD_COUNT'],
    ['a field too few in a later part, CR LF', rowsWith(2_700, '3', '\r\n'), 2_700, 'CSV_FIELD_COUNT'],
    ['a field too many after line ends in quotes', quotedRowsWith(2_700, '3,a,b'), 2_700, 'CSV_FIELD_COUNT'],
    ['a field too few after line ends in quotes, CR LF', quotedRowsWith(2_700, '3', '\r\n'), 2_700, 'CSV_FIELD_COUNT'],
    ['text after a closing quote', quotedRowsWith(2_700, '3,"a"b'), 2_700, 'CSV_MALFORMED'],
    ['a quote that is not closed', quotedRowsWith(2_999, '3,"open'), 2_999, 'CSV_MALFORMED'],
  ])('%s', async (_what, { text, line }, row, code) => {
    write('rows.csv', text);
    const { error } = await bench.fails(['import', 'rows.csv', '--to', url, '--part-size', '8kB'], { code, at: { file: 'rows.csv', row } });
    expect(error.at.line).toBe(line);
    expect(await tablesOf(url)).toEqual([]);
  });

  it('bytes that are not UTF-8 in a later part', async () => {
    const { text, line } = rowsWith(2_700, 'BAD');
    const [before, after] = text.split('BAD');
    write('rows.csv', Buffer.concat([Buffer.from(before.replace('name 1\n', 'näme 1\n')), BAD, Buffer.from(after)]));
    await bench.fails(['import', 'rows.csv', '--to', url, '--part-size', '8kB', '--encoding', 'utf-8'], { code: 'ENCODING_INVALID', at: { file: 'rows.csv', row: 2_700, line } });
    expect(await tablesOf(url)).toEqual([]);
  });

  it('a NUL character in a later part', async () => {
    const { text, line } = rowsWith(2_700, '7,a\0b');
    write('rows.csv', text);
    await bench.fails(['import', 'rows.csv', '--to', url, '--part-size', '8kB'], { code: 'NUL_BYTE', at: { file: 'rows.csv', row: 2_700, line } });
    expect(await tablesOf(url)).toEqual([]);
  });

  it('bad values in NDJSON, JSON and SQL, each at its place', async () => {
    await runSql(url, 'CREATE TABLE t (id integer, name text)');
    const at = 1_800;
    const objects = Array.from({ length: 2_000 }, (_, i) => (i + 1 === at ? '{"id":"many","name":"x"}' : `{"id":${i + 1},"name":"x"}`));
    const tuples = Array.from({ length: 2_000 }, (_, i) => `(${i + 1 === at ? "'many'" : i + 1},'x')`);
    const to = ['--to', `${url}#t`, '--part-size', '8kB'];
    await bench.fails(['import', write('rows.ndjson', `${objects.join('\n')}\n`), ...to], { code: 'VALUE_INVALID', at: { file: 'rows.ndjson', table: 't', column: 'id', row: at, line: at } });
    await bench.fails(['import', write('rows.json', `[\n${objects.join(',\n')}\n]`), ...to], { code: 'VALUE_INVALID', at: { file: 'rows.json', table: 't', column: 'id', row: at, line: at + 1 } });
    await bench.fails(['import', write('rows.sql', `INSERT INTO t (id, name) VALUES\n${tuples.join(',\n')};\n`), ...to], { code: 'VALUE_INVALID', at: { file: 'rows.sql', table: 't', column: 'id', row: at, line: at + 1 } });
    expect(await rowsOf(url, 't')).toEqual([]);
  });

  it.each<[string, string, string, ErrorCode | ErrorCode[], number | undefined]>([
    ['a value of another type', 'CREATE TABLE t (id integer, name text)', 'many,x', 'VALUE_INVALID', 2_700],
    ['a number that is too large', 'CREATE TABLE t (id integer, name text)', '3000000000,x', 'VALUE_INVALID', 2_700],
    ['a date that is none', 'CREATE TABLE t (id text, name text, born date)', '7,x,2024-02-30', 'VALUE_INVALID', 2_700],
    ['NULL where a value must be', 'CREATE TABLE t (id integer NOT NULL, name text)', ',x', ['CONSTRAINT_VIOLATED', 'NOT_NULL_VIOLATED'], undefined],
    ['a key twice', 'CREATE TABLE t (id integer PRIMARY KEY, name text)', '5,x', ['CONSTRAINT_VIOLATED', 'UNIQUE_VIOLATED'], undefined],
    ['a check', 'CREATE TABLE t (id integer CHECK (id < 100000), name text)', '100000,x', ['CONSTRAINT_VIOLATED', 'CHECK_VIOLATED'], undefined],
  ])('%s, for a table that is there', async (_what, create, bad, code, row) => {
    await runSql(url, create);
    const dated = create.includes('born');
    const { text, line } = rowsWith(2_700, bad);
    write('rows.csv', dated ? text.split('\n').map((one, i) => (i === 0 ? `${one},born` : one === '' || one === bad ? one : `${one},2024-01-31`)).join('\n') : text);
    const { error } = await bench.fails(['import', 'rows.csv', '--to', `${url}#t`, '--part-size', '8kB'], { code, at: { table: 't' } });
    if (row !== undefined) expect(error.at).toMatchObject({ file: 'rows.csv', row, line, column: dated ? 'born' : 'id' });
    expect(await rowsOf(url, 't')).toEqual([]);
  });

  it('a line of 300 MB without an end', { timeout: 60_000 }, async () => {
    const file = openSync(bench.path('line.csv'), 'w');
    writeSync(file, 'id,name\n1,x\n2,');
    const block = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < 300; i++) writeSync(file, block);
    closeSync(file);
    // The engine's lane keeps what it compares with the types: a smaller limit saves the test's time.
    const limit = kind === 'postgres' ? [] : ['--max-record-size', '64MB'];
    const { receipt } = await bench.fails(['import', 'line.csv', '--to', url, ...limit], { code: 'RECORD_TOO_LARGE', at: { file: 'line.csv', row: 2, line: 3 } });
    expect(receipt.peakRssBytes).toBeLessThan(kind === 'postgres' ? 200e6 : 400e6);
    expect(await tablesOf(url)).toEqual([]);
  });
});

describe('connections', () => {
  it.each<[string, (url: URL) => string | void, Fault]>([
    ['a wrong password', (url) => { url.password = 'not-the-password'; }, { code: 'AUTH_FAILED' }],
    ['a user that is not there', (url) => { url.username = 'nobody_here'; }, { code: 'AUTH_FAILED' }],
    ['a database that is not there', (url) => { url.pathname = '/nothing_here'; }, { code: 'DATABASE_UNKNOWN' }],
    ['a server that is down', (url) => { url.port = '1'; }, { code: 'CONNECT_REFUSED' }],
    ['a host that is not there', (url) => { url.hostname = 'nowhere.invalid'; }, { code: 'CONNECT_REFUSED' }],
    ['TLS where there is none', (url) => { url.searchParams.set('sslmode', 'require'); }, { code: 'CONNECT_TLS' }],
    ['an unknown scheme', () => 'mongodb://host/db', { code: 'CONNECTION_UNKNOWN' }],
    ['an unknown name', () => 'shop', { code: 'CONNECTION_UNKNOWN' }],
    ['a DuckDB file that is none', () => write('text.duckdb', 'this is text, and far too short to be a database'), { code: 'ENGINE_ERROR' }],
    ['a DuckDB file in a folder that is not there', () => 'nowhere/new.duckdb', { code: 'TARGET_UNWRITABLE' }],
    ['a folder in place of a DuckDB file', () => { mkdirSync(bench.path('folder.duckdb')); return 'folder.duckdb'; }, { code: ['TARGET_UNWRITABLE', 'ENGINE_ERROR'] }],
  ])('%s', async (_what, change, fault) => {
    const url = new URL(await createDatabase());
    const to = change(url) ?? url.href;
    write('rows.csv', 'id\n1\n');
    const { error } = await bench.fails(['import', 'rows.csv', '--to', to], fault);
    expect(error.message).not.toContain('this is text, and');
  });

  it('a DuckDB file that another process has open', async () => {
    const url = await TARGETS.duckdb();
    const connection = await connect(url);
    write('rows.csv', 'id\n1\n');
    try {
      await bench.fails(['import', 'rows.csv', '--to', url], { code: 'DATABASE_LOCKED' });
    } finally {
      await connection.close();
    }
    expect(await tablesOf(url)).toEqual([]);
  });

  it('a source database that is not there is not made', async () => {
    await bench.fails(['export', 'missing.duckdb', '--to', 'out.csv'], { code: ['DATABASE_UNKNOWN', 'SOURCE_NOT_FOUND'] });
    expect(bench.files()).toEqual([]);
  });
});
