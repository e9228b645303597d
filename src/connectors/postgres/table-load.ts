/** One table while it is loaded: its writers, and what each of them has committed. */
import type { LoadTablePlan, PartWriter, TableLoad } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { PartStream } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { copyOptionsSql, takesEncoding } from './copy-encoding.ts';
import { copyIn } from './copy-in.ts';
import type { Session } from './driver.ts';
import { EndMarkerWatch } from './end-marker.ts';
import { identifierList, qualifiedName, quoteLiteral } from './sql.ts';
import { PART_ROW_BITS } from './table-ddl.ts';
import type { TargetFacts } from './target-facts.ts';

/** From this version on COPY takes a line `\.` of CSV as data. */
const NO_END_MARKER_VERSION = 180_000;

/** Where one writer at a time puts its rows. */
export interface Destination {
  /** Quoted. */
  readonly name: string;
  /** Of the staging table's numbering; undefined for the target itself. */
  readonly sequence: string | undefined;
}

export interface TableLoadParts {
  readonly plan: LoadTablePlan;
  readonly target: CatalogTable;
  readonly facts: TargetFacts;
  readonly signal: AbortSignal;
  acquire(): Promise<Session>;
  release(session: Session): void;
  /** A staging table that nobody writes to, or the target. */
  takeDestination(): Promise<Destination>;
  returnDestination(destination: Destination): void;
}

export class PostgresTableLoad implements TableLoad {
  readonly arrays = 'postgres';
  readonly plan: LoadTablePlan;
  readonly target: CatalogTable;
  readonly facts: TargetFacts;
  /** Rows committed. */
  written = 0;
  /** Transactions that added rows to a table that was there before: what its undo needs. */
  readonly transactions: number[] = [];
  readonly #parts: TableLoadParts;
  readonly #columns: readonly CatalogColumn[];
  readonly #order = new PartOrder();

  constructor(parts: TableLoadParts) {
    this.plan = parts.plan;
    this.target = parts.target;
    this.facts = parts.facts;
    this.#parts = parts;
    this.#columns = parts.plan.columns.map(({ name }) => parts.target.columns.find((column) => column.name === name)!);
  }

  /** Appends straight to a table that others may see. */
  get needsUndo(): boolean {
    return this.plan.publication === 'direct' && !this.plan.creates;
  }

  accepts(encoding: RowEncoding): boolean {
    return takesEncoding(encoding, this.#columns);
  }

  async openWriter(): Promise<PartWriter> {
    const destination = await this.#parts.takeDestination();
    let open = true;
    return {
      write: (part, progress) => this.#write(part, destination, progress),
      close: async () => {
        if (open) this.#parts.returnDestination(destination);
        open = false;
      },
    };
  }

  /** One part, one transaction: after a failure nothing of it is left. */
  async #write(part: PartStream, destination: Destination, progress: (bytes: number) => void): Promise<{ written: number }> {
    const order = this.#order.next(part.part.index);
    const session = await this.#parts.acquire();
    const { signal, plan } = this.#parts;
    try {
      const transaction = await this.#begin(session, destination, order);
      const written = await this.#copy(session, part, destination, progress);
      // From here on the rows may be in, whatever the answer: the undo must know of them.
      if (transaction !== undefined) this.transactions.push(transaction);
      await session.query('COMMIT', { table: plan.table });
      this.written += written;
      return { written };
    } catch (error) {
      if (session.usable) await session.query('ROLLBACK').catch(() => (session.usable = false));
      throw signal.aborted ? session.cancellation(signal) : error;
    } finally {
      this.#parts.release(session);
    }
  }

  async #begin(session: Session, { sequence }: Destination, order: number): Promise<number | undefined> {
    const { signal, plan } = this.#parts;
    const first = (BigInt(order) << PART_ROW_BITS) + 1n;
    const extra = sequence === undefined ? (this.needsUndo ? '; SELECT pg_catalog.pg_current_xact_id()' : '') : `; SELECT pg_catalog.setval(${quoteLiteral(sequence)}, ${first}, false)`;
    const { rows } = await session.query(`BEGIN${extra}`, { signal, table: plan.table });
    if (!this.needsUndo) return undefined;
    const transaction = Number(rows[0][0]);
    if (transaction < 2 ** 32) return transaction;
    throw new SluiceError('DATABASE_ERROR', { connection: session.target.name, reason: 'its transaction counter has started a new round during the run' }, { table: plan.table });
  }

  async #copy(session: Session, part: PartStream, destination: Destination, progress: (bytes: number) => void): Promise<number> {
    const { plan, signal } = this.#parts;
    const columns = plan.columns.map((column) => column.name);
    const sql = `COPY ${destination.name} (${identifierList(columns)}) FROM STDIN WITH (${copyOptionsSql(part.encoding)})`;
    const watch = part.encoding.kind === 'csv' && session.version < NO_END_MARKER_VERSION ? new EndMarkerWatch() : undefined;
    const options = { table: plan.table, columns, signal, progress, ...(watch === undefined ? {} : { inspect: watch.inspect }) };
    const written = await copyIn(session, sql, part.chunks, options);
    watch?.finish();
    if (watch?.seen === true) this.#checkNoneDropped(part, written);
    return written;
  }

  #checkNoneDropped(part: PartStream, written: number): void {
    const { read, skipped } = part.counts();
    if (written >= read - skipped) return;
    const { table } = this.plan;
    throw new SluiceError('ROW_INVALID', { table, reason: 'a line that is only "\\." ends the data for PostgreSQL before 18; write it in quotes' }, { table, ...(part.firstRow === undefined ? {} : { row: part.firstRow + written }) });
  }
}

/**
 * Part indexes number the rows of the whole source. Where several sources go to one table each may count its parts from 0: an index that
 * was there already starts a new round. Only the last ones are remembered, because parts come nearly in order.
 */
class PartOrder {
  #base = 0;
  #highest = -1;
  readonly #recent = new Set<number>();

  next(index: number): number {
    if (this.#recent.has(index) || index < this.#highest - PartOrder.#window) {
      this.#base += this.#highest + 1;
      this.#highest = -1;
      this.#recent.clear();
    }
    this.#highest = Math.max(this.#highest, index);
    this.#recent.add(index);
    if (this.#recent.size > PartOrder.#window) this.#recent.delete(this.#recent.values().next().value!);
    return this.#base + index;
  }

  static readonly #window = 1024;
}

/** Where rows go that are not staged. */
export function targetDestination(plan: LoadTablePlan): Destination {
  return { name: qualifiedName(plan.name), sequence: undefined };
}
