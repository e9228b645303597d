import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error.ts';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { discardLoad, resumeLoad, type ResumableJob } from '../../jobs/start-transfer.ts';
import { RunStore, type RunDetails, type RunListing } from '../../jobs/run-store.ts';
import { addGeneralOptions, addJobOptions, commandScope, type CommandScope, type GeneralFlags, type JobFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { errorLines } from '../output/error-text.ts';
import { planLines } from '../output/plan-text.ts';
import { formatBytes, formatCount, formatSeconds, formatTime } from '../output/quantities.ts';
import { receiptLines } from '../output/receipt-text.ts';
import { alignColumns, printableLine } from '../output/text.ts';
import { printJson, printLines } from '../print-json.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';

interface ListFlags extends GeneralFlags {
  readonly limit: string;
}

const EXAMPLES = `
Examples:
  $ sluice runs list
  $ sluice runs show                 # the newest run
  $ sluice runs show 1jd4kz2q8xk2f7
  $ sluice runs cancel               # the run that is running
  $ sluice runs resume               # the newest run that was interrupted
  $ sluice runs discard              # or give it up, and remove what it has made
`;

/** How long \`runs cancel\` waits to see the run end; the run goes on ending when that is not enough. */
const CANCEL_WAIT_MS = 5_000;
const CANCEL_POLL_MS = 100;

export function defineRuns(command: Command, terminal: Terminal, end: CommandEnd): void {
  command.addHelpText('after', EXAMPLES);
  addGeneralOptions(command.command('list').description('the runs of the workspace, newest first'))
    .option('--limit <n>', 'at most so many', '50')
    .addHelpText('after', '\nExamples:\n  $ sluice runs list\n  $ sluice runs list --limit 5 --json\n')
    .action(async (flags: ListFlags) => end(await list(flags, terminal)));
  addGeneralOptions(command.command('show').description('plan, progress and receipt of a run'))
    .argument('[run]', 'the run (default: the newest)')
    .addHelpText('after', '\nExamples:\n  $ sluice runs show\n  $ sluice runs show 1jd4kz2q8xk2f7 --json\n')
    .action(async (run: string | undefined, flags: GeneralFlags) => end(await show(run, flags, terminal)));
  addGeneralOptions(command.command('cancel').description('stop a run, whichever process it is in; the target is left as it was'))
    .argument('[run]', 'the run (default: the one that is running)')
    .addHelpText('after', '\nExamples:\n  $ sluice runs cancel\n  $ sluice runs cancel 1jd4kz2q8xk2f7\n')
    .action(async (run: string | undefined, flags: GeneralFlags) => end(await cancel(run, flags, terminal)));
  addJobOptions(command.command('resume').description('go on with an import, restore or backup that was interrupted (killed, lost server, full disk)'))
    .argument('[run]', 'the run (default: the newest that can be resumed)')
    .option('--to <connection>', 'the target, where the run was begun with a password in its URL')
    .option('--from <connection>', 'the same of a backup: its source')
    .addHelpText('after', '\nExamples:\n  $ sluice runs resume\n  $ sluice runs resume 1jd4kz2q8xk2f7 --to postgres://me:secret@host/db\n')
    .action(async (run: string | undefined, flags: ResumeFlags) => end(await resume(run, flags, terminal)));
  addGeneralOptions(command.command('discard').description('give up an interrupted import or restore: the target is as it was before it'))
    .argument('[run]', 'the run (default: the newest that can be resumed)')
    .option('--to <connection>', 'the target, where the run was begun with a password in its URL')
    .addHelpText('after', '\nExamples:\n  $ sluice runs discard\n  $ sluice runs discard 1jd4kz2q8xk2f7\n')
    .action(async (run: string | undefined, flags: ResumeFlags) => end(await discard(run, flags, terminal)));
}

interface ResumeFlags extends JobFlags {
  readonly to?: string;
  readonly from?: string;
}

interface InterruptedRun {
  readonly id: string;
  readonly job: ResumableJob;
  /** Of a backup its source. Resolved; empty for a run that cannot be resumed: the store says why. */
  readonly to: string;
  readonly rowsOnStdin: boolean;
  readonly scope: CommandScope;
}

/** Goes on with a run as it was begun; what was read from standard input is read from there again. */
async function resume(run: string | undefined, flags: ResumeFlags, terminal: Terminal): Promise<number> {
  const { id, job, to, rowsOnStdin, scope } = await interruptedRun(run, flags, terminal);
  return runJob({ terminal, scope, flags, rowsOnStdin, connection: { option: job === 'backup' ? '--from' : '--to', url: to }, start: (options) => resumeLoad(id, job, to, options) });
}

/** Being cancelled is what is wanted here. */
async function discard(run: string | undefined, flags: ResumeFlags, terminal: Terminal): Promise<number> {
  const { id, job, to, scope } = await interruptedRun(run, flags, terminal);
  const { receipt, error } = await discardLoad(id, job, to, { ...scope.settings, env: terminal.env }).outcome;
  if (error !== undefined && error.code !== 'CANCELLED') throw error;
  if (flags.json === true) printJson(terminal, receipt);
  else if (flags.quiet !== true) printLines(terminal.stdout, [`${id} is given up, and ${receipt.plan?.to ?? 'its target'} as it was before`]);
  return 0;
}

async function interruptedRun(run: string | undefined, flags: ResumeFlags, terminal: Terminal): Promise<InterruptedRun> {
  const { id, job, reference, rowsOnStdin } = await withStore(flags, terminal, async (store) => {
    const wanted = run ?? store?.list().find((one) => one.resumable)?.run;
    if (store === undefined || wanted === undefined) throw new SluiceError('RUN_UNKNOWN', { run: run ?? 'that was interrupted and can be resumed' });
    const details = store.show(wanted);
    const state = store.stateOf(wanted) as { options?: { reference?: string; sources?: readonly string[] } } | null;
    return { id: wanted, job: details.job, reference: state?.options?.reference, rowsOnStdin: state?.options?.sources?.includes('-') === true };
  });
  const scope = await commandScope(flags, terminal);
  const named = flags.from ?? flags.to ?? reference;
  // Without a target in its record it is no import: the store says why it cannot go on.
  const target = named === undefined ? undefined : resolveConnection(named, scope.connections);
  return { id, job: job === 'restore' || job === 'backup' ? job : 'import', to: target?.url ?? '', rowsOnStdin, scope };
}

async function list(flags: ListFlags, terminal: Terminal): Promise<number> {
  const limit = /^\d{1,6}$/.test(flags.limit) ? Number(flags.limit) : 0;
  if (limit < 1) throw new SluiceError('USAGE', { what: `--limit: "${flags.limit}" is not a whole number from 1` });
  const runs = await withStore(flags, terminal, async (store) => store?.list(limit) ?? []);
  if (flags.json === true) printJson(terminal, { runs });
  else if (flags.quiet !== true) printLines(terminal.stdout, runs.length === 0 ? ['No runs yet.'] : listLines(runs));
  return 0;
}

async function show(run: string | undefined, flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const details = await withStore(flags, terminal, async (store) => {
    const wanted = run ?? store?.list(1)[0]?.run;
    if (store === undefined || wanted === undefined) throw new SluiceError('RUN_UNKNOWN', { run: run ?? 'yet' });
    return store.show(wanted);
  });
  if (flags.json === true) printJson(terminal, details);
  else if (flags.quiet !== true) printLines(terminal.stdout, detailLines(details));
  return 0;
}

async function cancel(run: string | undefined, flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const ended = await withStore(flags, terminal, async (store) => {
    if (store === undefined) throw new SluiceError('RUN_UNKNOWN', { run: run ?? 'yet' });
    const wanted = run ?? onlyRunning(store);
    store.requestCancel(wanted);
    return waitForEnd(store, wanted);
  });
  if (flags.json === true) printJson(terminal, ended);
  else if (flags.quiet !== true) {
    printLines(terminal.stdout, [ended.status === 'running' ? `${ended.run} was asked to stop and is still running` : `${ended.run} is ${ended.status}`]);
  }
  return 0;
}

function onlyRunning(store: RunStore): string {
  const running = store.list().filter(({ status }) => status === 'running');
  if (running.length === 1) return running[0].run;
  if (running.length === 0) throw new SluiceError('USAGE', { what: 'No run is running' });
  throw new SluiceError('USAGE', { what: `Several runs are running, say which: ${running.map((one) => one.run).join(', ')}` });
}

async function waitForEnd(store: RunStore, run: string): Promise<RunDetails> {
  for (let waited = 0; ; waited += CANCEL_POLL_MS) {
    const details = store.show(run);
    if (details.status !== 'running' || waited >= CANCEL_WAIT_MS) return details;
    await sleep(CANCEL_POLL_MS);
  }
}

async function withStore<T>(flags: GeneralFlags, terminal: Terminal, use: (store: RunStore | undefined) => Promise<T>): Promise<T> {
  const { settings } = await commandScope(flags, terminal);
  const store = await RunStore.openExisting(settings.workspace);
  try {
    return await use(store);
  } finally {
    store?.close();
  }
}

function listLines(runs: readonly RunListing[]): string[] {
  const rows = runs.map((run) => [
    run.run,
    run.job,
    run.cancelRequested && run.status === 'running' ? 'cancelling' : run.resumable ? 'interrupted (resume)' : run.status,
    formatTime(run.startedAt),
    run.endedAt === null ? '' : formatSeconds((run.endedAt - run.startedAt) / 1000),
    formatCount(run.rows),
    run.from === null || run.to === null ? '' : `${printableLine(run.from)} → ${printableLine(run.to)}`,
  ]);
  return alignColumns([['run', 'job', 'status', 'started', 'took', 'rows', 'what'], ...rows], 'llllrrl');
}

function detailLines(run: RunDetails): string[] {
  const { summary, plan, receipt, owner } = run;
  const running = summary === null || receipt !== null ? [] : [
    `phase ${summary.phase ?? 'starting'}, ${formatCount(summary.tablesDone)} of ${formatCount(summary.tablesStarted)} tables, ${formatCount(summary.rows)} rows, ${formatBytes(summary.bytes)}, memory ${formatBytes(summary.rssBytes)}`,
  ];
  return [
    `run ${run.run}: ${run.job}, ${run.status}, started ${formatTime(run.startedAt)}${owner === null || run.status !== 'running' ? '' : `, process ${owner.pid}`}`,
    ...running,
    ...(plan === null ? [] : ['', ...planLines(plan)]),
    ...(receipt === null ? [] : ['', ...receiptLines(receipt)]),
    ...(receipt?.error === undefined ? [] : ['', ...errorLines(receipt.error)]),
  ];
}
