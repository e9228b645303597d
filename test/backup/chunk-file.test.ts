import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkDamage, decodeChunk, encodeChunk } from '../../src/backup/repository/chunk-file.ts';
import { decodeFloatPlanes, encodeFloatPlanes } from '../../src/backup/repository/float-planes.ts';
import { hasPrograms } from '../helpers/programs.ts';
import { binaryStream, copyRows, realArray, vector, type Field } from './copy-streams.ts';

const FILTER = { kind: 'float-planes', arrays: [0, 2], vectors: [1] } as const;

async function encoded(content: Uint8Array, filter: typeof FILTER | undefined): Promise<Buffer> {
  return Buffer.concat(await encodeChunk(content, 1, filter));
}

const noise = (index: number): number => Math.fround(Math.sin(index * 12.9898) * 0.05);
const embeddings = (rows: number, width: number): Buffer => {
  const all = Array.from({ length: rows * width }, (_, i) => noise(i));
  return binaryStream(Array.from({ length: rows }, (_, row) => [realArray(all.slice(row * width, (row + 1) * width))]));
};

describe('chunk files', () => {
  it('give back any content', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (content) => {
      expect(await decodeChunk(await encoded(content, undefined))).toEqual(Buffer.from(content));
    }));
  });

  it('show every flipped bit and every cut', async () => {
    const content = Buffer.from('1\tone\n2\ttwo\n3\tthree\n'.repeat(5));
    for (const [original, filter] of [[content, undefined], [embeddings(1, 20), FILTER]] as const) {
      const file = await encoded(original, filter);
      for (let at = 0; at < file.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = Buffer.from(file);
          damaged[at] ^= 1 << bit;
          await expect(decodeChunk(damaged), `bit ${bit} of byte ${at}`).rejects.toBeInstanceOf(ChunkDamage);
        }
        await expect(decodeChunk(file.subarray(0, at)), `cut at byte ${at}`).rejects.toBeInstanceOf(ChunkDamage);
      }
      await expect(decodeChunk(Buffer.concat([file, Buffer.alloc(1)]))).rejects.toBeInstanceOf(ChunkDamage);
      expect((await decodeChunk(file)).equals(original)).toBe(true);
    }
  });

  it('are decompressed by zstd alone', async ({ skip }) => {
    skip(!hasPrograms('zstd'), 'zstd is not installed');
    const content = Buffer.from('hello\n'.repeat(1000));
    const { stdout, status } = spawnSync('zstd', ['-dc'], { input: await encoded(content, undefined) });
    expect(status).toBe(0);
    expect(stdout.equals(content)).toBe(true);
  });
});

describe('float planes', () => {
  const float = fc.float({ noNaN: true });
  const field: fc.Arbitrary<Field> = fc.oneof(
    fc.array(fc.option(float, { freq: 40 }), { maxLength: 60 }).map(realArray),
    fc.array(float, { maxLength: 60 }).map(vector),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(null),
  );

  it('give back any stream, whatever is in the columns', () => {
    fc.assert(fc.property(fc.oneof(fc.array(fc.array(field, { minLength: 3, maxLength: 3 }), { maxLength: 6 }), copyRows()), (rows) => {
      const stream = binaryStream(rows);
      const filtered = encodeFloatPlanes(stream, FILTER);
      expect(filtered === undefined || decodeFloatPlanes(Buffer.from(filtered), stream.length)!.equals(stream)).toBe(true);
    }), { numRuns: 500 });
    const stream = binaryStream([[realArray([...Array.from({ length: 16 }, (_, i) => i), null, 1]), vector(Array.from({ length: 16 }, (_, i) => -i)), Buffer.from('x')]]);
    expect(decodeFloatPlanes(Buffer.from(encodeFloatPlanes(stream, FILTER)!), stream.length)!.equals(stream)).toBe(true);
  });

  it('give back any piece of a stream, and any bytes', () => {
    const stream = Buffer.concat([embeddings(3, 40), Buffer.alloc(7), binaryStream([[realArray([1, 2, 3]), vector(Array.from({ length: 20 }, (_, i) => i))]])]);
    fc.assert(fc.property(fc.nat(stream.length), fc.nat(stream.length), fc.uint8Array({ maxLength: 60 }), (a, b, bytes) => {
      for (const content of [stream.subarray(Math.min(a, b), Math.max(a, b)), stream.subarray(0, a), bytes]) {
        const filtered = encodeFloatPlanes(content, FILTER);
        expect(filtered === undefined || decodeFloatPlanes(Buffer.from(filtered), content.length)!.equals(content)).toBe(true);
      }
    }), { numRuns: 500 });
    expect(encodeFloatPlanes(stream.subarray(500, 1500), FILTER)!.length).toBeLessThan(800);
    expect(encodeFloatPlanes(Buffer.from('1\tone\n'), FILTER)).toBeUndefined();
  });

  it('find vectors in a piece of a stream without its beginning, and whatever may look like one', () => {
    const columns = { arrays: [], vectors: [1] };
    const halves = (values: readonly number[]): Field => Buffer.concat([Buffer.from([0, values.length, 0, 0]), ...values.map((value) => Buffer.from([0x2c, value]))]);
    const stream = binaryStream([1, 2, 3].map((row) => [Buffer.from(`row ${row}`), row < 3 ? vector(Array.from({ length: 100 }, (_, i) => noise(row * i))) : halves(Array.from({ length: 101 }, (_, i) => i))]));
    fc.assert(fc.property(fc.nat(stream.length), fc.nat(stream.length), (a, b) => {
      const content = stream.subarray(Math.min(a, b), Math.max(a, b));
      const filtered = encodeFloatPlanes(content, columns);
      expect(filtered === undefined || decodeFloatPlanes(Buffer.from(filtered), content.length)!.equals(content)).toBe(true);
    }), { numRuns: 500 });
    // Whole but for what was cut: the second vector, and the numbers of the third by twos.
    expect(Buffer.from(encodeFloatPlanes(stream.subarray(100), columns)!).readUInt32LE(8)).toBe(150);
  });

  it('never fail on bytes that they have not made', () => {
    const filtered = Buffer.from(encodeFloatPlanes(embeddings(2, 20), FILTER)!);
    fc.assert(fc.property(fc.nat(filtered.length - 1), fc.nat(255), fc.nat(1000), (at, byte, length) => {
      const damaged = Buffer.from(filtered);
      damaged[at] = byte;
      const content = decodeFloatPlanes(damaged, length);
      expect(content === undefined || content.length === length).toBe(true);
    }));
  });

  it('make embeddings smaller than zstd does alone, and half of the binary form', async () => {
    const stream = embeddings(100, 768);
    const plain = zstdCompressSync(stream).length, filtered = (await encoded(stream, FILTER)).length;
    expect(filtered).toBeLessThan(plain * 0.9);
    expect(filtered).toBeLessThan(stream.length * 0.46);
    expect(hash('sha256', await decodeChunk(await encoded(stream, FILTER)))).toBe(hash('sha256', stream));
  });
});
