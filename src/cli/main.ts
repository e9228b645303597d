/**
 * The entry of the command line. Prints what no command has printed, and sets the exit code (docs/exit-codes.md); the process then ends by itself.
 */
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import { makeReceipt, reportError } from '../jobs/receipt.ts';
import { debugLines } from './debug-lines.ts';
import { errorLines } from './output/error-text.ts';
import { printJson, printLines } from './print-json.ts';
import type { Terminal } from './terminal.ts';
import { versionText } from '../io/version.ts';

/** A handle that a driver forgot must not keep the process after its work is done. */
const LINGER_MS = 1_000;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() };
  const output = guardProcess(terminal, args);
  // Asked often, by scripts and by people who wonder: answered without loading the parser of arguments.
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    printLines(terminal.stdout, [versionText()]);
    return;
  }
  try {
    const { runProgram } = await import('./program.ts');
    process.exitCode = await runProgram(args, terminal);
    await output.check();
  } catch (error) {
    process.exitCode = await printFailure(error, args, terminal);
  }
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Prints an error that came before or outside of a run. Returns the exit code. */
async function printFailure(thrown: unknown, args: readonly string[], terminal: Terminal): Promise<number> {
  const error = toSluiceError(thrown);
  const report = reportError(error);
  printLines(terminal.stderr, [...errorLines(report), ...debugLines(error, terminal.env)]);
  if (args.includes('--json')) {
    const { isJob } = await import('./program.ts');
    const job = args.find((arg) => !arg.startsWith('-'));
    printJson(terminal, isJob(job) ? makeReceipt({ run: null, job, status: 'failed', seconds: 0, error }) : { error: report });
  }
  return error.exitCode;
}

/** @returns `check`: to be called when a command has ended well, whether its output has arrived as well */
function guardProcess(terminal: Terminal, args: readonly string[]): { check(): Promise<void> } {
  let lost: SluiceError | undefined;
  let hasEnded = false;
  const report = async (error: unknown): Promise<void> => {
    process.exitCode = await printFailure(error, args, terminal);
  };
  process.on('uncaughtException', (error) => void report(error).finally(() => process.exit()));
  terminal.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that went away (`sluice runs list | head -1`) is no failure of what was printed. A run that writes rows there notices by itself.
    if (error.code === 'EPIPE' || lost !== undefined) return;
    lost = new SluiceError('TARGET_UNWRITABLE', { path: 'standard output', reason: error.message }, {}, error);
    // A run that writes rows there must end in order, with its own account of the matter: exiting here would leave its work where it is.
    if (hasEnded && process.exitCode === 0) void report(lost);
  });
  // There is nowhere left to say it; the exit code still tells how the run went.
  terminal.stderr.on('error', () => {});
  return {
    check: async () => {
      hasEnded = true;
      if (lost !== undefined && process.exitCode === 0) await report(lost);
    },
  };
}

await main();
