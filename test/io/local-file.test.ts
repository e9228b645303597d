import { appendFile, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/io/byte-source.ts';
import { openFile } from '../../src/io/open-sources.ts';
import { sourceError, targetError } from '../../src/io/system-errors.ts';
import { gather, openDescriptorsIn, rejection, rejectionCode, sampleBytes, temporaryFolder } from './support.ts';

async function fileOf(bytes: Uint8Array, name = 'data.csv'): Promise<ByteSource> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return openFile(path);
}

describe('an uncompressed file', () => {
  test('says what is known of it without reading', async () => {
    const source = await fileOf(Buffer.from('a,b\n'), 'My.Cities.CSV');
    expect(source).toMatchObject({ stem: 'My.Cities', extension: 'csv', compression: 'none', storedBytes: 4, bytes: 4, seekable: true, repeatable: true });
    expect(source.path).toBe(source.name);
    expect(source.fingerprint).toMatch(/^4-\d+$/);
  });

  test('any range in chunks of any size', async () => {
    const bytes = sampleBytes(5000);
    const source = await fileOf(bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(5100), fc.nat(5100), fc.integer({ min: 1, max: 6000 }), async (start, end, chunkBytes) => {
        let largest = 0;
        const counted = async function* (): AsyncGenerator<Uint8Array> {
          for await (const chunk of source.read({ start, end, chunkBytes })) {
            largest = Math.max(largest, chunk.length);
            yield chunk;
          }
        };
        expect(await gather(counted())).toEqual(bytes.subarray(start, Math.max(start, end)));
        expect(largest).toBeLessThanOrEqual(chunkBytes);
      }),
      { numRuns: 60 },
    );
  });

  test('many ranges at the same time do not disturb each other', async () => {
    const bytes = sampleBytes(1_000_000);
    const source = await fileOf(bytes);
    for (let round = 0; round < 2; round++) {
      const starts = Array.from({ length: 10 }, (_, part) => part * 100_000);
      const parts = await Promise.all(starts.map((start) => gather(source.read({ start, end: start + 100_000, chunkBytes: 7_777 }))));
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    }
  });

  test('reuses two buffers', async () => {
    const source = await fileOf(sampleBytes(100_000));
    const memories = new Set<ArrayBufferLike>();
    for await (const chunk of source.read({ chunkBytes: 1000 })) memories.add(chunk.buffer);
    for await (const chunk of source.read({ chunkBytes: 1000 })) memories.add(chunk.buffer);
    expect(memories.size).toBe(2);
  });

  test('a chunk stays as it is until the next pull, although the next one is being read', async () => {
    const bytes = sampleBytes(10_000);
    const source = await fileOf(bytes);
    let at = 0;
    for await (const chunk of source.read({ chunkBytes: 1000 })) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(chunk).toEqual(bytes.subarray(at, at + chunk.length));
      at += chunk.length;
    }
    expect(at).toBe(10_000);
  });

  test('head does not consume, and is cut only by the end', async () => {
    const bytes = sampleBytes(1000);
    const source = await fileOf(bytes);
    expect(await source.head(10)).toEqual(new Uint8Array(bytes.subarray(0, 10)));
    expect(Buffer.from(await source.head(5000)).equals(bytes)).toBe(true);
    expect(await source.head(3)).toEqual(new Uint8Array(bytes.subarray(0, 3)));
    expect(await gather(source.read())).toEqual(bytes);
    await source.close();
    await source.close();
    expect((await source.head(7)).length).toBe(7);
  });

  test('an empty file has no bytes', async () => {
    const source = await fileOf(Buffer.alloc(0));
    expect(source.bytes).toBe(0);
    expect(await gather(source.read())).toHaveLength(0);
    expect(await source.head(100)).toHaveLength(0);
  });

  test.each(['grown', 'cut', 'touched'])('a file that was %s since it was opened has changed', async (how) => {
    const source = await fileOf(sampleBytes(1000));
    if (how === 'grown') await appendFile(source.path!, 'x');
    else if (how === 'cut') await truncate(source.path!, 10);
    else await utimes(source.path!, 1, 1);
    expect(await rejection(gather(source.read()))).toMatchObject({ code: 'SOURCE_CHANGED', at: { file: source.path } });
    expect(await rejectionCode(gather(source.read({ start: 5, end: 6 })))).toBe('SOURCE_CHANGED');
  });

  test.each(['grown', 'cut'])('a file that is %s while it is read has changed', async (how) => {
    const source = await fileOf(sampleBytes(10_000));
    const chunks = source.read({ chunkBytes: 1000 });
    await chunks.next();
    if (how === 'grown') await appendFile(source.path!, 'x');
    else await truncate(source.path!, 2500);
    expect(await rejectionCode(gather(chunks))).toBe('SOURCE_CHANGED');
  });

  test('a file that is gone when it is read', async () => {
    const source = await fileOf(sampleBytes(10));
    await rm(source.path!);
    expect(await rejectionCode(gather(source.read()))).toBe('SOURCE_NOT_FOUND');
  });

  test('holds no descriptor before, after and on leaving early', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.csv');
    await writeFile(path, sampleBytes(10_000));
    const source = await openFile(path);
    expect(await openDescriptorsIn(folder)).toBe(0);
    for await (const chunk of source.read({ chunkBytes: 100 })) if (chunk.length > 0) break;
    expect(await openDescriptorsIn(folder)).toBe(0);
    await gather(source.read());
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test('a cancelled read ends between chunks', async () => {
    const source = await fileOf(sampleBytes(10_000));
    const stop = new AbortController();
    const chunks = source.read({ chunkBytes: 100, signal: stop.signal });
    await chunks.next();
    stop.abort();
    expect(await rejectionCode(gather(chunks))).toBe('CANCELLED');
    expect(await rejectionCode(gather(source.read({ signal: stop.signal })))).toBe('CANCELLED');
  });
});

