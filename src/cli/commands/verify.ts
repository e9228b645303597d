import type { Command } from 'commander';
import { openRepository } from '../../backup/open-repository.ts';
import type { VerifyJobOptions } from '../../backup/verify/verify-job.ts';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { startVerify } from '../../jobs/start-transfer.ts';
import { addGeneralOptions, commandScope, type CommandScope, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { collect, parseNames } from '../../config/lists.ts';
import { definedOnly } from '../options/defined-only.ts';
import { verificationReport } from '../output/verification-text.ts';
import { runJob } from '../run-job.ts';
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
const MOST_EXAMPLES = 500;

export function defineVerify(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command.argument('<repository[@backup]>', 'a folder with backups (default: all of them)'))
    .option('--percent <p>', 'read so many percent of the chunks, those first that were not verified for longest')
    .option('--not-since <date>', 'read only chunks that were not verified since a date (2026-11-01) or for so many days (30d)')
    .option('--against <connection>', 'compare a backup (default: the newest) with a database, and say which rows differ')
    .option('--table <patterns>', 'with --against: only these tables; names and globs, as a,b or repeated', collect)
    .option('--rows <n>', 'with --against: rows shown of each table that differs (default: 10)')
    .option('--jobs <n>', 'chunks, or page ranges, read at once')
    .addHelpText('after', EXAMPLES)
    .action(async (reference: string, flags: VerifyFlags) => end(await verify(reference, flags, terminal)));
}

async function verify(text: string, flags: VerifyFlags, terminal: Terminal): Promise<number> {
  refuseMixed(flags);
  const scope = await commandScope(flags, terminal);
  const options = { ...await verifiedBackups(text, terminal), ...(flags.against === undefined ? chunksToRead(flags) : comparison(flags.against, flags, scope)) };
  return runJob({ terminal, scope, flags, start: (run) => startVerify(options, run), report: verificationReport });
}

/** By its full name: the newest may be another one when the run begins. */
async function verifiedBackups(text: string, { cwd }: Terminal): Promise<Pick<VerifyJobOptions, 'repository' | 'backup'>> {
  const { repository, backup } = await openRepository(text, cwd);
  return { repository: repository.storage.name, ...(backup === undefined ? {} : { backup: await repository.find(backup) }) };
}

function chunksToRead(flags: VerifyFlags): Partial<VerifyJobOptions> {
  return definedOnly({ percent: percentOf(flags.percent), notSince: timeOf(flags.notSince) });
}

function comparison(against: string, flags: VerifyFlags, { connections }: CommandScope): Partial<VerifyJobOptions> {
  const { url, table } = resolveConnection(against, connections);
  return { against: url, tables: [...parseNames(flags.table, '--table') ?? [], ...(table === undefined ? [] : [table])], ...definedOnly({ examples: examplesOf(flags.rows) }) };
}

function refuseMixed({ against, table, rows, percent, notSince }: VerifyFlags): void {
  const what = against === undefined
    ? (table ?? rows) === undefined ? undefined : '--table and --rows need --against'
    : (percent ?? notSince) === undefined ? undefined : '--against compares rows and reads no chunks: --percent and --not-since are for a verification of its own';
  if (what !== undefined) throw new SluiceError('USAGE', { what });
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

function examplesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= MOST_EXAMPLES)) throw new SluiceError('USAGE', { what: `--rows: "${text}" is not a number up to ${MOST_EXAMPLES}` });
  return count;
}
