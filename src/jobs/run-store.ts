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
import type { JobName, Receipt, TargetResult } from './receipt.ts';
import type { CourseSample } from '../progress/run-course.ts';
import { figuresOf, missedBy, type RunFigures } from './run-figures.ts';
import { isCertainlyGone } from '../io/process-owner.ts';
import type { RunOwner } from './run-owner.ts';
import { prepare } from './run-store-format.ts';
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
  /** Null while it runs, and for what died. */
  readonly figures: RunFigures | null;
}

/** A run that somebody should look at: it failed, or missed a performance target. */
export interface RunAlert {
  readonly run: string;
  readonly job: JobName;
  readonly status: RunStatus;
  /** When it ended. */
  readonly at: number;
  readonly missed: readonly TargetResult[];
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly acknowledgedAt: number | null;
  readonly acknowledgedBy: string | null;
}

/** A place in a list of runs, newest first. */
export type RunPlace = Pick<RunListing, 'startedAt' | 'run'>;

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

/** What the owner tells of a run at each beat. */
export interface Progress {
  readonly summary: RunSummary;
  readonly course: readonly CourseSample[];
}

/** What the owner learns at each beat: `lost` when the run is no longer its own. */
export type Heartbeat = 'continue' | 'cancel' | 'lost';

/** How long an owner may be silent before it counts as dead. Renewed far more often; a suspended laptop that wakes goes on. */
export const LEASE_MS = 30_000;

const FILE = 'runs.sqlite';
const BUSY_TIMEOUT_MS = 5_000;
const OPEN_ATTEMPTS = 20;

/** What is read for lists: plans and receipts may be long, and only a few of their members are shown. */
const LISTED = `run, job, status, started_at, ended_at, owner_pid, owner_host, lease_until, cancel_requested, summary, figures, state IS NOT NULL AS has_state,
  json_extract(plan, '$.from') AS plan_from, json_extract(plan, '$.to') AS plan_to`;

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

type ListedRow = Pick<Row, 'run' | 'job' | 'status' | 'started_at' | 'ended_at' | 'owner_pid' | 'owner_host' | 'lease_until' | 'cancel_requested' | 'summary'> & {
  figures: string | null;
  has_state: number;
  plan_from: string | null;
  plan_to: string | null;
};

interface AlertRow {
  run: string;
  job: JobName;
  status: RunStatus;
  started_at: number;
  ended_at: number | null;
  figures: string | null;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  code: string | null;
  message: string | null;
}

