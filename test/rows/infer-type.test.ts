import { describe, expect, test } from 'vitest';
import { typeName, type ColumnType } from '../../src/rows/column-type.ts';
import { classesOfType, fitsClasses, TypeInference } from '../../src/rows/infer-type.ts';

function inferred(...values: string[]): string {
  const inference = new TypeInference();
  for (const value of values) {
    // Inside other bytes, as in a file: what stands around a value must not matter.
    const bytes = Buffer.from(`9${value}9`);
    inference.see(bytes, 1, bytes.length - 1);
  }
  return typeName(inference.result());
}

describe('the type of a column', () => {
  test.each([
    ['bigint', ['1', '-5', '0', '999999999999999999']],
    ['numeric', ['1234567890123456789', '1']],
    ['numeric', ['1.10', '2']],
    ['numeric', ['.5', '-.5']],
    ['numeric', ['1e5', '0.1234567890123456789']],
    ['double precision', ['1e5', '2.5']],
    ['double precision', ['1.5E-7', '-3']],
    ['double precision', ['NaN', '1.5', '-Infinity', 'inf']],
    ['double precision', ['-0', '1']],
    ['double precision', ['-0.0', '1.5']],
    ['boolean', ['true', 'FALSE', 'True']],
    ['date', ['2024-02-29', '0001-01-01']],
    ['timestamp', ['2024-01-31 13:45:00', '2024-01-31T13:45', '2024-01-31 13:45:00.123456']],
    ['timestamp', ['2024-01-31', '2024-01-31 13:45:00']],
    ['timestamp with time zone', ['2024-01-31T13:45:00Z', '2024-01-31 13:45:00+02', '2024-01-31 13:45:00.5-0330', '2024-01-31 13:45:00+05:30']],
    ['uuid', ['550e8400-e29b-41d4-a716-446655440000', 'abcdef01-e29b-41d4-a716-446655440000', '12345678-e29b-41d4-a716-446655440000']],
  ])('%s: %j', (type, values) => {
    expect(inferred(...values)).toBe(type);
  });

  test.each([
    [['']], [['1', '']], [['007']], [['+5']], [[' 12']], [['12 ']], [['1_000']], [['0x1f']], [['1,5']], [['5.']], [['.']], [['-']], [['e5']], [['1e']], [['1e+']], [['1e9999']],
    [['00.5']], [['1.2.3']], [['--1']], [['t', 'f']], [['yes']], [['true', '1']], [['NaN']], [['inf', '12345678901234567890']], [['-nanx']],
    [['2023-02-29']], [['2024-13-01']], [['2024-00-10']], [['0000-01-01']], [['2024-1-1']], [['2024-01-01x']], [['2024/01/01']], [['20240101T10']],
    [['2024-01-31 24:00:00']], [['2024-01-31 13:60']], [['2024-01-31 13:45:61']], [['2024-01-31 13:45:00.']], [['2024-01-31 13:45:00.1234567']], [['2024-01-31 1']],
    [['2024-01-31 13:45:00+']], [['2024-01-31 13:45:00+2']], [['2024-01-31 13:45:00+25']], [['2024-01-31 13:45:00 Z']],
    [['2024-01-31 13:45:00', '2024-01-31 13:45:00Z']], [['2024-01-31', '5']],
    [['550E8400-e29b-41d4-a716-446655440000']], [['550e8400-e29b-41d4-a716-44665544000']], [['550e8400xe29b-41d4-a716-446655440000']],
  ])('text: %j', (values) => {
    expect(inferred(...values)).toBe('text');
  });

  test('of no value is text, and is not yet seen', () => {
    const inference = new TypeInference();
    expect([inference.result(), inference.seen, inference.settled]).toEqual([{ kind: 'text' }, false, false]);
  });

  test('does not depend on the order of the values', () => {
    const values = ['1', '2.5', '1e3', '-0', 'NaN', '123456789012345678901'];
    expect(inferred(...values)).toBe(inferred(...values.toReversed()));
  });
});

describe('values that a database takes with loss', () => {
  test.each<[ColumnType, string]>([
    [{ kind: 'date' }, '2024-01-31 10:00:00'], [{ kind: 'timestamp', zone: false }, '2024-01-31 10:00:00Z'], [{ kind: 'integer', bits: 64 }, '007'], [{ kind: 'integer', bits: 64 }, '+5'],
    [{ kind: 'float', bits: 64 }, '0.12345678901234567'], [{ kind: 'boolean' }, '1'], [{ kind: 'numeric' }, '-0'],
  ])('%j does not hold %s', (type, value) => {
    const bytes = Buffer.from(value);
    expect(fitsClasses(classesOfType(type)!, bytes, 0, bytes.length)).toBe(false);
  });

  test('text holds anything', () => {
    expect(classesOfType({ kind: 'text' })).toBeUndefined();
  });
});
