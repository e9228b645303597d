/**
 * Reads what is not a regular file: pipes, sockets, devices, and files whose size is unknown.
 *
 * Pipes and sockets go through the event loop (epoll) and not through fs.read: a blocking read would hold one of libuv's four threads
 * until somebody writes, and could not be cancelled. One buffer is reused; the pipe itself is the read-ahead.
 */
import { close, constants, fstatSync, openSync, read, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { SluiceError } from '../errors/sluice-error.ts';
import type { ByteChunks } from './byte-chunks.ts';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';
import { sourceError } from './system-errors.ts';

const readAsync = promisify(read);

/** A pipe holds 64 KiB by default, so more is never there at once. */
const PIPE_CHUNK_BYTES = 64 * 1024;

const DEVICE_CHUNK_BYTES = 256 * 1024;

/** The number of a descriptor of this process that a path stands for (`/dev/stdin`, `/dev/fd/63`), else undefined. */
export function descriptorOfPath(path: string): number | undefined {
  if (path === '/dev/stdin') return 0;
  const match = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Opens a path for reading without waiting, neither for a writer nor (as it is synchronous) for a thread of libuv. A descriptor of this process is used as it is: opened anew, a pipe whose
 * writer has already left would never report its end.
 */
export function openForReading(path: string): number {
  const inherited = descriptorOfPath(path);
  if (inherited !== undefined) return inherited;
  try {
    const isPipe = statSync(path).isFIFO();
    return openSync(path, constants.O_RDONLY | (isPipe ? constants.O_NONBLOCK : 0));
  } catch (error) {
    throw sourceError(error, path);
  }
}

/** Everything from the descriptor's position to its end, in order; closes it at the end (not 0, 1, 2). */
export function readDescriptor(descriptor: number, name: string, signal: AbortSignal): ByteChunks {
  let kind;
  try {
    kind = fstatSync(descriptor);
  } catch (error) {
    throw sourceError(error, name);
  }
  return kind.isFIFO() || kind.isSocket() ? readPipe(descriptor, name, signal) : readDevice(descriptor, name, signal);
}

async function* readDevice(descriptor: number, name: string, signal: AbortSignal): ByteChunks {
  const buffer = Buffer.allocUnsafeSlow(DEVICE_CHUNK_BYTES);
  try {
    for (;;) {
      throwIfCancelled(signal);
      const { bytesRead } = await readAsync(descriptor, buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw sourceError(error, name);
  } finally {
    if (descriptor > 2) close(descriptor, () => undefined);
  }
}

/** Waits for the events of a socket that fills one buffer and pauses by itself whenever it has. */
class PipeReader {
  readonly #socket: Socket;
  #filled = 0;
  #finished = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => {
    this.#finish(cancellationOf(this.#signal));
    this.#socket.destroy();
  };

  constructor(descriptor: number, buffer: Uint8Array, signal: AbortSignal) {
    const filled = (count: number): boolean => {
      this.#filled = count;
      this.#wake?.();
      return false;
    };
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false, onread: { buffer, callback: filled } });
    this.#socket.on('error', (error) => this.#finish(error));
    this.#socket.on('end', () => this.#finish(undefined));
    this.#socket.on('close', () => this.#finish(new SluiceError('CANCELLED')));
    this.#socket.resume();
    signal.addEventListener('abort', this.#cancel);
    this.#signal = signal;
  }

  #finish(failure: Error | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#failure = failure;
    this.#wake?.();
  }

  /** Bytes now in the buffer; 0 at the end. The buffer may be overwritten as soon as this is called again. */
  async next(first: boolean): Promise<number> {
    this.#filled = first ? this.#filled : 0;
    if (!first && !this.#finished) this.#socket.resume();
    if (this.#filled === 0 && !this.#finished) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#filled;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#socket.destroy();
  }
}

/** Reads a pipe or socket to its end, which comes when its last writer has left. Closes the descriptor. */
export async function* readPipe(descriptor: number, name: string, signal: AbortSignal): ByteChunks {
  throwIfCancelled(signal);
  const buffer = Buffer.allocUnsafeSlow(PIPE_CHUNK_BYTES);
  const reader = new PipeReader(descriptor, buffer, signal);
  try {
    for (let count = await reader.next(true); count > 0; count = await reader.next(false)) {
      yield buffer.subarray(0, count);
    }
  } catch (error) {
    throw sourceError(error, name);
  } finally {
    reader.close();
  }
}
