/**
 * The rows of a backup: all jobs take page groups, one after the other, from one line, so that a single large table uses all of them. A group's stream is hashed row by row and cut into chunks as it
 * comes; while its last chunk is compressed and stored, the job reads the next group. Memory: what the lanes have and what they compress to. Groups are entered into the lists in their order.
 */
import type { BackupPart, BackupSource, TableStreams } from '../../connectors/backup-source.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { AbortScope } from '../../pipeline/abort-scope.ts';
import { allOrNothing } from '../../pipeline/all-or-nothing.ts';
import { assertBalanced, type TableReceipt } from '../../pipeline/receipt.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import { TableMeter } from '../../pipeline/table-meter.ts';
import type { BackupWriter, TableWriter } from '../repository/backup-writer.ts';
import type { PutOptions } from '../repository/chunk-store.ts';
import type { Content, ContentWriter } from '../repository/content.ts';
import { RowHasher } from '../repository/row-hash.ts';
import { displayName } from '../../rows/table-schema.ts';
import { InOrder } from './in-order.ts';
import { Pool } from './pool.ts';
import type { PreviousGroups } from './previous-groups.ts';

/** Entries of parts that wait for one that takes long: some 300 bytes each. */
const WINDOW = 4096;

interface TableInHand {
  readonly name: string;
  readonly streams: TableStreams;
  readonly put: PutOptions;
  readonly entries: TableWriter;
  readonly meter: TableMeter;
  /** As the server counts them; the list of parts counts those that were hashed. */
  read: number;
}

/** Of one part. */
interface CameRows {
  readonly pages: BackupPart['pages'];
  /** As the server counts them. */
  readonly rows: number;
  readonly hasher: RowHasher;
  readonly isLast: boolean;
}

/** A table without rows is one step without a part. */
interface Step {
  readonly number: number;
  readonly table: TableInHand;
  readonly part: BackupPart | undefined;
  readonly isLast: boolean;
}

export interface TableBackupParts {
  readonly source: BackupSource;
  readonly writer: BackupWriter;
  readonly previous: PreviousGroups;
  readonly level: number | undefined;
  readonly context: RunContext;
}

export class TableBackup {
  readonly #parts: TableBackupParts;
  readonly #scope: AbortScope;
  readonly #signal: AbortSignal;
  readonly #order = new InOrder(WINDOW);
  readonly #receipts: TableReceipt[] = [];
  /** One more than there are jobs: while one is put away, its job goes on with another. */
  readonly #lanes: Pool<ContentWriter>;
  readonly #writers: readonly ContentWriter[];
  readonly #storing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #steps = 0;

  constructor(parts: TableBackupParts, scope: AbortScope) {
    this.#parts = parts;
    this.#scope = scope;
    this.#signal = scope.signal;
    this.#writers = Array.from({ length: parts.context.jobs + 1 }, () => parts.writer.content());
    this.#lanes = new Pool(this.#writers);
  }

