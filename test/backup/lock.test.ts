import { readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWriter } from '../../src/backup/repository/backup-writer.ts';
import { readLocks, RepositoryLock } from '../../src/backup/repository/lock.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import { sealDocument } from '../../src/backup/repository/sealed-document.ts';
import { thisProcess } from '../../src/io/process-owner.ts';
import { rejection, temporaryFolder } from '../io/support.ts';
import { FACTS, flipBit, openOrCreate } from './support.ts';

let root: string;
let repository: Repository;
beforeEach(async () => {
  root = join(await temporaryFolder(), 'repository');
  repository = await openOrCreate(root);
});

const acquire = (kind: 'shared' | 'exclusive', purpose = 'test'): Promise<RepositoryLock> => RepositoryLock.acquire(repository.storage, kind, purpose);

/** A lock as another process would have written it. */
async function foreignLock(facts: { pid: number; host: string; leaseMs: number; kind?: 'shared' | 'exclusive' }): Promise<void> {
  const { pid, host, leaseMs, kind = 'exclusive' } = facts;
  const at = new Date().toISOString();
  const document = { kind, purpose: 'prune', pid, host, startedAt: at, renewedAt: at, leaseUntil: new Date(Date.now() + leaseMs).toISOString() };
  await repository.storage.putIfAbsent('locks/aaaaaaaaaaaaaaaa.1.json', sealDocument(document));
}

const lockFiles = (): string[] => readdirSync(join(root, 'locks'));

describe('locks', () => {
  it('that are shared do not exclude each other, and go when they are released', async () => {
    const [one, other] = await Promise.all([acquire('shared'), acquire('shared', 'verify')]);
    expect((await readLocks(repository.storage)).map(({ purpose, stale, pid }) => ({ purpose, stale, pid })).toSorted((a, b) => (a.purpose < b.purpose ? -1 : 1))).toEqual([
      { purpose: 'test', stale: false, pid: process.pid }, { purpose: 'verify', stale: false, pid: process.pid },
    ]);
    await one.check();
    await Promise.all([one.release(), other.release(), one.release()]);
    expect(lockFiles()).toEqual([]);
  });

  it('that are exclusive exclude all others, and say who holds them', async () => {
    const lock = await acquire('exclusive', 'prune');
    for (const kind of ['shared', 'exclusive'] as const) {
      const error = await rejection(acquire(kind));
      expect(error).toMatchObject({ code: 'REPOSITORY_LOCKED', facts: { purpose: 'prune', pid: process.pid, host: hostname() }, retryable: true });
    }
    expect(lockFiles()).toHaveLength(1);
    await lock.release();
    const shared = await acquire('shared');
    expect((await rejection(acquire('exclusive'))).code).toBe('REPOSITORY_LOCKED');
    await shared.release();
  });

  it('are never both given to two that exclude each other', async () => {
    for (let round = 0; round < 20; round++) {
      const locks = await Promise.allSettled([acquire('exclusive'), acquire('shared'), acquire('exclusive'), acquire('shared')]);
      const [one, two, three, four] = locks.map(({ status }) => status === 'fulfilled');
      expect((one ? 1 : 0) + (three ? 1 : 0) + (two || four ? 1 : 0)).toBeLessThanOrEqual(1);
      for (const lock of locks) if (lock.status === 'fulfilled') await lock.value.release();
    }
    expect(lockFiles()).toEqual([]);
  });

  it('of processes that are gone hold nobody up, and are removed', async () => {
    // Longer than any process id that there is.
    await foreignLock({ pid: 2 ** 30, host: thisProcess().host, leaseMs: 600_000 });
    expect(await readLocks(repository.storage)).toMatchObject([{ stale: true, purpose: 'prune' }]);
    const lock = await acquire('exclusive');
    expect(lockFiles()).toHaveLength(1);
    await lock.release();
  });

  it('of another machine count until their lease has run out', async () => {
    await foreignLock({ pid: 1, host: 'elsewhere/x', leaseMs: 200 });
    expect(await rejection(acquire('shared'))).toMatchObject({ code: 'REPOSITORY_LOCKED', facts: { host: 'elsewhere' } });
    await new Promise((resolve) => setTimeout(resolve, 250));
    await (await acquire('shared')).release();
    expect(lockFiles()).toEqual([]);
  });

  it('that cannot be read count for as long as a lease', async () => {
    await foreignLock({ pid: 1, host: 'elsewhere/x', leaseMs: 600_000, kind: 'shared' });
    flipBit(root, 'locks/aaaaaaaaaaaaaaaa.1.json', 30);
    expect((await rejection(acquire('shared'))).facts.purpose).toContain('cannot be read');
    expect(await readLocks(repository.storage, Date.now() + 3_600_000)).toMatchObject([{ stale: true }]);
  });

  it('that were taken away are noticed, and then no manifest is written', async () => {
    writeFileSync(join(root, '.hidden'), 'is no lock');
    const writer = await BackupWriter.begin(repository);
    for (const name of lockFiles()) await repository.storage.delete(`locks/${name}`);
    expect((await rejection(writer.commit(FACTS))).code).toBe('LOCK_LOST');
    await writer.abort();
    expect(await repository.backupNames()).toEqual([]);
  });
});
