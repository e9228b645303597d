/**
 * Runs a job in this process: the one place where a transfer meets the run store, progress and the receipt. Library and command line both
 * start runs here, so that every run is recorded, cancellable from elsewhere, and accounted for.
 */
import type { Readable, Writable } from 'node:stream';
import { redactText } from '../config/redact.ts';
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import { throwIfCancelled, untilAborted } from '../io/cancellation.ts';
import { assertBalanced, totalsOf, type TableReceipt } from '../pipeline/receipt.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { PartMap } from '../progress/part-map.ts';
import { RunCourse, type CourseSample } from '../progress/run-course.ts';
import type { ProgressEvent, ProgressListener } from '../progress/progress-event.ts';
import { expectedParts, type Transfer, type TransferPlan, type TransferResult } from '../pipeline/transfer.ts';
import { EventChannel } from './event-channel.ts';
import { defaultEngineMemoryBytes, defaultJobs, defaultPartBytes, thisMachine } from './hardware.ts';
import { makeReceipt, type JobName, type Receipt, type ReceiptParts, type TargetResult } from './receipt.ts';
import { MemoryWatch } from './memory-watch.ts';
import { checkTargets, type PerformanceTargets } from './performance-targets.ts';
import { startHeartbeat } from './run-heartbeat.ts';
import { newRunId } from './run-id.ts';
import { newOwner } from './run-owner.ts';
import { RunStore, type Progress } from './run-store.ts';
import { RunSummarizer } from './run-summary.ts';

export interface StartRunOptions {
  /** Absolute path of the workspace folder. */
  readonly workspace: string;
  /** Parts moved at once; default from the cores. */
  readonly jobs?: number;
  readonly partBytes?: number;
  readonly engineMemoryBytes?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: Readable;
  /** As if standard input were a file of this name. */
  readonly stdinName?: string;
  readonly stdout?: Writable;
  /** Only plan: nothing is moved and nothing recorded; the receipt's status is `planned`. */
  readonly dryRun?: boolean;
  /** Aborting it cancels the run. */
  readonly signal?: AbortSignal;
  /** Gets every event at once, besides the iterable. Must not throw. */
  readonly onProgress?: ProgressListener;
  /** Asked once the plan is there; false ends the run as cancelled before anything is touched. */
  readonly approve?: (plan: TransferPlan) => Promise<boolean>;
  /** Default: those of this version. */
  readonly targets?: PerformanceTargets;
  /** Waits until the run may open its connections; what it answers gives them back. Rejects when the signal is aborted. */
  readonly admit?: (signal: AbortSignal) => Promise<() => void>;
}

/** How a run ended; `error` is there unless it is done or planned. */
export interface RunOutcome {
  readonly receipt: Receipt;
  readonly error?: SluiceError;
}

/** A run that is under way. */
export interface RunHandle {
  readonly id: string;
  /**
   * What happens, from `run-started` to `run-ended`. For one reader; it may be slow, come late, stop early or never come: events about
   * how far something is are replaced by newer ones, start and end of the run and of its tables are always seen.
   */
  readonly events: AsyncIterable<ProgressEvent>;
  /** How it went so far, oldest first. */
  readonly course: readonly CourseSample[];
  /** Asks the run to stop; resolves when it has ended. The target is left as it was, unless everything was published already. */
  cancel(): Promise<void>;
  /** Stops the run so that it can be resumed, where the target allows that; else as `cancel`. Resolves when it has ended. */
  suspend(): Promise<void>;
  /** The receipt of a run that went well. Rejects with a SluiceError when it failed or was cancelled. */
  readonly receipt: Promise<Receipt>;
  /** What the run does, known before it moves anything. Rejects when there is no plan because of an error. */
  readonly plan: Promise<TransferPlan>;
  /** The end, good or bad, with the receipt in either case. Never rejects. */
  readonly outcome: Promise<RunOutcome>;
}

export type Prepare = (context: RunContext) => Promise<Transfer>;

/** Begins at once. Nothing is thrown from here: every failure is in the handle's promises. */
export function startRun(job: JobName, prepare: Prepare, options: StartRunOptions): RunHandle {
  return new LocalRun(newRunId(), job, prepare, options);
}

