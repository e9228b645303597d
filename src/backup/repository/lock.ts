/**
 * Locks of a repository. Whoever reads or adds chunks holds a shared lock, whoever removes chunks an exclusive one. A lock is an object under `locks/`; it cannot be overwritten, so it is renewed by
 * writing its successor (`ID.1.json`, `ID.2.json` …) and deleting the one before. A holder first writes its lock and then looks at the others: of two that exclude each other at least one sees the other and
 * withdraws. A lock whose process is certainly gone, or whose lease has run out, holds nobody up; it is removed by the next who comes.
 *
 * Whoever stood still for longer than the lease (a laptop that slept) notices by `check` that its lock is gone, and must not write a manifest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors/sluice-error.ts';
import { isCertainlyGone, thisProcess } from '../../io/process-owner.ts';
import type { Storage } from '../storage/storage.ts';
import { LOCKS, randomText } from './object-names.ts';
import { checkDocument, DocumentDamage, sealDocument, unsealDocument } from './sealed-document.ts';
import { object, string, integer, time, oneOf, type ShapeOf } from './shape.ts';

export type LockKind = 'shared' | 'exclusive';

/** Longer than any pause of a process that works; the clocks of machines may differ by a part of it. */
const LEASE_MS = 10 * 60_000;
const RENEW_MS = LEASE_MS / 5;

const LOCK_OBJECT = /^locks\/([0-9a-z]{16})\.(\d{1,9})\.json$/;

const lockSchema = object({
  kind: oneOf('shared', 'exclusive'),
  /** What it is held for: `backup`, `verify`. */
  purpose: string,
  pid: integer(),
  host: string,
  startedAt: time,
  renewedAt: time,
  leaseUntil: time,
});

type LockDocument = ShapeOf<typeof lockSchema>;

export interface FoundLock extends LockDocument {
  readonly id: string;
  /** Its process is gone, or its lease has run out. */
  readonly stale: boolean;
  readonly objects: readonly string[];
}

/** All locks of the repository, those that crashes have left included. */
export async function readLocks(storage: Storage, now: number = Date.now()): Promise<FoundLock[]> {
  const objects = new Map<string, { number: number; name: string; modifiedAt: number }[]>();
  for await (const { name, modifiedAt } of storage.list(LOCKS)) {
    const match = LOCK_OBJECT.exec(name);
    if (match === null) continue;
    objects.set(match[1], [...(objects.get(match[1]) ?? []), { number: Number(match[2]), name, modifiedAt }]);
  }
  const locks: FoundLock[] = [];
  for (const [id, versions] of objects) {
    const newest = versions.toSorted((a, b) => b.number - a.number)[0];
    const bytes = await storage.get(newest.name);
    // Renewed or released between the list and now: look again.
    if (bytes === undefined) return readLocks(storage, now);
    const document = readLock(bytes, newest.modifiedAt);
    const stale = Date.parse(document.leaseUntil) < now || isCertainlyGone(document);
    locks.push({ ...document, id, stale, objects: versions.map(({ name }) => name) });
  }
  return locks;
}

/** A lock that cannot be read counts as one of the worst kind until its lease would have run out. */
function readLock(bytes: Buffer, modifiedAt: number): LockDocument {
  try {
    return checkDocument(lockSchema, unsealDocument(bytes));
  } catch (error) {
    if (!(error instanceof DocumentDamage)) throw error;
  }
  const at = new Date(modifiedAt).toISOString();
  return { kind: 'exclusive', purpose: 'unknown (the lock cannot be read)', pid: 0, host: '', startedAt: at, renewedAt: at, leaseUntil: new Date(modifiedAt + LEASE_MS).toISOString() };
}

export class RepositoryLock {
  readonly #storage: Storage;
  readonly #id = randomText(16);
  readonly #kind: LockKind;
  readonly #purpose: string;
  readonly #startedAt = new Date();
  #number = 0;
  #leaseUntil = 0;
  /** Why the last renewal failed; the next may succeed. */
  #failure: unknown;
  readonly #stop = new AbortController();
  #renewing: Promise<void> = Promise.resolve();

  private constructor(storage: Storage, kind: LockKind, purpose: string) {
    this.#storage = storage;
    this.#kind = kind;
    this.#purpose = purpose;
  }

  /** @throws SluiceError REPOSITORY_LOCKED, TARGET_UNWRITABLE, DISK_FULL */
  static async acquire(storage: Storage, kind: LockKind, purpose: string): Promise<RepositoryLock> {
    const lock = new RepositoryLock(storage, kind, purpose);
    await lock.#write();
    try {
      for (const other of await readLocks(storage)) {
        if (other.id === lock.#id) continue;
        if (other.stale) for (const name of other.objects) await storage.delete(name);
        else if (kind === 'exclusive' || other.kind === 'exclusive') throw lockedBy(other, storage.name);
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
    lock.#renewing = lock.#renewUntilReleased();
    return lock;
  }

  /** To be called before a manifest is written, and after it. @throws SluiceError LOCK_LOST */
  async check(): Promise<void> {
    if (Date.now() > this.#leaseUntil) throw this.#lost('its lease has run out', this.#failure);
    for (;;) {
      const name = this.#object;
      if (await this.#storage.stat(name) !== undefined) return;
      // Unless it was renewed just now.
      if (name === this.#object) throw this.#lost('somebody has removed it');
    }
  }

  /** Safe to call more than once. A lock that cannot be removed lapses. */
  async release(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    await this.#storage.delete(this.#object).catch(() => undefined);
  }

  get #object(): string {
    return `${LOCKS}${this.#id}.${this.#number}.json`;
  }

  async #write(): Promise<void> {
    const now = Date.now(), leaseUntil = now + LEASE_MS;
    const document: LockDocument = {
      kind: this.#kind, purpose: this.#purpose, ...thisProcess(), startedAt: this.#startedAt.toISOString(), renewedAt: new Date(now).toISOString(), leaseUntil: new Date(leaseUntil).toISOString(),
    };
    const next = `${LOCKS}${this.#id}.${this.#number + 1}.json`;
    await this.#storage.putIfAbsent(next, sealDocument(document));
    const before = this.#object;
    this.#number++;
    this.#leaseUntil = leaseUntil;
    if (this.#number > 1) await this.#storage.delete(before);
  }

  async #renewUntilReleased(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(RENEW_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        // Removed by somebody: renewing it would hide that.
        await this.check();
        await this.#write();
        this.#failure = undefined;
      } catch (error) {
        this.#failure = error;
        if (error instanceof SluiceError && error.code === 'LOCK_LOST') return;
      }
    }
  }

  #lost(reason: string, cause?: unknown): SluiceError {
    return new SluiceError('LOCK_LOST', { path: this.#storage.name, reason }, {}, cause);
  }
}

function lockedBy(other: FoundLock, path: string): SluiceError {
  const host = other.host.split('/')[0];
  return new SluiceError('REPOSITORY_LOCKED', { path, purpose: other.purpose, pid: other.pid, host, since: other.startedAt, lapses: `at ${other.leaseUntil}` });
}

/** A shared lock that keeps what is read from being pruned. Who may not write needs none: nothing worse can come of it than a chunk that is said to be missing. */
export async function lockIfWritable({ storage }: { readonly storage: Storage }, purpose: string): Promise<RepositoryLock | undefined> {
  try {
    return await RepositoryLock.acquire(storage, 'shared', purpose);
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'TARGET_UNWRITABLE' || error.code === 'DISK_FULL')) return undefined;
    throw error;
  }
}
