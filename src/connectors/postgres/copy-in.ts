/**
 * COPY … FROM STDIN. Large chunks go to the socket as they are behind a five byte header, small ones are gathered first. Every write is awaited
 * until the kernel has the bytes: the producer may then use the chunk's memory again, and its pull is the back-pressure.
 */
import { CopyStatement } from './copy-statement.ts';
import type { Session } from './driver.ts';

/** Below this, gathering is cheaper than a system call per chunk. */
const DIRECT_BYTES = 32 * 1024;
const COPY_DATA = 0x64;

/**
 * A write that the kernel takes at once completes without a turn of the event loop. Against a quick server a producer that has its bytes in
 * memory would keep everything else waiting, also the server's refusal.
 */
const LONGEST_TURN_MS = 20;

/** The server reads a message as a whole; 1 GiB is its limit and 16 MiB is no loss. */
const MESSAGE_BYTES = 16 * 1024 * 1024;

export interface CopyInOptions {
  /** For messages. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly signal: AbortSignal;
  /** Bytes sent since the last call. */
  readonly progress: (bytes: number) => void;
  /** Looks at each chunk before it is sent. */
  readonly inspect?: (chunk: Uint8Array) => void;
}

/**
 * Consumes `chunks` completely. On any failure the COPY is rolled back and the session is usable again, or broken when the server did
 * not react.
 * @returns the rows that the server counted
 */
export async function copyIn(session: Session, sql: string, chunks: AsyncIterable<Uint8Array>, options: CopyInOptions): Promise<number> {
  const statement = new CopyStatement(sql);
  const feed = new Feed(session, statement, chunks, options);
  const stop = (): void => feed.interrupt(session.cancellation(options.signal));
  options.signal.addEventListener('abort', stop, { once: true });
  statement.onFailure = (error) => feed.interrupt(error);
  session.submit(statement);
  try {
    if (options.signal.aborted) stop();
    await feed.run();
    return await statement.finished;
  } catch (error) {
    throw session.translate(error, { table: options.table, columns: options.columns });
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

class Feed {
  readonly #session: Session;
  readonly #statement: CopyStatement;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #options: CopyInOptions;
  readonly #header = Buffer.alloc(5, COPY_DATA);
  #gatheredBytes = 0;
  #turnBegan = performance.now();
  /** Rejects what is being awaited; one at a time. */
  #reject: ((error: unknown) => void) | undefined;
  #interruption: { readonly error: Error } | undefined;

  constructor(session: Session, statement: CopyStatement, chunks: AsyncIterable<Uint8Array>, options: CopyInOptions) {
    this.#session = session;
    this.#statement = statement;
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#options = options;
  }

  interrupt(error: Error): void {
    this.#interruption ??= { error };
    this.#reject?.(error);
  }

  async run(): Promise<void> {
    let pulling = false;
    try {
      await this.#await((resolve) => void this.#statement.ready.then(resolve));
      for (;;) {
        pulling = true;
        const next = await this.#await<IteratorResult<Uint8Array, unknown>>((resolve, reject) => void this.#chunks.next().then(resolve, reject));
        pulling = false;
        if (next.done === true) break;
        await this.#send(next.value);
      }
      await this.#flush();
      this.#statement.sendDone();
      // Constraints and triggers are judged now: an abort must still be heard.
      await this.#await((resolve, reject) => void this.#statement.finished.then(() => resolve(undefined), reject));
    } catch (error) {
      // A pull that is still under way may never come back (standard input), so nobody waits for it then.
      const released = this.#chunks.return?.()?.catch(() => undefined);
      if (!pulling) await released;
      await this.#rollBack(error);
      throw error;
    }
  }

  /** Waits for one thing or for the interruption. Not Promise.race: that would hang a reaction on the statement's promise for every chunk. */
  #await<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (this.#interruption !== undefined) reject(this.#interruption.error);
      else start(resolve, reject);
    });
  }

  async #send(chunk: Uint8Array): Promise<void> {
    this.#options.inspect?.(chunk);
    if (chunk.length < DIRECT_BYTES) {
      if (this.#gatheredBytes + chunk.length > this.#session.gatherBuffer.length) await this.#flush();
      this.#session.gatherBuffer.set(chunk, this.#gatheredBytes);
      this.#gatheredBytes += chunk.length;
    } else {
      await this.#flush();
      for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) await this.#write(chunk.subarray(at, at + MESSAGE_BYTES));
    }
    this.#options.progress(chunk.length);
    if (performance.now() - this.#turnBegan > LONGEST_TURN_MS) await this.#letOthersRun();
  }

  async #letOthersRun(): Promise<void> {
    await this.#await<void>((resolve) => void setImmediate(resolve));
    this.#turnBegan = performance.now();
  }

  async #flush(): Promise<void> {
    if (this.#gatheredBytes === 0) return;
    await this.#write(this.#session.gatherBuffer.subarray(0, this.#gatheredBytes));
    this.#gatheredBytes = 0;
  }

  #write(bytes: Uint8Array): Promise<void> {
    this.#header.writeUInt32BE(bytes.length + 4, 1);
    return this.#await((resolve, reject) => {
      this.#session.wire.writeCopyData(this.#header, bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** After the server's own error there is nothing to undo; else it is told, and if it does not react, cancelled. */
  async #rollBack(error: unknown): Promise<void> {
    this.#statement.onFailure = undefined;
    if (this.#statement.settled) return;
    this.#statement.sendFail(error instanceof Error ? error.name : 'failed');
    await this.#session.settleOrBreak(this.#statement.finished);
  }
}
