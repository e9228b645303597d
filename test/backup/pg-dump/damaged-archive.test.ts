/** Archives may come from anywhere: whatever is in them, the reader ends with a coded error or with what they say, without much memory and without leaving their folder. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CustomArchive } from '../../../src/backup/pg-dump/custom-archive.ts';
import type { DumpArchive } from '../../../src/backup/pg-dump/dump-archive.ts';
import { openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { contentEntry, SMALL } from './small-archive.ts';
import { bytesOf, dataOf, entryOf, everythingOf, NEVER } from './support.ts';
import { MemoryFile, USUAL_FORM, writeCustom, writeDirectory, type ContentEntry, type Form } from './write-archive.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-damaged-'));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
});

afterAll(() => rm(root, { recursive: true }));

const open = (bytes: Buffer): Promise<DumpArchive> => CustomArchive.open(new MemoryFile(bytes));
const failure = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'no error', (error: unknown) => error);

/** Everything that it gives, or the coded error that it ends with; any other error is a defect. */
async function outcome(opening: Promise<DumpArchive>): Promise<string[] | SluiceError> {
  try {
    const archive = await opening;
    try {
      return await everythingOf(archive);
    } finally {
      await archive.close();
    }
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
}

describe.each<Partial<Form>>([{}, { offsetsKnown: false }, { compression: 'none', chunkBytes: 9 }, { compression: 'lz4', minor: 15 }, { compression: 'zstd', minor: 16, offsetsKnown: false }])('a custom archive %j', (form) => {
  const whole = writeCustom(SMALL, { ...USUAL_FORM, ...form });

  it('that is cut off is damaged, wherever', async () => {
    expect(await outcome(open(whole))).toHaveLength(14);
    for (let length = 0; length < whole.length; length++) {
      const result = await outcome(open(whole.subarray(0, length)));
      expect(result, `${length} bytes`).toMatchObject({ code: 'ARCHIVE_DAMAGED', at: { file: 'memory' } });
    }
  });

  it('with any byte changed gives a coded error or what it then says', async () => {
    const changed = Buffer.from(whole);
    for (let at = 0; at < whole.length; at++) {
      changed[at] = [whole[at] ^ 1, 0xff, 0, 0x7f, whole[at] ^ 0x80][at % 5];
      const result = await outcome(open(changed));
      expect(result instanceof SluiceError ? result.code.startsWith('ARCHIVE_') : result.length > 1).toBe(true);
      changed[at] = whole[at];
    }
  });
});

describe('a custom archive', () => {
  it('whose rows do not end as pg_dump ends them is damaged', async () => {
    for (const rows of ['Zürich\n', 'Zürich\n\\.\n', 'Zürich\\.\n\n\n', '\\.\n\n\nx', '\\.\n\n', '']) {
      const entry: ContentEntry = { ...SMALL[2], data: Buffer.from(rows) };
      const archive = await open(writeCustom([SMALL[0], SMALL[1], entry], { ...USUAL_FORM, compression: 'none' }));
      expect(await failure(dataOf(archive, entryOf(archive, 'TABLE DATA', 'cities'))), JSON.stringify(rows)).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(/TABLE DATA public\.cities/) as string });
    }
  });

  it('whose rows come in any pieces ends as it should', async () => {
    for (const rows of ['', 'a\n', 'abcdefgh\n', '\\\\.\n', 'x'.repeat(70_000) + '\n']) {
      for (const chunkBytes of [1, 2, 3, 5, 6, 65_536]) {
        const entry: ContentEntry = { ...SMALL[2], data: Buffer.from(`${rows}\\.\n\n\n`) };
        if (rows.length > 1000 && chunkBytes < 5) continue;
        const archive = await CustomArchive.open(new MemoryFile(writeCustom([SMALL[0], entry], { ...USUAL_FORM, compression: 'none', chunkBytes }), 1000));
        expect((await dataOf(archive, entryOf(archive, 'TABLE DATA', 'cities'))).toString()).toBe(rows);
      }
    }
  });

  it('with the data of another entry where an entry\'s should be is damaged', async () => {
    const bytes = writeCustom([SMALL[0], SMALL[2], { ...SMALL[2], dumpId: 9, tag: 'towns' }], { ...USUAL_FORM, compression: 'none' });
    const archive = await open(swapOffsets(bytes));
    expect(await failure(dataOf(archive, entryOf(archive, 'TABLE DATA', 'cities')))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('that has fewer entries than data, or bytes behind its entries, is damaged', async () => {
    const whole = writeCustom([...SMALL, contentEntry(7, 'SEQUENCE SET', 'last')], USUAL_FORM), schema = writeCustom(SMALL.slice(0, 2), USUAL_FORM);
    const count = Buffer.from([0, 5, 0, 0, 0, 0, 1, 0, 0, 0]);
    expect(whole.indexOf(count)).toBeGreaterThan(0);
    whole[whole.indexOf(count) + 1] = 4;
    expect(await outcome(open(whole))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    expect(await outcome(open(schema))).toHaveLength(6);
    expect(await outcome(open(Buffer.concat([schema, Buffer.from('x')])))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('with two entries of one number is damaged', async () => {
    expect(await outcome(open(writeCustom([SMALL[0], SMALL[1], SMALL[1]], USUAL_FORM)))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('with text that is not valid in its encoding is not misread', async () => {
    const bytes = writeCustom(SMALL, { ...USUAL_FORM, compression: 'none' });
    bytes.set([0xff], bytes.indexOf('public'));
    expect(await outcome(open(bytes))).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
  });

  it('that says it has a billion entries, or strings of two gigabytes, is damaged', async () => {
    const whole = writeCustom(SMALL, USUAL_FORM), firstEntry = whole.indexOf(Buffer.from([0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]));
    for (const at of [firstEntry, firstEntry + 15]) {
      const bytes = Buffer.from(whole);
      bytes.set([0, 0xff, 0xff, 0xff, 0x7f], at);
      expect(await outcome(open(bytes))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    }
  });

  it('that is the toc.dat of a folder says so', async () => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    expect(await failure(openDumpArchive(join(folder, 'toc.dat')))).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(/folder/) as string });
  });
});

describe('a folder', () => {
  const withFile = async (name: string): Promise<void> => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    const toc = await readFile(join(folder, 'toc.dat'));
    // `3.dat` becomes a name of the same length or longer, with its length before it.
    const at = toc.indexOf('3.dat'), length = Buffer.alloc(4);
    length.writeUInt32LE(name.length);
    await writeFile(join(folder, 'toc.dat'), Buffer.concat([toc.subarray(0, at - 4), length, Buffer.from(name), toc.subarray(at + 5)]));
  };

  it.each(['../3.dat', '/etc/passwd', '.', '..', 'a/b', 'a\\b', 'a\0b', '-x', '.hidden', 'a b', 'ü.dat'])('whose table of contents names the file %j is damaged', async (name) => {
    await withFile(Buffer.from(name).toString('latin1').slice(0, name.length));
    expect(await failure(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(/no plain name/) as string });
  });

  it.each(['../../etc/passwd', '/etc/passwd', '..'])('whose list of large objects names the file %j is damaged', async (name) => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await writeFile(join(folder, 'blobs.toc'), `5 ${name}\n`);
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(/no plain name/) as string });
  });

  it.each(['5', 'x blob_5.dat\n', '5 blob_5.dat', '5  blob_5.dat\n', `5 ${'x'.repeat(400)}\n`, '99999999999 blob_5.dat\n'])('whose list of large objects is %j is damaged', async (list) => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await writeFile(join(folder, 'blobs.toc'), list);
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it.each(['toc.dat', '3.dat.gz', 'blobs.toc', 'blob_5.dat.gz'])('in which %s is a symbolic link is damaged: it could lead anywhere', async (name) => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await rename(join(folder, name), join(folder, 'elsewhere'));
    await symlink('elsewhere', join(folder, name));
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(/symbolic link/) as string });
  });

  it('may itself be named by a symbolic link', async () => {
    await mkdir(join(folder, 'real'));
    await writeDirectory(SMALL, USUAL_FORM, join(folder, 'real'));
    await symlink('real', join(folder, 'link'));
    expect(await outcome(openDumpArchive(join(folder, 'link')))).toHaveLength(14);
  });

  it('in which a file is a named pipe or a folder is damaged', async () => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await rm(join(folder, '3.dat.gz'));
    execFileSync('mkfifo', [join(folder, '3.dat')]);
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    await rm(join(folder, '3.dat'));
    await mkdir(join(folder, '3.dat'));
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'SOURCE_IS_DIRECTORY' });
  });

  it.each(['3.dat.gz', 'blobs.toc', 'blob_5.dat.gz'])('without %s is damaged', async (name) => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await rm(join(folder, name));
    expect(await outcome(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED', message: expect.stringMatching(name.replace('.gz', '')) as string });
  });

  it.each<Partial<Form>>([{}, { compression: 'zstd', minor: 15 }])('whose files are cut off is damaged, wherever: %j', async (form) => {
    const used = { ...USUAL_FORM, ...form }, ending = used.compression === 'gzip' ? '.gz' : '.zst';
    await writeDirectory(SMALL, used, folder);
    for (const name of ['toc.dat', `3.dat${ending}`, `blob_5.dat${ending}`]) {
      const whole = await readFile(join(folder, name));
      for (let length = 0; length < whole.length; length += name === 'toc.dat' ? 11 : 1) {
        await writeFile(join(folder, name), whole.subarray(0, length));
        expect(await outcome(openDumpArchive(folder)), `${name}: ${length} bytes`).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
      }
      await writeFile(join(folder, name), whole);
    }
    expect(await outcome(openDumpArchive(folder))).toHaveLength(14);
  });

  it('whose toc.dat goes on behind its end is damaged', async () => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    await writeFile(join(folder, 'toc.dat'), 'x', { flag: 'a' });
    expect(await failure(openDumpArchive(folder))).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });
});

