/**
 * Idempotency keys: a request that starts a run and is sent again with its key (the answer was lost, a client retries) starts nothing, but is told of the run that it started. A key
 * belongs to whoever sent it and stands for one request; it is kept for a day.
 */
import { createHash } from 'node:crypto';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerStore } from './server-store.ts';

const KEPT_MS = 24 * 3_600_000;

export class IdempotencyKeys {
  readonly #store: ServerStore;

  constructor(store: ServerStore) {
    this.#store = store;
  }

  /**
   * The run that the key has started, or undefined when this is the first time: then the key is taken, and `started` or `release` is called.
   * @throws SluiceError IDEMPOTENCY_CONFLICT
   */
  take(holder: string, key: string, request: string, now: number = Date.now()): string | undefined {
    this.#store.run('DELETE FROM idempotency WHERE created_at < ?', now - KEPT_MS);
    const hash = createHash('sha256').update(request).digest();
    if (this.#store.run('INSERT INTO idempotency (holder, key, request, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', holder, key, hash, now) > 0) return undefined;
    const [row] = this.#store.all<{ request: Uint8Array; run: string | null }>('SELECT request, run FROM idempotency WHERE holder = ? AND key = ?', holder, key);
    if (row === undefined || !hash.equals(row.request)) throw new SluiceError('IDEMPOTENCY_CONFLICT', { reason: 'for another request' });
    if (row.run === null) throw new SluiceError('IDEMPOTENCY_CONFLICT', { reason: 'for a request that is being worked on' });
    return row.run;
  }

  started(holder: string, key: string, run: string): void {
    this.#store.run('UPDATE idempotency SET run = ? WHERE holder = ? AND key = ?', run, holder, key);
  }

  /** Null while nothing has started with it. */
  runOf(holder: string, key: string): string | null {
    return this.#store.all<{ run: string | null }>('SELECT run FROM idempotency WHERE holder = ? AND key = ?', holder, key)[0]?.run ?? null;
  }

  /** Nothing was started. */
  release(holder: string, key: string): void {
    this.#store.run('DELETE FROM idempotency WHERE holder = ? AND key = ? AND run IS NULL', holder, key);
  }
}
