/** `sluice verify REPOSITORY[@BACKUP] --against CONNECTION`: a backup compared with a live or restored database. */
import type { CompareProgress } from '../../backup/compare/compare-backup.ts';
import { comparisonProblem, isDifferent } from '../../backup/compare/comparison-problem.ts';
import type { ComparedTableReport, ComparisonReport, RowExample } from '../../backup/compare/comparison-report.ts';
import { openRepository } from '../../backup/open-repository.ts';
import type { Repository } from '../../backup/repository/repository.ts';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { connectorFor } from '../../connectors/registry.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, defaultJobs, thisMachine } from '../../jobs/hardware.ts';
import { peakRssBytes } from '../../jobs/receipt.ts';
import { commandScope, type GeneralFlags } from '../common-options.ts';
import { errorLines } from '../output/error-text.ts';
import { formatBytes, formatCount, formatSeconds } from '../output/quantities.ts';
import { printableLine } from '../output/text.ts';
import { parseNames } from '../../config/lists.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';

export interface VerifyAgainstFlags extends GeneralFlags {
  readonly against: string;
  readonly table?: string[];
  readonly rows?: string;
  readonly jobs?: string;
}

const SAY_EVERY_MS = 2_000;
const DEFAULT_EXAMPLES = 10;
const MOST_EXAMPLES = 500;
const MOST_NAMES = 10;

/** What a comparison is of, for its report. */
interface Subject {
  readonly repository: string;
  readonly backup: string;
  readonly against: string;
  readonly startedAt: number;
}

/** @returns the exit code: 4 when the database differs from the backup */
export async function verifyAgainst(text: string, flags: VerifyAgainstFlags, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  const scope = await commandScope(flags, terminal);
  const examples = examplesOf(flags.rows);
  const target = resolveConnection(flags.against, scope.connections);
  const tables = [...parseNames(flags.table, '--table') ?? [], ...(target.table === undefined ? [] : [target.table])];
  const { repository, backup } = await openRepository(text, terminal.cwd);
  const manifest = await repository.manifest(await repository.find(backup));
  if (!manifest.scope.data) throw new SluiceError('OPTION_UNSUPPORTED', { option: '--against', context: `for ${manifest.backup}, a backup without rows` });
  const connector = await connectorFor(target.url);
  const machine = thisMachine(), jobs = scope.settings.jobs ?? defaultJobs(machine);
  const connection = await connector.connect(target.url, { signal, jobs, engineMemoryBytes: defaultEngineMemoryBytes(machine), applicationName: 'sluice verify', create: false, env: terminal.env });
  try {
    const open = connection.openCompare?.bind(connection);
    if (open === undefined) throw new SluiceError('OPTION_UNSUPPORTED', { option: `--against ${connection.name}`, context: 'here: backups are of PostgreSQL databases' });
    const { compareBackup } = await import('../../backup/compare/compare-backup.ts');
    const report = await compareBackup(repository, manifest, { openSource: open, tables, examples, jobs, signal, onProgress: flags.quiet === true ? undefined : progressLines(terminal) });
    return print(report, { repository: pathOf(repository), backup: manifest.backup, against: connection.name, startedAt }, flags, terminal);
  } finally {
    await connection.close();
  }
}

function pathOf({ storage }: Repository): string {
  return storage.name;
}

function print(report: ComparisonReport, subject: Subject, flags: GeneralFlags, terminal: Terminal): number {
  const { repository, backup, against, startedAt } = subject;
  const error = comparisonProblem(report, `${repository}@${backup}`, against);
  const seconds = (performance.now() - startedAt) / 1000;
  if (flags.json === true) {
    printJson(terminal, { job: 'verify', repository, backup, against, ok: error === undefined, ...report, seconds: Math.round(seconds * 1000) / 1000, peakRssBytes: peakRssBytes(), ...(error === undefined ? {} : { error: error.toJSON() }) });
  } else if (flags.quiet !== true) {
    printLines(terminal.stdout, [...reportLines(report), `${formatCount(report.totals.tables)} tables, ${formatCount(report.totals.rowsRead)} rows, ${formatBytes(report.totals.bytesRead)} read in ${formatSeconds(seconds)}`,
      ...(error === undefined ? [`${printableLine(against)} has what ${backup} has.`] : [])]);
  }
  if (error !== undefined) printLines(terminal.stderr, errorLines(error.toJSON()));
  return error?.exitCode ?? 0;
}