  /** @throws SluiceError of the source and of the repository; the first that happened */
  async run(): Promise<TableReceipt[]> {
    const steps = this.#line();
    try {
      await allOrNothing(this.#scope, Array.from({ length: this.#parts.context.jobs }, () => this.#work(steps)));
    } finally {
      // Also of a run that has failed: nothing is written when it is over.
      await Promise.all(this.#storing);
      // Large objects have a writer of their own.
      for (const writer of this.#writers) writer.release();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#order.taken !== this.#steps) throw new SluiceError('INTERNAL', { reason: `${this.#steps - this.#order.taken} parts were read and not entered into the backup` });
    return this.#receipts;
  }

  async *#line(): AsyncGenerator<Step, void, undefined> {
    const { source, previous } = this.#parts;
    for (const table of source.tables) {
      const streams = await source.openTable(table, await previous.find(table), this.#signal);
      const inHand = this.#begin(displayName(table), table, streams);
      let isEmpty = true;
      for (const part of streams.parts) {
        isEmpty = false;
        yield { number: this.#steps++, table: inHand, part, isLast: part.isLast };
      }
      if (isEmpty) yield { number: this.#steps++, table: inHand, part: undefined, isLast: true };
    }
  }

  #begin(name: string, { schema, name: bare, estimatedRows }: BackupSource['tables'][number], streams: TableStreams): TableInHand {
    const { writer, level, context } = this.#parts;
    const { columns, encoding, groups, uncompressed, floats, expectedBytes } = streams;
    const hasFloats = floats.arrays.length > 0 || floats.vectors.length > 0;
    const expected = { bytes: expectedBytes, ...(estimatedRows === undefined ? {} : { rows: estimatedRows }), exact: false };
    return {
      name, streams,
      put: { level, filter: hasFloats ? { kind: 'float-planes', ...floats } : undefined },
      entries: writer.table({ schema, name: bare, columns: [...columns], encoding, ...(groups === undefined ? {} : { groups }), ...(uncompressed.length === 0 ? {} : { uncompressed: [...uncompressed] }) }),
      meter: new TableMeter(name, expected, context.progress),
      read: 0,
    };
  }

  async #work(steps: AsyncGenerator<Step, void, undefined>): Promise<void> {
    for (;;) {
      const lane = await this.#lanes.take();
      let isHandedOn = false;
      try {
        const { done, value: step } = await steps.next();
        if (done === true) return;
        await this.#order.room(step.number, this.#signal);
        const { stored } = await this.#take(step, lane);
        isHandedOn = true;
        this.#keep(this.#whenStored(stored, lane));
      } finally {
        if (!isHandedOn) {
          // What was begun of a part that failed is not written on when the run is over.
          await lane.restart();
          this.#lanes.give(lane);
        }
      }
    }
  }

  #keep(storing: Promise<void>): void {
    this.#storing.add(storing);
    void storing.then(() => this.#storing.delete(storing));
  }

  /** Never rejects: nobody waits for this one. Its failure stops all. */
  async #whenStored(stored: Promise<void>, lane: ContentWriter): Promise<void> {
    try {
      await stored;
    } catch (error) {
      this.#failure ??= { error };
      this.#scope.abort(error);
    } finally {
      this.#lanes.give(lane);
    }
  }

  /** Resolves when the rows have come, with a promise of their being stored and entered. */
  async #take({ number, table, part, isLast }: Step, lane: ContentWriter): Promise<{ readonly stored: Promise<void> }> {
    if (part === undefined) return { stored: this.#order.ready(number, () => this.#end(table)) };
    const hasher = new RowHasher(table.streams.encoding);
    lane.use(table.put);
    table.meter.part(number, 'moving');
    for await (const chunk of part.read(this.#signal)) {
      hasher.update(chunk);
      table.meter.addBytes(chunk.length);
      await lane.write(chunk);
    }
    const rows = part.rows();
    return { stored: this.#enter(number, table, { pages: part.pages, rows, hasher, isLast }, lane.end()) };
  }

  async #enter(number: number, table: TableInHand, came: CameRows, stored: Promise<Content>): Promise<void> {
    const { bytes, chunks } = await stored;
    const { pages, rows, hasher, isLast } = came;
    assertBalanced({ name: table.name, read: rows, written: hasher.isComplete ? hasher.rows : hasher.rows + 1, rejected: 0, duplicate: 0, skipped: 0, bytes });
    await this.#order.ready(number, async () => {
      table.read += rows;
      table.meter.addRows(rows);
      table.meter.part(number, 'done');
      if (rows > 0) await table.entries.add({ pages: pages === null ? null : [...pages], rows: hasher.rows, bytes, rowHash: hasher.digest(), chunks });
      if (isLast) await this.#end(table);
    });
  }

  async #end(table: TableInHand): Promise<void> {
    const { rows, bytes } = await table.entries.end();
    const receipt: TableReceipt = { name: table.name, read: table.read, written: rows, rejected: 0, duplicate: 0, skipped: 0, bytes };
    assertBalanced(receipt);
    table.meter.done();
    this.#receipts.push(receipt);
  }
}
