/** Every version of the format from 1.10 on, with all sizes of its numbers and all compressions. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteCursor } from '../../../src/backup/pg-dump/byte-cursor.ts';
import { CustomArchive } from '../../../src/backup/pg-dump/custom-archive.ts';
import type { DumpArchive } from '../../../src/backup/pg-dump/dump-archive.ts';
import { openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { contentEntry, SMALL } from './small-archive.ts';
import { bytesOf, everythingOf, NEVER, sampleDatabase, type Dumps } from './support.ts';
import { contentOf, integer, MemoryFile, USUAL_FORM, writeCustom, writeDirectory, type ContentEntry, type Form } from './write-archive.ts';

let server: PostgresServer, dumps: Dumps, folder: string, archive: DumpArchive, content: ContentEntry[], everything: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-dumps-'));
  server = await startPostgres({ version: 'debian' });
  dumps = await sampleDatabase(server);
  await dumps.dump(join(folder, 'original.dump'), '-Fc');
  archive = await openDumpArchive(join(folder, 'original.dump'));
  content = await contentOf(archive);
  everything = await everythingOf(archive);
});

afterAll(async () => {
  await archive.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

/** What `pg_restore -l` says of the entries. */
const listOf = async (file: string): Promise<string[]> => (await dumps.restore('-l', file)).split('\n').filter((line) => /^\d/.test(line));
/** What it writes of the data. Before 1.12 large objects had no entries of their own. */
const rowsOf = async (file: string): Promise<string> =>
  (await dumps.restore('-a', '-f', '-', file)).replaceAll(/^(--.*|\\(un)?restrict.*)\n/gm, '').replaceAll(/pg_catalog\.lo_create\(('\d+')\)/g, '$1');
const fact = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
/** Facts of entries are every member that is an object with a number. */
const withoutFacts = (all: readonly string[], ...names: string[]): string[] =>
  all.map((text) => (text.startsWith('{"dumpId"') ? JSON.stringify({ ...fact(text), ...Object.fromEntries(names.map((name) => [name, null])) }) : text));

describe('versions that pg_restore 15 knows, too', () => {
  it.each([
    { ...USUAL_FORM, minor: 14 },
    { ...USUAL_FORM, minor: 13, offsetsKnown: false },
    { ...USUAL_FORM, minor: 12, compression: 'none' as const, chunkBytes: 70 },
    { ...USUAL_FORM, minor: 11, integerBytes: 4, offsetBytes: 4 },
    { ...USUAL_FORM, minor: 10, offsetBytes: 4, compression: 'none' as const },
  ])('1.$minor $compression, integers of $integerBytes and offsets of $offsetBytes bytes', async (form) => {
    const file = join(folder, `1.${form.minor}.dump`);
    await writeFile(file, writeCustom(content, form));
    expect(await listOf(file)).toEqual(await listOf(join(folder, 'original.dump')));
    expect(await rowsOf(file)).toBe(await rowsOf(join(folder, 'original.dump')));
    const opened = await openDumpArchive(file);
    const unknown = form.minor < 14 ? ['accessMethod'] : [];
    // Sections of before 1.11 are derived; some descriptions are newer than that.
    if (form.minor < 11) unknown.push('section');
    expect(withoutFacts(await everythingOf(opened), ...unknown)).toEqual(withoutFacts(everything, ...unknown));
    expect(opened).toMatchObject({ formatVersion: `1.${form.minor}`, createdAt: '2026-11-22 07:04:05', database: 'sample', serverVersion: '15.1', dumpVersion: '15.2', compression: form.compression });
    await opened.close();
  });

  it('old sections are derived', async () => {
    const opened = await CustomArchive.open(new MemoryFile(writeCustom(content, { ...USUAL_FORM, minor: 10 })));
    const sectionOf = (description: string): string | undefined => opened.entries.find((entry) => entry.description === description)?.section;
    expect(['TABLE', 'TABLE DATA', 'BLOBS', 'INDEX', 'FK CONSTRAINT', 'COMMENT', 'ACL'].map(sectionOf)).toEqual(['pre-data', 'data', 'data', 'post-data', 'post-data', 'none', 'none']);
  });
});

