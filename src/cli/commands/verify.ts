import type { Command } from 'commander';
import { openRepository } from '../../backup/open-repository.ts';
import { lockIfWritable } from '../../backup/repository/lock.ts';
import type { Repository } from '../../backup/repository/repository.ts';
import { verificationProblem } from '../../backup/repository/verification-problem.ts';
import { verifyRepository, type VerifyProgress, type VerifyReport } from '../../backup/repository/verify.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { addGeneralOptions, commandScope, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { collect } from '../../config/lists.ts';
import { errorLines } from '../output/error-text.ts';
import { formatBytes, formatCount } from '../output/quantities.ts';
import { printableLine } from '../output/text.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';

interface VerifyFlags extends GeneralFlags {
  readonly percent?: string;
  readonly notSince?: string;
  readonly jobs?: string;
  readonly against?: string;
  readonly table?: string[];
  readonly rows?: string;
}

const EXAMPLES = `
Examples:
  $ sluice verify /backups/shop                          # reads every chunk of every backup
  $ sluice verify /backups/shop@20261122-070405-k3f9     # only what this backup needs
  $ sluice verify /backups/shop --percent 10             # a tenth, those that have waited longest
  $ sluice verify /backups/shop --not-since 30d          # only what was not verified for 30 days

  # Is the database what the backup has? Reads the database once, and only the lists of the backup
  $ sluice verify /backups/shop --against postgres://me@localhost/shop_restored
  $ sluice verify /backups/shop@20261122 --against shop --table 'sales.*' --rows 50

Exit code 4 when something is damaged, missing or different; the report names it.
`;

const DAY_MS = 86_400_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SAY_EVERY_MS = 2_000;

export function defineVerify(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command.argument('<repository[@backup]>', 'a folder with backups (default: all of them)'))
    .option('--percent <p>', 'read so many percent of the chunks, those first that were not verified for longest')
    .option('--not-since <date>', 'read only chunks that were not verified since a date (2026-11-01) or for so many days (30d)')
    .option('--against <connection>', 'compare a backup (default: the newest) with a database, and say which rows differ')
    .option('--table <patterns>', 'with --against: only these tables; names and globs, as a,b or repeated', collect)
    .option('--rows <n>', 'with --against: rows shown of each table that differs (default: 10)')
    .option('--jobs <n>', 'chunks, or page ranges, read at once')
    .addHelpText('after', EXAMPLES)
    .action(async (reference: string, flags: VerifyFlags) => end(await cancellable((signal) => verify(reference, flags, terminal, signal))));
}

async function cancellable(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const cancel = (): void => stop.abort();
  for (const signal of SIGNALS) process.once(signal, cancel);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, cancel);
  }
}

// oxlint-disable-next-line max-params -- what a command has, and how it ends
async function verify(text: string, flags: VerifyFlags, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { against } = flags;
  refuseMixed(flags);
  if (against !== undefined) return (await import('./verify-against.ts')).verifyAgainst(text, { ...flags, against }, terminal, signal);
  const { settings } = await commandScope(flags, terminal);
  const options = { percent: percentOf(flags.percent), notSince: timeOf(flags.notSince), jobs: settings.jobs };
  const { repository, backup } = await openRepository(text, terminal.cwd);
  const wanted = backup === undefined ? undefined : await repository.find(backup);
  const lock = await lockIfWritable(repository, 'verify');
  try {
    const report = await verifyRepository(repository, { ...options, backup: wanted, signal, onProgress: flags.quiet === true ? undefined : progressLines(terminal) });
    return print(report, repository, flags, terminal);
  } finally {
    await lock?.release();
  }
}

function refuseMixed({ against, table, rows, percent, notSince }: VerifyFlags): void {
  const what = against === undefined
    ? (table ?? rows) === undefined ? undefined : '--table and --rows need --against'
    : (percent ?? notSince) === undefined ? undefined : '--against compares rows and reads no chunks: --percent and --not-since are for a verification of its own';
  if (what !== undefined) throw new SluiceError('USAGE', { what });
}

function print(report: VerifyReport, repository: Repository, flags: VerifyFlags, terminal: Terminal): number {
  const error = verificationProblem(report, repository.storage.name);
  if (flags.json === true) printJson(terminal, { repository: repository.storage.name, ok: error === undefined, ...report, ...(error === undefined ? {} : { error: error.toJSON() }) });
  else if (flags.quiet !== true) printLines(terminal.stdout, reportLines(report));
  if (error !== undefined) printLines(terminal.stderr, errorLines(error.toJSON()));
  return error?.exitCode ?? 0;
}

function reportLines(report: VerifyReport): string[] {
  const { problems, moreProblems } = report;
  return [
    ...problems.flatMap(({ message, object, affects }) => [
      printableLine(message),
      `  file ${printableLine(object)}`,
      ...(affects.length === 0 ? ['  no backup needs it'] : affects.map(({ backup, of }) => `  needed by ${backup}: ${printableLine(of)}`)),
    ]),
    ...(moreProblems > 0 ? [`and ${formatCount(moreProblems)} more`] : []),
    `${formatCount(report.backups)} backups, ${formatCount(report.chunks)} chunks; ${formatCount(report.chunksRead)} read (${formatBytes(report.bytesRead)})${report.unreferencedChunks > 0 ? `; ${formatCount(report.unreferencedChunks)} that no backup refers to` : ''}`,
    problems.length === 0 ? 'Everything that was looked at is whole.' : `${formatCount(problems.length + moreProblems)} problems`,
  ];
}

function progressLines({ stderr }: Terminal): (progress: VerifyProgress) => void {
  let next = Date.now() + SAY_EVERY_MS;
  return ({ chunksRead, bytesRead }) => {
    if (Date.now() < next) return;
    next = Date.now() + SAY_EVERY_MS;
    printLines(stderr, [`verify: ${formatCount(chunksRead)} chunks, ${formatBytes(bytesRead)}`]);
  };
}

function percentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = /^\d{1,3}(?:\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : 0;
  if (percent <= 0 || percent > 100) throw new SluiceError('USAGE', { what: `--percent: "${text}" is not a percentage above 0 and up to 100` });
  return percent;
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = /^(\d{1,5})d$/.exec(text);
  const time = days === null ? (/^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN) : Date.now() - Number(days[1]) * DAY_MS;
  if (Number.isNaN(time)) throw new SluiceError('USAGE', { what: `--not-since: "${text}" is neither a date (2026-11-01) nor a number of days (30d)` });
  return time;
}
