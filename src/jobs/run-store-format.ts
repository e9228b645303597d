/** The tables of the run store, and how a store of an older format becomes one of this. */
import type { DatabaseSync } from 'node:sqlite';
import { SluiceError } from '../errors/sluice-error.ts';

export const STORE_FORMAT = 4;

const SCHEMA = `
CREATE TABLE runs (
  run TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  owner_token TEXT,
  owner_pid INTEGER,
  owner_host TEXT,
  lease_until INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  plan TEXT,
  summary TEXT,
  receipt TEXT,
  state TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started_at DESC, run DESC);
`;

/** Of the format in which `SCHEMA` is; what came later is in the migrations. */
const SCHEMA_FORMAT = 2;

/** By the format that they start from. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: 'ALTER TABLE runs ADD COLUMN state TEXT',
  // `missed`: how many targets.
  2: `ALTER TABLE runs ADD COLUMN figures TEXT;
    ALTER TABLE runs ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN acknowledged_at INTEGER;
    ALTER TABLE runs ADD COLUMN acknowledged_by TEXT;
    UPDATE runs SET figures = json_object('seconds', receipt ->> '$.seconds', 'rows', receipt ->> '$.totals.written', 'rejected', receipt ->> '$.totals.rejected',
      'bytes', receipt ->> '$.totals.bytes', 'peakRssBytes', receipt ->> '$.peakRssBytes', 'targets', json('[]')) WHERE receipt IS NOT NULL;
    CREATE INDEX runs_to_look_at ON runs (started_at DESC, run DESC) WHERE missed > 0 OR status = 'failed';`,
  3: 'ALTER TABLE runs ADD COLUMN course TEXT',
};

/** @throws SluiceError WORKSPACE_TOO_NEW, and SQLite's own errors */
export function prepare(database: DatabaseSync, folder: string): void {
  // The store is a few hundred kilobytes; SQLite's default cache of 2 MB would come out of the run's memory budget.
  database.exec('PRAGMA cache_size = -256; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  if (formatOf(database) === STORE_FORMAT) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = formatOf(database);
    if (found > STORE_FORMAT) throw new SluiceError('WORKSPACE_TOO_NEW', { path: folder, found, known: STORE_FORMAT });
    if (found === 0) database.exec(SCHEMA);
    for (let format = found === 0 ? SCHEMA_FORMAT : found; format < STORE_FORMAT; format++) database.exec(MIGRATIONS[format]);
    database.exec(`PRAGMA user_version = ${STORE_FORMAT}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function formatOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}