describe('forms that only newer or other programs write', () => {
  const forms = fc.record<Form>({
    minor: fc.constantFrom(14, 15, 16), integerBytes: fc.constantFrom(4, 5, 8), offsetBytes: fc.constantFrom(4, 6, 8), compression: fc.constantFrom('none', 'gzip'), offsetsKnown: fc.boolean(), chunkBytes: fc.constantFrom(50, 4096, 1 << 20),
  });

  it('have the same content, however their bytes come', async () => {
    await fc.assert(fc.asyncProperty(forms, fc.constantFrom(1, 7, 5000, 1 << 20), async (form, pieceBytes) => {
      const opened = await CustomArchive.open(new MemoryFile(writeCustom(SMALL, form), pieceBytes));
      const usual = await CustomArchive.open(new MemoryFile(writeCustom(SMALL, USUAL_FORM)));
      expect(await everythingOf(opened)).toEqual(await everythingOf(usual));
    }), { numRuns: 60 });
  });

  it.each(['none', 'gzip', 'lz4', 'zstd'] as const)('%s in a file and in a folder', async (compression) => {
    for (const minor of [15, 16]) {
      const form: Form = { ...USUAL_FORM, minor, compression }, target = join(folder, `${minor}-${compression}`);
      await writeFile(`${target}.dump`, writeCustom(content, form));
      await mkdir(target);
      await writeDirectory(content, form, target);
      for (const path of [`${target}.dump`, target]) {
        const opened = await openDumpArchive(path);
        expect(opened).toMatchObject({ compression, formatVersion: `1.${minor}` });
        expect(await everythingOf(opened)).toEqual(everything);
        await opened.close();
      }
    }
  });

  it('1.16: kinds of relations, and large objects in groups', async () => {
    const grouped = [
      ...content.filter(({ description }) => !description.startsWith('BLOB')).map((entry) => (entry.tag === 'events' ? { ...entry, relkind: 'p' } : entry)),
      contentEntry(9001, 'BLOB METADATA', '1..2', { sql: '1\n2\n', section: 'pre-data' }),
      contentEntry(9002, 'BLOBS', '1..2', { largeObjects: [[1, Buffer.from('one')], [2, Buffer.from('two')]], dependencies: [9001] }),
      contentEntry(9003, 'BLOB METADATA', '3', { sql: '3\n', section: 'pre-data' }),
      contentEntry(9004, 'BLOBS', '3', { largeObjects: [[3, Buffer.from('three')]], dependencies: [9003] }),
    ];
    const form: Form = { ...USUAL_FORM, minor: 16, compression: 'zstd' }, target = join(folder, 'grouped');
    await mkdir(target);
    await writeDirectory(grouped, form, target);
    await writeFile(`${target}.dump`, writeCustom(grouped, { ...form, offsetsKnown: false }));
    for (const path of [target, `${target}.dump`]) {
      const opened = await openDumpArchive(path);
      expect(opened.entries.filter(({ relkind }) => relkind !== null).map(({ tag, relkind }) => [tag, relkind])).toEqual([['events', 'p']]);
      const found: string[] = [];
      for (const entry of opened.entries.filter(({ description }) => description === 'BLOBS').toReversed()) {
        for await (const { oid, bytes } of opened.largeObjects(entry, NEVER)) found.push(`${entry.dumpId} ${oid} ${(await bytesOf(bytes)).toString()}`);
      }
      expect(found).toEqual(['9004 3 three', '9002 1 one', '9002 2 two']);
      await opened.close();
    }
  });

  it('newer and older ones are refused', async () => {
    for (const minor of [9, 17]) await expect(CustomArchive.open(new MemoryFile(writeCustom(SMALL, { ...USUAL_FORM, minor })))).rejects.toMatchObject({ code: 'ARCHIVE_UNSUPPORTED' });
  });
});

describe('integers', () => {
  it('of every size are what was written, wherever the pieces end', async () => {
    const largest = (bytes: number): number => Math.min(Number.MAX_SAFE_INTEGER, 256 ** bytes - 1);
    const cases = fc.integer({ min: 1, max: 8 }).chain((integerBytes) => fc.tuple(fc.constant(integerBytes), fc.array(fc.tuple(fc.boolean(), fc.maxSafeNat()).map(([negative, value]) => (negative ? 0 - (value % (largest(integerBytes) + 1)) : value % (largest(integerBytes) + 1))), { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 20 })));
    await fc.assert(fc.asyncProperty(cases, async ([integerBytes, values, pieceBytes]) => {
      const bytes = Buffer.concat(values.map((value) => integer(value, { integerBytes })));
      const cursor = new ByteCursor(new MemoryFile(bytes, pieceBytes), 0, bytes.length);
      cursor.integerBytes = integerBytes;
      for (const value of values) expect(await cursor.integer()).toBe(value);
      expect(cursor.left).toBe(0);
      await expect(cursor.integer()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    }));
  });

  it('that are not exact are damage', async () => {
    const cursor = new ByteCursor(new MemoryFile(Buffer.from([0, 255, 255, 255, 255, 255, 255, 255, 255])), 0, 9);
    cursor.integerBytes = 8;
    await expect(cursor.integer()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });
});
