import { describe, expect, it } from 'vitest';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf, inspect, readText } from '../../helpers/read-format.ts';

const read = (text: string, how = {}): Promise<string> => readText(ndjsonFormat, memorySource(text), how);

describe('NDJSON', () => {
  it('is one record a line; blank lines and all line ends pass', async () => {
    expect(await read('{"a":1}\n\n  \r\n{"a":2} \r\n\t{"a":3}')).toBe('1\n2\n3\n');
  });

  it.each([
    ['{"a":1}\n{"a":2}{"a":3}', { line: 2, byte: 15 }],
    ['{"a":1}\n{"a":2} x', { line: 2, byte: 16 }],
    ['{"a":1},\n{"a":2}', { line: 1, byte: 7 }],
    ['{"a":1}\n{"a":\n2}\n', { row: 2, line: 2 }],
    ['{"a":1}\n{"a":2\n{"a":3}\n', { row: 2, line: 2 }],
    ['{"a":1}\n{"a":2', { row: 2, line: 2 }],
    ['{"a":1}\nnul', { line: 2 }],
  ])('%j is malformed', async (text, at) => {
    for (const chunkBytes of [1, 1000]) {
      expect(await errorOf(readText(ndjsonFormat, memorySource(text, { chunkBytes })))).toMatchObject({ code: 'JSON_MALFORMED', at });
    }
  });

  it.each(['[1]', '"x"', '{"a":1}\n\n12\n{"a":2}', 'null'])('%j has a line that is no record', async (text) => {
    expect(await errorOf(read(text))).toMatchObject({ code: 'JSON_NOT_RECORDS' });
  });

  it('without records is empty', async () => {
    for (const text of ['', '\n \n', '\uFEFF']) expect(await errorOf(read(text))).toMatchObject({ code: 'SOURCE_EMPTY', at: { file: 'memory.txt' } });
  });

  it('takes no path', async () => {
    expect(await errorOf(read('{"a":1}', { options: { jsonPath: 'a' } }))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  });

  it('shows keys and types far behind the head of a large file', async () => {
    const line = (id: number): string => JSON.stringify({ id: id < 60_000 ? id : `${id}x`, text: 'filler '.repeat(15), ...(id < 60_000 ? {} : { late: id }) });
    const inspected = await inspect(ndjsonFormat, memorySource(Array.from({ length: 100_000 }, (_, id) => `${line(id)}\n`).join('')));
    expect(inspected.tables[0].columns.map(({ name, type }) => [name, type.kind])).toEqual([['id', 'json'], ['text', 'text'], ['late', 'integer']]);
    expect(inspected.tables[0].estimatedRows! / 100_000).toBeCloseTo(1, 0);
  });
});
