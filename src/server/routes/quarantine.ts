/** Rejected rows of a run: looked at, corrected, imported again. */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { prepareReplay } from '../../jobs/replay-rejected.ts';
import type { RunHandle, RunOutcome } from '../../jobs/start-run.ts';
import { openQuarantine, type Quarantine, type RowFilter } from '../../quarantine/quarantine-reader.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import { withReplayFolder } from '../../transfer/replay/export-records.ts';
import type { ServerContext } from '../context.ts';
import type { BodyOf } from '../contracts/route-contract.ts';
import { listQuarantine, replayQuarantine } from '../contracts/runs.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Router } from '../http/router.ts';
import { present } from '../present.ts';
import type { Connections } from '../store/connections.ts';
import { keyOf, once } from './idempotent.ts';

const rowCursor = z.strictObject({ offset: z.int().min(0) });
/** For the files of a replay: a million rows and an expression over them take some ten seconds. */
const PREPARE_MS = 10 * 60_000;

type ReplayBody = BodyOf<typeof replayQuarantine>;
type Started = { runs: { run: string; table: string; rows: number }[]; leftOut: { table: string; message: string }[] };

export function bindQuarantine(router: Router, context: ServerContext): void {
  const { workspace, runStore } = context;
  router.bind(listQuarantine, async ({ params: { run }, query }) => {
    runStore.show(run);
    const filter = filterOf(query.table, query.code);
    const quarantine = await openQuarantine(workspace, run);
    const offset = decodeCursor(query.cursor, rowCursor)?.offset ?? 0;
    const items: QuarantinedRow[] = [];
    for await (const row of quarantine.rows({ ...filter, offset, limit: query.limit + 1 })) items.push(row);
    const next = items.length > query.limit ? encodeCursor({ offset: offset + query.limit }) : null;
    const { rows, sealed } = quarantine.summary;
    return { items: items.slice(0, query.limit), next, rows, tables: tablesOf(quarantine), sealed, to: connectionOf(quarantine, context.connections) } as never;
  });
  router.bind(replayQuarantine, async ({ params: { run }, body, holder, request }) => {
    runStore.show(run);
    const only = once(context, holder, keyOf(request), `${run} ${JSON.stringify(body)}`);
    // Of a chain of runs the first stands for all.
    if (only.run !== undefined) return { runs: [{ run: only.run, table: runStore.show(only.run).to ?? '', rows: 0 }], leftOut: [] };
    try {
      const started = await startReplay(run, body, context);
      only.began(started.runs[0].run);
      return started;
    } catch (error) {
      only.failed();
      throw error;
    }
  });
}

function filterOf(table: string | undefined, code: string | undefined): RowFilter {
  if (code !== undefined && !Object.hasOwn(ERROR_CODES, code)) throw new SluiceError('REQUEST_INVALID', { what: 'code is no code of docs/errors.md' });
  return present({ table, code: code as ErrorCode | undefined });
}

function tablesOf({ summary: { tables, recipe } }: Quarantine): object[] {
  return tables.map((table) => {
    const known = recipe?.tables.find((one) => one.table === table.table);
    return { ...table, columns: known?.columns ?? [], sources: known?.sources ?? [] };
  });
}

/** The connection that is where the run went; null when there is none, or the run did not record it. */
function connectionOf({ summary: { recipe } }: Quarantine, connections: Connections): string | null {
  return recipe?.to === undefined ? null : connections.nameOf(recipe.to) ?? null;
}

/** Resolves when all runs have been started, each behind the one before. The files that they read are there until the last has ended. */
async function startReplay(run: string, body: ReplayBody, context: ServerContext): Promise<Started> {
  const { connections, workspace, env, engineMemoryBytes, runs } = context;
  const { table, code, edits, only, set, onError, maxErrors, again } = body;
  const quarantine = await openQuarantine(workspace, run);
  const target = body.to ?? connectionOf(quarantine, connections);
  if (target === null) throw new SluiceError('REQUEST_INVALID', { what: 'to must be said: no connection of the server is where the run went' });
  const to = connections.urlOf(target);
  if (maxErrors !== undefined && onError !== 'quarantine') throw new SluiceError('REQUEST_INVALID', { what: 'maxErrors needs onError quarantine' });
  const started = Promise.withResolvers<Started>();
  runs.hold(withReplayFolder(quarantine, async (folder) => {
    const { imports, leftOut } = await prepareReplay({
      quarantine, to, filter: filterOf(table, code), handling: present({ onError, maxErrors }), assignments: Object.entries(set ?? {}).map(([field, expression]) => ({ field, expression })),
      again, folder, workspace, env, engineMemoryBytes, signal: AbortSignal.timeout(PREPARE_MS), ...(edits === undefined ? {} : { edits: { rows: edits.map((edit) => ({ ...present(edit), table: edit.table, part: edit.part, record: edit.record })), only: only === 'edited' } }),
    });
    const handles: RunHandle[] = [];
    let after: Promise<RunOutcome> | undefined;
    for (const one of imports) {
      const handle = runs.launch((options) => one.start(options), { ends: [{ url: to, isTarget: true }], ...(after === undefined ? {} : { after }) });
      handles.push(handle);
      after = handle.outcome;
    }
    started.resolve({ runs: imports.map((one, i) => ({ run: handles[i].id, table: one.table, rows: one.rows })), leftOut: leftOut.map(({ message, at }) => ({ table: at.table ?? '', message })) });
    await Promise.all(handles.map(({ outcome }) => outcome));
  }).catch((error: unknown) => started.reject(error)));
  return started.promise;
}
