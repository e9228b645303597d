import { describe, expect, it } from 'vitest';
import type { InspectedTable, ReadingPoint, ReadRequest } from '../../../src/formats/format.ts';
import { jsonFormat } from '../../../src/formats/json/json-format.ts';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { typeName } from '../../../src/rows/column-type.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { allFields, errorOf, inspect, readAll, readText } from '../../helpers/read-format.ts';

const types = (table: InspectedTable | undefined): Record<string, string> => Object.fromEntries(table!.columns.map((column) => [column.name, typeName(column.type)]));

async function texts(document: string, options = {}): Promise<Record<string, string>> {
  const inspected = await inspect(jsonFormat, memorySource(document), options);
  return Object.fromEntries([...(await readAll(jsonFormat, inspected))].map(([name, { text }]) => [name, text]));
}

describe('where the records are', () => {
  it('an array is one table without a name', async () => {
    const { tables, details } = await inspect(jsonFormat, memorySource(' [ {"a":1} , {"a":2} ] '));
    expect(tables).toMatchObject([{ columns: [{ name: 'a' }], estimatedRows: 2 }]);
    expect(tables[0]).not.toHaveProperty('name');
    expect(details).toEqual({ shape: 'document', path: [], charset: 'utf-8' });
  });

  it('arrays of objects under keys are tables, the rest is checked and named as left out', async () => {
    const document = '{"type":"x","meta":{"n":[1,{"a":[]}]},"albums":[{"id":1},{"id":2}],"tags":["a"],"artists":[{"name":"b"}],"none":[]}';
    const { tables, details } = await inspect(jsonFormat, memorySource(document));
    expect(tables.map(({ name, estimatedRows, columns }) => [name?.name, estimatedRows, columns.length])).toEqual([['albums', 2, 1], ['artists', 1, 1], ['none', 0, 0]]);
    expect(details['leftOut']).toEqual(['type', 'meta.n', 'tags']);
    expect(await texts(document)).toEqual({ albums: '1\n2\n', artists: 'b\n' });
    expect(await errorOf(texts(document.replace('"x"', 'x')))).toMatchObject({ code: 'JSON_MALFORMED' });
    expect(await errorOf(texts(document.replace('"a"]', '"a",]')))).toMatchObject({ code: 'JSON_MALFORMED' });
  });

  it('one level deeper when there is none at the first', async () => {
    const document = '{"status":"ok","data":{"users":[{"id":1}],"groups":[{"gid":2}]},"more":{"others":[{"x":1}]}}';
    const { details } = await inspect(jsonFormat, memorySource(document));
    expect(details).toMatchObject({ path: ['data'], leftOut: ['status', 'more.others'] });
    expect(await texts(document)).toEqual({ users: '1\n', groups: '2\n' });
    expect(await texts('{"meta":{"links":[{"href":"x"}]},"rows":[{"id":1}]}')).toEqual({ rows: '1\n' });
  });

  it('under the path that was said', async () => {
    const document = '{"a":{"b":{"c":[{"x":1}]},"d":[{"x":2}]},"e":[{"x":3}]}';
    expect(await texts(document, { jsonPath: 'a.b.c' })).toEqual({ c: '1\n' });
    expect(await texts(document, { jsonPath: 'a.b' })).toEqual({ c: '1\n' });
    expect(await texts(document, { jsonPath: 'e' })).toEqual({ e: '3\n' });
    for (const jsonPath of ['a.x', 'x', 'e.f', 'a.b.c.d']) {
      expect(await errorOf(texts(document, { jsonPath }))).toMatchObject({ code: 'JSON_NOT_RECORDS' });
    }
    expect(await errorOf(texts('[{"a":1}]', { jsonPath: 'a' }))).toMatchObject({ code: 'JSON_NOT_RECORDS' });
  });

  it('a key that comes twice goes on with the same table', async () => {
    expect(await texts('{"t":[{"a":1}],"u":[{"b":2}],"t":[{"a":3},{"a":4}]}')).toEqual({ t: '1\n3\n4\n', u: '2\n' });
  });

  it('a table of a document, also one that comes twice, can be read again from the point of each part', async () => {
    const rows = (from: number): string => Array.from({ length: 40 }, (_, i) => `{"a":${from + i}}`).join(' ,\n ');
    const inspected = await inspect(jsonFormat, memorySource(`{"x":1,"data":{"t":[${rows(0)}],\n"u":[{"b":2}],"t":[ ${rows(100)}]}}`));
    const read = async (from?: ReadingPoint): Promise<{ text: string; row: number | undefined; line: number | undefined; point: ReadingPoint }[]> => {
      const parts = [];
      const request: ReadRequest = {
        jobs: 1, partBytes: 30, signal: new AbortController().signal, replayable: true, ...(from === undefined ? {} : { from }),
        bind: async (table) => (table.name?.name === 't' ? { table: 't', fields: allFields(table), encoding: COPY_TEXT, ignored: [] } : null),
      };
      for await (const part of jsonFormat.read(inspected, request)) {
        let text = '';
        for await (const chunk of part.chunks) text += Buffer.from(chunk).toString();
        let line: number | undefined;
        for await (const place of part.places!([1])) ({ line } = place);
        parts.push({ text, row: part.firstRow, line, point: part.point! });
        part.release!();
      }
      return parts;
    };
    const all = await read();
    const second = all.findIndex(({ text }) => text.startsWith('100\n'));
    expect(second).toBeGreaterThan(2);
    for (const [i, { point }] of all.entries()) expect(await read(point)).toEqual(i < second ? all.slice(i, second) : all.slice(i));
  });

  it.each([
    ['{"a":1}', 'one object'], ['{}', 'one object'], ['"x"', 'a string'], [' 12 ', 'a number'], ['true', 'a boolean'], ['null', 'null'],
    ['[1,2]', 'first element'], ['[[1],[2]]', 'first element'], ['[null,{"a":1}]', 'first element'], ['{"a":{"b":{"c":[{"d":1}]}}}', 'one object'],
  ])('%s holds no records', async (document, reason) => {
    const error = await errorOf(texts(document));
    expect(error).toMatchObject({ code: 'JSON_NOT_RECORDS', at: { file: 'memory.txt', line: 1 } });
    expect(error.message).toContain(reason);
    expect(await errorOf(texts(`${document}x`))).toMatchObject({ code: 'JSON_MALFORMED' });
  });

  it('an empty array is a table without columns', async () => {
    expect((await inspect(jsonFormat, memorySource('[]'))).tables).toEqual([{ columns: [], estimatedRows: 0 }]);
    expect((await inspect(jsonFormat, memorySource('{"a":{"b":[]}}'))).tables).toEqual([{ name: { name: 'b' }, columns: [], estimatedRows: 0 }]);
    expect(await texts('[]')).toEqual({});
    expect((await inspect(jsonFormat, memorySource('[{},{}]'))).tables).toEqual([{ columns: [], estimatedRows: 2 }]);
  });

  it('records one a line in a .json file, also written over several lines', async () => {
    const inspected = await inspect(jsonFormat, memorySource('{"a":1,"items":[{"x":1}]}\n\n{\n "a":\n 2}\n'));
    expect(inspected.details).toMatchObject({ shape: 'lines' });
    expect((await readAll(jsonFormat, inspected)).get('stem')!.text).toBe('1\t[{"x":1}]\n2\t\\N\n');
    expect(await errorOf(texts('{"a":1}{"a":2}'))).toMatchObject({ code: 'JSON_MALFORMED' });
    expect(await errorOf(texts('{"a":1}\n{"a":2}x'))).toMatchObject({ code: 'JSON_MALFORMED', at: { line: 2, byte: 15 } });
  });

  it('a first record larger than the first window does not hide the second', async () => {
    const document = `{"a":"${'x'.repeat(300_000)}"}\n{"a":"y"}\n`;
    expect((await inspect(jsonFormat, memorySource(document))).details).toMatchObject({ shape: 'lines' });
  });
});

