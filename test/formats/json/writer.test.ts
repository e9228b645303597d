import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Format, FormatWriter } from '../../../src/formats/format.ts';
import { jsonFormat } from '../../../src/formats/json/json-format.ts';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import type { PartStream } from '../../../src/rows/part.ts';
import type { TableSchema } from '../../../src/rows/table-schema.ts';
import { parseLossless } from '../../helpers/lossless-json.ts';
import { memorySink } from '../../helpers/memory-sink.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf, readText } from '../../helpers/read-format.ts';

const TEXT: ColumnType = { kind: 'text' };
const INTEGER: ColumnType = { kind: 'integer', bits: 64 };
const FLOAT: ColumnType = { kind: 'float', bits: 64 };

function table(name: string, columns: Record<string, ColumnType>): TableSchema {
  return { name, columns: Object.entries(columns).map(([column, type]) => ({ name: column, type, nullable: true })), primaryKey: [], indexes: [] };
}

function part(index: number, text: string, chunkBytes = 1000): PartStream {
  const rows = text.split('\n').length - 1;
  const source = memorySource(text, { chunkBytes });
  return { part: { index, interval: { kind: 'whole' } }, encoding: COPY_TEXT, chunks: { [Symbol.asyncIterator]: () => source.read() }, counts: () => ({ read: rows, skipped: 0, bytes: text.length }) };
}

async function writeTable(writer: FormatWriter, schema: TableSchema, parts: string[], chunkBytes = 1000): Promise<number> {
  let rows = 0;
  await writer.beginTable(schema);
  for (const [index, text] of parts.entries()) {
    let first = true;
    for await (const chunk of writer.encodePart(schema, part(index, text, chunkBytes), (written) => { rows += written; })) {
      await writer.writeEncoded(chunk, first);
      first = false;
    }
  }
  await writer.endTable();
  return rows;
}

async function write(format: Format, schema: TableSchema, parts: string[], chunkBytes = 1000): Promise<string> {
  const sink = memorySink();
  const writer = format.openWriter(sink, { multipleTables: false });
  await writeTable(writer, schema, parts, chunkBytes);
  await writer.finish();
  expect(sink.state).toBe('open');
  return sink.text;
}

describe('the documents', () => {
  const schema = table('t', { a: INTEGER, 'b "c"': TEXT });

  it('an array has one object a line, over all parts', async () => {
    expect(await write(jsonFormat, schema, ['1\tx\n2\t\\N\n', '', '3\t\n'])).toBe('[\n{"a":1,"b \\"c\\"":"x"},\n{"a":2,"b \\"c\\"":null},\n{"a":3,"b \\"c\\"":""}\n]\n');
    expect(await write(jsonFormat, schema, [])).toBe('[]\n');
    expect(await write(jsonFormat, table('t', {}), ['\n\n'])).toBe('[\n{},\n{}\n]\n');
  });

  it('NDJSON is one object a line', async () => {
    expect(await write(ndjsonFormat, schema, ['1\tx\n2\t\\N\n', '', '3\t\n'])).toBe('{"a":1,"b \\"c\\"":"x"}\n{"a":2,"b \\"c\\"":null}\n{"a":3,"b \\"c\\"":""}\n');
    expect(await write(ndjsonFormat, schema, [])).toBe('');
  });

  it('several tables are one object', async () => {
    const sink = memorySink();
    const writer = jsonFormat.openWriter(sink, { multipleTables: true });
    expect(await writeTable(writer, schema, ['1\tx\n'])).toBe(1);
    expect(await writeTable(writer, { ...table('empty', { a: INTEGER }), schema: 's' }, [])).toBe(0);
    expect(await writeTable(writer, table('é', { a: INTEGER }), ['1\n', '2\n3\n'])).toBe(3);
    await writer.finish();
    expect(sink.text).toBe('{"t":[\n{"a":1,"b \\"c\\"":"x"}\n],\n"s.empty":[],\n"é":[\n{"a":1},\n{"a":2},\n{"a":3}\n]}\n');
    const nothing = memorySink();
    await jsonFormat.openWriter(nothing, { multipleTables: true }).finish();
    expect(nothing.text).toBe('{}\n');
  });

  it('one table only where there is room for one', async () => {
    for (const format of [jsonFormat, ndjsonFormat]) {
      const writer = format.openWriter(memorySink(), { multipleTables: false });
      await writer.beginTable(schema);
      await writer.endTable();
      expect(await errorOf(writer.beginTable(schema))).toHaveProperty('code');
    }
  });

  it('takes copy-text, encodes parts side by side, and aborts its sink', async () => {
    const sink = memorySink();
    const writer = ndjsonFormat.openWriter(sink, { multipleTables: false });
    expect(writer.accepts(schema)).toEqual(['copy-text']);
    const encoded = await Promise.all(['1\ta\n', '2\tb\n', '3\tc\n'].map(async (text, index) => {
      let out = '';
      for await (const chunk of writer.encodePart(schema, part(index, text, 1), () => {})) out += Buffer.from(chunk).toString();
      return out;
    }));
    expect(encoded.map((line) => JSON.parse(line) as unknown)).toEqual([{ a: 1, 'b "c"': 'a' }, { a: 2, 'b "c"': 'b' }, { a: 3, 'b "c"': 'c' }]);
    await writer.abort();
    expect(sink.state).toBe('aborted');
  });

  it('refuses records with another number of fields', async () => {
    for (const text of ['1\n', '1\t2\t3\n']) expect(await errorOf(write(jsonFormat, schema, [text]))).toMatchObject({ code: 'INTERNAL', at: { table: 't' } });
  });
});

