/**
 * The runs of a workspace, in SQLite, shared by every process that uses the workspace. A run has one owner, which proves itself by a token and
 * renews a lease; whoever wants the run cancelled sets a flag that the owner polls. Every change of a run by its owner is a compare-and-set on the token.
 *
 * Plans and receipts come in redacted and are redacted once more on the way in: no secret is ever stored.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { redactData } from '../config/redact.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { TransferPlan } from '../pipeline/transfer.ts';
import type { JobName, Receipt } from './receipt.ts';
import { isCertainlyGone } from '../io/process-owner.ts';
import type { RunOwner } from './run-owner.ts';
import type { RunSummary } from './run-summary.ts';
import { ensurePrivateFile, ensureWorkspace, reasonOf, unusable } from './workspace-folder.ts';

/** `interrupted`: recorded as running, but its owner is gone. */
export type RunStatus = 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';

/** A run as lists show it. Times are milliseconds since 1970. */
export interface RunListing {
  readonly run: string;
  readonly job: JobName;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly from: string | null;
  readonly to: string | null;
  /** Rows: `written` of the receipt, or moved so far. */
  readonly rows: number;
  readonly cancelRequested: boolean;
  /** Interrupted, and what is needed to go on is recorded. */
  readonly resumable: boolean;
}

/** What a process needs to go on with a run. */
export interface TakenRun {
  readonly job: JobName;
  readonly startedAt: number;
  /** As `saveState` got it. */
  readonly state: unknown;
}

export interface RunDetails extends RunListing {
  readonly owner: { readonly pid: number; readonly host: string } | null;
  readonly summary: RunSummary | null;
  readonly plan: TransferPlan | null;
  readonly receipt: Receipt | null;
}

/** What the owner learns at each beat: `lost` when the run is no longer its own. */
export type Heartbeat = 'continue' | 'cancel' | 'lost';

/** How long an owner may be silent before it counts as dead. Renewed far more often; a suspended laptop that wakes goes on. */
export const LEASE_MS = 30_000;

export const STORE_FORMAT = 2;
const FILE = 'runs.sqlite';
const BUSY_TIMEOUT_MS = 5_000;
const OPEN_ATTEMPTS = 20;

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

/** By the format that they start from. */
const MIGRATIONS: Readonly<Record<number, string>> = { 1: 'ALTER TABLE runs ADD COLUMN state TEXT' };

interface Row {
  run: string;
  job: JobName;
  status: RunStatus;
  started_at: number;
  ended_at: number | null;
  owner_token: string | null;
  owner_pid: number | null;
  owner_host: string | null;
  lease_until: number | null;
  cancel_requested: number;
  plan: string | null;
  summary: string | null;
  receipt: string | null;
  state: string | null;
}

export class RunStore {
  readonly #database: DatabaseSync;
  readonly #folder: string;

  private constructor(database: DatabaseSync, folder: string) {
    this.#database = database;
    this.#folder = folder;
  }

  /**
   * Opens the store of the workspace, making both when they are absent.
   * @throws SluiceError WORKSPACE_UNUSABLE, WORKSPACE_TOO_NEW
   */
  static async open(folder: string): Promise<RunStore> {
    ensureWorkspace(folder);
    const { DatabaseSync } = await import('node:sqlite');
    for (let attempt = 1; ; attempt++) {
      let database: DatabaseSync | undefined;
      try {
        ensurePrivateFile(join(folder, FILE));
        database = new DatabaseSync(join(folder, FILE), { timeout: BUSY_TIMEOUT_MS });
        prepare(database, folder);
        return new RunStore(database, folder);
      } catch (error) {
        database?.close();
        if (error instanceof SluiceError) throw error;
        // Switching to WAL does not wait for another process that is doing the same.
        if (!/\b(?:locked|busy)\b/i.test(String(error)) || attempt === OPEN_ATTEMPTS) throw unusable(folder, reasonOf(error), error);
        await sleep(25 * attempt);
      }
    }
  }

  /** Opens the store to look into it; undefined when the workspace has none, so that looking makes no folder. */
  static async openExisting(folder: string): Promise<RunStore | undefined> {
    return existsSync(join(folder, FILE)) ? RunStore.open(folder) : undefined;
  }

