import { SluiceError } from '../errors/sluice-error.ts';

/** The error that a cancelled operation ends with: the signal's own reason when it is a coded one, else CANCELLED. */
export function cancellationOf(signal: AbortSignal | undefined): SluiceError {
  const reason: unknown = signal?.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('CANCELLED', {}, {}, reason);
}

/** @throws SluiceError CANCELLED */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancellationOf(signal);
}

/** Waits for something that knows nothing of the signal. @throws SluiceError the cancellation, as soon as the signal is aborted */
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

/**
 * Aborts `stop` when `signal` is aborted. Returns how to undo the link: AbortSignal.any would stay registered for as long as a long
 * run's signal lives, once for each of a million reads.
 */
export function linkCancellation(signal: AbortSignal | undefined, stop: AbortController): () => void {
  if (signal === undefined) return () => undefined;
  const forward = (): void => stop.abort(cancellationOf(signal));
  if (signal.aborted) forward();
  else signal.addEventListener('abort', forward, { once: true });
  return () => signal.removeEventListener('abort', forward);
}
