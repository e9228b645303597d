import { describe, expect, it } from 'vitest';
import type { InspectedSource, ReadingPoint } from '../../src/formats/format.ts';
import type { PartStream } from '../../src/rows/part.ts';
import { RejectedRecords } from '../../src/transfer/rejected-records.ts';
import { SourceParts } from '../../src/transfer/source-parts.ts';
import { memorySource } from '../helpers/memory-source.ts';

const never = new AbortController().signal;
const pointOf = (part: number): ReadingPoint => ({ byte: part * 10, line: part + 1, rows: part, part });
const inspected: InspectedSource = { source: memorySource('x'.repeat(100_000), { name: 'a.ndjson' }), format: 'ndjson', tables: [], details: {}, options: {}, depth: 'sample' };

describe('points of a source', () => {
  it('are all kept while they are few', () => {
    const parts = new SourceParts(inspected, 7);
    for (let part = 0; part < 100; part++) parts.add(pointOf(part));
    for (let part = 0; part < 100; part++) expect(parts.nearest(part + 7)).toEqual({ part: part + 7, point: pointOf(part) });
    expect([6, 7, 106, 107].map((part) => parts.has(part))).toEqual([false, true, true, false]);
  });

  it('are thinned when they are many, and the nearest is never far', () => {
    const parts = new SourceParts(inspected, 3);
    for (let part = 0; part < 100_000; part++) parts.add(pointOf(part));
    for (let part = 0; part < 100_000; part += 61) {
      const { part: at, point } = parts.nearest(part + 3);
      expect(point).toEqual(pointOf(at - 3));
      expect(at - 3).toBeLessThanOrEqual(part);
      expect(part - (at - 3)).toBeLessThan(100_000 / 256);
    }
  });

  it('that the source does not give are its start', () => {
    const parts = new SourceParts(inspected, 3);
    for (let part = 0; part < 5; part++) parts.add(undefined);
    expect(parts.nearest(6)).toEqual({ part: 3 });
  });
});

describe('rejected records', () => {
  /** Parts 0 … 99 of one record each; a reading from a point ends after `arrayOf` parts, as at the end of an array. */
  function readings(arrayOf: number): { passes: (number | undefined)[]; pulled: () => number; again: (inspected: InspectedSource, table: string, from?: ReadingPoint) => AsyncGenerator<PartStream, void, undefined> } {
    const passes: (number | undefined)[] = [];
    let pulled = 0;
    return {
      passes,
      pulled: () => pulled,
      async *again(_source, _table, from) {
        passes.push(from?.part);
        const first = from?.part ?? 0;
        const end = from === undefined ? 100 : Math.min(100, (Math.floor(first / arrayOf) + 1) * arrayOf);
        for (let part = first; part < end; part++) {
          pulled++;
          yield {
            part: { index: part, interval: { kind: 'whole' } }, encoding: { kind: 'copy-text' }, chunks: (async function* none() { /* nobody asks */ })(), counts: () => ({ read: 1, skipped: 0, bytes: 10 }),
            async *places() { yield { file: 'a.ndjson', row: part + 1 }; },
          } satisfies PartStream;
        }
      },
    };
  }

  async function fetchAll(points: (part: number) => ReadingPoint | undefined, wanted: readonly number[], arrayOf = 100): Promise<{ rows: (number | undefined)[]; passes: (number | undefined)[]; pulled: number }> {
    const parts = new SourceParts(inspected, 50);
    for (let part = 0; part < 100; part++) parts.add(points(part));
    const { passes, pulled, again } = readings(arrayOf);
    const records = new RejectedRecords(new Map([['t', [parts]]]), { again, locator: async () => undefined }, never);
    const rows: (number | undefined)[] = [];
    for (const part of wanted) for await (const { place } of records.fetch('t', part + 50, [1])) rows.push(place.row);
    await records.close();
    return { rows, passes, pulled: pulled() };
  }

  it('are read from the points of their parts, and nothing between them', async () => {
    expect(await fetchAll(pointOf, [3, 40, 41, 41, 90])).toEqual({ rows: [4, 41, 42, 42, 91], passes: [3, 40, 90], pulled: 4 });
  });

  it('are read from the start where there are no points, in one pass', async () => {
    expect(await fetchAll(() => undefined, [3, 40, 90])).toEqual({ rows: [4, 41, 91], passes: [undefined], pulled: 91 });
  });

  it('that come after the end of the array that the nearest point is of are looked for from the start', async () => {
    const few = (part: number): ReadingPoint | undefined => (part === 10 || part === 11 ? pointOf(part) : undefined);
    expect((await fetchAll(few, [10, 11], 11)).rows).toEqual([11, 12]);
    const parts = new SourceParts(inspected, 0);
    for (let part = 0; part < 1_000; part++) parts.add(pointOf(part));
    const { passes, again } = readings(3);
    const records = new RejectedRecords(new Map([['t', [parts]]]), { again, locator: async () => undefined }, never);
    const rows: (number | undefined)[] = [];
    for await (const { place } of records.fetch('t', 3, [1])) rows.push(place.row);
    expect(rows).toEqual([4]);
    expect(passes).toEqual([2, undefined]);
  });
});
