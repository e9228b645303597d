import type { CommittedParts, LoadSession, LoadTablePlan, TableLoad } from '../connectors/connector.ts';
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import { AbortScope } from './abort-scope.ts';
import type { Ladder } from './ladder.ts';
import { loadParts, type LoadingPart, type LoadingTable } from './load-pipeline.ts';
import { assertBalanced, type TableReceipt } from './receipt.ts';
import type { RunContext } from './run-context.ts';
import { TableMeter } from './table-meter.ts';
import type { Expected } from '../progress/progress-event.ts';
import type { PartStream } from '../rows/part.ts';

/** A part and the display name of the (opened) table that it goes to. */
export interface RoutedPart {
  readonly table: string;
  readonly stream: PartStream;
}

/**
 * One attempt to load tables into a database: opens each table when its first part is near, moves the parts, checks the counts of
 * source and target against each other, publishes, and checks again what the target says. Any failure aborts the session.
 */
export class LoadRun {
  readonly #session: LoadSession;
  readonly #context: RunContext;
  readonly #tables = new Map<string, LoadingTable>();
  /** By table: its parts that are under way, and whether more may come. */
  readonly #under = new Map<string, { parts: number; mayCome: boolean }>();
  readonly #scope: AbortScope;
  readonly #writers: number;
  readonly #ladder: Ladder | undefined;
  /** The load failed on its way, and can be resumed. */
  suspended = false;

  /**
   * @param plans the tables known in advance: embedded engines take one writer for all
   * @param ladder for runs that put bad rows aside
   */
  constructor(session: LoadSession, plans: readonly LoadTablePlan[], context: RunContext, ladder?: Ladder) {
    this.#session = session;
    this.#context = context;
    this.#ladder = ladder;
    this.#writers = Math.min(context.jobs, ...plans.map((plan) => plan.maxWriters));
    this.#scope = new AbortScope(context.signal);
  }

  /** Ends the source when nobody takes its parts any more; sources get this signal, writers the run's own. */
  get sourceSignal(): AbortSignal {
    return this.#scope.signal;
  }

  /** The table, begun at the target on first use. */
  async open(plan: LoadTablePlan, expected: Expected): Promise<TableLoad> {
    const known = this.#tables.get(plan.table);
    if (known !== undefined) return known.load;
    const load = await this.#session.begin(plan);
    const meter = new TableMeter(plan.table, expected, this.#context.progress);
    const { read = 0, skipped = 0, written = 0, rejected = 0, bytes = 0 } = load.committed ?? {};
    const under = { parts: 0, mayCome: true };
    this.#under.set(plan.table, under);
    this.#tables.set(plan.table, { load, meter, read, skipped, written, rejected, bytes, onPart: () => {
      under.parts--;
      this.#completeIfDone(plan.table);
    } });
    if (bytes > 0) meter.addBytes(bytes);
    if (read > 0) meter.addRows(read);
    return load;
  }

  /** The target makes something of `readToEnd`. */
  get wantsEnds(): boolean {
    return this.#session.complete !== undefined;
  }

  /** The sources have no more parts for this table. To be called only when every table of the run is open. */
  readToEnd(table: string): void {
    const under = this.#under.get(table);
    if (under === undefined || !under.mayCome) return;
    under.mayCome = false;
    this.#completeIfDone(table);
  }

  #completeIfDone(table: string): void {
    const { parts, mayCome } = this.#under.get(table)!;
    if (parts === 0 && !mayCome) this.#session.complete?.(table);
  }

  /** @throws SluiceError; the session is aborted then and nothing is published */
  async move(parts: AsyncGenerator<RoutedPart, void, undefined>): Promise<TableReceipt[]> {
    try {
      await loadParts(this.#resolve(parts), this.#writers, this.#context.signal, () => this.#scope.abort(new SluiceError('CANCELLED')), this.#ladder);
      this.#context.progress({ type: 'phase', phase: 'publishing', at: Date.now() });
      return await this.#publish();
    } catch (error) {
      if (this.#session.suspend !== undefined && this.#isOtherSource(error)) {
        // What was there before stays, for whoever has the right bytes.
        this.suspended = true;
        await this.#session.suspend();
      } else if (this.#session.suspend !== undefined && isOfTheWay(error)) {
        this.suspended = true;
        // A full disk wants to be freed, and the connection for that is there: then the run begins again from its start.
        await (toSluiceError(error).retryable ? this.#session.suspend() : this.#session.abort());
      } else {
        await this.#session.abort();
      }
      throw error;
    } finally {
      this.#scope.dispose();
    }
  }

  /** A source that cannot be sought in was supplied again, and is not the one that the run began with. */
  #isOtherSource(error: unknown): boolean {
    return this.#context.resumed !== undefined && error instanceof SluiceError && error.code === 'SOURCE_CHANGED';
  }

  async #publish(): Promise<TableReceipt[]> {
    const soFar = (): TableReceipt[] => [...this.#tables.values()].map((table) => ({ ...this.#receipt(table), written: table.written }));
    for (const receipt of soFar()) assertBalanced(receipt);
    const published = await this.#session.publish(this.#ladder?.hooks(soFar));
    const receipts = [...this.#tables.values()].map((table): TableReceipt => {
      const counts = published.get(table.load.plan.table) ?? { written: 0, rejected: 0, skipped: 0, duplicate: 0 };
      const base = this.#receipt(table);
      const removed = counts.removed === undefined ? {} : { removed: counts.removed };
      return { ...base, written: counts.written, rejected: base.rejected + (counts.rejected ?? 0), skipped: base.skipped + counts.skipped, duplicate: counts.duplicate, ...removed };
    });
    for (const receipt of receipts) assertBalanced(receipt);
    for (const table of this.#tables.values()) table.meter.done();
    return receipts;
  }

  #receipt(table: LoadingTable): TableReceipt {
    return { name: table.load.plan.table, read: table.read, written: 0, rejected: table.rejected, duplicate: 0, skipped: table.skipped, bytes: table.bytes };
  }

  async *#resolve(parts: AsyncGenerator<RoutedPart, void, undefined>): AsyncGenerator<LoadingPart, void, undefined> {
    for await (const part of parts) {
      const table = this.#tables.get(part.table);
      if (table === undefined) throw new SluiceError('INTERNAL', { reason: `a part came for ${part.table}, which was not opened` });
      if (table.load.committed?.has(part.stream.part.index) === true) await passOver(part, table.load.committed);
      else {
        this.#under.get(part.table)!.parts++;
        yield { table, stream: part.stream };
      }
    }
  }
}

/** Failures that say nothing against the data: the same load may go well when the server, the network or the disk is there again. */
function isOfTheWay(error: unknown): boolean {
  const { code, retryable } = toSluiceError(error);
  return retryable || code === 'SERVER_DISK_FULL' || code === 'DISK_FULL' || code === 'TARGET_UNWRITABLE' || code === 'WORKSPACE_UNUSABLE';
}

/** A part that is there already. @throws SluiceError SOURCE_CHANGED when other bytes were supplied this time */
async function passOver({ table, stream }: RoutedPart, committed: CommittedParts): Promise<void> {
  const { index } = stream.part;
  if (stream.hash !== undefined && stream.hash !== committed.hash(index)) throw new SluiceError('SOURCE_CHANGED', { source: table }, { table, part: index });
  if (stream.release !== undefined) stream.release();
  else await stream.chunks[Symbol.asyncIterator]().return?.();
}
