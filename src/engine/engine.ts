/**
 * The embedded engine (DuckDB). The only place that loads its driver, and only when an engine is opened: byte lanes must not pay for it.
 *
 * Memory: `memoryLimitBytes` is what the engine may add to the process. DuckDB's own limit is set a third lower, because it counts buffers and not
 * what vectors and compression hold besides, and its allocator gives freed memory back at once (measured on loads of 5M rows with 300 MiB: the
 * process peaks at 330 MiB; as DuckDB comes, with its limit at 300 MiB, at 420 to 540 MiB, and 8% faster). Spilled data goes to a private folder that is removed at close.
 *
 * A database file is opened once in a process: the lock of a file holds off other processes only, and a second instance over the same file
 * would damage it. Opening it again shares the instance.
 */
import { realpath, rm, stat, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBInstance } from '@duckdb/node-api';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { EngineConnection } from './engine-connection.ts';
import { engineError } from './engine-errors.ts';
import { noteEngineUse } from './engine-use.ts';
import { makeTempFolder, removeStaleTempFolders } from './temp-folder.ts';

export interface EngineOptions {
  /** A database file, or `:memory:`. */
  readonly path: string;
  readonly memoryLimitBytes: number;
  readonly threads: number;
  /** Where spilled data goes (in a folder of its own); default the system's temporary folder. */
  readonly tempFolder?: string;
  readonly readOnly?: boolean;
  /** Create the file when it is absent. */
  readonly create?: boolean;
}

/** Where a lane is not given a limit. */
export const DEFAULT_ENGINE_MEMORY_BYTES = 300 * 1024 * 1024;
export const DEFAULT_ENGINE_THREADS = 2;

const SMALLEST_LIMIT_BYTES = 64 * 1024 * 1024;
/** Of the free space, so that a runaway query does not fill the disk for everybody else. */
const TEMP_SHARE_OF_FREE_SPACE = 0.8;

/** Text forms are in UTC. Progress is only computed when the bar is on, and must not be drawn. */
const SESSION_SETTINGS = "SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false";

interface Shared {
  readonly instance: DuckDBInstance;
  readonly readOnly: boolean;
  readonly created: boolean;
  readonly tempFolder: string;
  users: number;
}

const openFiles = new Map<string, Promise<Shared>>();

/** An open engine; close it. Statements run on connections of it. */
export class Engine {
  readonly #shared: Shared;
  readonly #path: string;
  readonly #connections = new Set<EngineConnection>();
  #closed = false;

  constructor(shared: Shared, path: string) {
    this.#shared = shared;
    this.#path = path;
  }

  /** True when this opening created the database file. */
  get created(): boolean {
    return this.#shared.created;
  }

  get readOnly(): boolean {
    return this.#shared.readOnly;
  }

  /** Of this engine alone; goes with its last close. */
  get tempFolder(): string {
    return this.#shared.tempFolder;
  }