describe('tables that show only while reading', () => {
  const filler = Array.from({ length: 50_000 }, (_, id) => ({ id, text: 'a text that fills the sample of four mebibytes, and some more than that' }));
  const document = JSON.stringify({ first: filler, second: [{ a: '2024-01-31', b: [1] }, { a: '2024-02-01', c: true }], third: [] });

  it('are sampled when their array begins', async () => {
    const inspected = await inspect(jsonFormat, memorySource(document));
    expect(inspected.tables.map(({ name }) => name!.name)).toEqual(['first']);
    expect(inspected.tables[0].estimatedRows! / 50_000).toBeCloseTo(1, 0);
    const bound: InspectedTable[] = [];
    const results = await readAll(jsonFormat, inspected, { bind: (table) => { bound.push(table); return { fields: allFields(table) }; } });
    expect(bound.map((table) => [table.name!.name, types(table)])).toEqual([
      ['first', { id: 'bigint', text: 'text' }], ['second', { a: 'date', b: 'json', c: 'boolean' }], ['third', {}]]);
    expect(results.get('second')).toEqual({ text: '2024-01-31\t[1]\t\\N\n2024-02-01\t\\N\tt\n', rows: 2, parts: 1 });
  });

  it('can be skipped, and are counted then', async () => {
    const inspected = await inspect(jsonFormat, memorySource(document));
    const skipped: [string, number][] = [];
    const results = await readAll(jsonFormat, inspected, {
      bind: (table) => (table.name!.name === 'second' ? { fields: allFields(table) } : null),
      request: { onSkipped: (table, rows) => skipped.push([table.name!.name, rows]) },
    });
    expect([...results.keys()]).toEqual(['second']);
    expect(skipped).toEqual([['first', 50_000]]);
  });

  it('are all known after a full inspection', async () => {
    const inspected = await inspect(jsonFormat, memorySource(document), {}, 'full');
    expect(inspected.tables.map(({ name, estimatedRows }) => [name!.name, estimatedRows])).toEqual([['first', 50_000], ['second', 2], ['third', 0]]);
    expect(inspected.depth).toBe('full');
  });
});

