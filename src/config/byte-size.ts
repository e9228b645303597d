import { SluiceError } from '../errors/sluice-error.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1, b: 1,
  k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, t: 1e12, tb: 1e12,
  kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40,
};

/**
 * A size as people write it: `8388608`, `8MB` (decimal, 8,000,000 bytes), `16MiB` (binary), `1.5 GB`; case does not matter.
 * @param where the option or setting, for the message
 * @throws SluiceError USAGE when it is not a size of at least one byte
 */
export function parseByteSize(text: string, where: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : unitOf(match[2]);
  const bytes = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new SluiceError('USAGE', { what: `${where}: "${text}" is not a size such as 500000, 8MB or 16MiB` });
  }
  return bytes;
}

function unitOf(name: string): number | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(UNITS, key) ? UNITS[key] : undefined;
}