/** Goes on with an interrupted run under its own id; it must be one of this job. As `startRun` otherwise. */
export function resumeRun(run: string, job: JobName, prepare: Prepare, options: StartRunOptions): RunHandle {
  return new LocalRun(run, job, prepare, options, true);
}

class LocalRun implements RunHandle {
  readonly id: string;
  readonly outcome: Promise<RunOutcome>;
  readonly #job: JobName;
  readonly #prepare: Prepare;
  readonly #options: StartRunOptions;
  readonly #abort = new AbortController();
  readonly #channel = new EventChannel();
  readonly #summarizer = new RunSummarizer();
  readonly #course = new RunCourse();
  readonly #parts = new PartMap();
  readonly #memory = new MemoryWatch();
  readonly #planned = Promise.withResolvers<TransferPlan>();
  readonly #startedAt = performance.now();
  readonly #owner = newOwner();
  readonly #warnings: string[] = [];
  readonly #isResumed: boolean;
  #resumed: unknown;
  #keep: (state: unknown) => void = () => {};
  #isDone: (run: string) => boolean = () => false;
  #plan: TransferPlan | null = null;
  #result: TransferResult | undefined;
  /** Everything is left so that the run can go on: by the transfer, or by a run before this one that nothing has touched yet. */
  #isSuspended: boolean;

  // oxlint-disable-next-line max-params -- made in two places
  constructor(run: string, job: JobName, prepare: Prepare, options: StartRunOptions, isResumed = false) {
    this.id = run;
    this.#isResumed = isResumed;
    this.#isSuspended = isResumed;
    this.#job = job;
    this.#prepare = prepare;
    this.#options = options;
    // Whoever wants the plan asks for it; a failed run must not end the process because nobody did.
    this.#planned.promise.catch(() => {});
    this.outcome = this.#execute();
  }

  get events(): AsyncIterable<ProgressEvent> {
    return this.#channel;
  }

  get course(): readonly CourseSample[] {
    return this.#course.samples();
  }

  get plan(): Promise<TransferPlan> {
    return this.#planned.promise;
  }

  get receipt(): Promise<Receipt> {
    return this.outcome.then(({ receipt, error }) => {
      if (error !== undefined) throw error;
      return receipt;
    });
  }

  async cancel(): Promise<void> {
    this.#stop(new SluiceError('CANCELLED'));
    await this.outcome;
  }

  async suspend(): Promise<void> {
    this.#stop(new SluiceError('RUN_SUSPENDED'));
    await this.outcome;
  }

