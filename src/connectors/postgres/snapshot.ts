/**
 * One consistent state of the database, read through several sessions.
 *
 * The coordinator's transaction locks the tables against being dropped, truncated or altered, then takes the snapshot, in this order: a
 * TRUNCATE that comes between would otherwise show as an empty table. Workers import the snapshot. A worker takes its own lock without waiting, because
 * it would wait for ever behind somebody who wants the table for himself and waits for the coordinator: that part is then read by
 * the coordinator, which has the lock.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { hasSqlState } from './errors.ts';
import { PINNED_SETTINGS, settingsSql, type Session } from './driver.ts';
import { quoteLiteral } from './sql.ts';
import type { ScanUnit } from './part-plan.ts';
import { Serial } from './serial.ts';
import { SessionPool } from './session-pool.ts';

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
/** Some poolers forget settings between transactions: they are repeated for ours. */
const SETTINGS = settingsSql({ ...PINNED_SETTINGS, TimeZone: 'UTC' }, true);
/** For ranges: each is one scan and comes many times, so that compiling it or sharing it out costs more than it brings. */
const RANGE_SETTINGS = 'SET LOCAL jit TO off; SET LOCAL max_parallel_workers_per_gather TO 0';
const QUERY_SETTINGS = 'SET LOCAL jit TO DEFAULT; SET LOCAL max_parallel_workers_per_gather TO DEFAULT';

const LOCKS_PER_STATEMENT = 200;

/** What a session has done already in its transaction. */
interface SessionState {
  readonly locked: Set<string>;
  settings: string;
}

export class Snapshot {
  /** For questions to the catalog within the snapshot. */
  readonly coordinator: Session;
  /** As other programs import it. */
  readonly id: string;
  readonly #workers: SessionPool;
  readonly #serial = new Serial();
  readonly #states = new WeakMap<Session, SessionState>();
  /** Tables that somebody waits for. */
  readonly #contested = new Set<string>();

  private constructor(coordinator: Session, id: string, workers: SessionPool) {
    this.coordinator = coordinator;
    this.id = id;
    this.#workers = workers;
  }

  /** @param open opens a session; @param jobs workers at most, besides the coordinator */
  static async take(open: () => Promise<Session>, jobs: number, lockedTables: readonly string[], signal: AbortSignal): Promise<Snapshot> {
    const coordinator = await open();
    try {
      await coordinator.query(BEGIN, { signal });
      for (let at = 0; at < lockedTables.length; at += LOCKS_PER_STATEMENT) {
        const tables = lockedTables.slice(at, at + LOCKS_PER_STATEMENT).join(', ');
        await coordinator.query(`LOCK TABLE ${tables} IN ACCESS SHARE MODE`, { signal });
      }
      const { rows } = await coordinator.query('SELECT pg_catalog.pg_export_snapshot()', { signal });
      await coordinator.query(SETTINGS, { signal });
      const snapshot = rows[0][0]!;
      return new Snapshot(coordinator, snapshot, new SessionPool(jobs, async () => importSnapshot(await open(), coordinator, snapshot)));
    } catch (error) {
      await coordinator.close();
      throw error;
    }
  }

  /** Runs work on the coordinator, after whatever it does now. */
  withCoordinator<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#serial.run(() => work(this.coordinator));
  }

  /** Iterates what `read` makes of a session of the snapshot that may read the unit (undefined: a query). */
  async *read(unit: ScanUnit | undefined, read: (session: Session) => AsyncGenerator<Uint8Array, void, undefined>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    if (unit !== undefined && this.#contested.has(unit.sqlName)) {
      yield* this.#readByCoordinator(read);
      return;
    }
    const session = await this.#workers.acquire();
    let mayRead = false;
    try {
      mayRead = await this.#makeReady(session, unit, signal);
      if (mayRead) yield* read(session);
    } catch (error) {
      // Its transaction has failed, and a new one would need the snapshot again.
      session.usable = false;
      throw error;
    } finally {
      this.#workers.release(session);
    }
    if (!mayRead) yield* this.#readByCoordinator(read);
  }

  async close(): Promise<void> {
    await this.#workers.close();
    await this.coordinator.close();
  }

  /** False when somebody waits for the table. */
  async #makeReady(session: Session, unit: ScanUnit | undefined, signal: AbortSignal): Promise<boolean> {
    const state = this.#states.get(session) ?? { locked: new Set<string>(), settings: QUERY_SETTINGS };
    this.#states.set(session, state);
    const settings = unit?.ranged === true ? RANGE_SETTINGS : QUERY_SETTINGS;
    if (state.settings !== settings) await session.query(settings, { signal });
    state.settings = settings;
    if (unit === undefined || !unit.lockable || state.locked.has(unit.sqlName)) return true;
    try {
      await session.query(`LOCK TABLE ${unit.only ? 'ONLY ' : ''}${unit.sqlName} IN ACCESS SHARE MODE NOWAIT`, { signal });
      state.locked.add(unit.sqlName);
      return true;
    } catch (error) {
      if (!hasSqlState((error as Error).cause, '55P03')) throw error;
      this.#contested.add(unit.sqlName);
      session.usable = false;
      return false;
    }
  }

  async *#readByCoordinator(read: (session: Session) => AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
    let done: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (done = resolve));
    await new Promise<void>((ready) => void this.#serial.run(() => {
      ready();
      return finished;
    }));
    try {
      yield* read(this.coordinator);
    } finally {
      done();
    }
  }
}

async function importSnapshot(session: Session, coordinator: Session, snapshot: string): Promise<Session> {
  try {
    await session.query(BEGIN);
    await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`).catch((error: SluiceError) => {
      if (error.code === 'CONNECTION_LOST') throw error;
      const { name } = session.target;
      if (!coordinator.usable) throw coordinator.translate(new Error('Connection terminated: the session that holds the snapshot is gone'));
      throw new SluiceError('POOLER_DETECTED', { connection: name, reason: error.message }, {}, error);
    });
    await session.query(SETTINGS);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