  /** @throws SluiceError WORKSPACE_UNUSABLE */
  create(run: string, job: JobName, owner: RunOwner, now: number = Date.now()): void {
    this.#run(
      `INSERT INTO runs (run, job, status, started_at, owner_token, owner_pid, owner_host, lease_until) VALUES (?, ?, 'running', ?, ?, ?, ?, ?)`,
      [run, job, now, owner.token, owner.pid, owner.host, now + LEASE_MS],
    );
  }

  savePlan(run: string, owner: RunOwner, plan: TransferPlan): void {
    this.#run('UPDATE runs SET plan = ? WHERE run = ? AND owner_token = ?', [JSON.stringify(redactData(plan)), run, owner.token]);
  }

  /** What the run needs to be taken up again after an interruption. */
  saveState(run: string, owner: RunOwner, state: unknown): void {
    this.#durably('UPDATE runs SET state = ? WHERE run = ? AND owner_token = ?', [JSON.stringify(redactData(state)), run, owner.token]);
  }

  /**
   * Makes `owner` the owner of an interrupted run; of two that try only one succeeds.
   * @throws SluiceError RUN_UNKNOWN, RUN_ACTIVE, RESUME_REFUSED
   */
  takeOver(run: string, owner: RunOwner, now: number = Date.now()): TakenRun {
    const row = this.#all('SELECT * FROM runs WHERE run = ?', [run])[0] as unknown as Row | undefined;
    if (row === undefined) throw new SluiceError('RUN_UNKNOWN', { run });
    const status = statusOf(row, now);
    if (status === 'running') throw new SluiceError('RUN_ACTIVE', { run, pid: row.owner_pid ?? '?', host: row.owner_host?.split('/')[0] });
    if (status !== 'interrupted') throw new SluiceError('RESUME_REFUSED', { run, reason: `it is ${status}` });
    if (row.state === null) throw new SluiceError('RESUME_REFUSED', { run, reason: row.job === 'import' || row.job === 'restore' || row.job === 'backup' ? 'it had not begun to move rows' : `only imports, restores and backups can be, and this is ${row.job === 'export' ? 'an' : 'a'} ${row.job}` });
    const changed = this.#run(
      `UPDATE runs SET status = 'running', ended_at = NULL, receipt = NULL, cancel_requested = 0, owner_token = ?, owner_pid = ?, owner_host = ?, lease_until = ?
        WHERE run = ? AND status = ? AND owner_token IS ?`,
      [owner.token, owner.pid, owner.host, now + LEASE_MS, run, row.status, row.owner_token],
    );
    if (changed === 0) throw new SluiceError('RUN_ACTIVE', { run, pid: '?', host: 'another process that was quicker' });
    return { job: row.job, startedAt: row.started_at, state: parse(row.state) };
  }

  /** Renews the lease and says whether somebody asked for an end. */
  beat(run: string, owner: RunOwner, summary: RunSummary, now: number = Date.now()): Heartbeat {
    const changed = this.#run(
      `UPDATE runs SET lease_until = ?, summary = ? WHERE run = ? AND owner_token = ? AND status = 'running'`,
      [now + LEASE_MS, JSON.stringify(summary), run, owner.token],
    );
    if (changed === 0) return 'lost';
    return this.isCancelRequested(run) ? 'cancel' : 'continue';
  }

  /** Reads only: cheap enough to poll several times a second. */
  isCancelRequested(run: string): boolean {
    const row = this.#all('SELECT cancel_requested FROM runs WHERE run = ?', [run])[0];
    return row !== undefined && Number(row.cancel_requested) !== 0;
  }

  /** Records the end; `resumable`: the run failed on its way and can go on later. False when the run is no longer this owner's. */
  finish(run: string, owner: RunOwner, receipt: Receipt, now: number = Date.now(), resumable = false): boolean {
    return this.#durably(
      `UPDATE runs SET status = ?, ended_at = ?, receipt = ?, owner_token = NULL, lease_until = NULL WHERE run = ? AND owner_token = ? AND status = 'running'`,
      [resumable ? 'interrupted' : receipt.status, now, JSON.stringify(redactData(receipt)), run, owner.token],
    ) > 0;
  }

  /** Newest first. */
  list(limit = 1000, now: number = Date.now()): RunListing[] {
    return this.page(limit, undefined, now);
  }

  /** Newest first, from behind a run of a page before. */
  page(limit: number, after?: Pick<RunListing, 'startedAt' | 'run'>, now: number = Date.now()): RunListing[] {
    const rows = after === undefined
      ? this.#all('SELECT * FROM runs ORDER BY started_at DESC, run DESC LIMIT ?', [limit])
      : this.#all('SELECT * FROM runs WHERE (started_at, run) < (?, ?) ORDER BY started_at DESC, run DESC LIMIT ?', [after.startedAt, after.run, limit]);
    return rows.map((row) => listing(row as unknown as Row, now));
  }

  /** @throws SluiceError RUN_UNKNOWN */
  show(run: string, now: number = Date.now()): RunDetails {
    const row = this.#all('SELECT * FROM runs WHERE run = ?', [run])[0] as unknown as Row | undefined;
    if (row === undefined) throw new SluiceError('RUN_UNKNOWN', { run });
    return {
      ...listing(row, now),
      owner: row.owner_pid === null || row.owner_host === null ? null : { pid: row.owner_pid, host: row.owner_host },
      summary: parse(row.summary) as RunSummary | null,
      plan: parse(row.plan) as TransferPlan | null,
      receipt: parse(row.receipt) as Receipt | null,
    };
  }

  isDone(run: string): boolean {
    return this.#all(`SELECT 1 FROM runs WHERE run = ? AND status = 'done'`, [run]).length > 0;
  }

  /** What `saveState` got; null when nothing was saved. @throws SluiceError RUN_UNKNOWN */
  stateOf(run: string): unknown {
    const row = this.#all('SELECT state FROM runs WHERE run = ?', [run])[0];
    if (row === undefined) throw new SluiceError('RUN_UNKNOWN', { run });
    return parse(row.state as string | null);
  }

  /** Asks the owner to stop; it answers within a second. @throws SluiceError RUN_UNKNOWN, RUN_NOT_ACTIVE */
  requestCancel(run: string): void {
    const { status } = this.show(run);
    const changed = status === 'running' ? this.#run(`UPDATE runs SET cancel_requested = 1 WHERE run = ? AND status = 'running'`, [run]) : 0;
    if (changed === 0) throw new SluiceError('RUN_NOT_ACTIVE', { run, status: this.show(run).status });
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** On disk when it returns: what follows relies on it, also after a loss of power. */
  #durably(sql: string, values: SQLInputValue[]): number {
    this.#database.exec('PRAGMA synchronous = FULL');
    try {
      return this.#run(sql, values);
    } finally {
      this.#database.exec('PRAGMA synchronous = NORMAL');
    }
  }

  #run(sql: string, values: SQLInputValue[]): number {
    try {
      return Number(this.#database.prepare(sql).run(...values).changes);
    } catch (error) {
      throw unusable(this.#folder, reasonOf(error), error);
    }
  }

  #all(sql: string, values: SQLInputValue[]): Record<string, unknown>[] {
    try {
      return this.#database.prepare(sql).all(...values);
    } catch (error) {
      throw unusable(this.#folder, reasonOf(error), error);
    }
  }
}

