import { describe, expect, test } from 'vitest';
import { TEXT } from '../../src/rows/column-type.ts';
import type { Column } from '../../src/rows/table-schema.ts';
import { matchColumns, snakeCase, suggest } from '../../src/transfer/column-matching.ts';

const fields = (...names: string[]): Column[] => names.map((name) => ({ name, type: TEXT, nullable: true }));
const pairs = (...args: Parameters<typeof matchColumns>): string[][] => matchColumns(...args).fields.map(({ source, column }) => [source.name, column]);

describe('column matching', () => {
  test('exact name before case before snake_case', () => {
    expect(pairs(fields('userId', 'Name', 'a'), ['user_id', 'name', 'A', 'a'], {}, 't', 'f')).toEqual([['userId', 'user_id'], ['Name', 'name'], ['a', 'a']]);
  });

  test('a new table keeps the names of the source, but for --map', () => {
    expect(pairs(fields('First Name', 'x'), undefined, { map: { x: 'y' } }, 't', 'f')).toEqual([['First Name', 'First Name'], ['x', 'y']]);
  });

  test('what --columns leaves out is known as left out', () => {
    expect(matchColumns(fields('a', 'b', 'c'), undefined, { columns: ['c', 'a'] }, 't', 'f')).toMatchObject({ ignored: ['b'] });
  });

  test('a field without a column is an error with the nearest name', () => {
    expect(() => matchColumns(fields('adress'), ['address', 'id'], {}, 't', 'f.csv')).toThrow(expect.objectContaining({ code: 'COLUMN_UNKNOWN', hint: 'Did you mean "address"?' }));
  });

  test('a name in --map or --columns that the source does not have is an error', () => {
    expect(() => matchColumns(fields('a'), undefined, { map: { z: 'a' } }, 't', 'f.csv')).toThrow(expect.objectContaining({ code: 'COLUMN_UNKNOWN' }));
    expect(() => matchColumns(fields('a'), undefined, { columns: ['A'] }, 't', 'f.csv')).toThrow(expect.objectContaining({ code: 'COLUMN_UNKNOWN' }));
  });

  test('two fields for one column are refused', () => {
    expect(() => matchColumns(fields('userId', 'user_id'), ['user_id'], {}, 't', 'f.csv')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test.each([
    ['firstName', 'first_name'], ['First Name', 'first_name'], ['HTTPServer-ID', 'http_server_id'], ['größeMax', 'größe_max'], ['a1B', 'a1_b'], ['__x__', 'x'],
  ])('snake_case of %s is %s', (name, expected) => {
    expect(snakeCase(name)).toBe(expected);
  });

  test('a suggestion lists what there is when nothing is near', () => {
    expect(suggest('zzz', ['alpha', 'beta'])).toBe('There is: "alpha", "beta".');
    expect(suggest('zzz', [])).toBe('There is none at all.');
  });
});
