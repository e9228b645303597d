/** Run stores as older versions have left them: every run in them is there, and new ones go in beside them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newOwner } from '../../src/jobs/run-owner.ts';
import { RunStore } from '../../src/jobs/run-store.ts';

const COLUMNS = `run TEXT PRIMARY KEY, job TEXT NOT NULL, status TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, owner_token TEXT, owner_pid INTEGER, owner_host TEXT, lease_until INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0, plan TEXT, summary TEXT, receipt TEXT`;
const BY_START = 'CREATE INDEX runs_by_start ON runs (started_at DESC, run DESC);';
const FIGURES = `figures TEXT, missed INTEGER NOT NULL DEFAULT 0, acknowledged_at INTEGER, acknowledged_by TEXT`;
/** As each version made them. */
const FORMATS: readonly (readonly [format: number, schema: string])[] = [
  [1, `CREATE TABLE runs (${COLUMNS}) STRICT, WITHOUT ROWID; ${BY_START}`],
  [2, `CREATE TABLE runs (${COLUMNS}, state TEXT) STRICT, WITHOUT ROWID; ${BY_START}`],
  [3, `CREATE TABLE runs (${COLUMNS}, state TEXT, ${FIGURES}) STRICT, WITHOUT ROWID; ${BY_START} CREATE INDEX runs_to_look_at ON runs (started_at DESC, run DESC) WHERE missed > 0 OR status = 'failed';`],
];
const RECEIPT = { run: 'old', job: 'import', status: 'done', seconds: 2, totals: { read: 5, written: 4, rejected: 1, duplicate: 0, skipped: 0, bytes: 50 }, tables: [], peakRssBytes: 7, quarantine: null, targets: [], plan: null };

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'sluice-formats-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a run store', () => {
  it.each(FORMATS)('of format %i keeps its runs', async (format, schema) => {
    const database = new DatabaseSync(join(folder, 'runs.sqlite'));
    database.exec(`${schema} PRAGMA user_version = ${format}`);
    database.prepare(`INSERT INTO runs (run, job, status, started_at, ended_at, plan, summary, receipt) VALUES ('old', 'import', 'done', 1000, 3000, ?, ?, ?)`)
      .run(JSON.stringify({ from: 'a.csv', to: 'duckdb' }), JSON.stringify({ phase: 'moving', rows: 4, bytes: 50, rssBytes: 7 }), JSON.stringify(RECEIPT));
    database.exec(`INSERT INTO runs (run, job, status, started_at, ended_at, receipt) VALUES ('bad', 'export', 'failed', 500, 600, '{"seconds":1,"totals":{"written":0,"rejected":0,"bytes":0},"peakRssBytes":1,"error":{"code":"DISK_FULL","message":"full"}}')`);
    database.close();
    const store = await RunStore.open(folder);
    try {
      expect(store.show('old')).toMatchObject({ job: 'import', status: 'done', startedAt: 1000, endedAt: 3000, from: 'a.csv', to: 'duckdb', rows: 4, receipt: RECEIPT, summary: { bytes: 50 } });
      // Of the first two the figures are made from the receipts.
      if (format < 3) expect(store.show('old').figures).toMatchObject({ seconds: 2, rows: 4, rejected: 1, bytes: 50, peakRssBytes: 7, targets: [] });
      expect(store.courseOf('old')).toEqual([]);
      expect(store.alerts({ limit: 5, open: true })).toMatchObject([{ run: 'bad', error: { code: 'DISK_FULL' } }]);
      store.create('new', 'copy', newOwner());
      expect(store.list().map(({ run }) => run)).toEqual(['new', 'old', 'bad']);
    } finally {
      store.close();
    }
    (await RunStore.open(folder)).close();
  });
});
