import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvFormat } from '../../../src/formats/csv/csv-format.ts';
import type { TablePart } from '../../../src/formats/format.ts';
import type { RowEncoding } from '../../../src/rows/row-encoding.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { allFields, errorOf, never } from '../../helpers/read-format.ts';
import { copyTextRows, rowsOf, runCsv, type CsvRun, type Row } from './csv-rows.ts';

const RAW: CsvRun = { encoding: (offered) => offered.find((encoding) => encoding.kind === 'csv')! };
const CANONICAL: CsvRun = { encoding: (offered) => offered.findLast((encoding) => encoding.kind === 'csv')! };

async function drain(part: TablePart): Promise<void> {
  const chunks = part.chunks[Symbol.asyncIterator]();
  while ((await chunks.next()).done !== true);
}

const TABLE = `id,name,note\n${Array.from({ length: 200 }, (_, i) => `${i},name ${i},"a, ""b""\nc ${i}"`).join('\n')}\n`;

describe('a seekable source', () => {
  test('passes as byte ranges at the borders of records', async () => {
    const { parts, read, bytes, inspected } = await runCsv(memorySource(TABLE), { ...RAW, partBytes: 300 });
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.map(({ text }) => text).join('')).toBe(TABLE.slice(TABLE.indexOf('\n') + 1));
    expect([read, bytes]).toEqual([200, TABLE.length - 13]);
    expect(inspected.tables[0].estimatedRows).toBe(200);
    let row = 1;
    for (const { text, part } of parts) {
      expect(part.firstRow).toBe(row);
      expect(text.endsWith('"\n')).toBe(true);
      row += part.counts().read;
    }
    expect(parts[1].part.part).toMatchObject({ index: 1, interval: { kind: 'bytes', start: 13 + parts[0].text.length } });
  });

  test('is written anew only where it is odd', async () => {
    const text = `a,b\n${'1,x\n'.repeat(100)}2,y"z\n\n${'3,w\n'.repeat(100)}`;
    const { parts, read } = await runCsv(memorySource(text), { ...RAW, partBytes: 100 });
    expect(read).toBe(201);
    expect(parts.map((part) => part.text).join('')).toBe(text.slice(4).replace('2,y"z\n\n', '2,"y""z"\n'));
    expect(new Set(parts.map(({ part }) => JSON.stringify(part.encoding))).size).toBe(1);
  });

  test.each([
    ['a,b\r\n1,x\n2,y\r\n', '1,x\n2,y\n'],
    ['a,b\n1,x\r2,y\n', '1,x\n2,y\n'],
    ['a,b\n\\.,x\n\\.,"z\nz"\n', '\\.,x\n\\.,"z\nz"\n'], ['a\n\\.\n\\.x\n', '"\\."\n\\.x\n'],
    ['a,b\n1, "x"\n2,"y" \n', '1," ""x"""\n2,y \n'],
  ])('odd parts come in the same dialect: %j', async (text, expected) => {
    const { parts } = await runCsv(memorySource(text), RAW);
    expect(parts.map((part) => part.text).join('')).toBe(expected);
  });

  test('of one column names stand-ins for what it has not', async () => {
    const { parts, inspected } = await runCsv(memorySource('name\nAnn, "the first"\n\nBob\n'), { ...RAW, options: { csv: { quote: '' } } });
    expect(inspected.tables[0].columns).toMatchObject([{ name: 'name' }]);
    expect(parts[0].part.encoding).toMatchObject({ delimiter: '\x1f', quote: '\x01' });
    expect([parts[0].text, parts[0].part.counts().read]).toEqual(['Ann, "the first"\n\nBob\n', 3]);
  });

  test('without records gives no part', async () => {
    const { parts, inspected } = await runCsv(memorySource('a,b\n\n'));
    expect([parts, inspected.tables[0].columns.map((column) => column.type.kind)]).toEqual([[], ['text', 'text']]);
  });
});

