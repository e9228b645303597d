/**
 * A named pipe between this process and an engine that reads or writes files by their path.
 *
 * Nothing here blocks a thread, and `close` always frees both ends. This end waits in the event loop: the reading end opens at once
 * (O_NONBLOCK), the writing end is tried until a reader is there. The other end may be blocked in `open` inside native code, where no
 * signal reaches it: `close` opens the pipe for reading and writing, which makes every waiting `open` return, removes the name, so
 * that a later `open` fails, and lets go a moment later, after which the other end sees the end of data or a broken pipe.
 *
 * All calls on the file system are synchronous: they take microseconds and never wait, while asynchronous ones would queue for the
 * very threads of libuv that engines in this process may be blocking until this end moves.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import type { ByteChunks } from './byte-chunks.ts';
import { cancellationOf, linkCancellation, throwIfCancelled } from './cancellation.ts';
import { openForReading, readPipe } from './descriptor.ts';
import { openPipeForWriting, pipeStream, writeToStream } from './pipe-writer.ts';
import { targetError, unwritable } from './system-errors.ts';

/** For an `open` that has found the name but is not yet waiting when `close` comes by. */
const LET_GO_MS = 50;

/** Use either `readChunks` or `writeChunks`, once; then `close`, also after failures of either side. */
export interface Fifo {
  readonly path: string;
  /**
   * What the other end writes, until it closes; chunks are valid until the next pull. A writer that dies looks like one that is done:
   * judge completeness by what the engine says of its statement. Throws CANCELLED (or the reason) when `close` comes first.
   */
  readChunks(): ByteChunks;
  /**
   * Gives the other end all chunks and the end of data, and resolves when the pipe has taken them. Throws OUTPUT_CLOSED when the reader
   * leaves early, CANCELLED (or the reason) when `close` comes first, and what `chunks` throws.
   */
  writeChunks(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Ends what is under way at both ends and removes the pipe; safe twice. `reason` is what this end then throws. */
  close(reason?: SluiceError): Promise<void>;
}

/**
 * Makes a pipe in a folder that only this user can enter. Needs the `mkfifo` program, which every POSIX system has.
 * @throws SluiceError TARGET_UNWRITABLE, DISK_FULL, CANCELLED
 */
export async function createFifo(signal?: AbortSignal): Promise<Fifo> {
  throwIfCancelled(signal);
  const parent = tmpdir();
  const folder = makeFolder(parent);
  const path = join(folder, 'pipe');
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw unwritable(path, hasSystemCode(error, 'ENOENT') ? 'the program mkfifo was not found' : 'a named pipe cannot be made there', error);
  }
  return new NamedPipe(folder, path, signal);
}

function makeFolder(parent: string): string {
  try {
    return mkdtempSync(join(parent, 'sluice-pipe-'));
  } catch (error) {
    throw targetError(error, parent);
  }
}

class NamedPipe implements Fifo {
  readonly path: string;
  readonly #folder: string;
  readonly #stop = new AbortController();
  readonly #unlink: () => void;
  /** True when the other end came and everything went through: then nobody can be waiting. */
  #settled = false;
  #closed = false;

  constructor(folder: string, path: string, signal: AbortSignal | undefined) {
    this.path = path;
    this.#folder = folder;
    this.#unlink = linkCancellation(signal, this.#stop);
  }

  async *readChunks(): ByteChunks {
    throwIfCancelled(this.#stop.signal);
    yield* readPipe(openForReading(this.path), this.path, this.#stop.signal);
    this.#settled = true;
  }

  async writeChunks(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { signal } = this.#stop;
    const stream = pipeStream(await openPipeForWriting(this.path, signal));
    stream.on('error', () => undefined); // each write reports its own failure
    const closed = new Promise<void>((resolve) => {
      stream.once('close', () => resolve());
    });
    try {
      for await (const chunk of untilStopped(chunks, signal)) await writeToStream(stream, chunk, this.path, signal);
      stream.end();
      await closed;
      throwIfCancelled(signal);
      this.#settled = true;
    } finally {
      stream.destroy();
      await closed;
    }
  }

  close(reason?: SluiceError): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#unlink();
    this.#stop.abort(reason ?? new SluiceError('CANCELLED'));
    if (!this.#settled) this.#freeOtherEnd();
    rmSync(this.#folder, { recursive: true, force: true });
    return Promise.resolve();
  }

  #freeOtherEnd(): void {
    try {
      const both = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
      setTimeout(() => closeSync(both), LET_GO_MS).unref();
    } catch {
      // The name is gone already: then nobody can be waiting for it.
    }
  }
}

/** The same chunks; a pull that is waiting ends when the signal is aborted, although a producer cannot be interrupted from outside. */
async function* untilStopped(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): ByteChunks {
  const iterator = chunks[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const next = await orStopped(iterator.next(), signal);
      finished = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const closing = finished ? undefined : iterator.return?.();
    if (signal.aborted) void closing?.catch(() => undefined);
    else await closing;
  }
}

function orStopped<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(cancellationOf(signal));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
