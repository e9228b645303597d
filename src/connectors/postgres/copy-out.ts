/**
 * COPY … TO STDOUT as chunks of bytes. The wire strips the message headers and fills one buffer while the consumer has the other; when both are
 * taken it stops reading, so that memory is two buffers whatever the rows' size and the consumer's speed.
 *
 * The server sends each row as one message. Messages are counted and compared with the server's own count, so that a row cannot be lost on
 * the way without notice.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { CopyStatement } from './copy-statement.ts';
import type { Session } from './driver.ts';

export interface CopyOutCounts {
  rows: number;
  bytes: number;
  /** Row messages. */
  arrived: number;
}

export interface CopyOutOptions {
  /** `binary`: the trailer is one message more. */
  readonly binary: boolean;
  /** For messages. */
  readonly table: string;
  readonly signal: AbortSignal;
  /** The statement is a user's own, so that its errors are about the query. */
  readonly isQuery?: boolean;
}

/**
 * Chunks are valid until the next pull. Ending the iteration early cancels the statement in the server; the session is then
 * broken (`session.usable` is false), because a cancel request that comes late could hit its next statement.
 * @param counts set when the iteration has come to its end
 */
export async function* copyOut(session: Session, sql: string, options: CopyOutOptions, counts: CopyOutCounts): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = session.copyBuffers;
  buffers.restart();
  const statement = new CopyStatement(sql);
  const place = { table: options.table, ...(options.isQuery === undefined ? {} : { isQuery: options.isQuery }) };
  const stop = (): void => buffers.wake();
  options.signal.addEventListener('abort', stop, { once: true });
  session.wire.divertCopyData(buffers);
  session.submit(statement);
  let rows = 0;
  const ended = statement.finished.then((count) => void (rows = count), (error: unknown) => {
    buffers.failure = session.translate(error, place);
  }).then(() => buffers.end());
  try {
    for (;;) {
      const chunk = await buffers.next(options.signal);
      if (chunk === undefined) break;
      counts.bytes += chunk.length;
      yield chunk;
    }
    if (options.signal.aborted) throw session.cancellation(options.signal);
    if (buffers.failure !== undefined) throw buffers.failure;
    counts.rows = rows;
    counts.arrived = checkedCount(buffers.messages, rows, options);
  } finally {
    options.signal.removeEventListener('abort', stop);
    session.wire.divertCopyData(undefined);
    if (!buffers.ended) {
      session.wire.resume();
      await session.breakOff(ended);
    }
  }
}

function checkedCount(messages: number, rows: number, options: CopyOutOptions): number {
  const received = options.binary ? messages - 1 : messages;
  if (received === rows) return received;
  throw new SluiceError('RECEIPT_UNBALANCED', { table: options.table, read: rows, written: received, rejected: 0, duplicate: 0, skipped: 0 }, { table: options.table });
}
