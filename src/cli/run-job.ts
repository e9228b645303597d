import { isatty } from 'node:tty';
import { exitCodeOf, type Receipt } from '../jobs/receipt.ts';
import type { RunHandle, StartRunOptions } from '../jobs/start-run.ts';
import type { TransferPlan } from '../pipeline/transfer.ts';
import type { CommandScope, JobFlags } from './common-options.ts';
import { debugLines } from './debug-lines.ts';
import { errorLines } from './output/error-text.ts';
import { planLines } from './output/plan-text.ts';
import { receiptLines } from './output/receipt-text.ts';
import { openProgress, type ProgressDisplay } from './output/text-progress.ts';
import { printJson, printLines } from './print-json.ts';
import { cancelOnSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

export interface JobRequest {
  readonly terminal: Terminal;
  readonly scope: CommandScope;
  readonly flags: JobFlags;
  readonly start: (options: StartRunOptions) => RunHandle;
  /** Standard output carries rows: the receipt goes to standard error then. */
  readonly rowsOnStdout?: boolean;
  /** Standard input carries rows: nothing can be asked then. */
  readonly rowsOnStdin?: boolean;
  /** That a run which goes on later needs again, where it has a password: that is not recorded. */
  readonly connection?: { readonly option: '--to' | '--from'; readonly url: string };
  /** Takes the receipt instead of the JSON document: one command may run several jobs. */
  readonly onReceipt?: (receipt: Receipt) => void;
  /** What the job has to say instead of counts of rows; undefined where it has not come so far. */
  readonly report?: (receipt: Receipt) => JobReport | undefined;
}

export interface JobReport {
  /** For --json. */
  readonly document: object;
  readonly lines: readonly string[];
}

/** Runs a job with its progress, signals and receipt. Returns the exit code; the error of a failed run has been printed. */
export async function runJob(request: JobRequest): Promise<number> {
  const { terminal, flags, scope } = request;
  const display = openProgress(terminal.stderr, flags.quiet === true || flags.dryRun === true, terminal.env);
  const handle = request.start({
    ...scope.settings,
    env: terminal.env,
    dryRun: flags.dryRun === true,
    onProgress: (event) => display.apply(event),
    approve: async (plan) => {
      display.planned(plan);
      return approves(plan, request, display);
    },
  });
  const release = cancelOnSignals(handle, (line) => display.say(line));
  try {
    const { receipt, error } = await handle.outcome;
    display.close();
    printReceipt(receipt, request);
    printLines(terminal.stderr, debugLines(error, terminal.env));
    return exitCodeOf(receipt);
  } finally {
    display.close();
    release();
  }
}

function printReceipt(receipt: Receipt, request: JobRequest): void {
  const { terminal, flags, rowsOnStdout, onReceipt, connection } = request;
  onReceipt?.(receipt);
  const report = request.report?.(receipt);
  if (report !== undefined) {
    printReport(report, receipt, request);
    return;
  }
  if (receipt.error !== undefined) printLines(terminal.stderr, [...errorLines(receipt.error), ...resumeLines(receipt, connection)]);
  if (flags.json === true) {
    if (onReceipt === undefined) printJson(terminal, receipt);
    return;
  }
  if (receipt.status === 'planned') {
    printLines(terminal.stdout, receipt.plan === null ? [] : planLines(receipt.plan));
    return;
  }
  if (flags.quiet !== true) printLines(rowsOnStdout === true || receipt.error !== undefined ? terminal.stderr : terminal.stdout, receiptLines(receipt));
}

function printReport({ document, lines }: JobReport, { error }: Receipt, { terminal, flags }: JobRequest): void {
  if (flags.json === true) printJson(terminal, document);
  else if (flags.quiet !== true) printLines(terminal.stdout, lines);
  if (error !== undefined) printLines(terminal.stderr, errorLines(error));
}

function resumeLines({ resume, job }: Receipt, connection: JobRequest['connection']): string[] {
  if (resume === undefined) return [];
  const again = connection !== undefined && hasPassword(connection.url) ? ` ${connection.option} URL   (the same URL: its password is not recorded)` : '';
  return [`  to go on: ${resume}${again}`, ...(job === 'backup' ? [] : [`  to give it up: ${resume.replace(' resume ', ' discard ')}${again}`])];
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) && new URL(url).password !== '';
}

/** Asks before rows that are there are replaced, when there is somebody to ask. */
async function approves(plan: TransferPlan, { terminal, flags, rowsOnStdin }: JobRequest, display: ProgressDisplay): Promise<boolean> {
  const replaced = plan.tables.filter((table) => table.mode === 'replace' && table.creates === false);
  // Not process.stdin.isTTY: touching it would begin to read what may be rows.
  const interactive = rowsOnStdin !== true && isatty(0) && terminal.stderr.isTTY;
  if (replaced.length === 0 || flags.yes === true || !interactive) return true;
  display.pause();
  // Loaded only for a question: it takes 3 MB.
  const { createInterface } = await import('node:readline/promises');
  const questions = createInterface({ input: process.stdin, output: terminal.stderr });
  // While a question is open readline takes Ctrl-C; without this the question would stay open for ever.
  const interrupted = new AbortController();
  questions.once('SIGINT', () => interrupted.abort());
  try {
    const names = replaced.length > 3 ? `${replaced.length} tables` : replaced.map((table) => table.name).join(', ');
    const answer = await questions.question(`Replace all rows of ${names} in ${plan.to}? [y/N] `, { signal: interrupted.signal });
    return /^y(?:es)?$/i.test(answer.trim());
  } catch (error) {
    if (interrupted.signal.aborted) return false;
    throw error;
  } finally {
    questions.close();
    display.resume();
  }
}

