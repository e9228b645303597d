import { cancellationOf } from '../../io/cancellation.ts';

/** Waits for something that knows nothing of the signal. */
export async function untilAborted<T>(waited: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(cancellationOf(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    return await Promise.race([waited, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
