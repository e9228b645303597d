import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/backup/open-repository.ts';
import { CHUNK_BYTES, ContentWriter, readContent } from '../../src/backup/repository/content.ts';
import { EntryListWriter, partEntrySchema, readList, tableEntrySchema, type PartEntry } from '../../src/backup/repository/entry-list.ts';
import { backupObject, chunkObject, newBackupName } from '../../src/backup/repository/object-names.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import { sealDocument } from '../../src/backup/repository/sealed-document.ts';
import { LocalStorage } from '../../src/backup/storage/local-storage.ts';
import type { SluiceError } from '../../src/errors/sluice-error.ts';
import { collect } from '../helpers/collect.ts';
import { gather, rejection, temporaryFolder } from '../io/support.ts';
import { flipBit, lines, openOrCreate, writeBackup } from './support.ts';

let root: string;
beforeEach(async () => {
  root = join(await temporaryFolder(), 'repository');
});

const chunkFiles = (): string[] => readdirSync(join(root, 'chunks'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.zst'));
const storedBytes = (): number => readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(root, name))).filter((found) => found.isFile()).reduce((sum, { size }) => sum + size, 0);

function replaceMarker(value: unknown): void {
  writeFileSync(join(root, 'sluice-repository.json'), Buffer.concat(sealDocument(value)));
}

describe('opening a repository', () => {
  it('is made once, and found again', async () => {
    const [one, other] = await Promise.all([openOrCreate(root), openOrCreate(root)]);
    expect(other.id).toBe(one.id);
    expect((await openRepository('repository', join(root, '..'))).repository.id).toBe(one.id);
    expect(await one.backupNames()).toEqual([]);
  });

  it('is not made in a folder with other things, nor taken from a folder without one', async () => {
    await LocalStorage.create(root);
    expect(await rejection(openRepository(root, '/'))).toMatchObject({ code: 'REPOSITORY_UNKNOWN' });
    writeFileSync(join(root, 'notes'), 'mine');
    expect(await rejection(openOrCreate(root))).toMatchObject({ code: 'REPOSITORY_FOREIGN', facts: { found: 'notes' } });
    expect(readdirSync(root)).toEqual(['notes']);
  });

  it('refuses newer formats and unknown features before anything else, and says which', async () => {
    await openOrCreate(root);
    replaceMarker({ kind: 'sluice repository', format: 2, features: [], shape: 'unheard of' });
    expect(await rejection(openRepository(root, '/'))).toMatchObject({ code: 'REPOSITORY_TOO_NEW', facts: { found: 'format 2' } });
    expect((await rejection(openOrCreate(root))).code).toBe('REPOSITORY_TOO_NEW');
    replaceMarker({ kind: 'sluice repository', format: 1, id: 'x', createdAt: new Date().toISOString(), features: ['encryption'] });
    expect(await rejection(openRepository(root, '/'))).toMatchObject({ code: 'REPOSITORY_TOO_NEW', facts: { found: 'it uses encryption' } });
  });

  it('finds every flipped bit and every cut of its marker', async () => {
    await openOrCreate(root);
    const path = join(root, 'sluice-repository.json');
    const marker = readFileSync(path);
    for (let at = 0; at < marker.length; at++) {
      flipBit(root, 'sluice-repository.json', at, at % 8);
      expect((await rejection(openRepository(root, '/'))).code, `byte ${at}`).toBe('REPOSITORY_DAMAGED');
      writeFileSync(path, marker.subarray(0, at));
      expect((await rejection(openRepository(root, '/'))).code, `cut at ${at}`).toBe('REPOSITORY_DAMAGED');
      writeFileSync(path, marker);
    }
  });

  it('tells a backup in the reference from an @ in the folder', async () => {
    await openOrCreate(`${root}@home`);
    expect((await openRepository(`${root}@home`, '/')).backup).toBeUndefined();
    expect((await openRepository(`${root}@home@2026`, '/')).backup).toBe('2026');
    expect((await rejection(openRepository('s3://me:secret@bucket/x', '/'))).message).not.toContain('secret');
  });
});

