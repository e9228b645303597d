import { hash } from 'node:crypto';
import { readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DigestSet } from '../../src/backup/repository/digest-set.ts';
import { partEntrySchema, readList, tableEntrySchema } from '../../src/backup/repository/entry-list.ts';
import type { Manifest } from '../../src/backup/repository/manifest.ts';
import { backupObject, chunkObject, chunkOfObject } from '../../src/backup/repository/object-names.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import { RANGES, rangeOf, VerifiedTimes } from '../../src/backup/repository/verified-times.ts';
import { verifyRepository } from '../../src/backup/repository/verify.ts';
import { collect } from '../helpers/collect.ts';
import { rejection, temporaryFolder } from '../io/support.ts';
import { flipBit, lines, openOrCreate, writeBackup } from './support.ts';

let root: string;
let repository: Repository;
beforeEach(async () => {
  root = join(await temporaryFolder(), 'repository');
  repository = await openOrCreate(root);
});

const SAMPLE = { cities: [lines('1\tRome', '2\tOslo'), lines('3\tLima')], rivers: [lines('1\tPo')] };

async function partChunks(manifest: Manifest, name: string): Promise<string[]> {
  const tables = await collect(readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: '' }));
  const parts = await collect(readList(repository.chunks, tables.find((table) => table.name === name)!.parts, partEntrySchema, { backup: '' }));
  return parts.flatMap(({ chunks }) => chunks);
}

