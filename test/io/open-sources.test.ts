import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openFile, openSources } from '../../src/io/open-sources.ts';
import { gather, openDescriptorsIn, rejection, rejectionCode, sampleBytes, temporaryFolder } from './support.ts';

const run = promisify(execFile);

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

describe('folders', () => {
  test('the files with a known ending, by name; others are named, hidden ones and subfolders are not', async () => {
    const folder = await folderOf({ 'b.csv': '', 'a.json.gz': '', 'B.SQL': '', 'notes.md': '', 'all.zip': '', README: '', '.x.csv': '', 'sub/c.csv': '', 'd.csv/e.csv': '' });
    const [group] = await openSources([folder]);
    expect(group).toMatchObject({ location: folder, origin: 'folder', leftOut: ['README', 'all.zip', 'notes.md'] });
    expect(group.sources.map(({ stem, extension }) => `${stem} ${extension}`)).toEqual(['B sql', 'a json', 'b csv']);
  });

  test('nothing that can be imported', async () => {
    expect(await rejection(openSources([await folderOf({ 'notes.md': '' })]))).toMatchObject({ code: 'NO_FILES' });
    expect(await rejectionCode(openSources([await temporaryFolder()]))).toBe('NO_FILES');
  });

  test('a link with a known ending that leads nowhere is not passed over', async () => {
    const folder = await folderOf({ 'a.csv': '' });
    await symlink('nowhere', join(folder, 'b.csv'));
    expect(await rejection(openSources([folder]))).toMatchObject({ code: 'SOURCE_NOT_FOUND', at: { file: join(folder, 'b.csv') } });
  });

  test('other endings on request', async () => {
    const [group] = await openSources([await folderOf({ 'a.csv': '', 'b.dat': '' })], { extensions: ['dat'] });
    expect(group.sources.map(({ stem }) => stem)).toEqual(['b']);
    expect(group.leftOut).toEqual(['a.csv']);
  });

  test('a folder of many files holds none of them open', async () => {
    const folder = await folderOf(Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`${number}.csv`, 'x'])));
    const [group] = await openSources([folder]);
    expect(group.sources).toHaveLength(300);
    expect(await openDescriptorsIn(folder)).toBe(0);
  });
});

describe('globs', () => {
  test.each([
    ['*.csv', ['a.csv', 'b.csv']],
    ['?.csv', ['a.csv', 'b.csv']],
    ['[a]*', ['a.csv']],
    ['{a,c}.*', ['a.csv', 'c.json']],
    ['**/*.csv', ['a.csv', 'b.csv', 'sub/d.csv']],
  ])('%s', async (pattern, expected) => {
    const folder = await folderOf({ 'a.csv': '', 'b.csv': '', 'c.json': '', '.h.csv': '', 'sub/d.csv': '' });
    const [group] = await openSources([join(folder, pattern)]);
    expect(group.origin).toBe('glob');
    expect(group.sources.map(({ path }) => path)).toEqual(expected.map((name) => join(folder, name)));
  });

  test('an existing file is taken literally', async () => {
    const folder = await folderOf({ '[a].csv': 'literal', 'a.csv': 'other', 'x{1,2}*?.csv': 'literal too' });
    const groups = await openSources([join(folder, '[a].csv'), join(folder, 'x{1,2}*?.csv')]);
    expect(groups.map(({ origin }) => origin)).toEqual(['file', 'file']);
    expect((await gather(groups[0].sources[0].read())).toString()).toBe('literal');
  });

  test('nothing matches, or only folders do', async () => {
    const folder = await folderOf({ 'sub/d.csv': '' });
    expect(await rejection(openSources([join(folder, '*.csv')]))).toMatchObject({ code: 'SOURCE_NOT_FOUND', hint: expect.stringContaining('glob') });
    expect(await rejectionCode(openSources([join(folder, 's*')]))).toBe('SOURCE_NOT_FOUND');
  });
});

