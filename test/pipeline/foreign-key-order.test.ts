import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foreignKeyOrder } from '../../src/pipeline/foreign-key-order.ts';

describe('the order of tables', () => {
  it('puts parents before children', () => {
    expect(foreignKeyOrder(['items', 'orders', 'users', 'tags'], [['items', 'orders'], ['orders', 'users']])).toEqual({ tables: ['users', 'orders', 'items', 'tags'], cycles: [] });
  });

  it('keeps tables of a circle together and says them', () => {
    const { tables, cycles } = foreignKeyOrder(['c', 'a', 'b', 'p'], [['a', 'b'], ['b', 'a'], ['c', 'a'], ['a', 'p'], ['a', 'a'], ['x', 'a'], ['a', 'x']]);
    expect(cycles).toEqual([['a', 'b']]);
    expect(tables).toEqual(['p', 'a', 'b', 'c']);
  });

  it('holds for any keys', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names))), (references) => {
      const { tables, cycles } = foreignKeyOrder(names, references);
      expect(tables.toSorted()).toEqual(names);
      const isInOneCircle = (x: string, y: string): boolean => cycles.some((cycle) => cycle.includes(x) && cycle.includes(y));
      for (const [child, parent] of references) if (child !== parent && !isInOneCircle(child, parent)) expect(tables.indexOf(parent)).toBeLessThan(tables.indexOf(child));
    }));
  });
});
