/** One table while it is loaded: its writers, and what each of them has committed. */
import type { CommittedParts, LoadTablePlan, PartWriter, TableLoad } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CarefulPart, PartStream } from '../../rows/part.ts';
import type { Rejection } from '../../rows/rejection.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { writeCarefully } from './careful-write.ts';
import type { CatalogColumn, CatalogTable } from './catalog.ts';
import { copyOptionsSql, takesEncoding } from './copy-encoding.ts';
import { copyIn, type CopyInOptions } from './copy-in.ts';
import { CopyPieces } from './copy-pieces.ts';
import type { Session } from './driver.ts';
import { EndMarkerWatch } from './end-marker.ts';
import type { Ledger, PartEntry } from './ledger.ts';
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

/** What a part's entry in the ledger says of it besides the rows written. */
type PartFacts = Pick<PartEntry, 'read' | 'rejected' | 'skipped' | 'bytes' | 'hash'>;

export interface TableLoadParts {
  readonly plan: LoadTablePlan;
  readonly target: CatalogTable;
  readonly facts: TargetFacts;
  readonly signal: AbortSignal;
  acquire(): Promise<Session>;
  release(session: Session): void;
  /** Undefined when the run cannot be resumed. */
  ledger(): Ledger | undefined;
  /** Whether a part is there whose commit was not answered. */
  hasCommitted(entry: PartEntry): Promise<boolean>;
  /** What earlier sessions of the run have committed. */
  readonly committed: CommittedParts | undefined;
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
  /** Rows committed, by this session and earlier ones of the run. */
  written = 0;
  readonly totals = { read: 0, rejected: 0, skipped: 0, bytes: 0 };
  /** Parts committed to staging tables. */
  stagedParts = 0;
  readonly committed?: CommittedParts;
  /** Transactions that added rows to a table that was there before: what its undo needs. */
  readonly transactions: number[] = [];
  #earlierTransactions = 0;
  readonly #parts: TableLoadParts;
  readonly #columns: readonly CatalogColumn[];
  #isInDoubt = false;
  #lastPart = -1;
  #isInOrder = true;

  constructor(parts: TableLoadParts) {
    this.plan = parts.plan;
    this.target = parts.target;
    this.facts = parts.facts;
    this.#parts = parts;
    const { committed } = parts;
    if (committed !== undefined) {
      this.committed = committed;
      this.written = committed.written;
      for (const name of ['read', 'rejected', 'skipped', 'bytes'] as const) this.totals[name] = committed[name];
    }
    this.#columns = parts.plan.columns.map(({ name }) => parts.target.columns.find((column) => column.name === name)!);
  }

  /** What earlier sessions of the run have added. */
  takeUp(transactions: readonly number[]): void {
    this.transactions.push(...transactions);
    this.#earlierTransactions = transactions.length;
  }

  /** This session has added rows, or may have. */
  get hasAdded(): boolean {
    return this.transactions.length > this.#earlierTransactions;
  }

  /** Appends straight to a table that others may see. */
  get needsUndo(): boolean {
    return this.plan.publication === 'direct' && !this.plan.creates;
  }

  /** Every part went in behind the ones before it, at the first attempt: a staging table that is the only one has its rows in order. */
  get isInOrder(): boolean {
    return this.#isInOrder && (this.committed?.parts ?? 0) === 0;
  }