describe('locations', () => {
  test('come back in the order given', async () => {
    const folder = await folderOf({ 'b.csv': 'b', 'a.csv': 'a' });
    const groups = await openSources([join(folder, 'b.csv'), '-', join(folder, 'a.csv'), folder], { stdin: Readable.from([Buffer.from('s')]) });
    expect(groups.map(({ origin, sources }) => [origin, sources.length])).toEqual([['file', 1], ['stdin', 1], ['file', 1], ['folder', 2]]);
  });

  test('a missing one among several', async () => {
    const folder = await folderOf({ 'a.csv': 'a' });
    expect(await rejectionCode(openSources([join(folder, 'a.csv'), join(folder, 'none.csv')]))).toBe('SOURCE_NOT_FOUND');
  });

  test('file URLs are paths, other schemes are refused without their secrets', async () => {
    const folder = await folderOf({ 'a b.csv': 'a' });
    const [group] = await openSources([`file://${folder}/a%20b.csv`]);
    expect(group.sources[0].path).toBe(join(folder, 'a b.csv'));
    const error = await rejection(openSources(['ftp://user:secret@host/x.csv']));
    expect(error.code).toBe('OPTION_UNSUPPORTED');
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('standard input twice', async () => {
    expect(await rejectionCode(openSources(['-', 'x', '-']))).toBe('USAGE');
  });

  test('cancelled before', async () => {
    expect(await rejectionCode(openSources(['x'], { signal: AbortSignal.abort() }))).toBe('CANCELLED');
  });
});

describe('a stream in place of standard input', () => {
  const bytes = sampleBytes(300_000);
  const open = async (stored: Uint8Array, size: number, signal?: AbortSignal): Promise<Awaited<ReturnType<typeof openFile>>> => {
    const pieces = Array.from({ length: Math.ceil(stored.length / size) }, (_, at) => Buffer.from(stored.subarray(at * size, (at + 1) * size)));
    const [group] = await openSources(['-'], { stdin: Readable.from(pieces), ...(signal === undefined ? {} : { signal }) });
    return group.sources[0];
  };

  test.each([
    ['none', (stored: Buffer) => stored],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('%s: heads are kept for the one read', async (compression, pack) => {
    const source = await open(pack(bytes), 1000);
    expect(source).toMatchObject({ name: 'stdin', stem: 'stdin', extension: '', compression, seekable: false, repeatable: false });
    expect(source.path).toBeUndefined();
    for (const size of [0, 5, 100_000, 10]) expect(Buffer.from(await source.head(size)).equals(bytes.subarray(0, size))).toBe(true);
    expect((await gather(source.read({ chunkBytes: 999 }))).equals(bytes)).toBe(true);
    expect(source.storedBytesRead).toBe(pack(bytes).length);
    expect(() => source.read()).toThrow(/twice/);
    await source.close();
  });

  test('shorter than its head, empty, a byte at a time', async () => {
    const short = await open(Buffer.from('ab'), 1);
    expect(Buffer.from(await short.head(100)).toString()).toBe('ab');
    expect((await gather(short.read())).toString()).toBe('ab');
    const empty = await open(Buffer.alloc(0), 1);
    expect(await empty.head(4)).toHaveLength(0);
    expect(await gather(empty.read())).toHaveLength(0);
    const slow = await open(gzipSync('slowly'), 1);
    expect((await gather(slow.read())).toString()).toBe('slowly');
  });

  test('what a head returned is not overwritten by reading on', async () => {
    const source = await open(bytes, 777);
    const head = await source.head(5000);
    await gather(source.read());
    expect(Buffer.from(head).equals(bytes.subarray(0, 5000))).toBe(true);
  });

  test('cancelling ends a read that waits', async () => {
    const stop = new AbortController();
    const endless = new Readable({ read: () => undefined });
    endless.push('some bytes');
    const [group] = await openSources(['-'], { stdin: endless, signal: stop.signal });
    const reading = gather(group.sources[0].read());
    setTimeout(() => stop.abort(), 10);
    expect(await rejectionCode(reading)).toBe('CANCELLED');
    expect(endless.destroyed).toBe(true);
  });

  test('cancelling ends the wait for the first bytes, also of a compressed stream', async () => {
    for (const first of [Buffer.alloc(0), gzipSync(bytes).subarray(0, 50)]) {
      const stop = new AbortController();
      const endless = new Readable({ read: () => undefined });
      endless.push(first);
      setTimeout(() => stop.abort(), 10);
      const opened = openSources(['-'], { stdin: endless, signal: stop.signal }).then(([group]) => group.sources[0].head(1_000_000));
      expect(await rejectionCode(opened)).toBe('CANCELLED');
    }
  });

  test.each([
    ['plain', bytes],
    ['gzip', gzipSync(bytes).subarray(0, 50_000)],
    ['zstd', zstdCompressSync(bytes).subarray(0, 140_000)],
  ])('leaving early does not wait for a %s stream that has stopped', async (_, stored) => {
    const endless = new Readable({ read: () => undefined });
    endless.push(stored);
    const [group] = await openSources(['-'], { stdin: endless });
    for await (const chunk of group.sources[0].read({ chunkBytes: 100 })) if (chunk.length > 0) break;
    expect(endless.destroyed).toBe(true);
  });

  test.each([bytes, gzipSync(bytes)])('closing while it is read is an error for the reader and never an end', async (stored) => {
    const stdin = Readable.from(Array.from({ length: 50 }, (_, at) => Buffer.from(stored.subarray(at * 8000, (at + 1) * 8000))));
    const [group] = await openSources(['-'], { stdin });
    const chunks = group.sources[0].read({ chunkBytes: 1000 });
    await chunks.next();
    await group.sources[0].close();
    expect(await rejectionCode(gather(chunks))).toBe('CANCELLED');
  });

  test('a read that never began is released by close', async () => {
    const endless = new Readable({ read: () => undefined });
    endless.push('some bytes');
    const [group] = await openSources(['-'], { stdin: endless });
    group.sources[0].read();
    await group.sources[0].close();
    expect(endless.destroyed).toBe(true);
  });

  test('closing without reading ends the stream', async () => {
    const endless = new Readable({ read: () => undefined });
    endless.push(gzipSync(bytes).subarray(0, 5000));
    const [group] = await openSources(['-'], { stdin: endless });
    await group.sources[0].close();
    await group.sources[0].close();
    expect(endless.destroyed).toBe(true);
  });
});

describe('files that are not regular', () => {
  async function pipeIn(folder: string): Promise<string> {
    const path = join(folder, 'pipe.csv.gz');
    await run('mkfifo', [path]);
    return path;
  }

  test('a named pipe is read to its end, compressed or not, and is never a seekable source', async () => {
    const bytes = sampleBytes(500_000);
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'plain'), bytes);
    await writeFile(join(folder, 'packed'), gzipSync(bytes));
    const pipe = await pipeIn(folder);
    for (const [name, compression] of [['plain', 'none'], ['packed', 'gzip']] as const) {
      const writer = run('sh', ['-c', 'exec cat "$1" > "$2"', 'sh', join(folder, name), pipe]);
      const source = await openFile(pipe);
      expect(source).toMatchObject({ stem: 'pipe', extension: 'csv', compression, seekable: false, repeatable: false });
      expect((await source.head(10)).length).toBe(10);
      expect((await gather(source.read())).equals(bytes)).toBe(true);
      await writer;
    }
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test('a pipe whose writer never comes can be cancelled', async () => {
    const folder = await temporaryFolder();
    const pipe = await pipeIn(folder);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    expect(await rejectionCode(openFile(pipe, stop.signal))).toBe('CANCELLED');
    expect(await openDescriptorsIn(folder)).toBe(0);
  });

  test('a slow writer and a slow reader lose nothing', async () => {
    const pipe = await pipeIn(await temporaryFolder());
    const writer = spawn('sh', ['-c', 'for i in 1 2 3 4 5; do echo line $i; sleep 0.02; done > "$1"', 'sh', pipe]);
    const source = await openFile(pipe);
    let text = '';
    for await (const chunk of source.read({ chunkBytes: 4 })) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      text += Buffer.from(chunk).toString();
    }
    expect(text).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    writer.kill();
  });

  test('/dev/null is empty, a file without a size is read to its end', async () => {
    expect(await gather((await openFile('/dev/null')).read())).toHaveLength(0);
    const source = await openFile('/proc/self/status');
    expect(source.seekable).toBe(false);
    expect((await gather(source.read())).toString()).toMatch(/^Name:[^]*VmRSS:/);
  });
});

describe('the standard input of a process', () => {
  const script = `
    import { openSources } from ${JSON.stringify(new URL('../../src/io/open-sources.ts', import.meta.url).href)};
    const [{ sources: [source] }] = await openSources([process.argv[1]]);
    const hash = (await import('node:crypto')).createHash('sha256');
    const head = await source.head(3);
    let bytes = 0;
    for await (const chunk of source.read()) { bytes += chunk.length; hash.update(chunk); }
    console.log(JSON.stringify({ stem: source.stem, compression: source.compression, head: Buffer.from(head).toString('latin1'), bytes, hash: hash.digest('hex') }));`;

  test.each([
    ['a pipe', 'cat "$file" | "$node" --input-type=module -e "$script" -- -', 'none'],
    ['a pipe that was looked at before', 'cat "$file" | "$node" --input-type=module -e "process.stdin.isTTY; $script" -- -', 'none'],
    ['a compressed pipe', 'gzip -1 < "$file" | "$node" --input-type=module -e "$script" -- -', 'gzip'],
    ['a file', '"$node" --input-type=module -e "$script" -- - < "$file"', 'none'],
    ['a file from its second line on', '{ read -r first; "$node" --input-type=module -e "$script" -- -; } < "$file"', 'none'],
    ['/dev/stdin', 'cat "$file" | "$node" --input-type=module -e "$script" -- /dev/stdin', 'none'],
    ['a descriptor', 'cat "$file" | "$node" --input-type=module -e "$script" -- /dev/fd/7 7<&0 </dev/null', 'none'],
    ['a descriptor whose writer has left', 'printf abc | { sleep 0.1; "$node" --input-type=module -e "$script" -- /dev/fd/7 7<&0 </dev/null; }', 'none'],
    ['nothing', '"$node" --input-type=module -e "$script" -- - < /dev/null', 'none'],
  ])('%s', async (name, command, compression) => {
    const folder = await temporaryFolder();
    const file = join(folder, 'data');
    const rest = sampleBytes(400_000);
    await writeFile(file, Buffer.concat([Buffer.from('first\n'), rest]));
    const env = { ...process.env, node: process.execPath, script, file };
    const { stdout } = await run('sh', ['-c', command], { env });
    const expected = { nothing: Buffer.alloc(0), 'a file from its second line on': rest, 'a descriptor whose writer has left': Buffer.from('abc') }[name] ?? Buffer.concat([Buffer.from('first\n'), rest]);
    const { createHash } = await import('node:crypto');
    expect(JSON.parse(stdout)).toEqual({
      stem: 'stdin',
      compression,
      head: expected.subarray(0, 3).toString('latin1'),
      bytes: expected.length,
      hash: createHash('sha256').update(expected).digest('hex'),
    });
    expect(await readdir(folder)).toEqual(['data']);
  });
});