/** As the index has it. */
const TO_LOOK_AT = `(missed > 0 OR status = 'failed')`;

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
    if (row.state === null) throw new SluiceError('RESUME_REFUSED', { run, reason: reasonWithoutState(row.job) });
    const changed = this.#run(
      `UPDATE runs SET status = 'running', ended_at = NULL, receipt = NULL, figures = NULL, course = NULL, missed = 0, cancel_requested = 0, owner_token = ?, owner_pid = ?, owner_host = ?, lease_until = ?
        WHERE run = ? AND status = ? AND owner_token IS ?`,
      [owner.token, owner.pid, owner.host, now + LEASE_MS, run, row.status, row.owner_token],
    );
    if (changed === 0) throw new SluiceError('RUN_ACTIVE', { run, pid: '?', host: 'another process that was quicker' });
    return { job: row.job, startedAt: row.started_at, state: parse(row.state) };
  }

  /** Renews the lease and says whether somebody asked for an end. */
  beat(run: string, owner: RunOwner, { summary, course }: Progress, now: number = Date.now()): Heartbeat {
    const changed = this.#run(
      `UPDATE runs SET lease_until = ?, summary = ?, course = ? WHERE run = ? AND owner_token = ? AND status = 'running'`,
      [now + LEASE_MS, JSON.stringify(summary), JSON.stringify(course), run, owner.token],
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
  // oxlint-disable-next-line max-params -- the end, when it was, and what goes with it
  finish(run: string, owner: RunOwner, receipt: Receipt, now: number = Date.now(), { resumable = false, progress }: { readonly resumable?: boolean; readonly progress?: Progress } = {}): boolean {
    const figures = figuresOf(receipt);
    return this.#durably(
      `UPDATE runs SET status = ?, ended_at = ?, receipt = ?, figures = ?, missed = ?, summary = coalesce(?, summary), course = coalesce(?, course), owner_token = NULL, lease_until = NULL WHERE run = ? AND owner_token = ? AND status = 'running'`,
      [resumable ? 'interrupted' : receipt.status, now, JSON.stringify(redactData(receipt)), JSON.stringify(figures), missedBy(figures).length, textOf(progress?.summary), textOf(progress?.course), run, owner.token],
    ) > 0;
  }

  /** Newest first. */
  list(limit = 1000, now: number = Date.now()): RunListing[] {
    return this.page(limit, undefined, now);
  }

  /** Newest first, from behind a run of a page before. */
  page(limit: number, after?: RunPlace, now: number = Date.now()): RunListing[] {
    return this.#newestFirst('true', [], { limit, after }).map((row) => listing(row, now));
  }

  /** Runs that came to their end with an account, newest first: what trends are drawn of. */
  history(options: { readonly limit: number; readonly after?: RunPlace | undefined; readonly job?: string | undefined; readonly since?: number | undefined }, now: number = Date.now()): RunListing[] {
    const { job, since } = options;
    const wanted = [`figures IS NOT NULL AND status = 'done'`, ...(job === undefined ? [] : ['job = ?']), ...(since === undefined ? [] : ['started_at >= ?'])].join(' AND ');
    return this.#newestFirst(wanted, [...(job === undefined ? [] : [job]), ...(since === undefined ? [] : [since])], options).map((row) => listing(row, now));
  }

  /** Newest first. */
  alerts(options: { readonly limit: number; readonly after?: RunPlace | undefined; readonly open: boolean }): (RunAlert & RunPlace)[] {
    const columns = `run, job, status, started_at, ended_at, figures, acknowledged_at, acknowledged_by, json_extract(receipt, '$.error.code') AS code, json_extract(receipt, '$.error.message') AS message`;
    const rows = this.#newestFirst<AlertRow>(`${TO_LOOK_AT}${options.open ? ' AND acknowledged_at IS NULL' : ''}`, [], options, columns);
    return rows.map((row) => ({
      run: row.run, job: row.job, status: row.status, startedAt: row.started_at, at: row.ended_at ?? row.started_at,
      missed: ((parse(row.figures) as RunFigures | null)?.targets ?? []).filter(({ met }) => !met),
      error: row.code === null ? null : { code: row.code, message: row.message ?? '' },
      acknowledgedAt: row.acknowledged_at, acknowledgedBy: row.acknowledged_by,
    }));
  }

  /** How many nobody has acknowledged. */
  openAlerts(): number {
    return Number(this.#all(`SELECT count(*) AS open FROM runs WHERE ${TO_LOOK_AT} AND acknowledged_at IS NULL`, [])[0].open);
  }

  /** @throws SluiceError RUN_UNKNOWN */
  acknowledge(run: string, by: string, now: number = Date.now()): void {
    this.#run(`UPDATE runs SET acknowledged_at = ?, acknowledged_by = ? WHERE run = ? AND acknowledged_at IS NULL AND ${TO_LOOK_AT}`, [now, by, run]);
    this.show(run);
  }

  /** @throws SluiceError RUN_UNKNOWN */
  show(run: string, now: number = Date.now()): RunDetails {
    const row = this.#all('SELECT * FROM runs WHERE run = ?', [run])[0] as unknown as Row | undefined;
    if (row === undefined) throw new SluiceError('RUN_UNKNOWN', { run });
    const listed = this.#all(`SELECT ${LISTED} FROM runs WHERE run = ?`, [run])[0] as unknown as ListedRow;
    return {
      ...listing(listed, now),
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

  /** How the run went so far, as its owner said it last, or in all. @throws SluiceError RUN_UNKNOWN */
  courseOf(run: string): readonly CourseSample[] {
    const row = this.#all('SELECT course FROM runs WHERE run = ?', [run])[0];
    if (row === undefined) throw new SluiceError('RUN_UNKNOWN', { run });
    return (parse(row.course as string | null) ?? []) as CourseSample[];
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

  // oxlint-disable-next-line max-params -- the parts of one statement
  #newestFirst<T = ListedRow>(wanted: string, values: SQLInputValue[], { limit, after }: { readonly limit: number; readonly after?: RunPlace | undefined }, columns: string = LISTED): T[] {
    const [condition, place] = after === undefined ? ['', []] : ['AND (started_at, run) < (?, ?)', [after.startedAt, after.run]];
    return this.#all(`SELECT ${columns} FROM runs WHERE ${wanted} ${condition} ORDER BY started_at DESC, run DESC LIMIT ?`, [...values, ...place, limit]) as T[];
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

function listing(row: ListedRow, now: number): RunListing {
  const figures = parse(row.figures) as RunFigures | null;
  const summary = parse(row.summary) as RunSummary | null;
  return {
    run: row.run,
    job: row.job,
    status: statusOf(row, now),
    startedAt: row.started_at,
    endedAt: row.ended_at,
    from: row.plan_from,
    to: row.plan_to,
    rows: figures?.rows ?? summary?.rows ?? 0,
    cancelRequested: row.cancel_requested !== 0,
    resumable: row.has_state !== 0 && statusOf(row, now) === 'interrupted',
    figures,
  };
}

function statusOf(row: Pick<Row, 'status' | 'lease_until' | 'owner_pid' | 'owner_host'>, now: number): RunStatus {
  if (row.status !== 'running') return row.status;
  const expired = row.lease_until === null || row.lease_until < now;
  const gone = row.owner_pid !== null && row.owner_host !== null && isCertainlyGone({ pid: row.owner_pid, host: row.owner_host });
  return expired || gone ? 'interrupted' : 'running';
}

const NOT_RESUMABLE: Readonly<Partial<Record<JobName, string>>> = { export: 'an export', copy: 'a copy', verify: 'a verification' };

function reasonWithoutState(job: JobName): string {
  const other = NOT_RESUMABLE[job];
  return other === undefined ? 'it had not begun to move rows' : `only imports, restores and backups can be, and this is ${other}`;
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function parse(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
