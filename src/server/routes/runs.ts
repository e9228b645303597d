import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SluiceError } from '../../errors/sluice-error.ts';
import { discardLoad, resumeLoad } from '../../jobs/start-transfer.ts';
import type { ProgressEvent } from '../../progress/progress-event.ts';
import type { ServerContext } from '../context.ts';
import { allEvents, cancelRun, discardRun, listRuns, planRun, resumeRun, runEvents, showCourse, showParts, showReceipt, showRun, startRun } from '../contracts/runs.ts';
import { decodeCursor } from '../cursor.ts';
import { streamEvents, type Listener } from '../http/event-stream.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { present } from '../present.ts';
import { interruptedRun, type InterruptedRun } from '../runs/interrupted-run.ts';
import { jobStart } from '../runs/job-start.ts';
import { followElsewhere } from '../runs/run-elsewhere.ts';
import type { Holder } from '../store/credentials.ts';
import { pageOf } from './monitor.ts';
import { keyOf, once } from './idempotent.ts';

const runCursor = z.strictObject({ startedAt: z.int(), run: z.string().max(100) });

export function bindRuns(router: Router, context: ServerContext): void {
  const { runs, runStore } = context;
  router.bind(planRun, async ({ body }) => {
    const { start, ends, jobs } = await jobStart(body, context);
    const { receipt, error } = await runs.launch(start, { ends, dryRun: true, ...present({ jobs }) }).outcome;
    if (error !== undefined) throw error;
    return receipt as never;
  });
  router.bind(startRun, async ({ body, holder, request }) => {
    const only = once(context, holder, keyOf(request), JSON.stringify(body));
    if (only.run !== undefined) return { run: only.run };
    try {
      const { start, ends, jobs } = await jobStart(body, context);
      const { id } = runs.launch(start, { ends, ...present({ jobs }) });
      only.began(id);
      return { run: id };
    } catch (error) {
      only.failed();
      throw error;
    }
  });
  router.bind(listRuns, ({ query }) => {
    return pageOf(runStore.page(query.limit + 1, decodeCursor(query.cursor, runCursor)), query.limit) as never;
  });
  router.bind(showRun, ({ params }) => runStore.show(params.run) as never);
  router.bind(showReceipt, ({ params }) => {
    const { receipt, status } = runStore.show(params.run);
    if (receipt === null) throw new SluiceError('RUN_NOT_ACTIVE', { run: params.run, status });
    return receipt as never;
  });
  router.bind(showParts, ({ params: { run } }) => ({ parts: (context.hub.latestParts(run) ?? runStore.show(run).summary?.parts ?? null) as never }));
  router.bind(showCourse, ({ params: { run } }) => ({ samples: [...runs.handleOf(run)?.course ?? runStore.courseOf(run)] }));
  router.bind(cancelRun, ({ params }) => {
    const handle = runs.handleOf(params.run);
    if (handle === undefined) runStore.requestCancel(params.run);
    else void handle.cancel();
    return { run: params.run };
  });
  router.bind(resumeRun, ({ params }) => {
    const { run, job, to } = readableAgain(interruptedRun(params.run, context));
    runs.launch((options) => resumeLoad(run, job, to, options), { ends: [{ url: to, isTarget: true }] });
    return { run };
  });
  router.bind(discardRun, ({ params }) => {
    const { run, job, to, stdinName } = interruptedRun(params.run, context);
    // Of an upload nothing has to be read to give it up.
    const stdin = stdinName === null ? {} : { stdin: Readable.from([]), stdinName };
    runs.launch((options) => discardLoad(run, job, to, options), { ends: [{ url: to, isTarget: true }], ...stdin });
    return { run };
  });
  bindEvents(router, context);
}

/** @throws SluiceError RESUME_REFUSED for an upload, which has to be sent again */
function readableAgain(run: InterruptedRun): InterruptedRun {
  if (run.stdinName === null) return run;
  throw new SluiceError('RESUME_REFUSED', { run: run.run, reason: `it reads an upload: send ${run.stdinName} again to /api/v1/import?resume=${run.run}` });
}

function bindEvents(router: Router, { hub, runStore, runs, credentials }: ServerContext): void {
  const listener = (request: FastifyRequest, holder: Holder): Listener => ({ holder: holder.id, mayListen: () => credentials.isGood(holder.id), lastId: lastIdOf(request) });
  router.bind(allEvents, async ({ holder, request, reply }): Promise<typeof STREAMED> => {
    await streamEvents(hub, reply, listener(request, holder));
    return STREAMED;
  });
  router.bind(runEvents, async ({ params: { run }, holder, request, reply }): Promise<typeof STREAMED> => {
    const details = runStore.show(run);
    // Of a run in another process, or before a restart, the store tells.
    const isKnown = runs.handleOf(run) !== undefined || (hub.has(run) && hub.isEnded(run) && details.status !== 'running');
    const stop = isKnown ? undefined : followElsewhere(run, details, runStore, (event: ProgressEvent) => hub.push(run, event));
    try {
      await streamEvents(hub, reply, { ...listener(request, holder), run });
    } finally {
      stop?.();
    }
    return STREAMED;
  });
}

function lastIdOf(request: FastifyRequest): number {
  const id = Number(request.headers['last-event-id'] ?? 0);
  return Number.isSafeInteger(id) && id > 0 ? id : 0;
}