  accepts(encoding: RowEncoding): boolean {
    return takesEncoding(encoding, this.#columns);
  }

  async openWriter(): Promise<PartWriter> {
    const destination = await this.#parts.takeDestination();
    let open = true;
    return {
      write: (part, progress, pieceBytes) => this.#write(part, destination, progress, pieceBytes),
      writeCarefully: (part, index, beforeCommit) => this.#writeCarefully(part, index, destination, beforeCommit),
      close: async () => {
        if (open) this.#parts.returnDestination(destination);
        open = false;
      },
    };
  }

  // oxlint-disable-next-line max-params -- as PartWriter.write
  async #write(part: PartStream, destination: Destination, progress: (bytes: number) => void, pieceBytes: number | undefined): Promise<{ written: number }> {
    const facts = (): PartFacts => ({ ...part.counts(), rejected: part.leftOut?.length ?? 0, ...(part.hash === undefined ? {} : { hash: part.hash }) });
    return this.#inTransaction(part.part.index, destination, facts, async (session, base) => {
      const written = await this.#copy(session, part, destination, progress, pieceBytes);
      if (destination.sequence !== undefined && part.leftOut !== undefined && part.leftOut.length > 0) await this.#noteGaps(session, base, part.leftOut);
      return { written };
    });
  }

  async #writeCarefully(part: CarefulPart, index: number, { name, sequence }: Destination, beforeCommit: (rejections: readonly Rejection[]) => Promise<void>): Promise<{ written: number; rejected: number }> {
    const facts = (result: { rejected: number }): PartFacts => ({
      ...(part.counts?.() ?? { read: 0, skipped: 0, bytes: 0 }), rejected: result.rejected + part.leftOut.length, ...(part.hash === undefined ? {} : { hash: part.hash }),
    });
    return this.#inTransaction<{ written: number; rejected: number }>(index, { name, sequence: undefined }, facts, async (session, base) => {
      const result = await writeCarefully(session, part, {
        plan: this.plan, columns: this.#columns, destination: name, isUndoable: this.needsUndo, signal: this.#parts.signal,
        numbering: sequence === undefined ? undefined : { column: quoteIdentifier(rowColumn(this.plan)), base, sequence },
      }, beforeCommit);
      await beforeCommit([]);
      return result;
    });
  }

  /** One part, one transaction: after a failure nothing of it is left. `work` is told the number before the part's first row. */
  // oxlint-disable-next-line max-params -- one part's transaction from end to end
  async #inTransaction<T extends { written: number }>(index: number, destination: Destination, facts: (result: T) => PartFacts, work: (session: Session, base: bigint) => Promise<T>): Promise<T> {
    const base = BigInt(index) << PART_ROW_BITS;
    const { signal, plan } = this.#parts;
    let session: Session | undefined;
    try {
      session = await this.#parts.acquire();
      if (this.#isInDoubt) await this.assertStagedAreThere(session);
      const transaction = await this.#begin(session, destination, base + 1n);
      this.#isInOrder &&= index > this.#lastPart;
      this.#lastPart = index;
      const result = await work(session, base);
      // From here on the rows may be in, whatever the answer: the undo must know of them.
      if (transaction !== undefined) this.transactions.push(transaction);
      await this.#commit(session, { table: plan.table, part: index, isStaged: plan.publication === 'staged', written: result.written, ...facts(result) });
      return result;
    } catch (error) {
      this.#isInOrder = false;
      if (error instanceof SluiceError && error.retryable) this.#isInDoubt = true;
      const failed = session;
      if (failed?.usable === true) await failed.query('ROLLBACK').catch(() => (failed.usable = false));
      throw signal.aborted && failed !== undefined ? failed.cancellation(signal) : error;
    } finally {
      if (session !== undefined) this.#parts.release(session);
    }
  }

  /** After a lost connection the server may have crashed, and unlogged tables with it: then nothing may be added to what is left. */
  async assertStagedAreThere(session: Session): Promise<void> {
    const ledger = this.#parts.ledger();
    if (ledger !== undefined && this.plan.publication === 'staged') {
      const expected = this.stagedParts + (this.committed?.parts ?? 0);
      const found = await ledger.countStaged(session, this.plan.table, { table: this.plan.table });
      if (found !== expected) throw new SluiceError('CONNECTION_LOST', { address: session.target.address, reason: 'the server has started anew, and the rows that waited for publication are gone' }, { table: this.plan.table });
    }
    this.#isInDoubt = false;
  }

  /** The part and its entry in the ledger, at once. Where the answer is lost, the ledger is asked. */
  async #commit(session: Session, entry: PartEntry): Promise<void> {
    const { table } = this.plan;
    const ledger = this.#parts.ledger();
    if (ledger === undefined) {
      await session.query('COMMIT', { table });
    } else {
      // A statement of its own: only the commit may be in doubt.
      await session.query(this.needsUndo ? ledger.partWithTransactionSql(entry) : ledger.partSql(entry), { table });
      await session.query('COMMIT', { table }).catch(async (error: SluiceError) => {
        if (error.code !== 'CONNECTION_LOST' || !(await this.#parts.hasCommitted(entry))) throw error;
      });
    }
    this.written += entry.written;
    for (const name of ['read', 'rejected', 'skipped', 'bytes'] as const) this.totals[name] += entry[name];
    if (entry.isStaged) this.stagedParts++;
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

  // oxlint-disable-next-line max-params -- as PartWriter.write
  async #copy(session: Session, part: PartStream, destination: Destination, progress: (bytes: number) => void, pieceBytes: number | undefined): Promise<number> {
    const { plan, signal } = this.#parts;
    const columns = plan.columns.map((column) => column.name);
    const sql = `COPY ${destination.name} (${identifierList(columns)}) FROM STDIN WITH (${copyOptionsSql(part.encoding)})`;
    const watch = part.encoding.kind === 'csv' && session.version < NO_END_MARKER_VERSION ? new EndMarkerWatch() : undefined;
    const options = { table: plan.table, columns, signal, progress, ...(watch === undefined ? {} : { inspect: watch.inspect }) };
    const written = pieceBytes === undefined || !CopyPieces.fits(part.encoding) ? await copyIn(session, sql, part.chunks, options) : await copyPieces(session, sql, new CopyPieces(part.chunks, part.encoding, pieceBytes), options);
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

/** The server counts lines within each statement. */
async function copyPieces(session: Session, sql: string, pieces: CopyPieces, options: CopyInOptions): Promise<number> {
  let written = 0;
  try {
    for await (const piece of pieces) written += await copyIn(session, sql, piece, options);
    return written;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.at.line === undefined) throw error;
    throw new SluiceError(error.code, error.facts, { ...error.at, line: error.at.line + pieces.linesBefore }, error.cause);
  } finally {
    await pieces.close();
  }
}

/** Where rows go that are not staged. */
export function targetDestination(plan: LoadTablePlan): Destination {
  return { name: qualifiedName(plan.name), sequence: undefined };
}
