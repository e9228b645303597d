/** One table while it is loaded: its writers, and what each of them has committed. */
import type { LoadTablePlan, PartWriter, TableLoad } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CarefulPart, PartStream } from '../../rows/part.ts';
import type { Rejection } from '../../rows/rejection.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { writeCarefully } from './careful-write.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { copyOptionsSql, takesEncoding } from './copy-encoding.ts';
import { copyIn } from './copy-in.ts';
import type { Session } from './driver.ts';
import { EndMarkerWatch } from './end-marker.ts';
import { PartOrder } from './part-order.ts';
import { identifierList, qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';
import { PART_ROW_BITS, rowColumn } from './table-ddl.ts';
import type { TargetFacts } from './target-facts.ts';

/** From this version on COPY takes a line `\.` of CSV as data. */
const NO_END_MARKER_VERSION = 180_000;

const GAPS_PER_STATEMENT = 10_000;

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
  /** The table where staged parts note the records that their format left out; made when there is none. */
  takeGaps(): Promise<string>;
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
  /** Its numbers are the upper bits of the numbers of staged rows. */
  readonly order = new PartOrder();

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
      writeCarefully: (part, index, beforeCommit) => this.#writeCarefully(part, index, destination, beforeCommit),
      close: async () => {
        if (open) this.#parts.returnDestination(destination);
        open = false;
      },
    };
  }

  async #write(part: PartStream, destination: Destination, progress: (bytes: number) => void): Promise<{ written: number }> {
    return this.#inTransaction(part.part.index, destination, async (session, base) => {
      const written = await this.#copy(session, part, destination, progress);
      if (destination.sequence !== undefined && part.leftOut !== undefined && part.leftOut.length > 0) await this.#noteGaps(session, base, part.leftOut);
      return { written };
    });
  }

  async #writeCarefully(part: CarefulPart, index: number, { name, sequence }: Destination, beforeCommit: (rejections: readonly Rejection[]) => Promise<void>): Promise<{ written: number; rejected: number }> {
    return this.#inTransaction(index, { name, sequence: undefined }, (session, base) => writeCarefully(session, part, {
      plan: this.plan, columns: this.#columns, destination: name, signal: this.#parts.signal,
      numbering: sequence === undefined ? undefined : { column: quoteIdentifier(rowColumn(this.plan)), base },
    }, beforeCommit));
  }

  /** One part, one transaction: after a failure nothing of it is left. `work` is told the number before the part's first row. */
  async #inTransaction<T extends { written: number }>(index: number, destination: Destination, work: (session: Session, base: bigint) => Promise<T>): Promise<T> {
    const order = this.order.next(index);
    const base = BigInt(order) << PART_ROW_BITS;
    const { signal, plan } = this.#parts;
    let session: Session | undefined;
    try {
      session = await this.#parts.acquire();
      const transaction = await this.#begin(session, destination, base + 1n);
      const result = await work(session, base);
      // From here on the rows may be in, whatever the answer: the undo must know of them.
      if (transaction !== undefined) this.transactions.push(transaction);
      await session.query('COMMIT', { table: plan.table });
      this.written += result.written;
      return result;
    } catch (error) {
      this.order.failed(index, order);
      const failed = session;
      if (failed?.usable === true) await failed.query('ROLLBACK').catch(() => (failed.usable = false));
      throw signal.aborted && failed !== undefined ? failed.cancellation(signal) : error;
    } finally {
      if (session !== undefined) this.#parts.release(session);
    }
  }

  /** The nth row that came is not the nth record: by how many, from which row on. */
  async #noteGaps(session: Session, base: bigint, leftOut: readonly Rejection[]): Promise<void> {
    const gaps = await this.#parts.takeGaps();
    const { signal, plan } = this.#parts;
    for (let at = 0; at < leftOut.length; at += GAPS_PER_STATEMENT) {
      const records = leftOut.slice(at, at + GAPS_PER_STATEMENT).map(({ record }) => record);
      await session.query(`INSERT INTO ${gaps} (load, before, gap) SELECT ${this.target.oid}, ${base} + record - ${at} - place, ${at} + place
        FROM pg_catalog.unnest('{${records.join(',')}}'::bigint[]) WITH ORDINALITY AS left_out(record, place)`, { signal, table: plan.table });
    }
  }

  async #begin(session: Session, { sequence }: Destination, first: bigint): Promise<number | undefined> {
    const { signal, plan } = this.#parts;
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

/** Where rows go that are not staged. */
export function targetDestination(plan: LoadTablePlan): Destination {
  return { name: qualifiedName(plan.name), sequence: undefined };
}