describe('values', () => {
  const one = async (type: ColumnType, field: string): Promise<string> => (await write(ndjsonFormat, table('t', { v: type }), [`${field}\n`])).slice('{"v":'.length, -'}\n'.length);

  it.each([
    [INTEGER, '-9223372036854775808', '-9223372036854775808'],
    [{ kind: 'numeric' }, '1234567890123456789012345678901234567890.10', '1234567890123456789012345678901234567890.10'],
    [{ kind: 'numeric' }, 'NaN', '"NaN"'],
    [FLOAT, '1e+20', '1e+20'], [FLOAT, '-0', '-0'], [FLOAT, 'Infinity', '"Infinity"'], [FLOAT, '-Infinity', '"-Infinity"'],
    [FLOAT, '.5', '".5"'], [FLOAT, '5.', '"5."'], [FLOAT, '007', '"007"'], [FLOAT, '1e', '"1e"'], [FLOAT, '', '""'], [FLOAT, '-', '"-"'], [FLOAT, '1 2', '"1 2"'],
    [{ kind: 'boolean' }, 't', 'true'], [{ kind: 'boolean' }, 'f', 'false'], [{ kind: 'boolean' }, 'true', 'true'], [{ kind: 'boolean' }, 'false', 'false'],
    [{ kind: 'boolean' }, 'trueish', '"trueish"'], [{ kind: 'boolean' }, 'x', '"x"'], [{ kind: 'boolean' }, '', '""'],
    [{ kind: 'json' }, '{"a": [1, "x\\\\n"]}', '{"a": [1, "x\\n"]}'], [{ kind: 'json' }, '[\\n\\t1\\r]', '[  1 ]'], [{ kind: 'json' }, '"s"', '"s"'], [{ kind: 'json' }, '12', '12'],
    [{ kind: 'json' }, '{"cut":', '"{\\"cut\\":"'], [{ kind: 'json' }, '', '""'], [{ kind: 'json' }, '1 2', '"1 2"'],
    [{ kind: 'array', element: INTEGER }, '[1, null]', '[1, null]'], [{ kind: 'array', element: INTEGER }, '{1,NULL}', '"{1,NULL}"'],
    [{ kind: 'bytes' }, '\\\\x00ff', '"\\\\x00ff"'], [{ kind: 'date' }, '0044-03-15 BC', '"0044-03-15 BC"'],
    [{ kind: 'other', name: 'enum' }, 'a', '"a"'], [TEXT, '\\N', 'null'], [INTEGER, '\\N', 'null'], [TEXT, '\\\\N', '"\\\\N"'],
  ] as [ColumnType, string, string][])('%j %s', async (type, field, json) => {
    expect(await one(type, field)).toBe(json);
    JSON.parse(json);
  });

  it('every control character, quote and backslash of a text is escaped', async () => {
    const text = `${String.fromCharCode(...Array.from({ length: 0x7f }, (_, k) => k + 1))}é€𝄞`;
    const field = text.replaceAll(/[\b\t\n\v\f\r\\]/g, (char) => `\\${{ '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r' }[char] ?? char}`);
    expect(JSON.parse(await one(TEXT, field))).toBe(text);
  });

  it('records larger than any buffer pass', async () => {
    const text = 'a"\u0001'.repeat(200_000);
    expect(JSON.parse(await one(TEXT, text))).toBe(text);
    expect(await one({ kind: 'json' }, JSON.stringify(['x'.repeat(300_000)]))).toHaveLength(300_004);
  });
});

describe('round trip', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed().replaceAll('\0', '')),
    fc.bigInt().map((number) => ({ number: String(number) })),
    fc.constantFrom(true, false, null),
  );

  it('JSON that was read and written is the same JSON', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 50 }), fc.constantFrom(jsonFormat, ndjsonFormat), async (records, chunkBytes, format) => {
      // In json columns every value keeps its kind.
      const json = (element: (typeof records)[0][0]): string => (element !== null && typeof element === 'object' ? element.number : JSON.stringify(element));
      const document = `[${records.map(([a, b]) => `{"a":${json(a)},"b":${json(b)}}`).join(',')}]`;
      const encoded = await readText(jsonFormat, memorySource(document), { bind: () => ({ fields: ['a', 'b'].map((source) => ({ source, type: { kind: 'json' }, arrays: 'json' })) }) });
      const written = await write(format, table('t', { a: { kind: 'json' }, b: { kind: 'json' } }), [encoded.slice(0, encoded.indexOf('\n') + 1), encoded.slice(encoded.indexOf('\n') + 1)], chunkBytes);
      const back = format === jsonFormat ? parseLossless(written) : written.split('\n').slice(0, -1).map(parseLossless);
      expect(back).toEqual(parseLossless(document));
    }), { numRuns: 200 });
  });
});
