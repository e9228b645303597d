import { expect, it } from 'vitest';
import { PartBuffers, rowParts } from '../../../src/backup/restore/row-parts.ts';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    // The memory of a piece is used again for the next.
    const count = bytes.copy(memory, 0, at, Math.min(bytes.length, at + size));
    yield memory.subarray(0, count);
  }
}

it('rows of any length come whole, once, in parts that are the same each time', async () => {
  const line = (length: number, mark: string): string => `${mark.repeat(length)}\n`;
  const text = [line(10, 'a'), line(3_000_000, 'b'), line(0, ''), line(5_000_000, 'c'), ...Array.from({ length: 3000 }, (_, i) => line(1000, String(i % 10))), line(2_097_152, 'd'), line(1, 'e')].join('');
  const buffers = new PartBuffers();
  let before: readonly number[] | undefined;
  for (const size of [70_000, 131_072, 2_097_152]) {
    const found: Buffer[] = [], rows: number[] = [];
    for await (const part of rowParts(() => pieces(Buffer.from(text), size), buffers, new AbortController().signal)) {
      const bytes: Buffer[] = [];
      for await (const chunk of part.chunks) bytes.push(Buffer.from(chunk));
      await part.skip?.();
      expect(part.index).toBe(found.length);
      found.push(Buffer.concat(bytes));
      rows.push(part.counts().rows);
      expect(part.counts().bytes).toBe(found.at(-1)!.length);
      expect(found.at(-1)!.at(-1)).toBe(0x0a);
    }
    expect(Buffer.concat(found).equals(Buffer.from(text))).toBe(true);
    expect(rows.reduce((sum, count) => sum + count)).toBe(3006);
    const lengths = found.map(({ length }) => length);
    expect(lengths).toEqual(before ?? lengths);
    before = lengths;
  }
});

it('what is passed over leaves the rest in its place', async () => {
  const text = Buffer.from(`${'x'.repeat(2_500_000)}\n${'y'.repeat(100)}\n`);
  const found: string[] = [];
  for await (const part of rowParts(() => pieces(text, 100_000), new PartBuffers(), new AbortController().signal)) {
    if (part.index === 0) await part.skip!();
    else for await (const chunk of part.chunks) found.push(Buffer.from(chunk).toString());
  }
  expect(found).toEqual([`${'y'.repeat(100)}\n`]);
});
