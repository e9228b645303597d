import { cancellationOf } from '../../io/cancellation.ts';

/** Rejects when the signal fires; never resolves. */
export function abortReason(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(cancellationOf(signal));
    else signal.addEventListener('abort', () => reject(cancellationOf(signal)), { once: true });
  });
}
