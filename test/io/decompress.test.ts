import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { decompress, detectCompression } from '../../src/io/decompress.ts';
import { ZstdFrames } from '../../src/io/zstd-frames.ts';
import { chunksOf, gather, rejection, sampleBytes } from './support.ts';

const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd]);
const checked = (bytes: Uint8Array): Buffer => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const expand = (kind: 'gzip' | 'zstd', stored: Uint8Array, size = 7): Promise<Buffer> => gather(decompress(chunksOf(stored, size), kind, 'x'));

describe('what is compressed is told from the first bytes', () => {
  test.each([
    [[0x1f, 0x8b, 8, 0], 'none', 'gzip'],
    [[0x28, 0xb5, 0x2f, 0xfd], 'none', 'zstd'],
    [[0x5e, 0x2a, 0x4d, 0x18], 'none', 'zstd'],
    [[0x61, 0x2c, 0x62, 0x0a], 'gzip', 'none'],
    [[0x1f, 0x8b, 9, 0], 'gzip', 'none'],
    [[0x1f, 0x8b], 'none', 'gzip'],
    [[0x1f], 'gzip', 'gzip'],
    [[0x1f], 'none', 'none'],
    [[0x28, 0xb5], 'zstd', 'zstd'],
    [[0x28, 0xb6], 'zstd', 'none'],
    [[], 'gzip', 'none'],
  ] as const)('%j named %s is %s', (head, claimed, expected) => {
    expect(detectCompression(Uint8Array.from(head), claimed)).toBe(expected);
  });
});

describe.each(['gzip', 'zstd'] as const)('%s', (kind) => {
  const pack = kind === 'gzip' ? gzipSync : checked;
  const text = Buffer.from('id,name\n1,Zürich\n2,"a ""b"""\n');

  test('wherever the input is cut into chunks', async () => {
    const stored = Buffer.concat([pack(text), pack(text)]);
    for (let size = 1; size <= stored.length; size++) {
      expect(await expand(kind, stored, size)).toEqual(Buffer.concat([text, text]));
    }
  });

  test('data that end too early at any byte are damaged', async () => {
    const stored = Buffer.concat([pack(text), pack(sampleBytes(500))]);
    const first = pack(text).length;
    for (let length = 1; length < stored.length; length++) {
      const result = expand(kind, stored.subarray(0, length), 64);
      if (length === first) expect(await result).toEqual(text);
      else expect(await rejection(result)).toMatchObject({ code: 'COMPRESSION_CORRUPT', at: { file: 'x' }, facts: { source: 'x' } });
    }
  });

  test('a flipped bit is damage or changes nothing, and is never other data', async () => {
    const stored = Buffer.from(pack(sampleBytes(300)));
    for (let bit = 0; bit < stored.length * 8; bit += 5) {
      stored[bit >> 3] ^= 1 << (bit & 7);
      const result = await expand(kind, stored, 1000).catch((error: unknown) => error);
      if (result instanceof SluiceError) expect(result.code).toBe('COMPRESSION_CORRUPT');
      else expect(result).toEqual(sampleBytes(300));
      stored[bit >> 3] ^= 1 << (bit & 7);
    }
  });

  test('bytes that follow and are no compressed data are damage, in the same chunk or a later one', async () => {
    for (const tail of ['a', 'garbage behind the end']) {
      const stored = Buffer.concat([pack(text), Buffer.from(tail)]);
      for (const size of [1, pack(text).length, stored.length]) {
        expect((await rejection(expand(kind, stored, size))).code).toBe('COMPRESSION_CORRUPT');
      }
    }
  });

  test('megabytes come in bounded chunks, byte for byte', async () => {
    const bytes = sampleBytes(3_000_000);
    const stored = Buffer.concat([pack(bytes.subarray(0, 1_234_567)), pack(bytes.subarray(1_234_567))]);
    let largest = 0;
    const copies: Uint8Array[] = [];
    for await (const chunk of decompress(chunksOf(stored, 65_536), kind, 'x')) {
      largest = Math.max(largest, chunk.length);
      copies.push(new Uint8Array(chunk));
    }
    expect(Buffer.concat(copies).equals(bytes)).toBe(true);
    expect(largest).toBeLessThanOrEqual(128 * 1024);
  });

  test('a bomb is expanded no further than it is read', async () => {
    const bomb = pack(Buffer.alloc(200_000_000));
    let taken = 0;
    let input = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of chunksOf(bomb, 1024)) {
        input += chunk.length;
        yield chunk;
      }
    };
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for await (const chunk of decompress(counted(), kind, 'x')) {
      taken += chunk.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      if (taken > 20_000_000) break;
    }
    expect(most).toBeLessThan(4_000_000);
    expect(input).toBeLessThan(bomb.length);
  });

  test('what the input throws is what the reader gets', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield* chunksOf(pack(sampleBytes(1000)).subarray(0, 100), 50);
      throw new SluiceError('SOURCE_CHANGED', { source: 'x' });
    };
    expect((await rejection(gather(decompress(broken(), kind, 'x')))).code).toBe('SOURCE_CHANGED');
  });

  test('leaving early closes the input', async () => {
    let closed = false;
    const input = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) yield* chunksOf(pack(sampleBytes(400_000)), 4096);
      } finally {
        closed = true;
      }
    };
    for await (const chunk of decompress(input(), kind, 'x')) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });

  test('any members in any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 100 }), async (members, size) => {
        const stored = Buffer.concat(members.map((member) => pack(member)));
        expect(await expand(kind, stored, size)).toEqual(Buffer.concat(members));
      }),
      { numRuns: 40 },
    );
  });
});