/** @throws SluiceError WORKSPACE_TOO_NEW, and SQLite's own errors */
function prepare(database: DatabaseSync, folder: string): void {
  // The store is a few hundred kilobytes; SQLite's default cache of 2 MB would come out of the run's memory budget.
  database.exec('PRAGMA cache_size = -256; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  if (formatOf(database) === STORE_FORMAT) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = formatOf(database);
    if (found > STORE_FORMAT) throw new SluiceError('WORKSPACE_TOO_NEW', { path: folder, found, known: STORE_FORMAT });
    if (found === 0) database.exec(SCHEMA);
    else for (let format = found; format < STORE_FORMAT; format++) database.exec(MIGRATIONS[format]);
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

function listing(row: Row, now: number): RunListing {
  const plan = parse(row.plan) as TransferPlan | null;
  const receipt = parse(row.receipt) as Receipt | null;
  const summary = parse(row.summary) as RunSummary | null;
  return {
    run: row.run,
    job: row.job,
    status: statusOf(row, now),
    startedAt: row.started_at,
    endedAt: row.ended_at,
    from: plan?.from ?? null,
    to: plan?.to ?? null,
    rows: receipt?.totals.written ?? summary?.rows ?? 0,
    cancelRequested: row.cancel_requested !== 0,
    resumable: row.state !== null && statusOf(row, now) === 'interrupted',
  };
}

function statusOf(row: Row, now: number): RunStatus {
  if (row.status !== 'running') return row.status;
  const expired = row.lease_until === null || row.lease_until < now;
  const gone = row.owner_pid !== null && row.owner_host !== null && isCertainlyGone({ pid: row.owner_pid, host: row.owner_host });
  return expired || gone ? 'interrupted' : 'running';
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
