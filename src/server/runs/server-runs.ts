/** The runs that this server has started: begun within the budget, heard by the hub, ended in order when the server stops. What has ended is in the run store. */
import { SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf } from '../../io/cancellation.ts';
import type { PerformanceTargets } from '../../jobs/performance-targets.ts';
import type { RunHandle, RunOutcome, StartRunOptions } from '../../jobs/start-run.ts';
import type { ProgressListener } from '../../progress/progress-event.ts';
import type { ServerSettings } from '../contracts/system.ts';
import { databaseKey, type BudgetWish, type ConnectionBudget } from './connection-budget.ts';
import type { EventHub } from './event-hub.ts';

/** Besides one for each job: for control, and for the snapshot or the publication. */
const CONNECTIONS_BESIDES = 2;
const WAITING_NOTE = 'Waiting until other runs have ended';

export interface ServerRunsParts {
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: () => ServerSettings;
  readonly run: Pick<StartRunOptions, 'partBytes' | 'engineMemoryBytes'>;
  readonly budget: ConnectionBudget;
  readonly hub: EventHub;
  /** Called before a run asks for its connections: what is only kept open goes. */
  readonly makeRoom: () => Promise<void>;
}

/** The databases of a run, by URL, and whether it loads into them. */
export type RunEnds = readonly { readonly url: string; readonly isTarget: boolean }[];

export interface LaunchOptions extends Pick<StartRunOptions, 'stdin' | 'stdinName' | 'stdout' | 'signal' | 'dryRun' | 'partBytes'> {
  readonly ends: RunEnds;
  readonly jobs?: number;
  /** The run before it in a chain: it is waited for, and this one is cancelled when that did not go well. */
  readonly after?: Promise<RunOutcome>;
  readonly onProgress?: ProgressListener;
}

export interface RunCounts {
  readonly started: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly bytes: number;
  /** By job and name of the target. */
  readonly targets: ReadonlyMap<string, { readonly job: string; readonly target: string; met: number; missed: number; lastMeasured: number; wanted: number }>;
}

export class ServerRuns {
  readonly #parts: ServerRunsParts;
  readonly #active = new Map<string, RunHandle>();
  readonly #held = new Set<Promise<unknown>>();
  #isStopping = false;
  #started = 0;
  readonly #ended: Record<string, number> = {};
  #rows = 0;
  #bytes = 0;
  readonly #targets = new Map<string, { job: string; target: string; met: number; missed: number; lastMeasured: number; wanted: number }>();

  constructor(parts: ServerRunsParts) {
    this.#parts = parts;
  }

  get active(): number {
    return this.#active.size;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get counts(): RunCounts {
    return { started: this.#started, ended: this.#ended, rows: this.#rows, bytes: this.#bytes, targets: this.#targets };
  }

  handleOf(run: string): RunHandle | undefined {
    return this.#active.get(run);
  }

  /** @throws SluiceError SERVER_BUSY when the server stops */
  launch(start: (options: StartRunOptions) => RunHandle, options: LaunchOptions): RunHandle {
    if (this.#isStopping) throw new SluiceError('SERVER_BUSY', { reason: 'it is about to stop' });
    const { ends, onProgress, jobs: wantedJobs, after, ...rest } = options;
    const { workspace, env, run, hub, settings } = this.#parts;
    const jobs = wantedJobs ?? settings().jobs;
    let id: string | undefined;
    const isHeard = options.dryRun !== true;
    const handle = start({
      ...run, ...rest, workspace, env, jobs, targets: settings().targets as PerformanceTargets,
      admit: async (signal) => {
        await goneWell(after, signal);
        return this.#admit(wishOf(ends, jobs), signal, () => { if (id !== undefined && isHeard) hub.push(id, { type: 'note', message: WAITING_NOTE, at: Date.now() }); });
      },
      onProgress: (event) => {
        if (event.type === 'run-started') id = event.run;
        if (isHeard && id !== undefined) hub.push(id, event);
        onProgress?.(event);
      },
    });
    this.#active.set(handle.id, handle);
    if (isHeard) this.#started++;
    // oxlint-disable-next-line promise/catch-or-return, promise/always-return -- an outcome never rejects
    void handle.outcome.then((outcome) => {
      if (this.#active.get(handle.id) === handle) this.#active.delete(handle.id);
      if (isHeard) this.#count(outcome);
    });
    return handle;
  }

  /** Something that ends after runs have, and that a stop waits for. */
  hold(work: Promise<unknown>): void {
    const held = work.catch(() => undefined).finally(() => this.#held.delete(held));
    this.#held.add(held);
  }

  /** Takes no more runs, and ends those that are under way so that they can be resumed. Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#active.values()].map((handle) => handle.suspend()));
    await Promise.all(this.#held);
  }

  async #admit(wish: BudgetWish, signal: AbortSignal, onWait: () => void): Promise<() => void> {
    await this.#parts.makeRoom();
    const admission = this.#parts.budget.admit(wish, signal);
    const isPending = await Promise.race([admission.then(() => false), new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))]);
    if (isPending) onWait();
    return admission;
  }

  #count({ receipt }: RunOutcome): void {
    this.#ended[receipt.status] = (this.#ended[receipt.status] ?? 0) + 1;
    this.#rows += receipt.totals.written;
    this.#bytes += receipt.totals.bytes;
    for (const { name, wanted, measured, met } of receipt.targets) {
      const key = `${receipt.job} ${name}`;
      const counted = this.#targets.get(key) ?? { job: receipt.job, target: name, met: 0, missed: 0, lastMeasured: 0, wanted: 0 };
      this.#targets.set(key, { ...counted, [met ? 'met' : 'missed']: counted[met ? 'met' : 'missed'] + 1, lastMeasured: measured, wanted });
    }
  }
}

/** @throws SluiceError CANCELLED when the run before it has failed, or this one is stopped */
async function goneWell(before: Promise<RunOutcome> | undefined, signal: AbortSignal): Promise<void> {
  if (before === undefined) return;
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(cancellationOf(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { error } = await Promise.race([before, stopped.promise]);
    if (error !== undefined) throw new SluiceError('CANCELLED', {}, {}, error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A DuckDB file has one writer, who wants it alone. */
function wishOf(ends: RunEnds, jobs: number): BudgetWish {
  const connections = new Map<string, number>();
  for (const { url, isTarget } of ends) {
    const key = databaseKey(url);
    const count = /^duckdb:/i.test(url) ? (isTarget ? Infinity : 1) : jobs + CONNECTIONS_BESIDES;
    connections.set(key, (connections.get(key) ?? 0) + count);
  }
  return { connections, isRun: true };
}