test('zero bytes after the last gzip member are padding, and nothing may follow them', async () => {
  const stored = Buffer.concat([gzipSync('a'), Buffer.alloc(600)]);
  expect((await expand('gzip', stored, 50)).toString()).toBe('a');
  expect((await expand('gzip', stored, 5000)).toString()).toBe('a');
  for (const size of [1, 50, 5000]) {
    expect((await rejection(expand('gzip', Buffer.concat([stored, gzipSync('b')]), size))).code).toBe('COMPRESSION_CORRUPT');
  }
});

test('skippable zstd frames are passed over, also first, last, empty and cut', async () => {
  const empty = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  const stored = Buffer.concat([SKIPPABLE, checked(Buffer.from('a')), empty, SKIPPABLE, checked(Buffer.from('b')), SKIPPABLE]);
  for (let size = 1; size <= stored.length; size++) expect((await expand('zstd', stored, size)).toString()).toBe('ab');
  for (const cut of [1, 5, 9]) expect((await rejection(expand('zstd', stored.subarray(0, stored.length - cut)))).code).toBe('COMPRESSION_CORRUPT');
});

test('zstd frames of all header forms end where they end', () => {
  const frames = [1, 200, 300, 70_000, 300_000].flatMap((length) =>
    [1, 0].flatMap((flag) => [
      zstdCompressSync(sampleBytes(length), { params: { [constants.ZSTD_c_checksumFlag]: flag } }),
      zstdCompressSync(Buffer.alloc(length), { params: { [constants.ZSTD_c_contentSizeFlag]: flag, [constants.ZSTD_c_windowLog]: 10 } }),
    ]),
  );
  const walker = new ZstdFrames();
  expect([...walker.pieces(Buffer.concat(frames))].map((piece) => Buffer.from(piece))).toEqual(frames);
  expect(() => walker.end()).not.toThrow();
});

test('a zstd frame with a larger window than we give it says so', async () => {
  const stored = zstdCompressSync(sampleBytes(1000), { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  const header = Buffer.from(stored);
  const singleSegment = (header[4] & 0x20) !== 0;
  const windowed = singleSegment
    ? Buffer.concat([header.subarray(0, 4), Buffer.from([header[4] & 0x04, 0xa0]), header.subarray(5 + ([1, 2, 4, 8][header[4] >> 6] ?? 1))])
    : Buffer.concat([header.subarray(0, 5), Buffer.from([0xa0]), header.subarray(6)]);
  expect((await rejection(expand('zstd', windowed, 4096))).message).toContain('128 MiB');
});