function reportLines(report: ComparisonReport): string[] {
  const moved = report.tables.filter(({ status }) => status === 'moved');
  const others = report.otherTables.slice(0, MOST_NAMES).join(', ');
  return [
    ...report.tables.filter(isDifferent).flatMap(tableLines),
    ...report.sequences.map(({ name, backup, database }) => printableLine(database === null ? `sequence ${name} is missing` : `sequence ${name} is at ${database}; in the backup at ${backup}`)),
    ...(report.largeObjects?.named ?? []).map(({ oid, status }) => `large object ${oid} is ${status}`),
    ...((report.largeObjects?.others ?? 0) > 0 ? [`${formatCount(report.largeObjects!.others)} large objects are not in the backup`] : []),
    ...moved.map(({ name }) => printableLine(`${name} has other rows than in the backup, and together with the other partitions the same: the server distributes them in another way`)),
    ...(report.otherTables.length === 0 ? [] : [printableLine(`Not in the backup: ${others}${report.otherTables.length > MOST_NAMES ? ` and ${report.otherTables.length - MOST_NAMES} more` : ''}`)]),
    ...report.notes.map(printableLine),
  ];
}

function tableLines({ name, status, backup, database, differences, groups, rows }: ComparedTableReport): string[] {
  if (status === 'missing') return [printableLine(`${name} is missing (${formatCount(backup.rows)} rows in the backup)`)];
  const counts = database === null ? 'its rows cannot be compared' : backup.rows === database.rows ? `${formatCount(backup.rows)} rows, as in the backup` : `${formatCount(database.rows)} rows, and ${formatCount(backup.rows)} in the backup`;
  const same = groups === undefined || groups.same === 0 ? '' : `; ${formatCount(groups.same)} of ${formatCount(groups.same + groups.different)} page groups are the same`;
  return [
    printableLine(`${name} is different: ${counts}${same}`),
    ...differences.map((difference) => printableLine(`  ${difference}`)),
    ...(rows === undefined ? [] : [
      `  ${rows.complete ? '' : 'about '}${formatCount(rows.missing)} rows missing, ${formatCount(rows.extra)} not in the backup${rows.changed === null ? '' : `, of which ${formatCount(rows.changed)} were changed`}`,
      ...rows.examples.map((example) => printableLine(`  ${exampleLine(example)}`)),
    ]),
  ];
}

function exampleLine({ kind, row, changes }: RowExample): string {
  const values = Object.entries(row).map(([name, value]) => `${name} ${valueText(value)}`).join(', ');
  if (kind !== 'changed') return `${kind === 'missing' ? 'missing' : 'not in the backup'}: ${values}`;
  return `changed: ${values}: ${Object.entries(changes ?? {}).map(([name, [before, now]]) => `${name} was ${valueText(before)}, is ${valueText(now)}`).join('; ')}`;
}

function valueText(value: string | null): string {
  return value === null ? 'NULL' : `'${value}'`;
}

function progressLines({ stderr }: Terminal): (progress: CompareProgress) => void {
  let next = Date.now() + SAY_EVERY_MS;
  return ({ tablesDone, tables, rowsRead, bytesRead }) => {
    if (Date.now() < next) return;
    next = Date.now() + SAY_EVERY_MS;
    printLines(stderr, [`verify: ${formatCount(tablesDone)} of ${formatCount(tables)} tables, ${formatCount(rowsRead)} rows, ${formatBytes(bytesRead)}`]);
  };
}

function examplesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EXAMPLES;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= MOST_EXAMPLES)) throw new SluiceError('USAGE', { what: `--rows: "${text}" is not a number up to ${MOST_EXAMPLES}` });
  return count;
}
