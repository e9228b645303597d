/**
 * Dates in the names of backups: `2026-11-21`, `20261121T0300`, `backup-2026-11-21_03-00`, seconds or milliseconds since 1970. A name says a
 * span of time: a date is a whole day, `03:00` a whole minute. Without a zone all names are taken for the same one.
 */

/** Milliseconds; start-inclusive, end-exclusive. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

const CALENDAR = /(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:[T_. -]?(\d\d)[-_:.h]?(\d\d)(?:[-_:.m]?(\d\d)(?:[.,](\d{1,9}))?)?)?(?:\s*(Z|[+-]\d\d:?\d\d))?(?![0-9])/i;
const EPOCH = /(?<!\d)(1\d{9})(\d{3})?(?!\d)/;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Undefined when the name has no date. */
export function timeInName(name: string): TimeSpan | undefined {
  const calendar = CALENDAR.exec(name);
  const fromCalendar = calendar === null ? undefined : calendarSpan(calendar);
  if (fromCalendar !== undefined) return fromCalendar;
  const epoch = EPOCH.exec(name);
  if (epoch === null) return undefined;
  const start = Number(epoch[1]) * SECOND + Number(epoch[2] ?? 0);
  return { start, end: start + (epoch[2] === undefined ? SECOND : 1) };
}

function calendarSpan(match: RegExpExecArray): TimeSpan | undefined {
  const [, year, , month, day, hour, minute, second, fraction, zone] = match;
  const start = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  const date = new Date(start);
  // Date.UTC carries 31 February over into March: such digits are no date.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day) || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) return undefined;
  const shifted = start - offsetOf(zone) + Math.floor(Number(`0.${fraction ?? 0}`) * SECOND);
  return { start: shifted, end: shifted + (hour === undefined ? DAY : second === undefined ? MINUTE : fraction === undefined ? SECOND : 1) };
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const [, sign, hours, minutes] = /([+-])(\d\d):?(\d\d)/.exec(zone)!;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE;
}

/** The item whose span begins after all others have ended; undefined when two of the latest cannot be told apart. */
export function latest<T>(items: readonly T[], spanOf: (item: T) => TimeSpan): T | undefined {
  const [first, second] = items.toSorted((a, b) => spanOf(b).start - spanOf(a).start || spanOf(b).end - spanOf(a).end);
  if (first === undefined || second === undefined) return first;
  return items.every((item) => item === first || spanOf(item).end <= spanOf(first).start) ? first : undefined;
}
