import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/io/byte-source.ts';
import { byteRangesOf } from '../../src/transfer/byte-ranges.ts';
import { memorySource } from '../helpers/memory-source.ts';

const never = new AbortController().signal;
const content = Buffer.alloc(3_000_000);
for (let i = 0; i < content.length; i++) content[i] = (i * 31 + (i >> 8)) & 0xff;

function counted(seekable: boolean): { source: ByteSource; reads: () => number } {
  let reads = 0;
  const inner = memorySource(content, { seekable });
  return { source: { ...inner, read: (options) => { reads++; return inner.read(options); } }, reads: () => reads };
}

describe.each([['that can be read anywhere', true], ['that is read from its start', false]] as const)('ranges of a source %s', (_, seekable) => {
  it.each([
    ['near each other', Array.from({ length: 400 }, (__, i) => [i * 7000, i * 7000 + 90])],
    ['far from each other', [[5, 15], [1_000_000, 1_000_100], [2_500_000, 2_500_001]]],
    ['one behind the other', Array.from({ length: 300 }, (__, i) => [i * 10_000, (i + 1) * 10_000])],
    ['longer than what is read at once', [[0, 10], [20, 900_000], [900_000, 1_900_000], [1_900_001, 1_900_005]]],
    ['backwards and again', [[2_000_000, 2_000_050], [100, 200], [100, 200], [150, 160], [120, 300], [0, 1]]],
    ['at the end', [[2_999_000, 2_999_500], [2_999_990, 3_000_000]]],
    ['empty', [[10, 10], [11, 11]]],
  ])('are its bytes: %s', async (__, wanted) => {
    const ranges = byteRangesOf(counted(seekable).source, never);
    const found = [];
    for (const [start, end] of wanted) found.push(await ranges.read(start, end));
    await ranges.close();
    // All at the end: memory that is used again would show.
    expect(found.every((bytes, i) => bytes !== undefined && content.subarray(wanted[i][0], wanted[i][1]).equals(bytes))).toBe(true);
  });

  it('are undefined behind its end', async () => {
    const ranges = byteRangesOf(counted(seekable).source, never);
    expect(await ranges.read(2_999_990, 3_000_001)).toBeUndefined();
    expect(Buffer.from((await ranges.read(2_999_999, 3_000_000))!)).toEqual(content.subarray(-1));
    expect(await ranges.read(2_999_999, 3_000_009)).toBeUndefined();
    await ranges.close();
  });
});

it('opens the source once for many that are near each other', async () => {
  const { source, reads } = counted(true);
  const ranges = byteRangesOf(source, never);
  for (let at = 0; at < content.length; at += 5000) await ranges.read(at, at + 80);
  await ranges.close();
  expect(reads()).toBeLessThan(20);
});
