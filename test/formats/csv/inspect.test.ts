import { describe, expect, test } from 'vitest';
import { csvFormat } from '../../../src/formats/csv/csv-format.ts';
import type { ReadOptions } from '../../../src/formats/format.ts';
import { typeName } from '../../../src/rows/column-type.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf, inspect, never } from '../../helpers/read-format.ts';
import { runCsv } from './csv-rows.ts';

async function detailsOf(text: string | Buffer, options: ReadOptions = {}): Promise<Record<string, unknown>> {
  return (await inspect(csvFormat, memorySource(text), options)).details;
}

async function columnsOf(text: string | Buffer, options: ReadOptions = {}, depth: 'sample' | 'full' = 'sample'): Promise<string[]> {
  const { tables } = await inspect(csvFormat, memorySource(text), options, depth);
  return tables[0].columns.map((column) => `${column.name} ${typeName(column.type)}`);
}

const rowsWith = (delimiter: string, record: (i: number) => string[]): string => Array.from({ length: 30 }, (_, i) => record(i).join(delimiter)).join('\n');

describe('the delimiter', () => {
  test.each([',', ';', '\t', '|', '\x01', '\x1f', '^', '~', '::', '||'])('%j', async (delimiter) => {
    const text = `id${delimiter}a name${delimiter}note\n${rowsWith(delimiter, (i) => [`${i}`, `name, the ${i}`.replace(',', delimiter === ',' ? '' : ','), 'x: y'])}`;
    expect(await detailsOf(text)).toMatchObject({ delimiter });
  });

  test.each([[':', 'root:x:0:0:root\nbin:x:1:1:bin\ndaemon:x:2:2:daemon\n'], [' ', '1 2.5 3\n4 5.5 6\n7 8.5 9\n']])('%j, which is common in text, with typed fields', async (delimiter, text) => {
    expect(await detailsOf(text)).toMatchObject({ delimiter });
  });

  test.each([
    ['names', 'Mary Ann\nJohn Smith\nEva Berg\n'], ['one word', 'a\nb\nc\n'], ['timestamps', 'when\n2024-01-01 10:00:00\n2024-01-02 11:30:00\n'],
    ['sentences', 'Hello, world.\nThis is a text.\nIt has commas, sometimes, here and there.\nNot always.\nOr one, like this.\nEnd.\nOf it.\n'],
    ['addresses of the web', 'https://example.com/a\nhttps://example.com/b\nhttps://example.com/c\n'],
  ])('none: %s', async (_, text) => {
    expect(await detailsOf(text)).toMatchObject({ delimiter: '', quote: '"' });
  });

  test('; and not the comma of decimals', async () => {
    expect(await detailsOf('a;b;c\n1,5;2,25;x\n2,5;3,75;y\n')).toMatchObject({ delimiter: ';' });
  });

  test('tab and not the commas inside', async () => {
    expect(await detailsOf('a\tb\nx, y\tz, w\nq, r\ts, t\n')).toMatchObject({ delimiter: '\t' });
  });
});

describe('quotes', () => {
  test('double by default, single where they are', async () => {
    expect(await detailsOf('a,b\n1,2\n')).toMatchObject({ quote: '"', escape: '"' });
    expect(await detailsOf("a,b\n'x, y','z'\n'w','v, u'\n'1','2'\n")).toMatchObject({ quote: "'" });
  });

  test('escaped by a backslash', async () => {
    expect(await detailsOf(String.raw`a,b` + '\n' + String.raw`"say \"hi\"",1` + '\n"x",2\n')).toMatchObject({ quote: '"', escape: '\\' });
    expect(await detailsOf('a,b\n"{""k"":""v\\""w""}",1\n"x",2\n')).toMatchObject({ escape: '"' });
  });

  test('none where they are part of the text', async () => {
    const text = `code\ttext\n${Array.from({ length: 60 }, (_, i) => `${i}\t${i === 20 ? '"half a quote' : i === 40 ? '"two" words' : 'plain'}`).join('\n')}\n`;
    expect(await detailsOf(text)).toMatchObject({ delimiter: '\t', quote: '' });
  });

  test('of one column: unless a line begins with one that does not end it', async () => {
    expect(await detailsOf('v\nfirst\n""\n\n"a\nb"\n')).toMatchObject({ delimiter: '', quote: '"' });
    expect(await detailsOf('v\nfirst\n"Hello," he said.\n')).toMatchObject({ delimiter: '', quote: '' });
  });

  test('are found where only a window shows them', async () => {
    const text = `a,b\n${'1,plain text of some length\n'.repeat(30_000)}${'2,"with \\"escapes\\", here"\n'.repeat(20_000)}`;
    expect(await detailsOf(text)).toMatchObject({ delimiter: ',', quote: '"', escape: '\\' });
  });
});

