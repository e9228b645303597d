/** Numbers as people read them. Rows are always exact; bytes and durations are rounded to what matters. */
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function whole(value: number): string {
  return WHOLE.format(value);
}

export function short(value: number): string {
  return SHORT.format(value);
}

export function bytes(value: number): string {
  let amount = value;
  let unit = 0;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${unit === 0 || amount >= 99.5 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 0.095) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return twoUnits(seconds, 60, 'min', 's');
  if (seconds < 86_400) return twoUnits(seconds / 60, 60, 'h', 'min');
  return twoUnits(seconds / 3600, 24, 'd', 'h');
}

// oxlint-disable-next-line max-params -- a number and how it is said
function twoUnits(value: number, size: number, large: string, small: string): string {
  const rounded = Math.round(value);
  const rest = rounded % size;
  return `${Math.floor(rounded / size)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function ago(at: number, now: number = Date.now()): string {
  const seconds = (at - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return seconds <= 0 ? 'just now' : 'in a moment';
  if (size < 2700) return RELATIVE.format(Math.round(seconds / 60), 'minute');
  if (size < 64_800) return RELATIVE.format(Math.round(seconds / 3600), 'hour');
  return RELATIVE.format(Math.round(seconds / 86_400), 'day');
}

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export function moment(at: number): string {
  return MOMENT.format(at);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
