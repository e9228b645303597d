import type { RunDetails, RunStore } from '../../jobs/run-store.ts';
import type { Phase, ProgressEvent } from '../../progress/progress-event.ts';

const POLL_MS = 1000;

/**
 * Events of a run that another process runs, or that has ended: made of what its record says, which is less than its own. Returns how to stop.
 * @param details as the record is now
 */
export function followElsewhere(run: string, details: RunDetails, store: RunStore, tell: (event: ProgressEvent) => void): () => void {
  tell({ type: 'run-started', run, job: details.job, at: details.startedAt });
  const say = (now: RunDetails): boolean => {
    const at = Date.now();
    if (now.summary !== null) {
      if (now.summary.phase !== null) tell({ type: 'phase', phase: now.summary.phase satisfies Phase, at });
      tell({ type: 'table-progress', table: '*', rows: now.summary.rows, bytes: now.summary.bytes, expected: { exact: false }, at });
      if (now.summary.parts !== null && now.summary.parts !== undefined) tell({ type: 'parts', ...now.summary.parts, at });
      tell({ type: 'resources', rssBytes: now.summary.rssBytes, at });
    }
    if (now.status === 'running') return true;
    tell({ type: 'run-ended', run, status: now.status === 'interrupted' ? 'failed' : now.status, at: now.endedAt ?? at });
    return false;
  };
  if (!say(details)) return () => undefined;
  const timer = setInterval(() => { if (!say(store.show(run))) clearInterval(timer); }, POLL_MS);
  return () => clearInterval(timer);
}
