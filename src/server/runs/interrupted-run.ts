import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerContext } from '../context.ts';

export interface InterruptedRun {
  readonly run: string;
  readonly job: 'import' | 'restore';
  /** Resolved URL of the target. */
  readonly to: string;
  /** What an upload was called, which has to be sent again; null when the run read something else. */
  readonly stdinName: string | null;
}

/** @throws SluiceError RUN_UNKNOWN, RESUME_REFUSED, and of the connection that the run's record names */
export function interruptedRun(run: string, { runStore, connections }: ServerContext): InterruptedRun {
  const { job, status, resumable } = runStore.show(run);
  const state = runStore.stateOf(run) as { options?: { reference?: string; sources?: readonly string[] }; sources?: readonly { name: string }[] } | null;
  const reference = state?.options?.reference;
  if (!resumable) throw new SluiceError('RESUME_REFUSED', { run, reason: status === 'interrupted' ? 'it had not begun to move rows' : `it is ${status}` });
  if (reference === undefined || (job !== 'import' && job !== 'restore')) throw new SluiceError('RESUME_REFUSED', { run, reason: 'it was not begun with a named connection' });
  const isUpload = state?.options?.sources?.includes('-') === true;
  return { run, job, to: connections.urlOf(reference), stdinName: isUpload ? (state?.sources?.[0]?.name ?? 'stdin') : null };
}