  /** A connection with its session pinned to what Sluice's text forms need (time zone UTC). */
  async connect(): Promise<EngineConnection> {
    const connection = new EngineConnection(await this.#shared.instance.connect());
    this.#connections.add(connection);
    await connection.run(SESSION_SETTINGS);
    return connection;
  }

  /** Interrupts what runs, closes all connections, removes spilled data. `discardFile` also removes the database file: for one that never got a table. */
  async close(discardFile = false): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of this.#connections) await connection.close();
    this.#shared.users--;
    if (this.#shared.users > 0) return;
    openFiles.delete(this.#path);
    this.#shared.instance.closeSync();
    await rm(this.#shared.tempFolder, { recursive: true, force: true });
    if (discardFile && this.#path !== ':memory:') {
      for (const file of [this.#path, `${this.#path}.wal`]) await unlink(file).catch(() => undefined);
    }
  }
}

/** @throws SluiceError DATABASE_UNKNOWN, DATABASE_LOCKED, TARGET_UNWRITABLE, DISK_FULL, ENGINE_ERROR, OPTION_UNSUPPORTED */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  noteEngineUse();
  if (options.path === ':memory:') return new Engine(await openShared(':memory:', options), ':memory:');
  const path = await canonicalPath(options.path);
  const open = openFiles.get(path);
  if (open !== undefined) return shareOpen(await open, path, options);
  const opening = openShared(path, options);
  openFiles.set(path, opening);
  try {
    return new Engine(await opening, path);
  } catch (error) {
    openFiles.delete(path);
    throw error;
  }
}

function shareOpen(shared: Shared, path: string, options: EngineOptions): Engine {
  if (shared.readOnly && options.readOnly !== true) {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: 'Reading and writing the same DuckDB file', context: `in one run (${options.path})` });
  }
  shared.users++;
  return new Engine(shared, path);
}

async function openShared(path: string, options: EngineOptions): Promise<Shared> {
  const exists = path === ':memory:' || await isFile(path, options);
  if (!exists && options.create !== true) {
    throw new SluiceError('DATABASE_UNKNOWN', { database: basename(path), address: dirname(path) }, { file: options.path });
  }
  const readOnly = options.readOnly === true && exists;
  const tempFolder = await makeTempFolder(options.tempFolder, path);
  try {
    // Read by the engine's own allocator when its library is loaded; nothing else in the process uses it. Freed pages go back to the system after a moment: at
    // once would cost a tenth of an import's processor time in system calls, and the usual ten seconds hundreds of megabytes.
    process.env.DUCKDB_JE_MALLOC_CONF ??= 'dirty_decay_ms:10,muzzy_decay_ms:0';
    const { DuckDBInstance: Driver } = await import('@duckdb/node-api');
    const instance = await Driver.create(path, await settings(options, tempFolder, readOnly && path !== ':memory:'));
    if (options.tempFolder !== undefined && !readOnly && path !== ':memory:') await removeStaleTempFolders(options.tempFolder, path, tempFolder);
    return { instance, readOnly, created: !exists, tempFolder, users: 1 };
  } catch (error) {
    await rm(tempFolder, { recursive: true, force: true });
    throw openingError(error, options.path, exists);
  }
}

async function settings(options: EngineOptions, tempFolder: string, readOnly: boolean): Promise<Record<string, string>> {
  const { bavail, bsize } = await statfs(tempFolder);
  return {
    access_mode: readOnly ? 'READ_ONLY' : 'READ_WRITE',
    threads: String(Math.max(1, options.threads)),
    memory_limit: `${Math.max(SMALLEST_LIMIT_BYTES, Math.floor(options.memoryLimitBytes * 2 / 3))}B`,
    temp_directory: tempFolder,
    max_temp_directory_size: `${Math.floor(bavail * bsize * TEMP_SHARE_OF_FREE_SPACE)}B`,
    preserve_insertion_order: 'true',
    // Nothing may be fetched from the network behind the user's back.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Files are read once; caching their bytes would only take memory from the work.
    enable_external_file_cache: 'false',
  };
}

/** The same file under any name has the same key: links resolved, also when the file itself is yet to be created. */
async function canonicalPath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const folder = await realpath(dirname(absolute)).catch(() => dirname(absolute));
    return join(folder, basename(absolute));
  }
}

async function isFile(path: string, options: EngineOptions): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return true;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw new SluiceError('SOURCE_UNREADABLE', { path: options.path, reason: (error as Error).message }, { file: options.path }, error);
  }
  throw new SluiceError('ENGINE_ERROR', { reason: `${options.path} is not a DuckDB database` }, { file: options.path });
}

function openingError(error: unknown, path: string, exists: boolean): SluiceError {
  const message = error instanceof Error ? error.message : String(error);
  if (!exists && /Cannot open file|No such file|Permission denied|Read-only/.test(message)) {
    const reason = /No such file/.test(message) ? 'its folder does not exist' : message.split('\n', 1)[0];
    return new SluiceError('TARGET_UNWRITABLE', { path, reason }, { file: path }, error);
  }
  return engineError(error, { connection: path }).locatedAt({ file: path });
}
