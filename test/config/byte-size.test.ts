import { describe, expect, it } from 'vitest';
import { parseByteSize } from '../../src/config/byte-size.ts';

describe('parseByteSize', () => {
  it.each([
    ['1', 1], ['500000', 500_000], ['8MB', 8_000_000], ['8MiB', 8_388_608], ['8mib', 8_388_608], ['1.5 GB', 1_500_000_000],
    ['16KiB', 16_384], ['2k', 2_000], ['10 b', 10], ['1TiB', 2 ** 40],
  ])('reads %s', (text, bytes) => {
    expect(parseByteSize(text, '--part-size')).toBe(bytes);
  });

  it.each(['', '0', '-1', 'MB', '8XB', '8MBs', '1e6', '8 M B', '0.1', '9999999TB', 'constructor', '1constructor'])('refuses %j and names the option', (text) => {
    expect(() => parseByteSize(text, '--part-size')).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--part-size') }));
  });
});
