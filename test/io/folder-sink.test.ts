import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openFolderSink, type FolderSink } from '../../src/io/folder-sink.ts';
import { openDescriptorsIn, rejection, rejectionCode, temporaryFolder } from './support.ts';

const PLAIN = { compression: 'none' } as const;
const open = (folder: string, overwrite = false): Promise<FolderSink> => openFolderSink(folder, { overwrite, run: 'r1' });

async function put(sink: FolderSink, name: string, text: string): Promise<void> {
  await (await sink.createFile(name, PLAIN)).write(Buffer.from(text));
}

describe('a folder that is not there', () => {
  test('appears as a whole', async () => {
    const parent = await temporaryFolder();
    const sink = await open(join(parent, 'out'));
    await put(sink, 'a.csv', 'a');
    const packed = await sink.createFile('b.csv.gz', { compression: 'gzip' });
    await packed.write(Buffer.from('b'));
    expect(packed.name).toBe(join(parent, 'out', 'b.csv.gz'));
    expect(await readdir(parent)).toEqual(['.out.sluice-r1.partial']);
    await sink.publish();
    expect(await readdir(parent)).toEqual(['out']);
    expect(await readdir(join(parent, 'out'))).toEqual(['a.csv', 'b.csv.gz']);
    expect(gunzipSync(await readFile(join(parent, 'out', 'b.csv.gz'))).toString()).toBe('b');
    await sink.abort();
    expect(await readdir(parent)).toEqual(['out']);
    expect(await openDescriptorsIn(parent)).toBe(0);
  });

  test('and whose parents are not there, with a slash at the end', async () => {
    const parent = await temporaryFolder();
    const sink = await open(`${join(parent, 'x', 'y', 'out')}/`);
    await put(sink, 'a.csv', 'a');
    await sink.publish();
    expect(await readFile(join(parent, 'x', 'y', 'out', 'a.csv'), 'utf8')).toBe('a');
  });

  test('aborted: nothing is left, also of its parents', async () => {
    const parent = await temporaryFolder();
    const sink = await open(join(parent, 'x', 'y', 'out'));
    await put(sink, 'a.csv', 'a');
    await sink.abort();
    await sink.abort();
    expect(await readdir(parent)).toEqual([]);
    expect(await openDescriptorsIn(parent)).toBe(0);
  });

  test('aborted: a parent that somebody else uses stays', async () => {
    const parent = await temporaryFolder();
    const sink = await open(join(parent, 'x', 'y', 'out'));
    await writeFile(join(parent, 'x', 'other'), '');
    await sink.abort();
    expect(await readdir(join(parent, 'x'))).toEqual(['other']);
  });

  test('that appears meanwhile is left as it is', async () => {
    const parent = await temporaryFolder();
    const sink = await open(join(parent, 'out'));
    await put(sink, 'a.csv', 'a');
    await mkdir(join(parent, 'out'));
    await writeFile(join(parent, 'out', 'other'), 'x');
    expect(await rejectionCode(sink.publish())).toBe('TARGET_EXISTS');
    await sink.abort();
    expect(await readdir(parent)).toEqual(['out']);
    expect(await readdir(join(parent, 'out'))).toEqual(['other']);
  });

  test('what an earlier attempt of the run left is replaced', async () => {
    const parent = await temporaryFolder();
    await mkdir(join(parent, '.out.sluice-r1.partial'));
    await writeFile(join(parent, '.out.sluice-r1.partial', 'old.csv'), 'old');
    const sink = await open(join(parent, 'out'));
    await put(sink, 'a.csv', 'a');
    await sink.publish();
    expect(await readdir(join(parent, 'out'))).toEqual(['a.csv']);
  });
});

describe('a folder that exists', () => {
  test('gets the files when all are complete', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'other'), '');
    const sink = await open(folder);
    await put(sink, 'a.csv', 'a');
    await put(sink, 'b.csv', 'b');
    expect((await readdir(folder)).filter((name) => !name.startsWith('.'))).toEqual(['other']);
    await sink.publish();
    expect(await readdir(folder)).toEqual(['a.csv', 'b.csv', 'other']);
  });

  test('keeps a file of the same name unless it may be replaced', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.csv'), 'old');
    expect(await rejectionCode((await open(folder)).createFile('a.csv', PLAIN))).toBe('TARGET_EXISTS');
    const sink = await open(folder, true);
    await put(sink, 'a.csv', 'new');
    await sink.publish();
    expect(await readFile(join(folder, 'a.csv'), 'utf8')).toBe('new');
  });

  test('a file that cannot be published takes the new ones with it', async () => {
    const folder = await temporaryFolder();
    const sink = await open(folder);
    await put(sink, 'a.csv', 'a');
    await put(sink, 'b.csv', 'b');
    await writeFile(join(folder, 'b.csv'), 'somebody else');
    expect(await rejection(sink.publish())).toMatchObject({ code: 'TARGET_EXISTS', at: { file: join(folder, 'b.csv') } });
    await sink.abort();
    expect(await readdir(folder)).toEqual(['b.csv']);
    expect(await readFile(join(folder, 'b.csv'), 'utf8')).toBe('somebody else');
  });

  test('aborted: it stays, without our files', async () => {
    const folder = await temporaryFolder();
    const sink = await open(folder);
    await put(sink, 'a.csv', 'a');
    await sink.abort();
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a file where the folder should be', async () => {
  const parent = await temporaryFolder();
  await writeFile(join(parent, 'out'), 'x');
  expect(await rejectionCode(open(join(parent, 'out'), true))).toBe('TARGET_UNWRITABLE');
  expect(await rejectionCode(open(join(parent, 'out', 'x')))).toBe('TARGET_UNWRITABLE');
});

test('names that would leave the folder, and names given twice', async () => {
  const parent = await temporaryFolder();
  const sink = await open(join(parent, 'out'));
  for (const name of ['', '.', '..', '../x', 'a/b', 'a\0b']) expect(await rejectionCode(sink.createFile(name, PLAIN))).toBe('TARGET_UNWRITABLE');
  await put(sink, 'a.csv', 'a');
  expect(await rejectionCode(sink.createFile('a.csv', PLAIN))).toBe('TARGET_EXISTS');
  await sink.abort();
  expect(await readdir(parent)).toEqual([]);
});