describe('sources that can be read once', () => {
  const once = (document: string, chunkBytes = 1000) => memorySource(document, { repeatable: false, chunkBytes });

  it('are inspected by their head alone', async () => {
    expect(await readText(jsonFormat, once('[{"a":1},{"a":2}]'))).toBe('1\n2\n');
    expect(await readText(ndjsonFormat, once('{"a":1}\n{"a":2}'))).toBe('1\n2\n');
    expect(await errorOf(readText(jsonFormat, once('[1]')))).toMatchObject({ code: 'JSON_NOT_RECORDS' });
  });

  it('may have their first records behind a long head', async () => {
    const document = `{"meta":"${'x'.repeat(17 * 1024 * 1024)}","rows":[{"a":1}]}`;
    const inspected = await inspect(jsonFormat, once(document, 65_536));
    expect(inspected).toMatchObject({ tables: [], depth: 'sample' });
    expect((await readAll(jsonFormat, inspected)).get('rows')!.text).toBe('1\n');
  });

  it('have a first record larger than the sample', async () => {
    const large = 'y'.repeat(5 * 1024 * 1024);
    expect(await readText(ndjsonFormat, once(`{"a":"${large}"}\n{"a":"z"}\n`, 65_536))).toBe(`${large}\nz\n`);
  });
});