describe('content', () => {
  it('comes back as it was written, however it was cut into pieces, with memory for two chunks', async () => {
    const { chunks } = await openOrCreate(root);
    const writer = new ContentWriter(chunks);
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), async (pieces) => {
      for (const piece of pieces) await writer.write(piece);
      const content = await writer.end();
      expect(content.bytes).toBe(Buffer.concat(pieces).length);
      expect((await gather(readContent(chunks, content))).equals(Buffer.concat(pieces))).toBe(true);
    }), { numRuns: 30 });
  });

  it('is cut at a fixed length', async () => {
    const { chunks } = await openOrCreate(root);
    const writer = new ContentWriter(chunks);
    const piece = Buffer.alloc(700_001, 'abcdefg');
    for (let i = 0; i < 13; i++) await writer.write(piece);
    const content = await writer.end();
    expect(content.chunks).toHaveLength(Math.ceil((13 * piece.length) / CHUNK_BYTES));
    expect((await gather(readContent(chunks, content))).equals(Buffer.concat(Array.from({ length: 13 }, () => piece)))).toBe(true);
    await writer.write(piece);
    await writer.restart();
    expect(await writer.end()).toEqual({ bytes: 0, chunks: [] });
  });

  it('is stored once, and again where its file was cut off', async () => {
    const { chunks } = await openOrCreate(root);
    const content = Buffer.from('the same');
    const [id, other] = await Promise.all([chunks.put(content), chunks.put(content)]);
    expect(other).toBe(id);
    expect(await chunks.put(content)).toBe(id);
    expect(chunks.counts).toMatchObject({ newChunks: 1, reusedChunks: 2 });
    const path = join(root, chunkObject(id));
    const { size } = statSync(path);
    for (let length = 0; length < size; length++) {
      truncateSync(path, length);
      expect((await rejection(chunks.get(id))).code).toBe('CHUNK_DAMAGED');
      await chunks.put(content);
      expect(await chunks.get(id)).toEqual(content);
    }
    rmSync(path);
    expect((await rejection(chunks.get(id))).code).toBe('CHUNK_MISSING');
  });

  it('of a list is read as far as it can be when a chunk of it is lost', async () => {
    const { chunks } = await openOrCreate(root);
    const list = new EntryListWriter<PartEntry>(chunks);
    const count = 50_000;
    for (let i = 0; i < count; i++) await list.add({ pages: [i, i + 1], rows: i, bytes: 1, rowHash: null, chunks: ['ab'.repeat(32)] });
    const content = await list.end();
    expect(content.chunks.length).toBeGreaterThan(1);
    expect(await collect(readList(chunks, content, partEntrySchema, { backup: 'b' }))).toHaveLength(count);
    flipBit(root, chunkObject(content.chunks[0]), 100);
    expect((await rejection(collect(readList(chunks, content, partEntrySchema, { backup: 'b' })))).code).toBe('CHUNK_DAMAGED');
    const damage: SluiceError[] = [];
    const read = await collect(readList(chunks, content, partEntrySchema, { backup: 'b', onDamage: (error) => damage.push(error) }));
    expect(damage.map(({ code }) => code)).toEqual(['CHUNK_DAMAGED']);
    expect(read.length).toBeGreaterThan(0);
    // The end of the list is there without a gap.
    expect(read.map(({ rows }) => rows)).toEqual(Array.from({ length: read.length }, (_, i) => count - read.length + i));
  });
});

