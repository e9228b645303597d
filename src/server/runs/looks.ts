/**
 * Databases that are looked at for a page: opened within the budget of connections and the time for a look. A database file stays open for a moment, because opening one costs more than a page of it and a grid
 * asks for many; whoever waits for the budget gets it at once.
 */
import type { Connection } from '../../connectors/connector.ts';
import { connectorFor } from '../../connectors/registry.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { databaseKey, type ConnectionBudget } from './connection-budget.ts';

/** A look takes one connection, a page one more for its snapshot. */
const LOOK_CONNECTIONS = 3;
const KEPT_MS = 2000;

export interface LooksParts {
  readonly budget: ConnectionBudget;
  readonly lookMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly engineMemoryBytes: number;
}

interface Opened {
  readonly connection: Connection;
  readonly release: () => void;
}

export class Looks {
  readonly #parts: LooksParts;
  readonly #kept = new Map<string, Opened & { readonly timer: NodeJS.Timeout }>();

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** @param gone nobody waits for it any more: then what the database does for it ends as well */
  async look<T>(url: string, use: (connection: Connection, signal: AbortSignal) => Promise<T>, gone?: AbortSignal): Promise<T> {
    const timeout = AbortSignal.timeout(this.#parts.lookMs);
    const signal = gone === undefined ? timeout : AbortSignal.any([timeout, gone]);
    const opened = this.#take(url) ?? await this.#open(url, signal).catch((error: unknown) => { throw timeout.aborted ? this.#tooLong(error) : error; });
    let isGood = false;
    try {
      const result = await use(opened.connection, signal);
      isGood = true;
      return result;
    } catch (error) {
      throw timeout.aborted ? this.#tooLong(error) : error;
    } finally {
      if (isGood && isFile(url) && this.#parts.budget.waiting === 0 && !this.#kept.has(url)) this.#keep(url, opened);
      else await close(opened);
    }
  }

  #tooLong(cause: unknown): SluiceError {
    return new SluiceError('LOOK_TIMED_OUT', { seconds: this.#parts.lookMs / 1000 }, {}, cause);
  }

  /** Closes what is open and not in use: somebody else wants it. */
  async makeRoom(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((url) => close(this.#take(url)!)));
  }

  async #open(url: string, signal: AbortSignal): Promise<Opened> {
    const { budget, env, engineMemoryBytes } = this.#parts;
    const release = await budget.admit({ connections: new Map([[databaseKey(url), isFile(url) ? 1 : LOOK_CONNECTIONS]]), isRun: false }, signal);
    try {
      const connector = await connectorFor(url);
      // What stays open has no time of its own; each statement has.
      const lasting = isFile(url) ? new AbortController().signal : signal;
      return { connection: await connector.connect(url, { signal: lasting, jobs: 1, engineMemoryBytes, applicationName: 'sluice serve', create: false, env }), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #take(url: string): Opened | undefined {
    const kept = this.#kept.get(url);
    if (kept === undefined) return undefined;
    clearTimeout(kept.timer);
    this.#kept.delete(url);
    return kept;
  }

  #keep(url: string, opened: Opened): void {
    const timer = setTimeout(() => {
      this.#kept.delete(url);
      void close(opened).catch(() => undefined);
    }, KEPT_MS);
    this.#kept.set(url, { ...opened, timer });
  }
}

async function close({ connection, release }: Opened): Promise<void> {
  try {
    await connection.close();
  } finally {
    release();
  }
}

function isFile(url: string): boolean {
  return /^duckdb:/i.test(url);
}
