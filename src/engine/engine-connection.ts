import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../errors/sluice-error.ts';
import { engineTypeOf } from './driver-types.ts';
import { engineError, type EngineErrorContext } from './engine-errors.ts';
import type { EngineColumn } from './engine-type.ts';

/** A value of a small result. 64-bit integers, decimals and everything else exact arrive as text. */
type EngineValue = string | number | boolean | null | readonly EngineValue[];

export interface RunOptions extends EngineErrorContext {
  readonly signal?: AbortSignal;
}

/** An interrupt that comes before the statement has started is forgotten by the engine: it is repeated until the statement ends. */
const INTERRUPT_AGAIN_MS = 20;

/** One session of an engine: one statement at a time, one transaction. */
export class EngineConnection {
  readonly #driver: DuckDBConnection;
  #running: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(driver: DuckDBConnection) {
    this.#driver = driver;
  }

  /**
   * Runs statements without looking at their rows.
   * @returns the rows that the engine counts as changed or copied by the last statement
   * @throws SluiceError as engine-errors.ts translates it; CANCELLED (or the signal's own reason) when aborted
   */
  async run(sql: string, options: RunOptions = {}): Promise<number> {
    return this.#exclusive(options, async () => (await this.#driver.run(sql)).rowsChanged);
  }

  /** The rows of a small result without structures. */
  async rows(sql: string, options: RunOptions = {}): Promise<EngineValue[][]> {
    return this.#exclusive(options, async () => (await this.#driver.runAndReadAll(sql)).getRowsJson() as EngineValue[][]);
  }

  /** The first value of the first row as text; undefined for NULL and for no row. */
  async value(sql: string, options: RunOptions = {}): Promise<string | undefined> {
    const value = (await this.rows(sql, options))[0]?.[0];
    return value === undefined || value === null ? undefined : String(value);
  }

  /** Names and types of what a SELECT yields; reads no row. */
  async columns(select: string, options: RunOptions = {}): Promise<EngineColumn[]> {
    return this.#exclusive(options, async () => {
      const result = await this.#driver.run(`SELECT * FROM (${select}\n) LIMIT 0`);
      return result.columnNames().map((name, i): EngineColumn => ({ name, type: engineTypeOf(result.columnType(i)) }));
    });
  }

  /** How many statements the engine sees in a text, and whether the only one is a query. */
  async isSingleQuery(sql: string): Promise<boolean> {
    return this.#exclusive({ userSql: true }, async () => {
      const statements = await this.#driver.extractStatements(sql);
      if (statements.count !== 1) return false;
      const prepared = await statements.prepare(0);
      try {
        const type: number = prepared.statementType;
        return type === SELECT_STATEMENT;
      } finally {
        prepared.destroySync();
      }
    });
  }

  /** Share done of the running statement, 0 to 1; undefined when the engine cannot say. */
  get progress(): number | undefined {
    const { percentage } = this.#driver.progress;
    return percentage < 0 ? undefined : percentage / 100;
  }

  /** Ends the running statement with an error, soon. */
  interrupt(): void {
    if (!this.#closed) this.#driver.interrupt();
  }

  /** Interrupts what runs, waits for its end, and leaves; an open transaction is rolled back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const again = setInterval(() => this.#driver.interrupt(), INTERRUPT_AGAIN_MS);
    this.#driver.interrupt();
    await this.#running.catch(() => undefined);
    clearInterval(again);
    if (this.#closed) return;
    this.#closed = true;
    this.#driver.closeSync();
  }

  async #exclusive<T>(options: RunOptions, work: () => Promise<T>): Promise<T> {
    const before = this.#running;
    const now = before.then(() => this.#attempt(options, work));
    this.#running = now.catch(() => undefined);
    return now;
  }

  async #attempt<T>(options: RunOptions, work: () => Promise<T>): Promise<T> {
    const { signal } = options;
    if (isAborted(signal)) throw cancellation(signal!);
    if (this.#closed) throw new SluiceError('CANCELLED');
    let again: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.interrupt();
      again = setInterval(() => this.interrupt(), INTERRUPT_AGAIN_MS);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await work();
    } catch (error) {
      if (isAborted(signal)) throw cancellation(signal!, error);
      throw engineError(error, options);
    } finally {
      clearInterval(again);
      signal?.removeEventListener('abort', stop);
    }
  }
}

/** The driver's StatementType.SELECT; a number here because an enum would have to be imported at load time. */
const SELECT_STATEMENT = 1;

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal !== undefined && signal.aborted;
}

function cancellation(signal: AbortSignal, cause?: unknown): SluiceError {
  const reason: unknown = signal.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('CANCELLED', {}, {}, cause ?? reason);
}
