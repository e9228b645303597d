import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../helpers/memory-source.ts';
import { rowsOf } from './csv-rows.ts';

const folder = new URL('../../fixtures/csv-spectrum/', import.meta.url);
const names = readdirSync(new URL('csvs/', folder)).map((file) => file.replace('.csv', ''));

/** Their own comparison: all values are text, and an absent one is ''. */
function toRecords({ names: columns, rows }: { names: string[]; rows: readonly (readonly (string | null)[])[] }): unknown[] {
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], value ?? ''])));
}

describe('csv-spectrum', () => {
  test('is all here', () => {
    expect(names).toHaveLength(12);
  });

  test.each(names)('%s equals its JSON', async (name) => {
    const csv = readFileSync(new URL(`csvs/${name}.csv`, folder));
    const published = JSON.parse(readFileSync(new URL(`json/${name}.json`, folder), 'utf8')) as unknown;
    // As published, this one file is an object instead of an array, with a telephone number that its CSV has not.
    const expected = name === 'location_coordinates' ? [{ ...published as object, 'Contact Phone Number': '2095257564' }] : published;
    for (const chunkBytes of [1, 2, 7, 65536]) {
      expect(toRecords(await rowsOf(memorySource(csv, { chunkBytes })))).toEqual(expected);
      expect(toRecords(await rowsOf(memorySource(csv, { chunkBytes, repeatable: false })))).toEqual(expected);
    }
    expect(toRecords(await rowsOf(memorySource(csv), { depth: 'full', partBytes: 1 }))).toEqual(expected);
  });
});
