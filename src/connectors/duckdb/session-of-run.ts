/** What both kinds of load session (load-session.ts, staged-session.ts) are to their run: its publication as the run finds it again, and the engine's threads. */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import type { PublishedTable } from '../connector.ts';
import { PublicationEntry } from './publication-entry.ts';

export interface LoadSessionContext {
  connect(): Promise<EngineConnection>;
  readonly catalog: EngineConnection;
  /** Of the connection, for people. */
  readonly name: string;
  readonly path: string;
  readonly run: string;
  /** As in LoadOptions. */
  readonly resumable: boolean;
  readonly isDone: (run: string) => boolean;
  readonly signal: AbortSignal;
  readonly memoryLimitBytes: number;
  readonly threads: number;
  readonly onPublished: () => void;
}

export abstract class SessionOfRun {
  readonly context: LoadSessionContext;
  #threads: number;

  constructor(context: LoadSessionContext) {
    this.context = context;
    this.#threads = context.threads;
  }

  abstract get connection(): EngineConnection;

  published(): Promise<ReadonlyMap<string, PublishedTable> | undefined> {
    return new PublicationEntry(this.context.run).read(this.context.catalog, this.runOptions());
  }

  /** The session that has published is over: a connection of its own does it. */
  async forget(): Promise<void> {
    const { name, path, run } = this.context;
    const connection = await this.context.connect();
    try {
      await new PublicationEntry(run).drop(connection, { connection: name, path });
    } finally {
      await connection.close();
    }
  }

  runOptions(table?: string): RunOptions {
    const { name, path, signal } = this.context;
    return { connection: name, path, signal, ...(table === undefined ? {} : { table }) };
  }

  /**
   * How many threads the engine uses for what comes next. A statement over a pipe has one thread's work, and the others would burn as much
   * time again waiting for it (measured: 5.1 against 2.5 CPU seconds for a million rows).
   */
  async useThreads(threads: number): Promise<void> {
    if (threads === this.#threads) return;
    await this.connection.run(`SET threads = ${threads}`);
    this.#threads = threads;
  }
}
