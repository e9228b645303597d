import { describe, expect, it } from 'vitest';
import { PartMap } from '../../src/progress/part-map.ts';
import type { PartState } from '../../src/progress/progress-event.ts';

function tell(map: PartMap, table: string, part: number, state: PartState): void {
  map.apply({ type: 'part', table, part, state, at: 0 });
}

describe('the map of parts', () => {
  it('has a letter for each part, in the order in which they began', () => {
    const map = new PartMap();
    map.expect(6);
    tell(map, 'a', 0, 'moving');
    tell(map, 'a', 1, 'moving');
    tell(map, 'b', 0, 'moving');
    tell(map, 'a', 1, 'rejected');
    tell(map, 'b', 0, 'retrying');
    expect(map.data()).toEqual({ span: 1, begun: 3, expected: 6, cells: 'mrt', moving: 1, retrying: 1, done: 1, rejected: 1, failed: 0, tables: [{ table: 'a', from: 0 }, { table: 'b', from: 2 }] });
    tell(map, 'b', 0, 'moving');
    tell(map, 'b', 0, 'done');
    tell(map, 'a', 0, 'failed');
    expect(map.data()).toMatchObject({ begun: 3, cells: 'frd', moving: 0, done: 2, failed: 1 });
    expect([map.takeChanged(), map.takeChanged()]).toEqual([true, false]);
  });

  it('of a million parts of a thousand tables is as small as that of a thousand, and counts them all', () => {
    const map = new PartMap();
    for (let i = 0; i < 1_000_000; i++) {
      const table = `t${i % 1000}`;
      tell(map, table, i, 'moving');
      if (i !== 400_000) tell(map, table, i, i === 700_000 ? 'rejected' : 'done');
    }
    const data = map.data();
    expect(data).toMatchObject({ begun: 1_000_000, moving: 1, done: 999_999, rejected: 1, failed: 0 });
    expect(JSON.stringify(data).length).toBeLessThan(10_000);
    expect(data.cells.length * data.span).toBeGreaterThanOrEqual(1_000_000);
    expect([data.cells[Math.floor(400_000 / data.span)], data.cells[Math.floor(700_000 / data.span)]]).toEqual(['m', 'r']);
    expect(data.cells.replaceAll('d', '')).toBe('mr');
  });
});
