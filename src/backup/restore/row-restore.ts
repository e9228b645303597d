/**
 * Brings the rows of all tables in: `jobs` workers pull parts from one sequence, so that one large table keeps all of them busy and many small ones do, too. The largest tables come first. Memory: the tables that are
 * under way, and the names and counts that the receipt has of each.
 */
import type { RestoredParts, RestoredTable, RestoreTarget } from '../../connectors/restore-target.ts';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { AbortScope, throwIfAborted } from '../../pipeline/abort-scope.ts';
import type { TableReceipt } from '../../pipeline/receipt.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import type { MissingPart } from '../../pipeline/transfer.ts';
import { TableMeter } from '../../pipeline/table-meter.ts';
import { displayName } from '../../rows/table-schema.ts';
import type { RestoreSource, SourcePart, SourceTable } from './restore-source.ts';

/** Tables from this size on are sorted; of more than so many the largest are. */
const LARGE_BYTES = 16 * 1024 * 1024;
const MOST_SORTED = 1000;
/** Tables that are looked up in the target at once. */
const BATCH = 200;

export interface RowOptions {
  /** Whether the rows of this table are wanted. */
  wants(table: SourceTable): boolean;
  readonly where: string | undefined;
  /** Damaged parts are left out and told here. */
  readonly onDamage: ((part: MissingPart) => void) | undefined;
}

interface TableState {
  readonly source: SourceTable;
  readonly target: RestoredTable;
  readonly meter: TableMeter;
  readonly committed: RestoredParts | undefined;
  read: number;
  written: number;
  bytes: number;
  /** Parts under way, and whether more may come. */
  parts: number;
  mayCome: boolean;
  /** A check has refused a row: perhaps it reads another table, which is not there yet. What is left of this one comes when all others are. */
  isPutOff: boolean;
}

interface Work {
  readonly table: TableState;
  readonly part: SourcePart;
}

export class RowRestore {
  readonly #source: RestoreSource;
  readonly #target: RestoreTarget;
  readonly #context: RunContext;
  readonly #options: RowOptions;
  readonly #receipts: TableReceipt[] = [];
  /** Tables that are to come once more, when all others are there. */
  readonly #putOff: SourceTable[] = [];
  #isLastTurn = false;

  constructor(source: RestoreSource, target: RestoreTarget, context: RunContext, options: RowOptions) {
    this.#source = source;
    this.#target = target;
    this.#context = context;
    this.#options = options;
  }