  async #execute(): Promise<RunOutcome> {
    const outer = this.#options.signal;
    const forward = (): void => this.#stop(new SluiceError('CANCELLED', {}, {}, outer?.reason));
    if (outer?.aborted === true) forward();
    else outer?.addEventListener('abort', forward, { once: true });
    this.#tell({ type: 'run-started', run: this.id, job: this.#job, at: Date.now() });
    let outcome: RunOutcome;
    try {
      outcome = this.#options.dryRun === true ? await this.#planOnly() : await this.#recorded();
    } catch (error) {
      outcome = this.#failed(error);
    } finally {
      outer?.removeEventListener('abort', forward);
    }
    this.#planned.reject(outcome.error ?? new SluiceError('INTERNAL', { reason: 'the run has no plan' }));
    const status = outcome.receipt.status === 'planned' ? 'done' : outcome.receipt.status;
    const missed = outcome.receipt.targets.filter(({ met }) => !met).map(({ name }) => name);
    this.#tell({ type: 'run-ended', run: this.id, status, ...(outcome.error === undefined ? {} : { error: outcome.error }), ...(missed.length === 0 ? {} : { missed }), at: Date.now() });
    return outcome;
  }

  async #planOnly(): Promise<RunOutcome> {
    await this.#withTransfer(async () => {});
    return { receipt: this.#receipt({ status: 'planned' }) };
  }

  /** The run with its record in the store: no run begins that cannot be recorded. */
  async #recorded(): Promise<RunOutcome> {
    const store = await RunStore.open(this.#options.workspace);
    try {
      if (this.#isResumed) this.#resumed = store.takeOver(this.id, this.#owner).state;
      else store.create(this.id, this.#job, this.#owner);
      this.#keep = (state) => store.saveState(this.id, this.#owner, state);
      this.#isDone = (run) => store.isDone(run);
      this.#addToCourse();
      const stopHeartbeat = this.#startHeartbeat(store);
      let recorded: RunOutcome | undefined;
      try {
        await this.#withTransfer(async (transfer, plan) => {
          await this.#move(transfer, plan, store);
          stopHeartbeat();
          const failure = this.#result?.failure;
          const done: RunOutcome = failure === undefined ? { receipt: this.#receipt({ status: 'done' }) } : { receipt: this.#receipt({ status: 'failed', error: failure }), error: failure };
          recorded = this.#record(store, done);
          // Only now: what is forgotten before the end is recorded could be done twice.
          if (recorded === done) await this.#forget();
        });
        return this.#withLateWarnings(recorded!);
      } catch (error) {
        // Nothing is thrown after the end was recorded.
        return this.#record(store, this.#failed(error));
      } finally {
        stopHeartbeat();
      }
    } finally {
      store.close();
    }
  }

  async #move(transfer: Transfer, plan: TransferPlan, store: RunStore): Promise<void> {
    store.savePlan(this.id, this.#owner, plan);
    if (this.#options.approve !== undefined && !(await untilAborted(this.#options.approve(plan), this.#abort.signal))) throw new SluiceError('CANCELLED');
    throwIfCancelled(this.#abort.signal);
    try {
      this.#result = await transfer.run();
      this.#isSuspended = false;
    } catch (error) {
      this.#isSuspended = transfer.suspended === true;
      throw error;
    }
    for (const table of this.#result.tables) assertBalanced(table);
  }

  async #withTransfer(use: (transfer: Transfer, plan: TransferPlan) => Promise<void>): Promise<void> {
    throwIfCancelled(this.#abort.signal);
    const release = await this.#options.admit?.(this.#abort.signal);
    try {
      await this.#withPrepared(use);
    } finally {
      release?.();
    }
  }

  async #withPrepared(use: (transfer: Transfer, plan: TransferPlan) => Promise<void>): Promise<void> {
    const transfer = await this.#prepare(this.#context());
    try {
      this.#plan = transfer.plan;
      this.#parts.expect(expectedParts(transfer.plan));
      this.#planned.resolve(transfer.plan);
      await use(transfer, transfer.plan);
    } finally {
      // What was published stays published, and what failed has its reason: trouble with closing changes neither.
      await transfer.close().catch((error: unknown) => this.#warn(`Closing the run: ${toSluiceError(error).message}`));
    }
  }

  #startHeartbeat(store: RunStore): () => void {
    return startHeartbeat({
      store,
      run: this.id,
      owner: this.#owner,
      progress: () => this.#progress(),
      onPoll: () => {
        this.#tell({ type: 'resources', rssBytes: this.#addToCourse(), at: Date.now() });
        this.#tellParts();
      },
      stop: (reason) => this.#stop(reason),
      onTrouble: (error) => this.#warn(`The run goes on, but its record cannot be kept: ${error.message}`),
    });
  }

  /** @returns the resident memory of this moment */
  #addToCourse(isLast = false): number {
    const rssBytes = this.#memory.sample();
    const { rows, bytes } = this.#summarizer.summary();
    this.#course.add({ at: Date.now(), rows, bytes, rssBytes }, isLast);
    return rssBytes;
  }

  #progress(): Progress {
    return { summary: this.#summarizer.summary(), course: this.course };
  }

  /** The rows are where they belong, or not, whatever becomes of the record: trouble with it is said and changes no outcome. */
  #record(store: RunStore, outcome: RunOutcome): RunOutcome {
    this.#addToCourse(true);
    this.#tellParts();
    try {
      if (store.finish(this.id, this.#owner, outcome.receipt, Date.now(), { resumable: this.#isSuspended, progress: this.#progress() })) return outcome;
      this.#warn('The end of the run could not be recorded: another process has taken it over');
    } catch (error) {
      this.#warn(`The end of the run could not be recorded: ${toSluiceError(error).message}`);
    }
    return { ...outcome, receipt: { ...outcome.receipt, warnings: [...(outcome.receipt.warnings ?? []), this.#warnings.at(-1)!] } };
  }

  /** Of tidying up and closing, after the end was recorded: they change nothing of it. */
  #withLateWarnings(outcome: RunOutcome): RunOutcome {
    const all = [...(this.#result?.warnings ?? []), ...this.#warnings];
    return all.length === 0 ? outcome : { ...outcome, receipt: { ...outcome.receipt, warnings: all.map(redactText) } };
  }

  async #forget(): Promise<void> {
    await this.#result?.forget?.().catch((error: unknown) => this.#warn(`Tidying up after the run: ${toSluiceError(error).message}`));
  }

  #failed(thrown: unknown): RunOutcome {
    // Whatever a worker said while it was being stopped is a consequence; the reason of the stop is what happened.
    const stopped = this.#abort.signal.aborted ? (this.#abort.signal.reason as SluiceError) : undefined;
    const error = stopped ?? toSluiceError(thrown);
    return { receipt: this.#receipt({ status: error.code === 'CANCELLED' ? 'cancelled' : 'failed', error, resumable: this.#isSuspended }), error };
  }

  #receipt(parts: Pick<ReceiptParts, 'status' | 'error' | 'resumable'>): Receipt {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const tables = this.#result?.tables ?? [];
    const peakRssBytes = this.#memory.peakBytes();
    return makeReceipt({
      run: this.id,
      job: this.#job,
      seconds, peakRssBytes, tables,
      plan: this.#plan,
      targets: parts.status === 'done' ? this.#targets(tables, seconds, peakRssBytes) : [],
      warnings: [...(this.#result?.warnings ?? []), ...this.#warnings],
      ...(this.#result?.steps === undefined ? {} : { steps: this.#result.steps }),
      ...(this.#result?.missing === undefined ? {} : { missing: this.#result.missing }),
      ...(this.#result?.quarantine === undefined ? {} : { quarantine: this.#result.quarantine }),
      ...(this.#result?.backup === undefined ? {} : { backup: this.#result.backup }),
      ...(this.#result?.verification === undefined ? {} : { verification: this.#result.verification }),
      ...parts,
    });
  }

  #targets(tables: readonly TableReceipt[], seconds: number, peakBytes: number): TargetResult[] {
    const { written: rows, bytes } = totalsOf(tables);
    const engineMemoryBytes = this.#options.engineMemoryBytes ?? defaultEngineMemoryBytes(thisMachine());
    return checkTargets(this.#options.targets ?? {}, { job: this.#job, rows, bytes, seconds, peakBytes, engineMemoryBytes, isResumed: this.#isResumed });
  }

  #context(): RunContext {
    const options = this.#options;
    const machine = thisMachine();
    return {
      run: this.id,
      signal: this.#abort.signal,
      progress: (event) => this.#tell(event),
      env: options.env ?? process.env,
      planOnly: options.dryRun === true,
      resumed: this.#resumed,
      keep: (state) => this.#keep(state),
      isDone: (run) => this.#isDone(run),
      // Touching process.stdin opens it: only a run that reads it may do so.
      get stdin(): Readable {
        return options.stdin ?? process.stdin;
      },
      ...(options.stdinName === undefined ? {} : { stdinName: options.stdinName }),
      get stdout(): Writable {
        return options.stdout ?? process.stdout;
      },
      jobs: options.jobs ?? defaultJobs(machine),
      partBytes: options.partBytes ?? defaultPartBytes(this.#job),
      engineMemoryBytes: options.engineMemoryBytes ?? defaultEngineMemoryBytes(machine),
      workspace: options.workspace,
    };
  }

  /** Parts are many; their map is told now and then. */
  #tellParts(): void {
    if (this.#parts.takeChanged()) this.#tell({ type: 'parts', ...this.#parts.data(), at: Date.now() });
  }

  #tell(event: ProgressEvent): void {
    if (event.type === 'part') {
      this.#parts.apply(event);
      return;
    }
    this.#summarizer.add(event);
    this.#channel.push(event);
    this.#options.onProgress?.(event);
  }

  #warn(message: string): void {
    this.#warnings.push(message);
    this.#tell({ type: 'note', message, at: Date.now() });
  }

  #stop(reason: SluiceError): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason);
  }
}