const chunkFiles = (): string[] => readdirSync(join(root, 'chunks'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.zst')).map((name) => `chunks/${name}`);

describe('verify', () => {
  it('finds nothing wrong with whole backups, and counts', async () => {
    await writeBackup(repository, SAMPLE);
    await writeBackup(repository, { ...SAMPLE, more: [lines('x')] });
    const report = await verifyRepository(repository);
    expect(report).toMatchObject({ backups: 2, damagedBackups: [], problems: [], moreProblems: 0, unreferencedChunks: 0 });
    expect(report.chunks).toBe(chunkFiles().length);
    expect(report.chunksRead).toBe(chunkFiles().length);
  });

  it('finds nothing in an empty repository', async () => {
    expect(await verifyRepository(repository)).toMatchObject({ backups: 0, chunks: 0, problems: [] });
  });

  it('names a flipped byte in any file, with what it affects and nothing else', async () => {
    const manifest = await writeBackup(repository, SAMPLE);
    for (const object of chunkFiles()) {
      flipBit(root, object, 40, 3);
      const report = await verifyRepository(repository);
      expect(report.problems.map((one) => [one.code, one.object]), object).toEqual([['CHUNK_DAMAGED', object]]);
      expect(report.problems[0].affects.length).toBeGreaterThan(0);
      expect(report.damagedBackups).toEqual([manifest.backup]);
      flipBit(root, object, 40, 3);
    }
    expect((await verifyRepository(repository)).problems).toEqual([]);
  });

  it('says which tables and pages need a chunk, in all backups that share it', async () => {
    const one = await writeBackup(repository, SAMPLE), other = await writeBackup(repository, { ...SAMPLE, rivers: [lines('2\tNile')] });
    const [, second] = await partChunks(one, 'cities');
    rmSync(join(root, chunkObject(second)));
    const [river] = await partChunks(one, 'rivers');
    truncateSync(join(root, chunkObject(river)), 20);
    const { problems, damagedBackups } = await verifyRepository(repository);
    expect(problems.find(({ object }) => object === chunkObject(second))).toMatchObject({
      code: 'CHUNK_MISSING', affects: [one.backup, other.backup].toSorted().map((backup) => ({ backup, of: 'table public.cities, pages 10 to 19' })),
    });
    expect(problems.find(({ object }) => object === chunkObject(river))).toMatchObject({ code: 'CHUNK_DAMAGED', affects: [{ backup: one.backup, of: 'table public.rivers, pages 0 to 9' }] });
    expect(problems).toHaveLength(2);
    expect(damagedBackups).toEqual([one.backup, other.backup].toSorted());
    // The next backup of the same content heals them.
    await writeBackup(repository, SAMPLE);
    expect((await verifyRepository(repository)).problems).toEqual([]);
  });

  it('names a damaged manifest and goes on with the others', async () => {
    const one = await writeBackup(repository, SAMPLE);
    const other = await writeBackup(repository, { lakes: [lines('1\tComo')] });
    truncateSync(join(root, backupObject(one.backup)), 500);
    const report = await verifyRepository(repository);
    expect(report).toMatchObject({ backups: 2, damagedBackups: [one.backup] });
    expect(report.problems).toMatchObject([{ code: 'BACKUP_DAMAGED', object: backupObject(one.backup), affects: [{ backup: one.backup, of: 'everything' }] }]);
    expect(report.unreferencedChunks).toBeGreaterThan(0);
    expect((await verifyRepository(repository, { backup: other.backup })).problems).toEqual([]);
  });

  it('reads of one backup only what it needs', async () => {
    const one = await writeBackup(repository, { cities: SAMPLE.cities }), other = await writeBackup(repository, { rivers: SAMPLE.rivers });
    flipBit(root, chunkObject((await partChunks(one, 'cities'))[0]), 50);
    expect((await verifyRepository(repository, { backup: other.backup })).problems).toEqual([]);
    expect((await verifyRepository(repository, { backup: one.backup })).damagedBackups).toEqual([one.backup]);
    expect((await rejection(verifyRepository(repository, { backup: 'none' }))).code).toBe('BACKUP_UNKNOWN');
  });

  it('tells damage in a chunk that nobody refers to, because the next backup may', async () => {
    const id = await repository.chunks.put(Buffer.from('left by a backup that was killed'));
    await repository.storage.flush();
    flipBit(root, chunkObject(id), 60);
    expect(await verifyRepository(repository)).toMatchObject({ chunks: 0, unreferencedChunks: 1, problems: [{ code: 'CHUNK_DAMAGED', affects: [] }] });
  });

  it('by percentages reads every chunk once before it reads one again', async () => {
    for (let i = 0; i < 60; i++) await repository.chunks.put(Buffer.from(`chunk ${i}`));
    await repository.storage.flush();
    const reads: number[] = [];
    for (let i = 0; i < 4; i++) reads.push((await verifyRepository(repository, { percent: 25 })).chunksRead);
    expect(reads.reduce((a, b) => a + b)).toBe(60);
    expect(Math.max(...reads)).toBeLessThan(40);
    expect((await verifyRepository(repository, { percent: 100 })).chunksRead).toBe(60);
    expect(readdirSync(join(root, 'verified'))).toHaveLength(1);
  });

  it('since a date reads what is new, what is older, and what was damaged', async () => {
    const before = Date.now();
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await repository.chunks.put(Buffer.from(`chunk ${i}`)));
    await repository.storage.flush();
    const past = before / 1000 - 3600;
    for (const id of ids) utimesSync(join(root, chunkObject(id)), past, past);
    flipBit(root, chunkObject(ids[7]), 45);
    utimesSync(join(root, chunkObject(ids[7])), past, past);
    expect((await verifyRepository(repository, { notSince: before })).chunksRead).toBe(20);
    expect((await verifyRepository(repository, { notSince: before })).problems).toHaveLength(1);
    expect((await verifyRepository(repository, { notSince: before })).chunksRead).toBe(1);
    const added = await repository.chunks.put(Buffer.from('a chunk of later'));
    await repository.storage.flush();
    expect((await verifyRepository(repository, { notSince: before })).chunksRead).toBe(2);
    expect((await verifyRepository(repository, { notSince: Date.now() + 1000 })).chunksRead).toBe(21);
    expect(rangeOf(added)).toBeLessThan(RANGES);
  });

  it('does not trust a damaged record of what was verified', async () => {
    await repository.chunks.put(Buffer.from('x'));
    await repository.storage.flush();
    await verifyRepository(repository);
    const [name] = readdirSync(join(root, 'verified'));
    writeFileSync(join(root, 'verified', name), 'nonsense');
    expect((await verifyRepository(repository, { notSince: Date.now() - 60_000 })).chunksRead).toBe(1);
    expect((await VerifiedTimes.read(repository.storage)).get(0)).toBeGreaterThan(0);
  });

  it('is cancelled between chunks', async () => {
    await writeBackup(repository, SAMPLE);
    const stop = new AbortController();
    const verifying = verifyRepository(repository, { signal: stop.signal, jobs: 1, onProgress: () => stop.abort() });
    expect((await rejection(verifying)).code).toBe('CANCELLED');
  });
});

it('a set of digests has what was added, and knows what was not marked', () => {
  const idOf = (number: number): string => hash('sha256', String(number));
  const id = fc.nat(5000).map(idOf);
  fc.assert(fc.property(fc.uniqueArray(id, { maxLength: 20 }), fc.array(id, { maxLength: 5 }), fc.nat(), (ids, others, split) => {
    const set = new DigestSet();
    for (let i = 0; i < 2000; i++) set.add(idOf(i + 10_000));
    for (const one of ids) set.add(one);
    expect(set.add(idOf(10_000))).toBe(false);
    for (const one of ids) expect(set.has(one)).toBe(true);
    for (const one of others) expect(set.has(one)).toBe(ids.includes(one));
    for (let i = 0; i < 2000; i++) set.mark(idOf(i + 10_000));
    const marked = ids.slice(0, split % (ids.length + 1));
    for (const one of marked) expect(set.mark(one)).toBe(true);
    expect([...set.unmarked()].toSorted()).toEqual(ids.slice(marked.length).toSorted());
  }), { numRuns: 20 });
  expect(chunkOfObject(`chunks/00/${'1'.repeat(64)}.zst`)).toBeUndefined();
});