  /** @throws SluiceError of the earliest part that failed */
  async run(): Promise<TableReceipt[]> {
    const scope = new AbortScope(this.#context.signal);
    try {
      await this.#move(this.#work(this.#tables(), scope.signal), () => scope.abort(new SluiceError('CANCELLED')));
      this.#isLastTurn = true;
      if (this.#putOff.length > 0) await this.#move(this.#work(this.#described(this.#putOff), scope.signal), () => scope.abort(new SluiceError('CANCELLED')));
    } finally {
      scope.dispose();
    }
    return this.#receipts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #move(work: AsyncGenerator<Work, void, undefined>, stopSource: () => void): Promise<void> {
    let failure: { order: number; error: SluiceError } | undefined;
    let handedOut = 0, inHand = 0;
    const fail = (order: number, error: unknown): void => {
      if (failure === undefined || order < failure.order) failure = { order, error: toSluiceError(error) };
    };
    const worker = async (): Promise<void> => {
      try {
        while (failure === undefined) {
          throwIfAborted(this.#context.signal);
          const next = await work.next();
          if (next.done === true) return;
          const order = handedOut++;
          inHand++;
          await this.#copy(next.value).catch((error: unknown) => fail(order, error));
          inHand--;
          if (failure !== undefined && inHand === 0) stopSource();
        }
      } catch (error) {
        fail(handedOut, error);
      }
    };
    await Promise.all(Array.from({ length: this.#target.jobs }, worker));
    await work.return(undefined);
    throwIfAborted(this.#context.signal);
    if (failure !== undefined) throw failure.error;
  }

  async #copy({ table, part }: Work): Promise<void> {
    const { source, target, meter } = table;
    const { where } = this.#options;
    meter.part(part.index, 'moving');
    try {
      const written = await this.#target.copy(target, where === undefined ? source.shape : { ...source.shape, where }, part, (bytes) => meter.addBytes(bytes));
      const { rows, bytes } = part.counts();
      table.read += rows;
      table.written += written;
      table.bytes += bytes;
      meter.addRows(rows);
      meter.part(part.index, 'done');
    } catch (error) {
      meter.part(part.index, 'failed');
      if (!this.#isLastTurn && toSluiceError(error).code === 'CHECK_VIOLATED') table.isPutOff = true;
      else if (this.#options.onDamage === undefined || !isDamage(error)) throw toSluiceError(error).locatedAt({ table: target.display, part: part.index });
      else this.#options.onDamage({ table: target.display, place: part.place, reason: toSluiceError(error).message });
    }
    table.parts--;
    this.#endIfDone(table);
  }

  #endIfDone(table: TableState): void {
    if (table.mayCome || table.parts > 0) return;
    if (table.isPutOff) {
      this.#putOff.push(table.source);
      return;
    }
    const { target, read, written, bytes } = table;
    table.meter.done();
    // What a condition leaves out is skipped; without one every row counts.
    const skipped = this.#options.where === undefined ? 0 : read - written;
    this.#receipts.push({ name: target.display, read, written, rejected: 0, duplicate: 0, skipped, bytes });
  }

  async *#work(tables: AsyncGenerator<TableState, void, undefined>, signal: AbortSignal): AsyncGenerator<Work, void, undefined> {
    for await (const table of tables) {
      for await (const part of table.source.parts(signal)) {
        if (table.isPutOff || table.committed?.has(part.index) === true) {
          await part.skip?.();
          continue;
        }
        table.parts++;
        yield { table, part };
      }
      table.mayCome = false;
      this.#endIfDone(table);
    }
  }

  async *#tables(): AsyncGenerator<TableState, void, undefined> {
    const large: SourceTable[] = [];
    for await (const table of this.#source.tables()) {
      if (table.bytes < LARGE_BYTES || !this.#options.wants(table)) continue;
      large.push(table);
      if (large.length <= MOST_SORTED) continue;
      large.sort((a, b) => b.bytes - a.bytes);
      large.pop();
    }
    large.sort((a, b) => b.bytes - a.bytes);
    const first = new Set(large.map(({ name }) => displayName(name)));
    yield* this.#described(large);
    let batch: SourceTable[] = [];
    for await (const table of this.#source.tables()) {
      if (!this.#options.wants(table) || (table.bytes >= LARGE_BYTES && first.has(displayName(table.name)))) continue;
      batch.push(table);
      if (batch.length < BATCH) continue;
      yield* this.#described(batch);
      batch = [];
    }
    yield* this.#described(batch);
  }

  async *#described(tables: readonly SourceTable[]): AsyncGenerator<TableState, void, undefined> {
    const found = await this.#target.describe(tables);
    for (const [i, source] of tables.entries()) {
      const target = found[i];
      if (target === undefined) throw new SluiceError('TABLE_UNKNOWN', { table: displayName(source.name), connection: this.#target.name, suggestion: 'Rows can only be loaded into a table that is there.' });
      const committed = this.#context.resumed === undefined && !this.#isLastTurn ? undefined : await this.#target.committed(target);
      const { read = 0, written = 0, bytes = 0 } = committed ?? {};
      // Where rows are there already it was said before.
      if (source.uncompressed !== undefined && read === 0 && !this.#isLastTurn) await this.#target.leaveUncompressed(target, source.uncompressed);
      const expected = { ...(source.rows === undefined ? {} : { rows: source.rows }), bytes: source.bytes, exact: source.rows !== undefined };
      const meter = new TableMeter(target.display, expected, this.#context.progress);
      if (bytes > 0) meter.addBytes(bytes);
      if (read > 0) meter.addRows(read);
      yield { source, target, meter, committed, read, written, bytes, parts: 0, mayCome: true, isPutOff: false };
    }
  }
}

export function isDamage(error: unknown): boolean {
  const { code } = toSluiceError(error);
  return code === 'CHUNK_DAMAGED' || code === 'CHUNK_MISSING' || code === 'BACKUP_DAMAGED';
}
