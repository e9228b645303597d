/**
 * Files that are being sent. They belong to the page and not to a place of it: one can walk about while they go; leaving the page ends them, so the browser asks first. Each has a key of its own,
 * by which the run is found while the answer is still far away.
 */
import type { runOfKey } from '../../../../src/server/contracts/transfers.ts';
import { addressOf, answerOf, ApiError, ask, send } from '../../api/client.ts';
import { queryClient } from '../../api/queries.ts';

export interface UploadQuery {
  readonly to?: string;
  readonly table?: string;
  readonly mode?: string;
  readonly resume?: string;
  readonly [name: string]: string | readonly string[] | undefined;
}

const underway = new Map<string, { readonly file: File; readonly stop: AbortController }>();
const FIND_RUN_MS = 150;

addEventListener('beforeunload', (event) => {
  if (underway.size > 0) event.preventDefault();
});

/** Whether this page sends the file of the run: then leaving the page ends it. */
export function isSending(run: string): boolean {
  return underway.has(run);
}

/**
 * Sends a file into an import.
 * @returns the run, as soon as it has begun
 * @throws ApiError when it does not begin; what happens later is the run's to tell
 */
export async function sendFile(file: File, query: UploadQuery): Promise<string> {
  const key = crypto.randomUUID();
  const stop = new AbortController();
  let run = query.resume;
  const sent = send(addressOf('/api/v1/import/{name}', { name: file.name }, query), { method: 'PUT', body: file, signal: stop.signal, headers: { accept: 'application/json', 'idempotency-key': key } })
    .then(answerOf)
    .then((receipt) => ({ run: (receipt as { run: string }).run }))
    .finally(() => {
      if (run !== undefined) underway.delete(run);
      void queryClient.invalidateQueries({ queryKey: ['runs'] });
      void queryClient.invalidateQueries({ queryKey: ['tables'] });
    });
  const ended = sent.catch((error: unknown) => ({ error }));
  for (;;) {
    const first = await Promise.race([ended, new Promise<undefined>((resolve) => { setTimeout(resolve, FIND_RUN_MS); })]);
    if (first !== undefined && 'run' in first) return first.run;
    const found = (await ask<typeof runOfKey>('GET', '/api/v1/idempotency-keys/{key}', { params: { key } })).run;
    if (found !== null) {
      run = found;
      if (first === undefined) underway.set(found, { file, stop });
      return found;
    }
    if (first !== undefined) throw first.error instanceof ApiError ? first.error : new Error('The file could not be sent');
  }
}
