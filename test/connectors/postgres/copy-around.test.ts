import fc from 'fast-check';
import { expect, test } from 'vitest';
import { numberedRows, rowsBetween } from '../../../src/connectors/postgres/copy-around.ts';
import { carefulPart } from './ladder.ts';

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let all = '';
  for await (const chunk of chunks) all += Buffer.from(chunk).toString('latin1');
  return all;
}

const lines = fc.array(fc.stringMatching(/^[a-z\t]{0,5}$/).map((line) => `${line}\n`), { maxLength: 12 });

test('any rows of any part, however it is cut', async () => {
  await fc.assert(fc.asyncProperty(lines, fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: 14 }), fc.integer({ min: 1, max: 9 }), async (rows, from, count, chunkBytes) => {
    const part = carefulPart(rows.join(''), [], chunkBytes);
    expect(await text(rowsBetween(part, from, from + count))).toBe(rows.slice(from - 1, from - 1 + count).join(''));
    expect(await text(rowsBetween(part, from, Number.POSITIVE_INFINITY))).toBe(rows.slice(from - 1).join(''));
  }));
});

test('rows with their numbers', async () => {
  await fc.assert(fc.asyncProperty(lines.filter((rows) => rows.length > 0), fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 9 }), async (rows, numbers, chunkBytes) => {
    const wanted = [...new Set([...numbers.take(3)].map((number) => 1 + (number % rows.length)))].toSorted((a, b) => a - b);
    expect(await text(numberedRows(carefulPart(rows.join(''), [], chunkBytes), wanted))).toBe(wanted.map((row) => `${rows[row - 1].slice(0, -1)}\t${row}\n`).join(''));
  }));
});
