/** What a verification found, for people and as the document of `sluice verify --json`. */
import { isDifferent } from '../../backup/compare/comparison-problem.ts';
import type { ComparedTableReport, ComparisonReport, RowExample } from '../../backup/compare/comparison-report.ts';
import type { VerifyReport } from '../../backup/repository/verify.ts';
import type { Receipt } from '../../jobs/receipt.ts';
import type { JobReport } from '../run-job.ts';
import { formatBytes, formatCount, formatSeconds } from './quantities.ts';
import { printableLine } from './text.ts';

const MOST_NAMES = 10;

/** Undefined for a run that has not come to a result. */
export function verificationReport(receipt: Receipt): JobReport | undefined {
  const { verification, run, job, status, seconds, peakRssBytes, targets, error } = receipt;
  if (verification === undefined) return undefined;
  const { report, ...of } = verification;
  return {
    document: { run, job, status, ...of, ...report, seconds, peakRssBytes, targets, ...(error === undefined ? {} : { error }) },
    lines: [...verificationLines(receipt), `run ${run}`],
  };
}

/** None of a receipt of another job. */
export function verificationLines(receipt: Receipt): string[] {
  if (receipt.verification === undefined) return [];
  const { report, against } = receipt.verification;
  return against === null ? chunkLines(report as VerifyReport) : [...comparisonLines(report as ComparisonReport), ...conclusion(report as ComparisonReport, receipt)];
}

function conclusion({ totals }: ComparisonReport, { verification, seconds }: Receipt): string[] {
  const { ok, against, backup } = verification!;
  return [
    `${formatCount(totals.tables)} tables, ${formatCount(totals.rowsRead)} rows, ${formatBytes(totals.bytesRead)} read in ${formatSeconds(seconds)}`,
    ...(ok ? [`${printableLine(against!)} has what ${backup} has.`] : []),
  ];
}

function comparisonLines(report: ComparisonReport): string[] {
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

function chunkLines(report: VerifyReport): string[] {
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