describe('the header', () => {
  test.each([
    [true, 'id,name\n1,x\n2,y\n'], [false, '1,x\n2,y\n3,z\n'], [true, 'id,name\n'], [false, '1,2,3\n'], [true, 'a,b\nx,y\n'],
    [false, 'x,y\nz,y\nw,v\n'], [false, 'x,\nz,y\n'], [true, ',v,w\n0,1,2\n1,3,4\n'], [true, 'country,2001,2002,2003\nA,5,6,7\nB,8,9,10\n'],
  ])('%s: %j', async (header, text) => {
    expect(await detailsOf(text)).toMatchObject({ header });
  });

  test('names are made distinct and not empty', async () => {
    expect(await columnsOf('id,,name,Name,name, name_2 \n1,2,3,4,5,x\n')).toEqual([
      'id bigint', 'column_2 bigint', 'name bigint', 'Name_3 bigint', 'name_4 bigint', 'name_2 text',
    ]);
    expect(await detailsOf('id,,id\n1,2,3\n')).toMatchObject({ renamed: { 2: 'column_2', 3: 'id_2' } });
  });

  test('of 9,074 columns', async () => {
    const names = Array.from({ length: 9074 }, (_, i) => `c${i}`);
    expect(await columnsOf(`${names.join(',')}\n${names.map((_, i) => i).join(',')}\n`)).toEqual(names.map((name) => `${name} bigint`));
  });

  test('larger than a head', async () => {
    const name = 'x'.repeat(1_500_000);
    const columns = await columnsOf(`${name},b\n1,2\n`);
    expect(columns.map((column) => column.length)).toEqual([1_500_007, 8]);
  });
});

describe('types', () => {
  test('from all samples', async () => {
    const text = `n,t\n${'1,x\n'.repeat(400_000)}1.5,y\n`;
    expect(await columnsOf(text)).toEqual(['n numeric', 't text']);
  });

  test('NULL does not count, an empty text in quotes does', async () => {
    expect(await columnsOf('a,b,c,d\n1,1,NA,\n,"",5,\n')).toEqual(['a bigint', 'b text', 'c text', 'd text']);
    expect(await columnsOf('a,b\nNA,1\n5,NA\n', { csv: { nullText: 'NA' } })).toEqual(['a bigint', 'b bigint']);
  });

  test('of a full look hold every value', async () => {
    const line = '1,2024-01-01\n';
    const text = `n,d\n${line.repeat(24_000)}x,2024-01-01 10:00:00\n${line.repeat(100_000)}`;
    expect(await columnsOf(text)).toEqual(['n bigint', 'd date']);
    expect(await columnsOf(text, {}, 'full')).toEqual(['n text', 'd timestamp']);
  });

  test('as the user says', async () => {
    expect(await columnsOf('a,b\n1,2\n', { types: { b: { kind: 'text' } } }, 'full')).toEqual(['a bigint', 'b text']);
  });
});

test('every choice of the user is taken as it is', async () => {
  const options = { csv: { delimiter: ';', quote: "'", escape: '\\', header: false }, charset: 'latin1' };
  expect(await detailsOf('a,b\n1,2\n', options)).toMatchObject({ delimiter: ';', quote: "'", escape: '\\', header: false, charset: 'latin1' });
  expect(await detailsOf('a\tb\n', { csv: { delimiter: 'tab', quote: '' } })).toMatchObject({ delimiter: '\t', quote: '' });
  expect(await detailsOf('a,b\n', { csv: { delimiter: '' } })).toMatchObject({ delimiter: '' });
});

describe('errors', () => {
  test.each([
    ['SOURCE_EMPTY', ''], ['SOURCE_EMPTY', '\ufeff'], ['CSV_NO_COLUMNS', '\n\r\n\n'], ['CSV_MALFORMED', 'a,"b\n1,2\n', '"'], ['NUL_BYTE', 'a\0,b\n1,2\n'],
  ])('%s: %j', async (code, text, quote?: string) => {
    const options = quote === undefined ? {} : { csv: { quote } };
    expect(await errorOf(inspect(csvFormat, memorySource(text, { name: 'bad.csv' }), options))).toMatchObject({ code, at: { file: 'bad.csv' } });
  });

  test('a first record without end', async () => {
    const error = await errorOf(inspect(csvFormat, memorySource(Buffer.alloc(20 * 1024 * 1024, 'x')), {}));
    expect(error).toMatchObject({ code: 'RECORD_TOO_LARGE', at: { row: 1, line: 1, byte: 0 } });
  });

  test.each([{ delimiter: '\n' }, { delimiter: '"' }, { quote: 'ab' }, { escape: 'é' }, { delimiter: 'aba' }, { nullText: 'a\nb' }])('%j cannot be', async (csv) => {
    expect(await errorOf(inspect(csvFormat, memorySource('a,b\n'), { csv }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  test('an unknown character set', async () => {
    expect(await errorOf(inspect(csvFormat, memorySource('a,b\n'), { charset: 'ebcdic' }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  test('of a full look have their place', async () => {
    expect(await errorOf(inspect(csvFormat, memorySource('a,b\n1,2\n1\n'), {}, 'full'))).toMatchObject({ code: 'CSV_FIELD_COUNT', at: { row: 2, line: 3, byte: 8 } });
  });
});

test('a source that can be read once is sampled, never read through', async () => {
  const source = memorySource('a,b\n1,2\n', { repeatable: false });
  const inspected = await csvFormat.inspect(source, {}, 'full', never);
  expect(inspected.depth).toBe('sample');
  // The one reading that it allows is still to be had.
  expect((await source.read().next()).done).toBe(false);
});

test('a preamble is never taken for data in silence', async () => {
  const error = await errorOf(runCsv(memorySource('# made by hand\nid,name\n1,x\n2,y\n')));
  expect(error).toMatchObject({ code: 'CSV_FIELD_COUNT', facts: { found: 2, expected: 1 }, at: { row: 1, line: 2 } });
});
