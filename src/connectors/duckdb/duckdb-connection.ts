import { SluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import type { Engine, EngineOptions, openEngine } from '../../engine/engine.ts';
import type { TableName, TableSchema } from '../../rows/table-schema.ts';
import type { Connection, ConnectOptions, LoadOptions, LoadSession, ReadTableRequest, Reference, TablesReader } from '../connector.ts';
import { describeTable, listReferences, listTables } from './catalog.ts';
import { DuckdbLoadSession } from './load-session.ts';
import type { LoadSessionContext } from './session-of-run.ts';
import { openTablesReader } from './reader.ts';
import { StagedLoadSession } from './staged-session.ts';

/** An open DuckDB file. Opened for reading only when it is a source; opened again for writing by the first openLoad. */
export class DuckdbConnection implements Connection {
  readonly kind = 'duckdb';
  readonly name: string;
  serverVersion = '';
  readonly #path: string;
  readonly #options: ConnectOptions;
  #engineOptions: EngineOptions;
  #open: typeof openEngine | undefined;
  #engine: Engine | undefined;
  /** For catalog look-ups; sees what is committed. */
  #catalog: EngineConnection | undefined;
  #readers = 0;
  #published = false;

  constructor(name: string, path: string, engineOptions: EngineOptions, options: ConnectOptions) {
    this.name = name;
    this.#path = path;
    this.#engineOptions = engineOptions;
    this.#options = options;
  }

  /** @throws SluiceError DATABASE_UNKNOWN, DATABASE_LOCKED, TARGET_UNWRITABLE, ENGINE_ERROR */
  async open(open: typeof openEngine): Promise<void> {
    this.#open = open;
    const engine = await open(this.#engineOptions);
    try {
      this.#catalog = await engine.connect();
      this.serverVersion = (await this.#catalog.value('SELECT version()')) ?? '';
    } catch (error) {
      await engine.close(engine.created);
      throw error;
    }
    this.#engine = engine;
  }

  listTables(): Promise<TableSchema[]> {
    return listTables(this.#catalog!);
  }

  describeTable(name: TableName): Promise<TableSchema | undefined> {
    return describeTable(this.#catalog!, name);
  }

  listReferences(): Promise<readonly Reference[]> {
    return listReferences(this.#catalog!);
  }

  async openReader(requests: readonly ReadTableRequest[]): Promise<TablesReader> {
    const connection = await this.#engine!.connect();
    try {
      const reader = await openTablesReader(connection, requests, { name: this.name, path: this.#path, signal: this.#options.signal });
      this.#readers++;
      return {
        tables: reader.tables,
        close: async () => {
          this.#readers--;
          await reader.close();
        },
      };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async readRows(sql: string, signal: AbortSignal): Promise<(string | null)[][]> {
    const rows = await this.#catalog!.rows(sql, { signal, connection: this.name });
    return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
  }

  async openLoad(options: LoadOptions): Promise<LoadSession> {
    if (this.#engine!.readOnly) await this.#reopenForWriting();
    const engine = this.#engine!;
    const context: LoadSessionContext = {
      connect: () => engine.connect(),
      catalog: this.#catalog!,
      name: this.name,
      path: this.#path,
      run: options.run,
      resumable: options.resumable === true,
      isDone: options.isDone ?? (() => false),
      signal: options.signal,
      memoryLimitBytes: this.#options.engineMemoryBytes,
      threads: Math.max(1, this.#engineOptions.threads),
      onPublished: () => { this.#published = true; },
    };
    return options.onError === 'quarantine' ? new StagedLoadSession(context, engine.tempFolder) : new DuckdbLoadSession(context);
  }

  /** A file that this connection created and that never got a table is removed again. */
  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.close(engine.created && !this.#published);
  }

  async #reopenForWriting(): Promise<void> {
    if (this.#readers > 0) {
      throw new SluiceError('OPTION_UNSUPPORTED', { option: 'Reading and writing the same DuckDB file', context: `in one run (${this.name})` });
    }
    await this.#engine?.close();
    this.#engine = undefined;
    this.#engineOptions = { ...this.#engineOptions, readOnly: false };
    await this.open(this.#open!);
  }
}
