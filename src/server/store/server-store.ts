/**
 * What the server keeps: credentials, stored connections, known repositories, idempotency keys and settings, in SQLite beside the run store, readable by its owner only. Secrets are in it only
 * hashed (credentials.ts) or encrypted with a key that is elsewhere (secrets.ts), so that a copy of the workspace lets nobody in.
 */
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { SluiceError } from '../../errors/sluice-error.ts';
import { ensurePrivateFile, ensureWorkspace, reasonOf, unusable } from '../../jobs/workspace-folder.ts';

const FILE = 'server.sqlite';
const FORMAT = 2;
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
CREATE TABLE credentials (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER,
  parent TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE connections (name TEXT PRIMARY KEY, secret BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
  holder TEXT NOT NULL,
  key TEXT NOT NULL,
  request BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  run TEXT,
  PRIMARY KEY (holder, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** By the format that they start from. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `CREATE TABLE repositories (name TEXT PRIMARY KEY, path TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
};

export class ServerStore {
  readonly #database: DatabaseSync;
  readonly #folder: string;

  private constructor(database: DatabaseSync, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  /** @throws SluiceError WORKSPACE_UNUSABLE, WORKSPACE_TOO_NEW */
  static async open(folder: string): Promise<ServerStore> {
    ensureWorkspace(folder);
    const { DatabaseSync } = await import('node:sqlite');
    let database: DatabaseSync | undefined;
    try {
      ensurePrivateFile(join(folder, FILE));
      database = new DatabaseSync(join(folder, FILE), { timeout: BUSY_TIMEOUT_MS });
      prepare(database, folder);
      return new ServerStore(database, folder);
    } catch (error) {
      database?.close();
      throw error instanceof SluiceError ? error : unusable(folder, reasonOf(error), error);
    }
  }

  /** How many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guarded(() => Number(this.#database.prepare(sql).run(...values).changes));
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guarded(() => this.#database.prepare(sql).all(...values) as T[]);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw unusable(this.#folder, reasonOf(error), error);
    }
  }
}

function prepare(database: DatabaseSync, folder: string): void {
  // A rollback journal and not WAL: no second file would have to be private, and writes are rare.
  database.exec('PRAGMA cache_size = -256; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; BEGIN IMMEDIATE');
  try {
    const found = Number(database.prepare('PRAGMA user_version').get()?.user_version);
    if (found > FORMAT) throw new SluiceError('WORKSPACE_TOO_NEW', { path: folder, found, known: FORMAT });
    if (found === 0) database.exec(SCHEMA);
    for (let format = Math.max(1, found); format < FORMAT; format++) database.exec(MIGRATIONS[format]);
    database.exec(`PRAGMA user_version = ${FORMAT}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
