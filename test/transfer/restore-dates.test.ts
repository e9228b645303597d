import { describe, expect, it } from 'vitest';
import { latest, timeInName } from '../../src/transfer/restore-dates.ts';

const span = (start: string, length: number): { start: number; end: number } => ({ start: Date.parse(start), end: Date.parse(start) + length });
const [MS, SECOND, MINUTE, DAY] = [1, 1000, 60_000, 86_400_000];

describe('dates in names', () => {
  it.each([
    ['2026-11-21', span('2026-11-21T00:00Z', DAY)],
    ['20261121', span('2026-11-21T00:00Z', DAY)],
    ['20261121T0300', span('2026-11-21T03:00Z', MINUTE)],
    ['20261121030507', span('2026-11-21T03:05:07Z', SECOND)],
    ['backup-2026-11-21_03-00', span('2026-11-21T03:00Z', MINUTE)],
    ['shop_2026.11.21', span('2026-11-21T00:00Z', DAY)],
    ['2026-11-21T03:00:00.250Z', span('2026-11-21T03:00:00.250Z', MS)],
    ['2026-11-21T03:00:00+02:00', span('2026-11-21T01:00:00Z', SECOND)],
    ['2026-11-21T03-00-00Z', span('2026-11-21T03:00:00Z', SECOND)],
    ['dump-1795230000', span(new Date(1_795_230_000_000).toISOString(), SECOND)],
    ['1795230000123', span(new Date(1_795_230_000_123).toISOString(), MS)],
  ])('%s', (name, expected) => expect(timeInName(name)).toEqual(expected));

  it.each(['users', '2026', '2026-02-31', '2026-13-01', 'v1.2.3', '123456', 'order_2026112'])('%s has none', (name) => {

    expect(timeInName(name)).toBeUndefined();
  });

  it('tells the latest only where there is no doubt', () => {
    const of = (names: string[]): string | undefined => latest(names, (name) => timeInName(name)!);
    expect(of(['2026-11-20', '2026-11-21', '2026-11-19'])).toBe('2026-11-21');
    expect(of(['2026-11-21T0300', '2026-11-21T0301'])).toBe('2026-11-21T0301');
    expect(of(['2026-11-21', '2026-11-20T0300'])).toBe('2026-11-21');
    expect(of(['2026-11-21', '2026-11-21T0300'])).toBeUndefined();
    expect(of(['a-2026-11-21', 'b-2026-11-21'])).toBeUndefined();
    expect(of([])).toBeUndefined();
  });
});
