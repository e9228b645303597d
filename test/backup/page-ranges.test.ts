import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PageRanges } from '../../src/backup/compare/page-ranges.ts';

it('ranges that touch become one, in whatever order they come', () => {
  const range = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 6 })).map(([first, length]) => [first, first + length] as const);
  fc.assert(fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
    const all = new PageRanges();
    for (const [first, end] of ranges) all.add(first, end);
    const pages = (list: readonly (readonly [number, number])[]): Set<number> => new Set(list.flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i)));
    expect([...pages(all.all)].toSorted((a, b) => a - b)).toEqual([...pages(ranges)].toSorted((a, b) => a - b));
    for (const [i, [first]] of all.all.entries()) if (i > 0) expect(first).toBeGreaterThan(all.all[i - 1][1]);
    for (let page = 0; page < 70; page++) expect(all.overlaps(page, page + 1)).toBe(pages(ranges).has(page));
  }));
});

it('of very many ranges some are joined: none is lost, and their number is bounded', () => {
  const all = new PageRanges();
  for (let i = 0; i < 40_000; i++) all.add(i * 10, i * 10 + 1);
  all.add(1_000_000, Infinity);
  expect(all.all.length).toBeLessThanOrEqual(5000);
  for (let i = 0; i < 40_000; i += 97) expect(all.overlaps(i * 10, i * 10 + 1)).toBe(true);
  expect(all.overlaps(5_000_000, 5_000_001)).toBe(true);
  expect(all.overlaps(500_000, 500_001)).toBe(false);
});