describe.each([
  ['gzip', gzipSync, '.gz'],
  ['zstd', zstdCompressSync, '.zst'],
] as const)('a %s file', (compression, pack, ending) => {
  const bytes = sampleBytes(700_000);

  test('is recognised by its content with any name, and read more than once', async () => {
    for (const name of [`data.csv${ending}`, 'data.csv', 'data.csv.gz', 'data.csv.zst']) {
      const source = await fileOf(pack(bytes), name);
      expect(source).toMatchObject({ stem: 'data', extension: 'csv', compression, seekable: false, repeatable: true, storedBytes: pack(bytes).length });
      expect(source.bytes).toBeUndefined();
      expect((await gather(source.read())).equals(bytes)).toBe(true);
      expect(source.storedBytesRead).toBe(source.storedBytes);
      expect(Buffer.from(await source.head(100)).equals(bytes.subarray(0, 100))).toBe(true);
      expect((await gather(source.read({ chunkBytes: 1000 }))).equals(bytes)).toBe(true);
    }
  });

  test('a plain file with its ending is read as plain', async () => {
    const source = await fileOf(Buffer.from('a,b\n1,2\n'), `data.csv${ending}`);
    expect(source).toMatchObject({ compression: 'none', extension: 'csv', seekable: true });
    expect((await gather(source.read())).toString()).toBe('a,b\n1,2\n');
  });

  test('cut off: the error names file and place, and the descriptor is closed', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x');
    await writeFile(path, pack(bytes).subarray(0, 200_000));
    const error = await rejection(gather((await openFile(path)).read()));
    expect(error).toMatchObject({ code: 'COMPRESSION_CORRUPT', at: { file: path } });
    expect(error.at.byte).toBeLessThan(bytes.length);
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test('leaving early and cancelling release everything', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x');
    await writeFile(path, pack(bytes));
    const source = await openFile(path);
    for await (const chunk of source.read({ chunkBytes: 10 })) if (chunk.length > 0) break;
    const stop = new AbortController();
    const chunks = source.read({ chunkBytes: 10, signal: stop.signal });
    await chunks.next();
    stop.abort();
    await chunks.return();
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test('a range of it cannot be asked for', async () => {
    const source = await fileOf(pack(bytes));
    expect(() => source.read({ start: 1 })).toThrow(/compressed/);
  });
});

describe('what cannot be opened as a file', () => {
  test('nothing there, a file used as a folder, a folder, a link to nothing, a link in a circle', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'x');
    await mkdir(join(folder, 'sub'));
    await symlink('nowhere', join(folder, 'broken'));
    await symlink('circle', join(folder, 'circle'));
    expect(await rejection(openFile(join(folder, 'none.csv')))).toMatchObject({ code: 'SOURCE_NOT_FOUND', exitCode: 1, at: { file: join(folder, 'none.csv') } });
    expect(await rejectionCode(openFile(join(folder, 'file', 'x.csv')))).toBe('SOURCE_NOT_FOUND');
    expect(await rejectionCode(openFile(join(folder, 'sub')))).toBe('SOURCE_IS_DIRECTORY');
    expect(await rejectionCode(openFile(join(folder, 'broken')))).toBe('SOURCE_NOT_FOUND');
    expect(await rejectionCode(openFile(join(folder, 'circle')))).toBe('SOURCE_UNREADABLE');
    expect(await rejectionCode(openFile(join(folder, 'n'.repeat(300))))).toBe('SOURCE_UNREADABLE');
  });

  test('a link is followed', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'real.csv'), 'x');
    await symlink('real.csv', join(folder, 'linked.csv'));
    expect((await gather((await openFile(join(folder, 'linked.csv'))).read())).toString()).toBe('x');
  });

  test('system errors become coded ones with the system\'s reason', () => {
    const system = (code: string, errno: number): Error => Object.assign(new Error(`${code}: open '/secret'`), { code, errno });
    expect(sourceError(system('EACCES', -13), 'f')).toMatchObject({ code: 'SOURCE_UNREADABLE', facts: { path: 'f', reason: 'permission denied' } });
    expect(sourceError(system('EIO', -5), 'f').message).toBe('Cannot read f: i/o error');
    expect(targetError(system('ENOSPC', -28), 'f').code).toBe('DISK_FULL');
    expect(targetError(system('EDQUOT', -122), 'f').code).toBe('DISK_FULL');
    expect(targetError(system('EROFS', -30), 'f')).toMatchObject({ code: 'TARGET_UNWRITABLE', facts: { reason: 'read-only file system' } });
  });
});
