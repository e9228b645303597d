import { describe, expect, it } from 'vitest';
import { RunCourse } from '../../src/progress/run-course.ts';

const sampleAt = (at: number) => ({ at, rows: at * 2, bytes: at * 10, rssBytes: 1 });

describe('the course of a run', () => {
  it('has all samples of a short one, and its end', () => {
    const course = new RunCourse();
    for (const at of [0, 100, 400, 800]) course.add(sampleAt(at));
    course.add(sampleAt(900), true);
    expect(course.samples().map(({ at }) => at)).toEqual([0, 400, 800, 900]);
  });

  it('is as small and as whole for a day as for an hour', () => {
    for (const hours of [1, 24]) {
      const course = new RunCourse();
      const end = hours * 3_600_000;
      for (let at = 0; at <= end; at += 400) course.add(sampleAt(at));
      course.add(sampleAt(end + 1), true);
      const times = course.samples().map(({ at }) => at);
      expect(times.length).toBeLessThanOrEqual(240);
      expect(times.length).toBeGreaterThan(100);
      expect([times[0], times.at(-1)]).toEqual([0, end + 1]);
      const gaps = times.slice(1).map((at, index) => at - times[index]);
      expect(Math.max(...gaps)).toBeLessThan(end / 90);
    }
  });
});
