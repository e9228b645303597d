/**
 * Who may open connections: all runs and look-ups of the server together hold at most so many to each database, and at most so many runs are under way. Whoever does not fit waits, in the
 * order of arrival among those that want the same database; several databases are taken at once or not at all, so that two can never wait for each other.
 *
 * Waiting costs nothing: an upload that waits is not read, and its client waits with it.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf } from '../../io/cancellation.ts';

export interface BudgetLimits {
  readonly maxRuns: number;
  readonly connectionsPerDatabase: number;
}

export interface BudgetWish {
  /** Key of each database (databaseKey) and how many connections to it; what is more than the limit counts as all of it. */
  readonly connections: ReadonlyMap<string, number>;
  /** False for look-ups, which are short and do not count as runs. */
  readonly isRun: boolean;
}

interface Waiter {
  readonly wish: BudgetWish;
  readonly admit: () => void;
}

const MOST_WAITING = 200;

export class ConnectionBudget {
  readonly #limits: () => BudgetLimits;
  readonly #used = new Map<string, number>();
  readonly #waiting = new Set<Waiter>();
  #runs = 0;

  constructor(limits: () => BudgetLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Of all databases. */
  get connections(): number {
    return this.#used.values().reduce((sum, count) => sum + count, 0);
  }

  /** Resolves with how to give back. @throws SluiceError SERVER_BUSY when too many wait; the signal's reason */
  async admit(wish: BudgetWish, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancellationOf(signal);
    if (this.#waiting.size >= MOST_WAITING) throw new SluiceError('SERVER_BUSY', { reason: `${this.#waiting.size} runs and look-ups wait already` });
    const limits = this.#limits();
    const taken = new Map([...wish.connections].map(([database, count]) => [database, Math.min(count, limits.connectionsPerDatabase)]));
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(cancellationOf(signal));
        this.#admitWaiting();
      };
      const waiter: Waiter = { wish: { ...wish, connections: taken }, admit: () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      } };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
      this.#admitWaiting();
    });
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      if (wish.isRun) this.#runs--;
      for (const [database, count] of taken) this.#add(database, -count);
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    const { maxRuns, connectionsPerDatabase } = this.#limits();
    // Who comes later does not overtake who waits for the same.
    const reserved = new Set<string>();
    let runsReserved = false;
    for (const waiter of this.#waiting) {
      const { isRun, connections } = waiter.wish;
      const runFits = !isRun || (!runsReserved && this.#runs < maxRuns);
      const fits = runFits && [...connections].every(([database, count]) => !reserved.has(database) && this.#fits(database, count, connectionsPerDatabase));
      if (fits) {
        this.#waiting.delete(waiter);
        if (isRun) this.#runs++;
        for (const [database, count] of connections) this.#add(database, count);
        waiter.admit();
      } else {
        if (isRun) runsReserved = true;
        if (runFits) for (const database of connections.keys()) reserved.add(database);
      }
    }
  }

  /** A limit that was lowered meanwhile lets one at a time through. */
  #fits(database: string, count: number, limit: number): boolean {
    const used = this.#used.get(database) ?? 0;
    return used === 0 || used + count <= limit;
  }

  #add(database: string, count: number): void {
    const used = (this.#used.get(database) ?? 0) + count;
    if (used === 0) this.#used.delete(database);
    else this.#used.set(database, used);
  }
}

/** The same for every way to name a database. */
export function databaseKey(url: string): string {
  if (!/^postgres(?:ql)?:\/\//i.test(url) || !URL.canParse(url)) return url;
  const { hostname, port, pathname, searchParams } = new URL(url);
  return `postgres ${searchParams.get('host') ?? hostname}:${port === '' ? '5432' : port}${searchParams.get('dbname') ?? pathname}`;
}
