import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { jsonFormat } from '../../../src/formats/json/json-format.ts';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf, inspect, readAll } from '../../helpers/read-format.ts';

const folder = join(import.meta.dirname, '../../fixtures/json-test-suite/parsing');
const files = readdirSync(folder);
const cases = new Map(files.map((name) => [name, readFileSync(join(folder, name))]));
cases.set('n_structure_100000_opening_arrays.json', Buffer.from('['.repeat(100_000)));
cases.set('n_structure_open_array_object.json', Buffer.from(`${'[{"":'.repeat(50_000)}\n`));

/** The code of the error that reading the document ends with, or 'read'. */
async function outcome(name: string, chunkBytes: number, format = jsonFormat): Promise<string> {
  try {
    const inspected = await inspect(format, memorySource(cases.get(name)!, { name, chunkBytes }));
    await readAll(format, inspected);
    return 'read';
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
}

const named = (prefix: string): string[] => [...cases.keys()].filter((name) => name.startsWith(prefix));

describe('JSONTestSuite', () => {
  it('has all its cases', () => {
    expect([named('y_').length, named('n_').length, named('i_').length]).toEqual([95, 188, 35]);
  });

  it.each(named('y_'))('%s is valid: read, or refused as no records', async (name) => {
    expect(['read', 'JSON_NOT_RECORDS']).toContain(await outcome(name, 1));
    expect(['read', 'JSON_NOT_RECORDS']).toContain(await outcome(name, 65_536));
    JSON.parse(cases.get(name)!.toString());
  });

  it.each(named('n_'))('%s is refused as bad JSON, with its place', async (name) => {
    const chunkBytes = cases.get(name)!.length < 1000 ? 1 : 65_536;
    expect(await outcome(name, chunkBytes)).toBe('JSON_MALFORMED');
    const error = await errorOf(inspect(jsonFormat, memorySource(cases.get(name)!, { name })).then((inspected) => readAll(jsonFormat, inspected)));
    expect(error.at).toMatchObject({ file: name, line: expect.any(Number) });
  });

  it.each(named('i_'))('%s is read or refused with a code', async (name) => {
    expect(['read', 'JSON_NOT_RECORDS', 'JSON_MALFORMED', 'ENCODING_INVALID']).toContain(await outcome(name, 1));
  });

  it.each([...named('y_'), ...named('n_'), ...named('i_')])('%s as NDJSON is read or refused with a code', async (name) => {
    const code = await outcome(name, 65_536, ndjsonFormat);
    const allowed = name.startsWith('y_') ? ['read', 'JSON_NOT_RECORDS', 'JSON_MALFORMED', 'NUL_BYTE', 'SOURCE_EMPTY'] : ['read', 'JSON_MALFORMED', 'JSON_NOT_RECORDS', 'ENCODING_INVALID', 'NUL_BYTE', 'SOURCE_EMPTY'];
    expect(allowed).toContain(code);
  });
});
