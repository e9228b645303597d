import { chmod, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSink } from '../../src/io/byte-sink.ts';
import { openSink, type OpenSinkOptions } from '../../src/io/open-sink.ts';
import { openDescriptorsIn, rejection, rejectionCode, sampleBytes, temporaryFolder } from './support.ts';

const open = (path: string, options: Partial<OpenSinkOptions> = {}): Promise<ByteSink> => openSink(path, { compression: 'none', overwrite: false, run: 'r1', ...options });

/** Writes from one buffer that is spoilt after every write, as producers do. */
async function writeAll(sink: ByteSink, bytes: Uint8Array, size: number): Promise<void> {
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const count = Math.min(size, bytes.length - at);
    reused.set(bytes.subarray(at, at + count));
    await sink.write(reused.subarray(0, count));
    reused.fill(0xee);
  }
}

describe('a file', () => {
  test('appears under its name when it is published, and not before', async () => {
    const folder = await temporaryFolder();
    const sink = await open(join(folder, 'out.csv'));
    expect(sink.partialPath).toBe(join(folder, '.out.csv.sluice-r1.partial'));
    await sink.write(Buffer.from('a,b\n'));
    await sink.finish();
    expect(sink.bytesWritten).toBe(4);
    expect(await readdir(folder)).toEqual(['.out.csv.sluice-r1.partial']);
    await sink.publish();
    expect(await readdir(folder)).toEqual(['out.csv']);
    expect(await readFile(join(folder, 'out.csv'), 'utf8')).toBe('a,b\n');
    await sink.publish();
    await sink.abort();
    expect(await readdir(folder)).toEqual(['out.csv']);
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test.each(['none', 'gzip', 'zstd'] as const)('%s: writes of any sizes, from memory that is reused', async (compression) => {
    const folder = await temporaryFolder();
    const unpack = { none: (stored: Buffer) => stored, gzip: gunzipSync, zstd: zstdDecompressSync }[compression];
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 1000, 700_000, 1_500_000), fc.integer({ min: 999, max: 1_100_000 }), async (length, size) => {
        const bytes = sampleBytes(length);
        const path = join(folder, `${number++}.bin`);
        const sink = await open(path, { compression });
        await writeAll(sink, bytes, size);
        await sink.publish();
        const stored = await readFile(path);
        expect(sink.bytesWritten).toBe(stored.length);
        expect(unpack(stored).equals(bytes)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test.each([
    ['out.csv.gz', 'gzip'],
    ['out.csv.zst', 'zstd'],
    ['out.csv', 'none'],
  ])('compression by the ending: %s', async (name, expected) => {
    const path = join(await temporaryFolder(), name);
    const sink = await open(path, { compression: 'auto' });
    await sink.write(Buffer.from('text'));
    await sink.publish();
    const stored = await readFile(path);
    const magic = { '1f8b': 'gzip', '28b5': 'zstd' }[stored.toString('hex', 0, 2)] ?? 'none';
    expect(magic).toBe(expected);
  });

  test('levels: more is smaller, one that does not exist is refused and leaves nothing', async () => {
    const folder = await temporaryFolder();
    for (const compression of ['gzip', 'zstd'] as const) {
      const sizes = await Promise.all(
        [1, compression === 'gzip' ? 9 : 19].map(async (level) => {
          const sink = await open(join(folder, `${compression}-${level}`), { compression, level });
          await sink.write(Buffer.from(Array.from({ length: 20_000 }, (_, row) => `${row},${row % 7},name ${row % 100}\n`).join('')));
          await sink.publish();
          return sink.bytesWritten;
        }),
      );
      expect(sizes[1]).toBeLessThan(sizes[0]);
      expect(await rejectionCode(open(join(folder, 'x'), { compression, level: 99 }))).toBe('OPTION_UNSUPPORTED');
    }
    expect((await readdir(folder)).filter((name) => name.includes('x'))).toEqual([]);
  });

  test('zstd with more threads', async () => {
    const path = join(await temporaryFolder(), 'x.zst');
    const sink = await open(path, { compression: 'auto', workers: 2 });
    const bytes = sampleBytes(3_000_000);
    await writeAll(sink, bytes, 100_000);
    await sink.publish();
    expect(zstdDecompressSync(await readFile(path)).equals(bytes)).toBe(true);
  });

  test.each(['none', 'gzip', 'zstd'] as const)('%s: an aborted one leaves nothing, whenever it is aborted', async (compression) => {
    const folder = await temporaryFolder();
    for (const until of ['open', 'write', 'pending', 'finish']) {
      const sink = await open(join(folder, 'x'), { compression });
      if (until === 'write') await writeAll(sink, sampleBytes(2_000_000), 300_000);
      const pending = until === 'pending' ? sink.write(sampleBytes(1_000_000)).catch(() => undefined) : undefined;
      if (until === 'finish') await sink.finish();
      await sink.abort();
      await sink.abort();
      await pending;
      expect(await readdir(folder)).toEqual([]);
      expect(await openDescriptorsIn(folder)).toBe(0);
      expect(await rejectionCode(sink.write(Buffer.from('x')))).toBe('INTERNAL');
    }
  });

  test('a cancelled run writes and publishes nothing more', async () => {
    const folder = await temporaryFolder();
    const stop = new AbortController();
    const sink = await open(join(folder, 'x'), { signal: stop.signal });
    await sink.write(Buffer.from('x'));
    stop.abort();
    expect(await rejectionCode(sink.write(Buffer.from('x')))).toBe('CANCELLED');
    expect(await rejectionCode(sink.publish())).toBe('CANCELLED');
    await sink.abort();
    expect(await readdir(folder)).toEqual([]);
    expect(await rejectionCode(open(join(folder, 'x'), { signal: stop.signal }))).toBe('CANCELLED');
  });

  test('what an earlier attempt of the same run left is replaced', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, '.x.sluice-r1.partial'), 'much older and longer');
    const sink = await open(join(folder, 'x'));
    await sink.write(Buffer.from('new'));
    await sink.publish();
    expect(await readFile(join(folder, 'x'), 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['x']);
  });

  test('a name of the greatest length', async () => {
    const folder = await temporaryFolder();
    const name = 'ä'.repeat(127);
    const sink = await open(join(folder, name));
    await sink.publish();
    expect(await readdir(folder)).toEqual([name]);
  });
});

describe('a target that exists', () => {
  test('is refused at the start', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), 'old');
    expect(await rejection(open(join(folder, 'x')))).toMatchObject({ code: 'TARGET_EXISTS', at: { file: join(folder, 'x') } });
    expect(await readdir(folder)).toEqual(['x']);
  });

  test('is refused when it appears meanwhile, and is left as it is', async () => {
    const folder = await temporaryFolder();
    const sink = await open(join(folder, 'x'));
    await sink.write(Buffer.from('new'));
    await writeFile(join(folder, 'x'), 'somebody else');
    expect(await rejectionCode(sink.publish())).toBe('TARGET_EXISTS');
    await sink.abort();
    expect(await readdir(folder)).toEqual(['x']);
    expect(await readFile(join(folder, 'x'), 'utf8')).toBe('somebody else');
  });

  test('is replaced on request, only when the new one is complete, and keeps its permissions', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x');
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    const failed = await open(path, { overwrite: true, run: 'failed' });
    await failed.write(Buffer.from('half'));
    await failed.abort();
    expect(await readFile(path, 'utf8')).toBe('old');
    const sink = await open(path, { overwrite: true });
    await sink.write(Buffer.from('new'));
    expect(await readFile(path, 'utf8')).toBe('old');
    await sink.publish();
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('through a link the file behind it is replaced', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'x'), 'old');
    await symlink('real/x', join(folder, 'link'));
    expect(await rejectionCode(open(join(folder, 'link')))).toBe('TARGET_EXISTS');
    const sink = await open(join(folder, 'link'), { overwrite: true });
    await sink.write(Buffer.from('new'));
    await sink.publish();
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, 'real', 'x'), 'utf8')).toBe('new');
    expect(await readdir(join(folder, 'real'))).toEqual(['x']);
  });

  test('a link that leads nowhere exists', async () => {
    const folder = await temporaryFolder();
    await symlink('nowhere', join(folder, 'link'));
    expect(await rejectionCode(open(join(folder, 'link')))).toBe('TARGET_EXISTS');
  });
});

