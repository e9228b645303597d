import { describe, expect, it } from 'vitest';
import { basisOf, doneShare, RateEstimator } from '../../src/progress/rate-estimator.ts';

function feed(estimator: RateEstimator, seconds: number, perSecond: (second: number) => number, start = 0): number {
  let total = start;
  for (let tick = 0; tick <= seconds * 10; tick++) {
    estimator.update(total, tick * 100);
    total += perSecond(tick / 10) / 10;
  }
  return total;
}

describe('RateEstimator', () => {
  it('says nothing before it has watched for a while', () => {
    const estimator = new RateEstimator();
    expect(estimator.rate()).toBeUndefined();
    estimator.update(0, 0);
    estimator.update(1_000_000, 1_900);
    expect(estimator.rate()).toBeUndefined();
    expect(estimator.secondsLeft(2_000_000)).toBeUndefined();
    estimator.update(1_050_000, 2_000);
    expect(estimator.rate()).toBeGreaterThan(0);
  });

  it('is exact for a steady speed, from the first second on', () => {
    const estimator = new RateEstimator();
    feed(estimator, 3, () => 500);
    expect(estimator.rate()).toBeCloseTo(500, 6);
    expect(estimator.secondsLeft(3_000)).toBeCloseTo(3, 1);
  });

  it('does not depend on how often it is asked', () => {
    const often = new RateEstimator();
    const seldom = new RateEstimator();
    for (let at = 0; at <= 30_000; at += 50) often.update(at * 2, at);
    for (let at = 0; at <= 30_000; at += 3_000) seldom.update(at * 2, at);
    expect(often.rate()).toBeCloseTo(seldom.rate()!, 6);
  });

  it('follows a change of speed within a few half-lives', () => {
    const estimator = new RateEstimator({ halfLifeMs: 2_000 });
    feed(estimator, 60, (second) => (second < 30 ? 1_000 : 100));
    expect(estimator.rate()).toBeGreaterThan(99);
    expect(estimator.rate()).toBeLessThan(105);
  });

  it('promises no end when nothing moves, the whole is unknown or already exceeded', () => {
    const stalled = new RateEstimator();
    for (let at = 0; at <= 5_000; at += 100) stalled.update(10, at);
    expect(stalled.rate()).toBe(0);
    expect(stalled.secondsLeft(100)).toBeUndefined();
    const moving = new RateEstimator();
    const total = feed(moving, 5, () => 100);
    expect(moving.secondsLeft(undefined)).toBeUndefined();
    expect(moving.secondsLeft(total / 2)).toBeUndefined();
  });

  it('takes a clock that stands still or runs back, and totals that shrink, without nonsense', () => {
    const estimator = new RateEstimator();
    estimator.update(0, 1_000);
    estimator.update(50, 1_000);
    estimator.update(60, 500);
    estimator.update(10, 4_000);
    estimator.update(5, 5_000);
    expect(estimator.rate()).toBeGreaterThanOrEqual(0);
  });
});

describe('doneShare', () => {
  it('goes by bytes where they are known, else by rows, and says nothing once exceeded', () => {
    expect(doneShare({ rows: 1, bytes: 50 }, { rows: 10, bytes: 100, exact: true })).toBe(0.5);
    expect(doneShare({ rows: 1, bytes: 50 }, { rows: 10, exact: false })).toBe(0.1);
    expect(doneShare({ rows: 11, bytes: 50 }, { rows: 10, exact: false })).toBeUndefined();
    expect(doneShare({ rows: 1, bytes: 1 }, { exact: false })).toBeUndefined();
    expect(basisOf({ rows: 0, bytes: 0, exact: true })).toBeUndefined();
  });
});
