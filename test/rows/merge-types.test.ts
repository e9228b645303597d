import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../../src/rows/column-type.ts';
import { mergeColumns, mergeTypes } from '../../src/rows/merge-types.ts';

const integer: ColumnType = { kind: 'integer', bits: 64 };
const float: ColumnType = { kind: 'float', bits: 64 };

describe('merging types', () => {
  test.each<[ColumnType, ColumnType, ColumnType]>([
    [integer, integer, integer],
    [{ kind: 'integer', bits: 16 }, { kind: 'integer', bits: 32 }, { kind: 'integer', bits: 32 }],
    [integer, { kind: 'numeric' }, { kind: 'numeric' }],
    [{ kind: 'numeric', precision: 5, scale: 2 }, { kind: 'numeric', precision: 6, scale: 4 }, { kind: 'numeric', precision: 7, scale: 4 }],
    [integer, { kind: 'numeric', precision: 5, scale: 2 }, { kind: 'numeric', precision: 21, scale: 2 }],
    [integer, float, { kind: 'numeric' }],
    [{ kind: 'date' }, { kind: 'timestamp', zone: false }, { kind: 'text' }],
    [{ kind: 'json' }, { kind: 'text' }, { kind: 'text' }],
    [{ kind: 'boolean' }, integer, { kind: 'text' }],
  ])('%j and %j give %j, in either order', (a, b, expected) => {
    expect(mergeTypes(a, b)).toEqual(expected);
    expect(mergeTypes(b, a)).toEqual(expected);
  });

  test('columns are united by name; one that a side lacks becomes nullable', () => {
    const a = [{ name: 'id', type: integer, nullable: false }, { name: 'x', type: integer, nullable: false }];
    const b = [{ name: 'y', type: float, nullable: false }, { name: 'id', type: integer, nullable: false }];
    expect(mergeColumns(a, b)).toEqual([
      { name: 'id', type: integer, nullable: false },
      { name: 'x', type: integer, nullable: true },
      { name: 'y', type: float, nullable: true },
    ]);
  });
});
