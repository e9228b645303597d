import { describe, expect, it } from 'vitest';
import { newRunId, RUN_ID } from '../../src/jobs/run-id.ts';

describe('newRunId', () => {
  it('has the shape that people type', () => {
    expect(newRunId()).toMatch(RUN_ID);
    expect(newRunId(0)).toMatch(/^0{9}/);
  });

  it('sorts by time', () => {
    const times = [0, 1, 31, 32, 1_000, 1_700_000_000_000, 1_700_000_000_001, 35_000_000_000_000];
    const ids = times.map((time) => newRunId(time));
    expect(ids.toSorted()).toEqual(ids);
  });

  it('tells runs of one millisecond apart', () => {
    expect(new Set(Array.from({ length: 500 }, () => newRunId(5))).size).toBeGreaterThan(498);
  });
});
