/**
 * The steps that a part goes down when its content is refused: the byte lane; then the careful form of the same part, every value of which the
 * target tests; what is left over is stored as rejected before the rest is committed. A run that stops at the first bad row has no ladder.
 */
import type { PartWriter, PublishHooks, RejectedRow } from '../connectors/connector.ts';
import type { ErrorCode } from '../errors/error-codes.ts';
import { toSluiceError } from '../errors/sluice-error.ts';
import type { CarefulPart, PartStream } from '../rows/part.ts';
import type { Rejection } from '../rows/rejection.ts';
import { assertHeld, type TableReceipt } from './receipt.ts';
import type { RejectionLimit } from './rejection-limit.ts';

/** Keeps rejected rows safe while a run goes on. What one segment holds replaces whatever the same segment held before. */
export interface RejectionStore {
  /** All parts are written, the sources not read any more: what is rejected from now on is the publication's. */
  beforePublication?(): void;
  begin(table: string, part: number | 'publication'): RejectionSegment;
  /** Forgets a committed segment. */
  drop(table: string, part: number | 'publication'): Promise<void>;
  /** The rows that are safe by now, as the store itself finds them again. By table; one without rows may be absent. */
  held(): Promise<ReadonlyMap<string, number>>;
}

export interface RejectionSegment {
  /** In the order of parts and records. */
  append(rejections: readonly (Rejection | RejectedRow)[]): Promise<void>;
  /** Durable when it resolves; nothing is appended after it. */
  commit(): Promise<void>;
  /** Before the commit: leaves what was there before. */
  discard(): Promise<void>;
}

export interface WrittenPart {
  readonly written: number;
  readonly rejected: number;
}

/** Errors that say something of rows, not of the way to the target. */
const OF_CONTENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'VALUE_INVALID', 'SCHEMA_SURPRISE', 'ROW_INVALID', 'ENCODING_INVALID', 'NUL_BYTE', 'CSV_MALFORMED', 'CSV_FIELD_COUNT', 'RECORD_TOO_LARGE',
  'UNIQUE_VIOLATED', 'NOT_NULL_VIOLATED', 'CHECK_VIOLATED', 'FOREIGN_KEY_VIOLATED', 'EXCLUSION_VIOLATED', 'CONSTRAINT_VIOLATED',
]);

export class Ladder {
  readonly #store: RejectionStore;
  readonly #limit: RejectionLimit;

  constructor(store: RejectionStore, limit: RejectionLimit) {
    this.#store = store;
    this.#limit = limit;
  }

  /** Rows that the run has rejected before it was interrupted. */
  countEarlier(rows: number): void {
    this.#limit.add(rows);
  }

  get rejected(): number {
    return this.#limit.rejected;
  }

