import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { hasSystemCode } from '../errors/sluice-error.ts';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';
import { outputError } from './system-errors.ts';

const LONGEST_PAUSE_MS = 20;

/**
 * Opens the writing end of a named pipe when its reader is there. Asks again and again instead of blocking, because a blocked open
 * would hold one of libuv's threads for as long as nobody reads, and could not be cancelled. The open itself never waits.
 * @throws SluiceError TARGET_UNWRITABLE, CANCELLED
 */
export async function openPipeForWriting(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    throwIfCancelled(signal);
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!hasSystemCode(error, 'ENXIO')) throw outputError(error, path);
    }
    await pause(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/** A stream over a descriptor of a pipe or socket; the event loop waits for space, no thread does. */
export function pipeStream(descriptor: number): Socket {
  return new Socket({ fd: descriptor, readable: false, writable: true });
}

/**
 * Writes to a stream and waits until the system has the bytes, so that their memory can be reused. Ends with CANCELLED when the
 * signal is aborted meanwhile; the stream is then in the middle of a chunk.
 * @throws SluiceError OUTPUT_CLOSED, DISK_FULL, TARGET_UNWRITABLE, CANCELLED
 */
export function writeToStream(stream: Writable, bytes: Uint8Array, name: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown): void => {
      signal?.removeEventListener('abort', cancel);
      stream.off('error', settle);
      if (error == null) resolve();
      else reject(outputError(error, name));
    };
    const cancel = (): void => settle(cancellationOf(signal));
    if (signal?.aborted === true) {
      cancel();
      return;
    }
    signal?.addEventListener('abort', cancel, { once: true });
    stream.once('error', settle);
    stream.write(bytes, settle);
  });
}