describe('a source that cannot seek', () => {
  test('passes as buffers of whole records', async () => {
    const { parts, read } = await runCsv(memorySource(TABLE, { repeatable: false, chunkBytes: 50 }), { ...RAW, partBytes: 300 });
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.map(({ text }) => text).join('')).toBe(TABLE.slice(TABLE.indexOf('\n') + 1));
    expect(read).toBe(200);
  });

  test('waits for a part to be consumed, and recycles its memory', async () => {
    const inspected = await csvFormat.inspect(memorySource(TABLE, { repeatable: false }), {}, 'sample', never);
    const reading = csvFormat.read(inspected, {
      jobs: 1, partBytes: 300, signal: never,
      bind: async (table) => ({ table: 't', fields: allFields(table), encoding: { kind: 'copy-text' }, ignored: [] }),
    });
    const first = (await reading.next()).value as TablePart;
    const second = (await reading.next()).value as TablePart;
    const waiting = reading.next();
    const pause = new Promise((resolve) => { setImmediate(resolve, 'nothing yet'); });
    expect(await Promise.race([waiting, pause])).toBe('nothing yet');
    await drain(first);
    const third = (await waiting).value as TablePart;
    expect(third.firstRow).toBe(1 + first.counts().read + second.counts().read);
    await drain(second);
    await drain(third);
    await reading.return(undefined);
  });

  test('ends when cancelled while it waits', async () => {
    const inspected = await csvFormat.inspect(memorySource(TABLE, { repeatable: false }), {}, 'sample', never);
    const abort = new AbortController();
    const reading = csvFormat.read(inspected, {
      jobs: 1, partBytes: 300, signal: abort.signal,
      bind: async (table) => ({ table: 't', fields: allFields(table), encoding: { kind: 'copy-text' }, ignored: [] }),
    });
    await reading.next();
    await reading.next();
    const third = errorOf(reading.next());
    abort.abort();
    expect(await third).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('fields', () => {
  test('chosen and reordered', async () => {
    const { rows } = await rowsOf(memorySource('a,b,c\n1,"x\ty",\n2,\\N,""\n'), { fields: ['c', 'b'] });
    expect(rows).toEqual([[null, 'x\ty'], ['', '\\N']]);
  });

  test('that are absent are NULL', async () => {
    const { parts } = await runCsv(memorySource('a,b\n1,x\n'), {
      request: { bind: async (table) => ({ table: 't', fields: [...allFields(table), { source: 'z', type: { kind: 'text' }, arrays: 'json', absent: true }], encoding: { kind: 'copy-text' }, ignored: [] }) },
    });
    expect(copyTextRows(parts[0].text)).toEqual([['1', 'x', null]]);
  });

  test('that are arrays change their text form', async () => {
    const array = { kind: 'array', element: { kind: 'integer', bits: 64 } } as const;
    const bind = (arrays: 'postgres' | 'json') => async () => ({ table: 't', fields: [{ source: 'b', type: array, arrays }], encoding: { kind: 'copy-text' } as const, ignored: ['a'] });
    const text = 'a;b\nx;[1,null]\ny;{3,NULL}\nz;\n';
    expect(copyTextRows((await runCsv(memorySource(text), { request: { bind: bind('postgres') } })).parts[0].text)).toEqual([['{1,NULL}'], ['{3,NULL}'], [null]]);
    expect(copyTextRows((await runCsv(memorySource(text), { request: { bind: bind('json') } })).parts[0].text)).toEqual([['[1,null]'], ['[3,null]'], [null]]);
  });

  test('of a table that is not wanted are counted only', async () => {
    const skipped: number[] = [];
    await runCsv(memorySource(TABLE), { request: { bind: async () => null, onSkipped: (_, rows) => skipped.push(rows) } });
    expect(skipped).toEqual([200]);
  });
});

describe('character sets', () => {
  const rows: Row[] = [['1', 'é€'], ['2', '漢𠮷']];
  test('UTF-16, with and without mark', async () => {
    const text = 'id,text\n1,é€\n2,漢𠮷\n3,plain ascii\n';
    const expected = [...rows, ['3', 'plain ascii']];
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    for (const chunkBytes of [1, 3, 1000]) {
      expect((await rowsOf(memorySource(little, { chunkBytes }))).rows).toEqual(expected);
      expect((await rowsOf(memorySource(big, { chunkBytes }))).rows).toEqual(expected);
      expect((await rowsOf(memorySource(Buffer.concat([Buffer.from([0xff, 0xfe]), little]), { chunkBytes, repeatable: false }))).rows).toEqual(expected);
      expect((await rowsOf(memorySource(Buffer.concat([Buffer.from([0xfe, 0xff]), big]), { chunkBytes }), { depth: 'full' })).rows).toEqual(expected);
    }
  });

  test('Latin-1 and windows-1252 become UTF-8, and pass raw with their name', async () => {
    const latin = Buffer.from('id,text\n1,\xe9t\xe9\n2,"\xfc ""x"""\n', 'latin1');
    expect((await rowsOf(memorySource(latin, { chunkBytes: 1 }))).rows).toEqual([['1', 'été'], ['2', 'ü "x"']]);
    const raw = await runCsv(memorySource(latin), { ...RAW });
    expect(raw.parts[0].part.encoding).toMatchObject({ charset: 'latin1' });
    const windows = Buffer.from('id,text\n1,\x80 \x93quoted\x94\n', 'latin1');
    expect((await rowsOf(memorySource(windows))).rows).toEqual([['1', '€ “quoted”']]);
    expect((await runCsv(memorySource(windows), CANONICAL)).parts[0].text).toBe('1,€ “quoted”\n');
  });

  test('a UTF-8 mark is no part of the first name', async () => {
    expect((await rowsOf(memorySource('\ufeffid,text\n1,x\n'))).names).toEqual(['id', 'text']);
  });
});

describe('bad content is an error with its place', () => {
  test.each([
    ['CSV_FIELD_COUNT', 'a,b\n1,2\n"x\ny",2\n3\n4,5\n', { row: 3, line: 5, byte: 16 }],
    ['CSV_FIELD_COUNT', 'a,b\n1,2,3\n1,2\n1,2\n', { row: 1, line: 2, byte: 4 }],
    ['CSV_MALFORMED', 'a,b\n1,2\n3,"x\ny\n', { row: 2, line: 3, byte: 10 }],
    ['CSV_MALFORMED', 'a,b\n"1","2"\n"3","4"x\n', { row: 2, line: 3, byte: 19 }],
    ['NUL_BYTE', 'a,b\n1,2\n3,\0\n', { row: 2, byte: 10 }],
  ])('%s in %j', async (code, text, at) => {
    for (const options of [{ chunkBytes: 1 }, { chunkBytes: 5, repeatable: false }, {}]) {
      const error = await errorOf(rowsOf(memorySource(text, { name: 'bad.csv', ...options })));
      expect(error).toMatchObject({ code, at: { file: 'bad.csv', ...at } });
    }
  });

  test('invalid UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b\n1,é\n2,'), Buffer.from([0xe9, 0x28]), Buffer.from('\n3,x\n')]);
    const error = await errorOf(rowsOf(memorySource(bytes), { options: { charset: 'utf-8' } }));
    expect(error).toMatchObject({ code: 'ENCODING_INVALID', at: { row: 2, byte: 11 } });
  });

  test('bytes without meaning in windows-1252, half a character in UTF-16', async () => {
    const error = await errorOf(rowsOf(memorySource(Buffer.from('a,b\n1,\x80\n2,\x81\n', 'latin1')), { options: { charset: 'windows-1252' } }));
    expect(error).toMatchObject({ code: 'ENCODING_INVALID', at: { row: 2, byte: 10 } });
    const lone = Buffer.from('a,b\n1,\ud800x\n2,y\n', 'utf16le');
    expect(await errorOf(rowsOf(memorySource(lone)))).toMatchObject({ code: 'ENCODING_INVALID', at: { byte: 12 } });
  });

  test('a record over the limit, wherever it is', async () => {
    const text = `a,b\n1,2\n3,${'x'.repeat(3000)}\n4,5\n`;
    const options = { maxRecordBytes: 2000 };
    for (const source of [{}, { chunkBytes: 100 }, { chunkBytes: 100, repeatable: false }]) {
      expect(await errorOf(rowsOf(memorySource(text, source), { options }))).toMatchObject({ code: 'RECORD_TOO_LARGE', facts: { limit: 2000 }, at: { row: 2, line: 3, byte: 8 } });
      expect((await rowsOf(memorySource(text, source), { options: { maxRecordBytes: 4000 } })).read).toBe(3);
    }
  });

  test('a source that became shorter', async () => {
    const source = memorySource(TABLE);
    const full = source.read.bind(source);
    let reads = 0;
    const shrinking = { ...source, read: (options: Parameters<typeof full>[0]) => (reads++ === 0 ? full(options) : full({ ...options, end: 100 })) };
    expect(await errorOf(runCsv(shrinking, RAW))).toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});

describe('a value that a sampled type would take with loss', () => {
  const many = '2024-01-01,5\n'.repeat(100_000);
  test.each([['2024-01-01 10:00:00,5'], ['2024-01-01,007']])('%s', async (line) => {
    // Between the windows of the sample.
    const text = `day,n\n${many.slice(0, 13 * 24_000)}${line}\n${many}`;
    const error = await errorOf(runCsv(memorySource(text, { name: 'days.csv' }), RAW));
    expect(error).toMatchObject({ code: 'SCHEMA_SURPRISE', at: { row: 24_001, line: 24_002, byte: 6 + 13 * 24_000 } });
    const full = await runCsv(memorySource(text), { ...RAW, depth: 'full' });
    expect([full.read, full.inspected.details['rows'], full.inspected.depth]).toEqual([124_001, 124_001, 'full']);
    const said = await runCsv(memorySource(text), { ...RAW, options: { types: { day: { kind: 'text' }, n: { kind: 'text' } } } });
    expect(said.read).toBe(124_001);
  });
});

describe('locate', () => {
  test.each([
    ['the bytes as they are', RAW, 3, { row: 2, line: 4, byte: 14 }],
    ['written anew as CSV', CANONICAL, 3, { row: 2, line: 4, byte: 14 }],
    ['written anew as copy-text', {}, 2, { row: 2, line: 4, byte: 14 }],
  ] as const)('finds the row of a line, %s', async (_, run: CsvRun, line, place) => {
    const { parts } = await runCsv(memorySource('a;b\n1;"x\ny2"\n2;z\n'), run);
    expect(await parts[0].part.locate!(line)).toEqual({ file: 'memory.txt', ...place, byte: place.byte - 1 });
  });

  test('of a stream that is gone, as far as it is known', async () => {
    const plain = await runCsv(memorySource('a,b\n1,2\n3,4\n', { repeatable: false }), RAW);
    expect(await plain.parts[0].part.locate!(2)).toEqual({ file: 'memory.txt', row: 2, line: 3 });
    const quoted = await runCsv(memorySource('a,b\n1,"2\n3"\n3,4\n', { repeatable: false }), RAW);
    expect(await quoted.parts[0].part.locate!(3)).toEqual({ file: 'memory.txt', line: 4 });
  });
});

test('any table comes out as it went in, in every lane', async () => {
  const value = fc.option(fc.array(fc.constantFrom('a', '"', ',', ';', '\n', '\r', '\\', '.', ' ', 'é', '\t', 'x1'), { maxLength: 6 }).map((parts) => parts.join('')), { nil: null });
  const table = fc.integer({ min: 2, max: 4 }).chain((columns) => fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 12 }));
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(fc.asyncProperty(table, lineEnd, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 200 }), async (rows, end, chunkBytes, partBytes) => {
    const quote = (text: string | null): string => (text === null ? '' : /[",\n\r]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text);
    const text = [rows[0].map((_, i) => `column ${i}`), ...rows].map((row) => row.map(quote).join(',')).join(end) + end;
    const options = { csv: { delimiter: ',', quote: '"', escape: '"', header: true }, charset: 'utf-8' };
    const expected = rows;
    for (const repeatable of [true, false]) {
      const source = () => memorySource(text, { chunkBytes, repeatable });
      expect((await rowsOf(source(), { options, partBytes })).rows).toEqual(expected);
      for (const lane of [RAW, CANONICAL]) {
        const { parts, read } = await runCsv(source(), { ...lane, options, partBytes });
        const again = parts.map((part) => (/[\n\r]$/.test(part.text) ? part.text : `${part.text}\n`)).join('');
        const reread = await rowsOf(memorySource(again), { options: { ...options, csv: { ...options.csv, header: false } } });
        expect([reread.rows, read]).toEqual([expected, expected.length]);
      }
    }
  }), { numRuns: 150 });
});

test('encodings: bytes as they are only for all fields in order', async () => {
  const offers: RowEncoding['kind'][][] = [];
  await runCsv(memorySource('a;b\n1;2\n'), {
    request: {
      bind: async (_, encodings) => {
        offers.push(...[['a', 'b'], ['b', 'a'], ['a']].map((fields) => encodings(fields).map((encoding) => encoding.kind)));
        return null;
      },
    },
  });
  expect(offers).toEqual([['csv', 'copy-text', 'csv'], ['copy-text', 'csv'], ['copy-text', 'csv']]);
});