  // oxlint-disable-next-line max-params -- as PartWriter.write, and the table
  async write(table: string, stream: PartStream, writer: PartWriter, progress: (bytes: number) => void, pieceBytes?: number): Promise<WrittenPart> {
    const segment = new LazySegment(this.#store, this.#limit, table, stream.part.index);
    let line: number | undefined;
    try {
      return await this.#fast(stream, (part) => writer.write(part, progress, pieceBytes), segment);
    } catch (error) {
      await segment.discard();
      const coded = toSluiceError(error);
      if (!OF_CONTENT.has(coded.code) || stream.careful === undefined || writer.writeCarefully === undefined) throw coded;
      line = coded.at.line;
    }
    try {
      return await this.#careful(stream, writer, segment, line);
    } catch (error) {
      await segment.discard();
      throw error;
    }
  }

  /**
   * What constraints reject when everything is there. Before the commit the account is held against what the store has.
   * @param receipts of the run so far, of its parts
   */
  hooks(receipts: () => readonly TableReceipt[]): PublishHooks {
    this.#store.beforePublication?.();
    let open: { table: string; segment: LazySegment } | undefined;
    const segments: LazySegment[] = [];
    const late = new Map<string, number>();
    return {
      rejected: async (table, rows) => {
        late.set(table, (late.get(table) ?? 0) + rows.length);
        if (open?.table !== table) await open?.segment.commit();
        if (open?.table !== table) {
          open = { table, segment: new LazySegment(this.#store, this.#limit, table, 'publication') };
          segments.push(open.segment);
        }
        await open.segment.append(rows);
      },
      restarted: async () => {
        for (const segment of segments.splice(0)) await segment.discard();
        open = undefined;
        late.clear();
      },
      judged: async () => {
        await open?.segment.commit();
        const parts = receipts();
        this.#limit.judge(parts.reduce((sum, { read }) => sum + read, 0));
        const lost = (name: string): number => late.get(name) ?? 0;
        assertHeld(parts.map((receipt) => ({ ...receipt, written: receipt.written - lost(receipt.name), rejected: receipt.rejected + lost(receipt.name) })), await this.#store.held());
      },
    };
  }

  /** Records that the format leaves out are known when the chunks have ended, and safe before the target commits the part. */
  async #fast(stream: PartStream, write: (part: PartStream) => Promise<{ written: number }>, segment: LazySegment): Promise<WrittenPart> {
    const chunks = withEnd(stream.chunks, async () => {
      await segment.append(stream.leftOut ?? []);
      await segment.commit();
    });
    const { written } = await write(withChunks(stream, chunks));
    return { written, rejected: stream.leftOut?.length ?? 0 };
  }

  // oxlint-disable-next-line max-params -- the part, its two ways out, and where it failed
  async #careful(stream: PartStream, writer: PartWriter, segment: LazySegment, line: number | undefined): Promise<WrittenPart> {
    const part = stream.careful!();
    let stored = 0;
    // In copy-text a line is a row.
    const suspect = stream.encoding.kind === 'copy-text' && part.leftOut.length === 0 ? line : undefined;
    const { written, rejected } = await writer.writeCarefully!(accounted(part, stream, suspect), stream.part.index, async (rejections) => {
      // What the format left out goes between what the target refuses, in the order of the records.
      const upTo = rejections.at(-1)?.record ?? Infinity;
      const next = part.leftOut.findIndex(({ record }, i) => i >= stored && record > upTo);
      const between = part.leftOut.slice(stored, next < 0 ? undefined : next);
      stored += between.length;
      await segment.append([...between, ...rejections].toSorted((a, b) => a.record - b.record));
      if (rejections.length === 0) await segment.commit();
    });
    return { written, rejected: rejected + part.leftOut.length };
  }
}

/** A segment that only comes to be with its first row; counts against the limit. */
class LazySegment {
  readonly #store: RejectionStore;
  readonly #limit: RejectionLimit;
  readonly #table: string;
  readonly #part: number | 'publication';
  #segment: RejectionSegment | undefined;
  #isCommitted = false;
  #count = 0;

  constructor(store: RejectionStore, limit: RejectionLimit, table: string, part: number | 'publication') {
    this.#store = store;
    this.#limit = limit;
    this.#table = table;
    this.#part = part;
  }

  async append(rejections: readonly (Rejection | RejectedRow)[]): Promise<void> {
    if (rejections.length === 0) return;
    this.#segment ??= this.#store.begin(this.#table, this.#part);
    await this.#segment.append(rejections);
    this.#count += rejections.length;
    this.#limit.add(rejections.length);
  }

  async commit(): Promise<void> {
    if (this.#segment === undefined || this.#isCommitted) return;
    await this.#segment.commit();
    this.#isCommitted = true;
  }

  async discard(): Promise<void> {
    if (this.#isCommitted) await this.#store.drop(this.#table, this.#part);
    else await this.#segment?.discard();
    this.#isCommitted = false;
    this.#segment = undefined;
    this.#limit.add(-this.#count);
    this.#count = 0;
  }
}

async function* withEnd(chunks: AsyncIterable<Uint8Array>, atEnd: () => Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
  await atEnd();
}

/** With what the ledger of a target records of the part. */
function accounted(part: CarefulPart, stream: PartStream, suspect: number | undefined): CarefulPart {
  return { chunks: part.chunks, leftOut: part.leftOut, ...(suspect === undefined ? {} : { suspect }), counts: () => stream.counts(), ...(stream.hash === undefined ? {} : { hash: stream.hash }) };
}

function withChunks(stream: PartStream, chunks: AsyncIterable<Uint8Array>): PartStream {
  const { part, encoding, firstRow, file, leftOut, hash } = stream;
  return {
    part, encoding, chunks,
    ...(leftOut === undefined ? {} : { leftOut }),
    ...(hash === undefined ? {} : { hash }),
    counts: () => stream.counts(),
    ...(firstRow === undefined ? {} : { firstRow }),
    ...(file === undefined ? {} : { file }),
  };
}
