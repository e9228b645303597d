import { z } from 'zod';
import { missedBy } from '../../jobs/run-figures.ts';
import type { RunListing } from '../../jobs/run-store.ts';
import type { ServerContext } from '../context.ts';
import { acknowledgeAlert, listAlerts, showHistory } from '../contracts/monitor.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Router } from '../http/router.ts';

const runCursor = z.strictObject({ startedAt: z.int(), run: z.string().max(100) });

export function bindMonitor(router: Router, { runStore }: ServerContext): void {
  router.bind(showHistory, ({ query }) => {
    const { job, since, limit } = query;
    const { items, next } = pageOf(runStore.history({ job, since, limit: limit + 1, after: decodeCursor(query.cursor, runCursor) }), limit);
    return { items: items.map(pointOf), next };
  });
  router.bind(listAlerts, ({ query }) => {
    const found = runStore.alerts({ open: query.state === 'open', limit: query.limit + 1, after: decodeCursor(query.cursor, runCursor) });
    const { items, next } = pageOf(found, query.limit);
    return { items: items.map(({ startedAt: _startedAt, missed, ...alert }) => ({ ...alert, missed: [...missed] })), next, open: runStore.openAlerts() };
  });
  router.bind(acknowledgeAlert, ({ params, holder }) => {
    runStore.acknowledge(params.run, holder.name);
    return { open: runStore.openAlerts() };
  });
}

/** @param found one more than the limit when there is another page */
export function pageOf<T extends { readonly startedAt: number; readonly run: string }>(found: readonly T[], limit: number): { items: T[]; next: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? encodeCursor({ startedAt: last.startedAt, run: last.run }) : null };
}

function pointOf({ run, job, startedAt, endedAt, from, to, figures }: RunListing) {
  const { seconds, rows, rejected, bytes, peakRssBytes } = figures!;
  const perSecond = (count: number): number => (seconds > 0 ? Math.round((count / seconds) * 10) / 10 : 0);
  return { run, job, startedAt, endedAt, from, to, seconds, rows, rejected, bytes, rowsPerSecond: perSecond(rows), bytesPerSecond: perSecond(bytes), peakRssBytes, missed: missedBy(figures!) };
}