describe('types of columns', () => {
  const typesOf = async (records: string[]): Promise<Record<string, string>> => types((await inspect(jsonFormat, memorySource(`[${records.join(',')}]`))).tables[0]);

  it.each([
    ['bigint', ['0', '-922337203685477580', 'null']],
    ['numeric', ['1', '9223372036854775808']],
    ['numeric', ['1.10', '2']],
    ['double precision', ['1e3', '2.5']],
    ['numeric', ['1e3', '0.12345678901234567']],
    ['double precision', ['-0', '5']],
    ['json', ['-0', '12345678901234567']],
    ['boolean', ['true', 'null', 'false']],
    ['text', ['"007"', '"1"']],
    ['text', ['null']],
    ['date', ['"2024-02-29"', '"0001-01-01"']],
    ['text', ['"2023-02-29"']],
    ['timestamp', ['"2024-01-31T13:45:00"', '"2024-01-31 13:45:00.123456"']],
    ['timestamp with time zone', ['"2024-01-31T13:45:00Z"', '"2024-01-31T13:45:00+02:00"']],
    ['text', ['"2024-01-31T13:45:00Z"', '"2024-01-31T13:45:00"']],
    ['uuid', ['"123e4567-e89b-12d3-a456-426614174000"']],
    ['text', ['"2024-01-31"', '""']],
    ['json', ['1', '"1"']],
    ['json', ['true', '1']],
    ['json', ['{"a":1}', 'null']],
    ['json', ['[1,2]']],
  ])('%s for %s', async (expected, values) => {
    expect(await typesOf(values.map((value) => `{"v":${value}}`))).toEqual({ v: expected });
  });

  it('columns are the union of all keys in order of appearance', async () => {
    expect(await typesOf(['{"b":1}', '{"a":2,"b":1}', '{}', '{"c":"x","\\u0061":3}'])).toEqual({ b: 'bigint', a: 'bigint', c: 'text' });
  });

  it('objects with ever new keys are refused', async () => {
    const records = Array.from({ length: 20_001 }, (_, key) => `{"key${key}":1}`);
    expect(await errorOf(typesOf(records))).toMatchObject({ code: 'JSON_NOT_RECORDS' });
  });
});

describe('encodings', () => {
  const text = '[{"ä":"€ 𝄞","n":1},{"ä":"ÿ","n":2}]';
  const utf16 = (bigEndian: boolean, mark: boolean): Buffer => {
    const bytes = Buffer.from(`${mark ? '\uFEFF' : ''}${text}`, 'utf16le');
    return bigEndian ? bytes.swap16() : bytes;
  };

  it.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${text}`)],
    ['UTF-16LE', utf16(false, false)], ['UTF-16LE with a mark', utf16(false, true)],
    ['UTF-16BE', utf16(true, false)], ['UTF-16BE with a mark', utf16(true, true)],
  ])('%s is read', async (_, bytes) => {
    for (const chunkBytes of [1, 2, 1000]) expect(await readText(jsonFormat, memorySource(bytes, { chunkBytes }))).toBe('€ 𝄞\t1\nÿ\t2\n');
  });

  it('Latin-1 and windows-1252 are read when they are said', async () => {
    const bytes = Buffer.from('[{"a":"\xe4\x80"}]', 'latin1');
    expect(await readText(jsonFormat, memorySource(bytes), { options: { charset: 'latin1' } })).toBe('ä\u0080\n');
    expect(await readText(jsonFormat, memorySource(bytes), { options: { charset: 'windows-1252' } })).toBe('ä€\n');
    expect(await errorOf(readText(jsonFormat, memorySource(bytes)))).toMatchObject({ code: 'JSON_MALFORMED' });
    expect(await errorOf(readText(jsonFormat, memorySource(bytes), { options: { charset: 'ebcdic' } }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  it('places of UTF-8 with a mark count the mark, places in UTF-16 have no byte', async () => {
    expect(await errorOf(readText(jsonFormat, memorySource('\uFEFF[x]')))).toMatchObject({ at: { byte: 4 } });
    const error = await errorOf(readText(jsonFormat, memorySource(Buffer.from('[{"a":1},\n{x}]', 'utf16le'))));
    expect(error).toMatchObject({ code: 'JSON_MALFORMED', at: { row: 2, line: 2 } });
    expect(error.at).not.toHaveProperty('byte');
  });

  it('UTF-16 with half a pair is refused', async () => {
    const bytes = Buffer.concat([Buffer.from('[{"a":"', 'utf16le'), Buffer.from([0x00, 0xd8]), Buffer.from('"}]', 'utf16le')]);
    expect(await errorOf(readText(jsonFormat, memorySource(bytes)))).toMatchObject({ code: 'ENCODING_INVALID' });
  });
});