describe('backups', () => {
  const SAMPLE = { cities: [lines('1\tRome', '2\tOslo'), lines('3\tLima')], empty: [] };

  it('are listed when complete, with what is in them', async () => {
    const repository = await openOrCreate(root);
    const manifest = await writeBackup(repository, SAMPLE);
    expect(manifest.totals).toMatchObject({ tables: 2, rows: 3, largeObjects: 1 });
    const [listed] = await collect((await openRepository(root, '/')).repository.backups());
    expect(listed).toEqual({ backup: manifest.backup, manifest });
    const tables = await collect(readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup }));
    expect(tables).toMatchObject([{ name: 'cities', rows: 3, partCount: 2, encoding: 'copy-text' }, { name: 'empty', rows: 0, partCount: 0, rowHash: '0'.repeat(32) }]);
    expect(await collect(repository.storage.list('locks/'))).toEqual([]);
  });

  it('of unchanged data write a manifest only, and after an append what was appended', async () => {
    const repository = await openOrCreate(root);
    const part = (index: number): string => lines(...Array.from({ length: 500 }, (_, i) => `${index * 500 + i}\tsome words and the number ${Math.imul(index * 500 + i, 2654435761) >>> 0}`));
    const parts = Array.from({ length: 100 }, (_, index) => part(index));
    const first = await writeBackup(repository, { words: parts });
    const before = storedBytes(), files = chunkFiles().length;
    const second = await writeBackup(repository, { words: parts });
    expect(second.totals).toMatchObject({ newChunks: 0, newBytes: 0 });
    expect(chunkFiles()).toHaveLength(files);
    expect(storedBytes() - before).toBeLessThan(2500);
    expect({ ...second.tables }).toEqual(first.tables);
    const third = await writeBackup(repository, { words: [...parts, part(100)] });
    expect(third.totals.newBytes).toBeLessThan(first.totals.newBytes * 0.03);
  });

  it('are found by name, by its beginning, or as the newest', async () => {
    const repository = await openOrCreate(root);
    expect(await rejection(repository.find(undefined))).toMatchObject({ code: 'BACKUP_UNKNOWN', hint: 'There is: none.' });
    const { backup } = await writeBackup(repository, {});
    expect(await repository.find(undefined)).toBe(backup);
    expect(await repository.find(backup.slice(0, 8))).toBe(backup);
    const newer = await writeBackup(repository, {});
    expect([backup, newer.backup].toSorted()).toEqual(await repository.backupNames());
    expect((await rejection(repository.find(backup.slice(0, 8)))).code).toBe('BACKUP_AMBIGUOUS');
    for (const wanted of ['', 'nonsense', '../x']) expect((await rejection(repository.find(wanted))).code).toBe('BACKUP_UNKNOWN');
  });

  it('have names that sort by time', () => {
    expect(newBackupName(new Date('2026-11-22T07:04:05.678Z'))).toMatch(/^20261122-070405-[0-9a-z]{4}$/);
  });

  it('with any byte of the manifest flipped, or cut off, are damaged and do not hide the others', async () => {
    const repository = await openOrCreate(root);
    const whole = await writeBackup(repository, SAMPLE);
    const { backup } = await writeBackup(repository, {});
    const path = join(root, backupObject(backup));
    const manifest = readFileSync(path);
    const check = async (what: string): Promise<void> => {
      const listed = await collect(repository.backups());
      expect(listed.find((one) => one.backup === backup), what).toMatchObject({ damage: { code: 'BACKUP_DAMAGED' } });
      expect(listed.find((one) => one.backup === whole.backup), what).toMatchObject({ manifest: { backup: whole.backup } });
    };
    for (let at = 0; at < manifest.length; at++) {
      flipBit(root, backupObject(backup), at, at % 8);
      expect((await rejection(repository.manifest(backup))).code, `byte ${at}`).toBe('BACKUP_DAMAGED');
      writeFileSync(path, manifest.subarray(0, at));
      expect((await rejection(repository.manifest(backup))).code, `cut at ${at}`).toBe('BACKUP_DAMAGED');
      if (at % 100 === 0) await check(`cut at ${at}`);
      writeFileSync(path, manifest);
    }
    writeFileSync(path, readFileSync(join(root, backupObject(whole.backup))));
    await check('the manifest of another');
  });

  it('of a newer format are listed as such', async () => {
    const repository = await openOrCreate(root);
    writeFileSync(join(root, backupObject((await writeBackup(repository, {})).backup)), Buffer.concat(sealDocument({ format: 2, tables: 'unheard of' })));
    expect(await collect(repository.backups())).toMatchObject([{ damage: { code: 'REPOSITORY_TOO_NEW' } }]);
  });
});

it('a repository is opened by its storage alone', async () => {
  await openOrCreate(root);
  expect((await Repository.open((await LocalStorage.open(root))!)).id).toMatch(/^[0-9a-f-]{36}$/);
});

it('backups of one second are named in their order', () => {
  const names = [0, 1, 31, 32, 500, 999].map((milliseconds) => newBackupName(new Date(Date.UTC(2026, 10, 22, 7, 4, 5, milliseconds))));
  expect(names.toSorted()).toEqual(names);
  expect(names[0]).toMatch(/^20261122-070405-00[0-9a-v]{2}$/);
});
