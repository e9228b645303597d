import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dialectBytes } from '../../../src/formats/csv/dialect.ts';
import { RecordCursor } from '../../../src/formats/csv/record-cursor.ts';
import { RecordParser } from '../../../src/formats/csv/record-parser.ts';
import { ValueGuard } from '../../../src/formats/csv/value-guard.ts';
import type { ColumnType } from '../../../src/rows/column-type.ts';

const dialect = dialectBytes({ delimiter: ',', quote: '"', escape: '"', nullText: '', charset: 'utf-8' });
const INTEGER: ColumnType = { kind: 'integer', bits: 64 };
const TEXT: ColumnType = { kind: 'text' };

function cursorFor(columns: number): RecordCursor {
  return new RecordCursor({ parser: new RecordParser(dialect), file: 'f', columns, maxRecordBytes: 1e9, start: 0, row: 1, line: 1, bytesKnown: true });
}

function guardFor(types: readonly ColumnType[], said: readonly string[] = []): ValueGuard {
  const columns = types.map((type, i) => ({ name: `c${i}`, type, nullable: true }));
  return new ValueGuard(dialect, columns, columns.map(({ name, type }) => ({ source: name, type, arrays: 'json' })), new Set(said));
}

/** Guards the text, cut into chunks; the cursor at the end. */
function guardText(text: string, types: readonly ColumnType[], chunkBytes = 1 << 16): RecordCursor {
  const guard = guardFor(types);
  const cursor = cursorFor(types.length);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    cursor.push(bytes.subarray(at, at + chunkBytes));
    guard.check(cursor, false);
  }
  guard.check(cursor, true);
  return cursor;
}

const TYPES: readonly (readonly [ColumnType, readonly string[], readonly string[]])[] = [
  [INTEGER, ['0', '5', '-5', '123456789012345678'], ['007', '-007', '-0', '+5', ' 5', '00', '""']],
  [{ kind: 'numeric' }, ['1.50', '0.5', '-1', '.5', '12345678901234567890123'], ['01.5', '-0.0', '+1.5']],
  [{ kind: 'float', bits: 64 }, ['1e5', '0.1', 'NaN', '-inf'], ['0.12345678901234567', '12345678901234567890', '01']],
  [{ kind: 'boolean' }, ['true', 'FALSE'], ['1', 't', 'yes', 'on']],
  [{ kind: 'date' }, ['2024-01-31'], ['2024-01-31 10:00:00', '20240131', '01/31/2024']],
  [{ kind: 'timestamp', zone: false }, ['2024-01-31 10:00:00', '2024-01-31T10:00', '2024-01-31 10:00:00.123456', '2024-01-31'], [
    '2024-01-31 10:00:00Z', '2024-01-31 10:00+02', '2024-01-31 10:00:00+02', '2024-01-31 10:00:00-0230', '2024-01-31 10:00:00.5+02:00', '2024-01-31 10:00:00.1234567',
  ]],
  [{ kind: 'timestamp', zone: true }, ['2024-01-31 10:00:00Z', '2024-01-31 10:00:00.123456+02', '2024-01-31 10:00:00-02:30'], [
    '2024-01-31 10:00:00', '2024-01-31 10:00:00.1234567Z', '2024-01-31 10:00:00.1234567+02', '2024-01-31 10:00:00.1234567+02:00', '2024-01-31',
  ]],
  [{ kind: 'uuid' }, ['550e8400-e29b-41d4-a716-446655440000'], ['550e8400e29b41d4a716446655440000']],
];

describe.each(TYPES)('%j', (type, exact, lossy) => {
  test.each(exact)('holds %s', (value) => {
    expect(guardText(`x,${value}\ny,\n"z","${value}"\r\n`, [TEXT, type]).row).toBe(3);
  });

  test.each(lossy)('does not hold %s', (value) => {
    const text = `"x\ny",${exact[0]}\nx,${value}\nz,\n`;
    for (const chunkBytes of [1, 5, 1000]) {
      expect(() => guardText(text, [TEXT, type], chunkBytes)).toThrow(expect.objectContaining({ code: 'SCHEMA_SURPRISE', at: expect.objectContaining({ row: 2, line: 3, column: 'c1' }) as unknown }));
    }
  });
});

test('refuses records of another size', () => {
  expect(() => guardText('1,2\n3\n', [INTEGER, INTEGER])).toThrow(expect.objectContaining({ code: 'CSV_FIELD_COUNT', at: { file: 'f', row: 2, line: 2, byte: 4 } }));
});

test('has nothing to do for text, and for types that the user gave', () => {
  expect([guardFor([TEXT]).idle, guardFor([INTEGER]).idle, guardFor([INTEGER], ['c0']).idle]).toEqual([true, false, true]);
});

test('goes over any records as the parser does', () => {
  const field = fc.constantFrom('', '1', '"1"', '"a\nb"', '"a\r\nb"', '"a\rb"', '"a""b"', 'x y', 'a"b');
  const record = fc.array(field, { minLength: 2, maxLength: 2 }).map((fields) => `5,${fields.join(',')}`);
  const text = fc.tuple(fc.array(record, { maxLength: 12 }), fc.constantFrom('\n', '\r\n', '\r', '\n\n')).map(([records, end]) => records.join(end));
  fc.assert(fc.property(text, fc.integer({ min: 1, max: 30 }), (content, chunkBytes) => {
    const plain = cursorFor(3);
    plain.push(Buffer.from(content));
    while (plain.next(true));
    const guarded = guardText(`${content}\n5,,"last"`, [INTEGER, TEXT, TEXT], chunkBytes);
    const lines = content.split(/\r\n|\r|\n/).length;
    expect([guarded.row, guarded.line]).toEqual([plain.row + 1, lines + 1]);
  }), { numRuns: 500 });
});
