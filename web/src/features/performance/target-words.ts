import { bytes, duration, short } from '../../design/quantities.ts';

const TEXTS: Readonly<Record<string, string>> = { seconds: 'time', peakRssBytes: 'memory', rowsPerSecond: 'rows per second', bytesPerSecond: 'bytes per second' };

export function targetText(name: string): string {
  return TEXTS[name] ?? name;
}

export function targetValue(name: string, value: number): string {
  if (name === 'seconds') return duration(value);
  if (name === 'peakRssBytes') return bytes(value);
  return name === 'bytesPerSecond' ? `${bytes(value)}/s` : short(value);
}
