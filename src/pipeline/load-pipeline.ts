import { setTimeout as sleep } from 'node:timers/promises';
import type { PartWriter, TableLoad } from '../connectors/connector.ts';
import type { ErrorCode } from '../errors/error-codes.ts';
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import type { PartStream } from '../rows/part.ts';
import { throwIfAborted } from './abort-scope.ts';
import type { Ladder, WrittenPart } from './ladder.ts';
import type { TableMeter } from './table-meter.ts';

/** A table while its parts are moving into a database. */
export interface LoadingTable {
  readonly load: TableLoad;
  readonly meter: TableMeter;
  read: number;
  skipped: number;
  written: number;
  rejected: number;
  bytes: number;
  /** A part of it is committed and accounted for. */
  onPart(): void;
}

export interface LoadingPart {
  readonly table: LoadingTable;
  readonly stream: PartStream;
}

/**
 * Moves parts into database tables with `jobs` workers that pull from one shared source.
 *
 * Back-pressure is the pull itself: a worker asks for its next part only when the target has accepted the last one, and a part's
 * chunks are pulled as fast as the target takes them. Failure is deterministic: after the first failure no further part is handed out, the parts in
 * hand are finished, and the failure of the earliest part in source order is the one reported, whatever the timing was. Only then
 * `stopSource` is called: it ends a source that waits for room which nobody will make any more.
 */
// oxlint-disable-next-line max-params -- the ladder is what a run may do without
export async function loadParts(parts: AsyncGenerator<LoadingPart, void, undefined>, jobs: number, signal: AbortSignal, stopSource: () => void, ladder?: Ladder): Promise<void> {
  let failure: { order: number; error: SluiceError } | undefined;
  let handedOut = 0;
  let inHand = 0;
  const fail = (order: number, error: SluiceError): void => {
    if (failure === undefined || order < failure.order) failure = { order, error };
  };
  const work = async (): Promise<void> => {
    const writers = new WriterSlot();
    try {
      while (failure === undefined) {
        throwIfAborted(signal);
        const next = await parts.next();
        if (next.done === true) break;
        const order = handedOut++;
        inHand++;
        await writePart(next.value, writers, signal, ladder).catch((error: unknown) => fail(order, toSluiceError(error)));
        inHand--;
        if (failure !== undefined && inHand === 0) stopSource();
      }
    } catch (error) {
      // A failure of the source itself concerns what comes after every part handed out so far.
      fail(handedOut, toSluiceError(error));
    } finally {
      await writers.close().catch((error: unknown) => fail(handedOut, toSluiceError(error)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  await parts.return(undefined);
  if (signal.aborted) throwIfAborted(signal);
  if (failure !== undefined) throw failure.error;
}

// oxlint-disable-next-line max-params -- the ladder is what a run may do without
async function writePart({ table, stream }: LoadingPart, writers: WriterSlot, signal: AbortSignal, ladder: Ladder | undefined): Promise<void> {
  const writer = await writers.for(table.load);
  const progress = (bytes: number): void => table.meter.addBytes(bytes);
  const { part: { index } } = stream;
  table.meter.part(index, 'moving');
  const attempt = async (pieceBytes: number | undefined): Promise<WrittenPart> => (
    ladder === undefined ? { ...await writer.write(stream, progress, pieceBytes), rejected: 0 } : ladder.write(table.load.plan.table, stream, writer, progress, pieceBytes)
  );
  let done: WrittenPart;
  try {
    done = await withRetries(attempt, stream, signal, () => table.meter.part(index, 'retrying'));
  } catch (error) {
    table.meter.part(index, 'failed');
    throw await atItsPlace(toSluiceError(error), stream, table.load.plan.table);
  } finally {
    stream.release?.();
  }
  account(table, stream, done);
  table.meter.part(index, done.rejected > 0 ? 'rejected' : 'done');
}

/** About fifteen seconds in all: longer than a failover or a restart, shorter than patience. */
const RETRY_PAUSES_MS: readonly number[] = [250, 500, 1000, 2000, 4000, 8000];

/** What may go well in smaller statements. */
const FOR_ITS_SIZE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['STATEMENT_ENDED', 'SERVER_MEMORY_FULL']);

/** By how often a part has failed for its size; the first two attempts are whole. */
const PIECE_BYTES: readonly (number | undefined)[] = [undefined, undefined, 1 << 20, 1 << 18, 1 << 16, 1 << 14];

/** A part that can be read again is written again when the way to the target has failed; whether the first attempt was committed after all is the target's to know. */
// oxlint-disable-next-line max-params -- one caller
async function withRetries(attempt: (pieceBytes: number | undefined) => Promise<WrittenPart>, stream: PartStream, signal: AbortSignal, onRetry: () => void): Promise<WrittenPart> {
  let tooLong = 0;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(PIECE_BYTES.at(Math.min(tooLong, PIECE_BYTES.length - 1)));
    } catch (error) {
      if (FOR_ITS_SIZE.has(toSluiceError(error).code)) tooLong++;
      if (stream.replayable !== true || !toSluiceError(error).retryable || tries === RETRY_PAUSES_MS.length || signal.aborted) throw error;
      onRetry();
      // Some randomness, so that workers that failed together do not come back together.
      await sleep(RETRY_PAUSES_MS[tries] * (0.5 + Math.random()), undefined, { signal });
    }
  }
}

/** @throws SluiceError RECEIPT_UNBALANCED */
function account(table: LoadingTable, stream: PartStream, { written, rejected }: WrittenPart): void {
  const counts = stream.counts();
  table.read += counts.read;
  table.skipped += counts.skipped;
  table.written += written;
  table.rejected += rejected;
  table.bytes += counts.bytes;
  table.meter.addRows(counts.read);
  if (written + rejected + counts.skipped !== counts.read) {
    const facts = { table: table.load.plan.table, read: counts.read, written, rejected, duplicate: 0, skipped: counts.skipped };
    throw new SluiceError('RECEIPT_UNBALANCED', facts, { table: table.load.plan.table, part: stream.part.index });
  }
  table.onPart();
}

/** The target names a line or a record within the part; people need the place in the source. */
async function atItsPlace(error: SluiceError, stream: PartStream, table: string): Promise<SluiceError> {
  const place = { table, ...error.at };
  const { line, row, file } = error.at;
  // Locating re-reads the source; when that fails too, the first error is still the one to report.
  if (line !== undefined && file === undefined) Object.assign(place, await stream.locate?.(line).catch(() => ({})));
  else if (line === undefined && row !== undefined) Object.assign(place, await stream.locateRow?.(row).catch(() => ({})));
  return new SluiceError(error.code, { source: place.file ?? table, ...error.facts }, place, error.cause);
}

/** One worker's writer: kept while the table stays the same, exchanged when it changes. */
class WriterSlot {
  #load: TableLoad | undefined;
  #writer: PartWriter | undefined;

  async for(load: TableLoad): Promise<PartWriter> {
    if (this.#load === load && this.#writer !== undefined) return this.#writer;
    await this.close();
    this.#writer = await load.openWriter();
    this.#load = load;
    return this.#writer;
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#load = undefined;
    await writer?.close();
  }
}
