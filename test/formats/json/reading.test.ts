import { describe, expect, it } from 'vitest';
import { jsonFormat } from '../../../src/formats/json/json-format.ts';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';
import { CANONICAL_CSV } from '../../../src/rows/row-encoding.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { allFields, errorOf, inspect, readAll, readText } from '../../helpers/read-format.ts';

const readDocument = (document: string, how = {}): Promise<string> => readText(jsonFormat, memorySource(document), how);
const bindTypes = (types: Record<string, ColumnType>, arrays: 'postgres' | 'json' = 'postgres') => ({
  bind: () => ({ fields: Object.entries(types).map(([source, type]) => ({ source, type, arrays })) }),
});
const TEXT: ColumnType = { kind: 'text' };
const JSON_TYPE: ColumnType = { kind: 'json' };

describe('values as copy-text', () => {
  it('strings are unescaped, and escaped for copy-text', async () => {
    const strings = { plain: 'Ordino', empty: '', escapes: '"\\/\b\f\n\r\t', controls: '\u0001\u000b', beyond: 'é€𝄞 Lòria', slashN: '\\N', longer: 'x'.repeat(1000) };
    expect(await readDocument(JSON.stringify([strings]))).toBe(
      `Ordino\t\t"\\\\/\\b\\f\\n\\r\\t\t\u0001\\v\té€𝄞 Lòria\t\\\\N\t${'x'.repeat(1000)}\n`);
  });

  it('\\u escapes become UTF-8, surrogate pairs one character', async () => {
    expect(await readDocument(String.raw`[{"a":"\u0041\u00e9\u20AC\uD834\udd1e\u000a"}]`)).toBe('Aé€𝄞\\n\n');
  });

  it('numbers are copied as they are written', async () => {
    const numbers = ['0', '-0', '9223372036854775808', '1.10', '1e400', '-1.5E-3', '0.30000000000000004'];
    expect(await readDocument(`[{"n":${numbers.join('},{"n":')}}]`, bindTypes({ n: { kind: 'numeric' } }))).toBe(`${numbers.join('\n')}\n`);
  });

  it('true and false are t and f for booleans, words for others; null and absent are NULL', async () => {
    const document = '[{"b":true,"s":true},{"b":false,"s":false},{"b":null},{}]';
    expect(await readDocument(document, bindTypes({ b: { kind: 'boolean' }, s: TEXT }))).toBe('t\ttrue\nf\tfalse\n\\N\t\\N\n\\N\t\\N\n');
  });

  it('nested values and json columns take JSON text as it is written', async () => {
    const document = '[{"j":{"a":[1, "x\\n\\"", null]},"t":[{}]},{"j":"text","t":{"k":"\\u0000"}},{"j":1.0},{"j":null},{"j":\n[\n\t]}]';
    expect(await readDocument(document, bindTypes({ j: JSON_TYPE, t: TEXT }))).toBe(
      '{"a":[1, "x\\\\n\\\\"", null]}\t[{}]\n"text"\t{"k":"\\\\u0000"}\n1.0\t\\N\n\\N\t\\N\n[\\n\\t]\t\\N\n');
  });

  it('arrays for array columns are PostgreSQL literals', async () => {
    const arrays = ['[1, 2.5,-3e1]', '[]', '[[1,2],[3,null]]', '[true,false]', '["a b","NULL","","x,y{}"]', '["q\\"b\\\\s\\n\\t\\u00e9"]', '[{"a":"\\"\\\\"}]', '"{1,2}"', 'null', '{"not":"array"}'];
    const literals = ['{1,2.5,-3e1}', '{}', '{{1,2},{3,NULL}}', '{true,false}', '{"a b","NULL","","x,y{}"}', '{"q\\\\"b\\\\\\\\s\\n\\té"}',
      '{"{\\\\"a\\\\":\\\\"\\\\\\\\\\\\"\\\\\\\\\\\\\\\\\\\\"}"}', '{1,2}', '\\N', '{"not":"array"}'];
    expect(await readDocument(`[{"a":${arrays.join('},{"a":')}}]`, bindTypes({ a: { kind: 'array', element: TEXT } }))).toBe(`${literals.join('\n')}\n`);
  });

  it('inner arrays of json arrays are elements', async () => {
    expect(await readDocument('[{"a":[[1,2],{"b":[3]},4]}]', bindTypes({ a: { kind: 'array', element: JSON_TYPE } }))).toBe('{"[1,2]","{\\\\"b\\\\":[3]}",4}\n');
  });

  it('arrays stay JSON text where the target wants that', async () => {
    expect(await readDocument('[{"a":[1, "x"]}]', bindTypes({ a: { kind: 'array', element: TEXT } }, 'json'))).toBe('[1, "x"]\n');
  });

  it('an array literal with many escapes fits into a small part', async () => {
    const array = Array.from({ length: 3000 }, () => ({ '"\\': '"\\"\\' }));
    const text = await readDocument(JSON.stringify([{ a: array, b: 1 }]), { ...bindTypes({ a: { kind: 'array', element: JSON_TYPE }, b: TEXT }), partBytes: 1 });
    const literal = text.slice(0, text.indexOf('\t')).replaceAll(/\\(.)/g, '$1');
    expect(literal).toBe(`{${array.map((element) => `"${JSON.stringify(element).replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`);
    expect(text.endsWith('\t1\n')).toBe(true);
  });
});

describe('values as csv', () => {
  const csv = (document: string, types: Record<string, ColumnType>, arrays: 'postgres' | 'json' = 'json'): Promise<string> =>
    readDocument(document, { bind: () => ({ encoding: CANONICAL_CSV, fields: Object.entries(types).map(([source, type]) => ({ source, type, arrays })) }) });

  it('strings and nested values are quoted, all others not, NULL is empty', async () => {
    const document = String.raw`[{"t":"a\"b,\n\u0022","n":-1.5,"b":true,"j":{"k":"\"v\""}},{"t":"","j":"x"},{"t":null,"j":null}]`;
    expect(await csv(document, { t: TEXT, n: { kind: 'numeric' }, b: { kind: 'boolean' }, j: JSON_TYPE })).toBe(
      '"a""b,\n""",-1.5,true,"{""k"":""\\""v\\""""}"\n"",,,"""x"""\n,,,\n');
  });

  it('array literals and JSON arrays are quoted', async () => {
    const type: ColumnType = { kind: 'array', element: TEXT };
    expect(await csv('[{"a":["x\\"",1]}]', { a: type }, 'postgres')).toBe('"{""x\\"""",1}"\n');
    expect(await csv('[{"a":["x",1]}]', { a: type }, 'json')).toBe('"[""x"",1]"\n');
  });
});

describe('keys', () => {
  it('may come in any order, be absent, or be left out', async () => {
    const document = '[{"a":1,"b":2,"c":3},{"c":6,"x":{"y":[1]},"a":4,"b":5},{"b":8},{},{"c":12,"b":11,"a":10,"x":0}]';
    const how = { bind: () => ({ fields: ['c', 'a', 'b'].map((source) => ({ source, type: TEXT, arrays: 'postgres' as const })), ignored: ['x'] }) };
    expect(await readDocument(document, how)).toBe('3\t1\t2\n6\t4\t5\n\\N\t\\N\t8\n\\N\t\\N\t\\N\n12\t10\t11\n');
  });

  it('the last of repeated keys wins, as in every JSON parser', async () => {
    const document = '[{"a":1,"b":"x","a":2},{"b":1,"b":2,"a":3},{"a":"first\\n","a":"second\\t","b":{"n":1}}]';
    expect(await readDocument(document, bindTypes({ a: TEXT, b: TEXT }))).toBe('2\tx\n3\t2\nsecond\\t\t{"n":1}\n');
  });

  it('are found however they are escaped', async () => {
    const names = ['é', 'a"b', 'a\\b', 'tab\t', '', '𝄞', ' a '];
    const document = JSON.stringify([Object.fromEntries(names.map((name, index) => [name, index]))]);
    const escaped = document.replaceAll(/[é𝄞 ]/gu, (char) => [...Array(char.length).keys()].map((k) => `\\u${char.charCodeAt(k).toString(16).padStart(4, '0')}`).join(''));
    for (const text of [document, escaped]) {
      expect(await readDocument(text, bindTypes(Object.fromEntries(names.map((name) => [name, TEXT]))))).toBe('0\t1\t2\t3\t4\t5\t6\n');
    }
  });

  it('are found in records with hundreds of them', async () => {
    const names = Array.from({ length: 700 }, (_, index) => `key ${index}`);
    const document = JSON.stringify([Object.fromEntries(names.map((name, index) => [name, String(index)])), Object.fromEntries(names.toReversed().map((name) => [name, name]))]);
    const lines = (await readDocument(document)).split('\n');
    expect(lines[0].split('\t')).toEqual(names.map((_, index) => String(index)));
    expect(lines[1].split('\t')).toEqual(names);
  });

  it('one field may go to two columns, an absent field is NULL', async () => {
    const field = (source: string) => ({ source, type: TEXT, arrays: 'postgres' as const });
    const bind = () => ({ fields: [field('b'), field('a'), { ...field('b'), absent: true as const }, field('b')] });
    expect(await readDocument('[{"a":"x","b":"yy"},{"b":"zz"}]', { bind })).toBe('yy\tx\t\\N\tyy\nzz\t\\N\t\\N\tzz\n');
  });

  it('an unknown one is an error with its place', async () => {
    const document = '[\n{"a":1},\n{"a":2,\n"n\\u00e9w":3}]';
    const error = await errorOf(readDocument(document, bindTypes({ a: TEXT })));
    expect(error).toMatchObject({ code: 'JSON_UNKNOWN_KEY', facts: { key: 'néw', table: 'stem' }, at: { row: 2, line: 4, byte: document.indexOf('"n\\u'), table: 'stem' } });
  });
});

describe('parts', () => {
  const records = Array.from({ length: 50 }, (_, id) => ({ id, name: `record ${id}`, nested: id % 7 === 0 ? { a: [id] } : null }));
  const rows = `${records.map(({ id, name, nested }) => `${id}\t${name}\t${nested === null ? '\\N' : JSON.stringify(nested)}`).join('\n')}\n`;
  const documents: [string, typeof jsonFormat, string][] = [
    ['compact', jsonFormat, JSON.stringify(records)],
    ['pretty', jsonFormat, JSON.stringify(records, null, 2).replaceAll('\n', '\r\n')],
    ['lines', ndjsonFormat, `${records.map((record) => JSON.stringify(record)).join('\n\n')}\n`],
    ['under a key', jsonFormat, JSON.stringify({ meta: { n: [1, 2] }, rows: records, end: true })],
  ];

  it.each(documents)('%s: the same bytes wherever the source is cut and however small parts are', async (_, format, document) => {
    for (const chunkBytes of [1, 7, 64, 100_000]) {
      for (const partBytes of [1, 100, 1_000_000]) {
        const source = memorySource(document, { chunkBytes });
        const text = await readText(format, source, { partBytes });
        expect(text.replaceAll(/\\r\\n *|(?<="a":) /g, '')).toBe(rows);
      }
    }
  });

  it.each(documents)('%s: parts know their rows and places', async (_, format, document) => {
    const inspected = await inspect(format, memorySource(document));
    const bytes = Buffer.from(document);
    let next = 1;
    let index = 0;
    const request = { jobs: 2, partBytes: 100, signal: new AbortController().signal, bind: async (table: (typeof inspected.tables)[0]) => ({ table: 't', fields: allFields(table), encoding: { kind: 'copy-text' as const }, ignored: [] }) };
    for await (const part of format.read(inspected, request)) {
      for await (const chunk of part.chunks) expect(chunk.length).toBeGreaterThan(0);
      const { read, skipped } = part.counts();
      expect({ firstRow: part.firstRow, part: part.part, skipped }).toEqual({ firstRow: next, part: { index, interval: { kind: 'rows', start: next - 1, end: next - 1 + read } }, skipped: 0 });
      for (let line = 1; line <= read; line++) {
        const place = await part.locate!(line);
        expect(place.row).toBe(next);
        expect(bytes.subarray(place.byte).toString()).toMatch(new RegExp(`^\\{\\s*"id":\\s*${next - 1},`));
        expect(place.line).toBe(bytes.subarray(0, place.byte).toString().split('\n').length);
        next++;
      }
      index++;
    }
    expect(next).toBe(51);
  });

  it('at most jobs + 1 are alive, and giving one back makes room', async () => {
    const inspected = await inspect(jsonFormat, memorySource(JSON.stringify(records)));
    const stop = new AbortController();
    const parts = jsonFormat.read(inspected, { jobs: 1, partBytes: 1, signal: stop.signal, bind: async (table) => ({ table: 't', fields: allFields(table), encoding: { kind: 'copy-text' }, ignored: [] }) });
    const first = (await parts.next()).value!;
    await parts.next();
    let third: string | undefined;
    const waiting = (async () => { third = (await parts.next()).value!.firstRow === 3 ? 'third' : 'other'; })();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    expect(third).toBeUndefined();
    await first.chunks[Symbol.asyncIterator]().return!();
    await waiting;
    expect(third).toBe('third');
    const blocked = errorOf(parts.next());
    stop.abort();
    expect(await blocked).toMatchObject({ code: 'CANCELLED' });
    await parts.return();
  });

  it('a record larger than any window passes, one larger than the limit is refused', async () => {
    const large = 'x'.repeat(700_000);
    const document = JSON.stringify([{ a: 1, b: 'small' }, { a: 2, b: large }, { a: 3, b: 'after' }]);
    expect(await readDocument(document)).toBe(`1\tsmall\n2\t${large}\n3\tafter\n`);
    const error = await errorOf(readDocument(document, { options: { maxRecordBytes: 600_000 } }));
    expect(error).toMatchObject({ code: 'RECORD_TOO_LARGE', facts: { limit: 600_000 }, at: { row: 2, byte: document.indexOf('{"a":2') } });
    const endless = `[{"a":1},{"a":"${'y'.repeat(3_000_000)}`;
    expect(await errorOf(readDocument(endless, { options: { maxRecordBytes: 1_000_000 } }))).toMatchObject({ code: 'RECORD_TOO_LARGE', at: { row: 2 } });
  });
});

describe('errors', () => {
  it.each([
    ['[{"a":1},{"a":01}]', { row: 2, line: 1, byte: 15 }],
    ['[{"a":1}\n,\n{"a":tru}]', { row: 2, line: 3, byte: 19 }],
    ['[{"a":1},]', { line: 1, byte: 9 }],
    ['[{"a":"\u0001"}]', { row: 1, byte: 7 }],
    ['[{"a":1}] x', { line: 1, byte: 10 }],
    ['[{"a":1}', { line: 1, byte: 8 }],
    ['[{"a":"\\x"}]', { row: 1, byte: 8 }],
  ])('%s', async (document, at) => {
    for (const chunkBytes of [1, 1000]) {
      const source = memorySource(document, { chunkBytes });
      const error = await errorOf(readText(jsonFormat, source));
      expect(error).toMatchObject({ code: 'JSON_MALFORMED', at: { ...at, file: 'memory.txt' } });
    }
  });

  it('bytes that are not UTF-8', async () => {
    for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80]]) {
      const document = Buffer.concat([Buffer.from('[{"a":"ok"},{"a":"'), Buffer.from(bad), Buffer.from('"}]')]);
      const error = await errorOf(readText(jsonFormat, memorySource(document)));
      expect(error).toMatchObject({ code: 'JSON_MALFORMED', at: { row: 2 } });
      expect(error.message).toContain('UTF-8');
    }
  });

  it('what no target can store as text: NUL and halves of surrogate pairs', async () => {
    expect(await errorOf(readDocument('[{"a":"x\\u0000"}]'))).toMatchObject({ code: 'NUL_BYTE', at: { row: 1, byte: 8 } });
    for (const text of ['\\ud800', '\\udc00', '\\ud800x', '\\ud800\\u0041', '\\ud800\\n']) {
      expect(await errorOf(readDocument(`[{"a":"${text}"}]`))).toMatchObject({ code: 'ENCODING_INVALID', at: { row: 1 } });
    }
    expect(await errorOf(readDocument('[{"\\ud800":1}]'))).toMatchObject({ code: 'ENCODING_INVALID' });
    expect(await errorOf(readDocument('[{"\\u0000":1}]'))).toMatchObject({ code: 'NUL_BYTE' });
  });

  it('an element that is no object, after the rest was checked', async () => {
    const document = '[{"a":1},\n2,{"a":3}]';
    expect(await errorOf(readDocument(document))).toMatchObject({ code: 'JSON_NOT_RECORDS', at: { row: 2, line: 2, byte: 10 } });
    expect(await errorOf(readDocument(`${document}]`))).toMatchObject({ code: 'JSON_MALFORMED' });
  });

  it('deep nesting is refused without recursion', async () => {
    const nested = (depth: number): string => `[{"a":${'['.repeat(depth)}${']'.repeat(depth)}}]`;
    expect(await readDocument(nested(9000), bindTypes({ a: JSON_TYPE }))).toBe(`${'['.repeat(9000)}${']'.repeat(9000)}\n`);
    expect(await errorOf(readDocument(nested(100_000)))).toMatchObject({ code: 'JSON_MALFORMED' });
  });

  it('cancelling ends reading', async () => {
    const stop = new AbortController();
    const inspected = await inspect(jsonFormat, memorySource(JSON.stringify(Array.from({ length: 100_000 }, (_, a) => ({ a })))));
    const reading = readAll(jsonFormat, inspected, { partBytes: 1000, request: { signal: stop.signal }, bind: (table) => { setImmediate(() => stop.abort()); return { fields: allFields(table) }; } });
    expect(await errorOf(reading)).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('values beyond the sample', () => {
  const sample = Array.from({ length: 60_000 }, (_, id) => ({ id, day: '2024-01-31', ok: true, name: `the name of record ${id}, to fill the sample`, more: 'and more of it so that four mebibytes come together' }));
  const withLast = (last: object): string => JSON.stringify([...sample, last]);

  it.each([
    ['id', 1.5, 'bigint'],
    ['id', -0, 'bigint', '-0'],
    ['day', '2024-01-31T10:00:00', 'date'],
    ['ok', 1, 'boolean'],
  ])('%s: %s is a surprise for %s, which a database might convert, where the run creates the column', async (column, value, type, text?: string) => {
    const document = withLast({ [column]: value });
    const source = memorySource(text === undefined ? document : document.replace(/0\}\]$/, `${text}}]`));
    const bind = (detected: boolean) => (table: Parameters<typeof allFields>[0]) => ({ fields: allFields(table).map((field) => ({ ...field, detected })) });
    const error = await errorOf(readText(jsonFormat, source, { bind: bind(true) }));
    expect(error).toMatchObject({ code: 'SCHEMA_SURPRISE', facts: { column, type }, at: { row: 60_001, column } });
    // A column that was there before is the target's to judge, whatever the sample showed.
    expect(await readText(jsonFormat, source, { bind: bind(false) })).toContain(`\t`);
  });

  it('is the target\'s to judge when the type was given or everything was read', async () => {
    const document = withLast({ id: '007' });
    const columns = (await inspect(jsonFormat, memorySource(document), { types: { id: { kind: 'integer', bits: 32 } } })).tables[0].columns;
    expect(columns[0].type).toEqual({ kind: 'integer', bits: 32 });
    expect(await readText(jsonFormat, memorySource(document), { options: { types: { id: TEXT } } })).toMatch(/\n007\t\\N\t\\N\t\\N\t\\N\n$/);
    const full = await inspect(jsonFormat, memorySource(document), {}, 'full');
    expect(full.tables[0]).toMatchObject({ estimatedRows: 60_001 });
    expect(full.tables[0].columns[0].type).toEqual(JSON_TYPE);
  });

  it('another kind of value is a surprise where the run creates the column', async () => {
    const document = withLast({ name: 7 });
    const bind = (detected: boolean) => (table: Parameters<typeof allFields>[0]) => ({ fields: allFields(table).map((field) => ({ ...field, detected })) });
    expect(await readText(jsonFormat, memorySource(document), { bind: bind(false) })).toMatch(/\t7\t\\N\n$/);
    expect(await errorOf(readText(jsonFormat, memorySource(document), { bind: bind(true) }))).toMatchObject({ code: 'SCHEMA_SURPRISE', facts: { column: 'name' } });
  });

  it('a key that shows only later is unknown, and known after a full inspection', async () => {
    const document = withLast({ id: 1, late: true });
    expect(await errorOf(readText(jsonFormat, memorySource(document)))).toMatchObject({ code: 'JSON_UNKNOWN_KEY', facts: { key: 'late' }, at: { row: 60_001 } });
    expect(await readText(jsonFormat, memorySource(document), { depth: 'full' })).toMatch(/\nt?1\t\\N\t\\N\t\\N\t\\N\tt\n$/);
  });
});
