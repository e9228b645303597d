/** The fixtures were written by the lz4 program 1.9.4 from `sampleRows()`, with the options that the table names. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompressLz4 } from '../../src/io/lz4-frames.ts';
import { XxHash32 } from '../../src/io/xxhash32.ts';
import { CompressedDataError } from '../../src/io/zstd-frames.ts';
import { hasPrograms } from '../helpers/programs.ts';
import { storedFrame } from './lz4-stored-frame.ts';
import { chunksOf, gather } from './support.ts';

const FIXTURES: readonly (readonly [name: string, options: string])[] = [
  ['linked-blocks', '-9 -B4 -BD --no-frame-crc'], // as pg_dump has them
  ['checksums', '-9 -B4 -BD -BX --content-size'],
  ['one-block', '-9'],
  ['independent-blocks', '-1 -B5 -BI'],
];

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/lz4', `${name}.lz4`));
const expand = (stored: Uint8Array, size = 65_536): Promise<Buffer> => gather(decompressLz4(chunksOf(stored, size)));

function sampleRows(): Buffer {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) >>> 16;
  const rows: string[] = [];
  for (let row = 0; row < 6000; row++) rows.push(`${row}\tcity ${next() % 50}\t${row % 300 === 0 ? 'x'.repeat(400) : next() % 7 === 0 ? '\\N' : 'a common note'}\n`);
  return Buffer.from(rows.join(''));
}

describe('XXH32', () => {
  test.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ])('of %j', (text, hash) => {
    expect(new XxHash32().update(Buffer.from(text)).digest()).toBe(hash);
  });

  test('whatever the pieces', () => {
    const bytes = sampleRows().subarray(0, 300);
    const whole = new XxHash32().update(bytes).digest();
    fc.assert(fc.property(fc.array(fc.nat(300), { maxLength: 6 }), (cuts) => {
      const hash = new XxHash32(), at = [0, ...cuts.toSorted((a, b) => a - b), 300];
      for (let index = 1; index < at.length; index++) hash.update(bytes.subarray(at[index - 1], at[index]));
      expect(hash.digest()).toBe(whole);
    }));
  });
});

describe('LZ4 frames', () => {
  test.each(FIXTURES)('%s (%s) are what the program has compressed', async (name) => {
    const stored = fixture(name);
    for (const size of [1, 13, 4096, stored.length]) expect((await expand(stored, size)).equals(sampleRows())).toBe(true);
  });

  test('follow one another, also with skippable ones between them', async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const stored = Buffer.concat([fixture('linked-blocks'), skippable, fixture('one-block'), storedFrame(Buffer.from('end')), skippable]);
    expect((await expand(stored)).equals(Buffer.concat([sampleRows(), sampleRows(), Buffer.from('end')]))).toBe(true);
  });

  test('may be empty, and nothing is no frame', async () => {
    expect(await expand(storedFrame(Buffer.alloc(0)))).toHaveLength(0);
    expect(await expand(Buffer.alloc(0))).toHaveLength(0);
  });

  test('have stored blocks where nothing can be gained', async () => {
    const content = Buffer.from(Array.from({ length: 150_000 }, (_, at) => (at * 7919) >>> 3));
    expect((await expand(storedFrame(content), 1000)).equals(content)).toBe(true);
  });

  test('that end too early at any byte are damaged', async () => {
    const stored = storedFrame(Buffer.from('some rows\n'.repeat(20)));
    for (let length = 1; length < stored.length; length++) await expect(expand(stored.subarray(0, length))).rejects.toThrow(CompressedDataError);
    const linked = fixture('linked-blocks');
    for (let length = 1; length < linked.length; length += 97) await expect(expand(linked.subarray(0, length))).rejects.toThrow(CompressedDataError);
  });

  test('flipped bits under checksums is damage', async () => {
    const stored = fixture('checksums'), content = sampleRows();
    for (let bit = 0; bit < stored.length * 8; bit += 3001) {
      stored[bit >> 3] ^= 1 << (bit & 7);
      const result = await expand(stored).catch((error: unknown) => error);
      expect(result instanceof CompressedDataError || (result as Buffer).equals(content)).toBe(true);
      stored[bit >> 3] ^= 1 << (bit & 7);
    }
  });

  test('any bytes behind a valid head are content or damage', async () => {
    const head = fixture('linked-blocks').subarray(0, 7);
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const block = Buffer.concat([Buffer.from([bytes.length, 0, 0, 0]), bytes]);
      const result = await expand(Buffer.concat([head, block, Buffer.alloc(4)])).catch((error: unknown) => error);
      expect(Buffer.isBuffer(result) || result instanceof CompressedDataError).toBe(true);
    }), { numRuns: 500 });
  });

  test('what the installed program compresses, whatever it is', async ({ skip }) => {
    skip(!hasPrograms('lz4'), 'lz4 is not installed');
    const content = fc.array(fc.tuple(fc.constantFrom('aaaa', 'tuple\t', 'x', 'a longer piece of text that comes again\n'), fc.nat(3000)), { minLength: 1, maxLength: 40 })
      .map((runs) => Buffer.concat(runs.map(([text, times]) => Buffer.from(`${times}${text.repeat(times)}`))));
    const options = fc.subarray(['-9', '-B4', '-BD', '-BX', '--content-size', '--no-frame-crc']);
    await fc.assert(fc.asyncProperty(content, options, async (bytes, chosen) => {
      const stored = execFileSync('lz4', ['-q', '-c', ...chosen], { input: bytes, maxBuffer: 1 << 28 });
      expect((await expand(stored)).equals(bytes)).toBe(true);
    }), { numRuns: 30 });
  });
});