describe('a target that cannot be written', () => {
  test('no folder, a file as a folder, a folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    expect(await rejection(open(join(folder, 'none', 'x')))).toMatchObject({ code: 'TARGET_UNWRITABLE', message: expect.stringContaining('folder does not exist') });
    expect(await rejectionCode(open(join(folder, 'file', 'x')))).toBe('TARGET_UNWRITABLE');
    expect(await rejection(open(folder, { overwrite: true }))).toMatchObject({ code: 'TARGET_UNWRITABLE', message: expect.stringContaining('is a folder') });
    expect(await readdir(folder)).toEqual(['file']);
  });

  test.each(['none', 'gzip', 'zstd'] as const)('%s: a full disk is said as that, by write or by finish', async (compression) => {
    for (const length of [10, 5_000_000]) {
      const sink = await open('/dev/full', { compression, overwrite: true });
      const writing = writeAll(sink, sampleBytes(length), 100_000).then(() => sink.finish());
      expect(await rejection(writing)).toMatchObject({ code: 'DISK_FULL', exitCode: 1 });
      await sink.abort();
    }
  });
});

describe('a file that an engine writes by itself', () => {
  test.each(['in place', 'by replacing it'])('%s is finished and published as it is, also with a compressing sink', async (how) => {
    const folder = await temporaryFolder();
    const sink = await open(join(folder, 'x.parquet'), { compression: 'gzip' });
    if (how === 'in place') {
      await writeFile(sink.partialPath!, 'PAR1…');
    } else {
      await writeFile(join(folder, 'tmp'), 'PAR1…');
      await rename(join(folder, 'tmp'), sink.partialPath!);
    }
    await sink.finish();
    expect(sink.bytesWritten).toBe(7);
    await sink.publish();
    expect(await readFile(join(folder, 'x.parquet'), 'utf8')).toBe('PAR1…');
    expect(await readdir(folder)).toEqual(['x.parquet']);
  });

  test('and that is then aborted, is removed', async () => {
    const folder = await temporaryFolder();
    const sink = await open(join(folder, 'x.parquet'));
    await writeFile(sink.partialPath!, 'PAR1…');
    await sink.abort();
    expect(await readdir(folder)).toEqual([]);
  });
});