describe('memory', () => {
  it('is constant when a file of some kilobytes is decompressed to hundreds of megabytes', async () => {
    await writeDirectory(SMALL, USUAL_FORM, folder);
    const member = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'row\n'));
    await writeFile(join(folder, '3.dat.gz'), Buffer.concat([...Array.from({ length: 4 }, () => member), gzipSync('\\.\n\n\n')]));
    const archive = await openDumpArchive(folder);
    let bytes = 0, most = 0;
    const before = process.memoryUsage().arrayBuffers;
    for await (const piece of archive.data(entryOf(archive, 'TABLE DATA', 'cities'), NEVER)) {
      bytes += piece.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    await archive.close();
    expect(bytes).toBe(4 * 64 * 1024 * 1024);
    expect(most).toBeLessThan(8 * 1024 * 1024);
  });

  it('grows by some hundred bytes for each entry, and not by their SQL', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const sql = 'c integer, '.repeat(300);
    const content = Array.from({ length: 5000 }, (_, index) => contentEntry(index + 1, 'TABLE', `table_${index}`, { sql, namespace: 'public', owner: 'owner', oid: 20_000 + index, catalogOid: 1259, dependencies: [1] }));
    await writeFile(join(folder, 'wide.dump'), writeCustom(content, USUAL_FORM));
    gc();
    const before = process.memoryUsage();
    const archive = await openDumpArchive(join(folder, 'wide.dump'));
    gc();
    const after = process.memoryUsage();
    expect((await archive.statements(archive.entries[4999])).definition).toBe(sql);
    await archive.close();
    // The SQL alone has 16 MB.
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(4 * 1024 * 1024);
  });

  it('reads large objects one by one', async () => {
    const largeObjects = Array.from({ length: 3000 }, (_, index) => [index + 1, Buffer.from(`object ${index}`)] as const);
    const archive = await open(writeCustom([SMALL[0], contentEntry(4, 'BLOBS', 'BLOBS', { largeObjects })], USUAL_FORM));
    let count = 0;
    for await (const { oid, bytes } of archive.largeObjects(archive.entries[1], NEVER)) {
      expect((await bytesOf(bytes)).toString()).toBe(`object ${oid - 1}`);
      count++;
    }
    expect(count).toBe(3000);
  });
});

/** The places of the two blocks, exchanged. */
function swapOffsets(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes);
  const places: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at++) {
    if (bytes[at] === 2 && bytes.readBigUInt64LE(at + 1) > 100n && bytes.readBigUInt64LE(at + 1) < BigInt(bytes.length) && bytes[Number(bytes.readBigUInt64LE(at + 1))] === 1) places.push(at + 1);
  }
  const [first, second] = places.slice(-2);
  bytes.copy(swapped, first, second, second + 8);
  bytes.copy(swapped, second, first, first + 8);
  return swapped;
}
