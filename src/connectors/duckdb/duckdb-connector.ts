import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError } from '../../errors/sluice-error.ts';
import { openEngine, type EngineOptions } from '../../engine/engine.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import type { Connection, ConnectOptions, Connector } from '../connector.ts';
import { DuckdbConnection } from './duckdb-connection.ts';

/** DuckDB database files by the embedded engine: `duckdb:PATH`. */
export const duckdbConnector: Connector = {
  kind: 'duckdb',
  schemes: ['duckdb'],

  async connect(url: string, options: ConnectOptions): Promise<Connection> {
    throwIfCancelled(options.signal);
    const path = pathOf(url);
    const engine: EngineOptions = {
      path: options.planOnly === true && !existsSync(path) ? ':memory:' : path,
      memoryLimitBytes: options.engineMemoryBytes,
      threads: options.jobs,
      create: options.create,
      // A source is opened for reading only, so that other readers are not shut out; openLoad opens it again for writing.
      readOnly: !options.create,
      // Sorting and staging may spill as much as the data is large: the disk of the database is the one meant for that.
      ...(options.create && options.planOnly !== true ? { tempFolder: dirname(path) } : {}),
    };
    const connection = new DuckdbConnection(`duckdb:${path}`, path, engine, options);
    await connection.open(openEngine);
    return connection;
  },
};

function pathOf(url: string): string {
  const path = url.replace(/^duckdb:(\/\/(?=[^/]|\/))?/i, '');
  if (path === '' || path === ':memory:') {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `"${url}"`, context: ': name a database file, as in duckdb:FILE' });
  }
  return path;
}
