import { SluiceError } from '../../errors/sluice-error.ts';
import type { ComparedTableReport, ComparisonReport } from './comparison-report.ts';

const MOST_NAMED = 5;

export function isDifferent({ status }: ComparedTableReport): boolean {
  return status !== 'same' && status !== 'moved';
}

/** What a comparison that found differences fails with; undefined when there are none. */
export function comparisonProblem(report: ComparisonReport, path: string, connection: string): SluiceError | undefined {
  const problems = report.totals.differentTables + report.sequences.length + (report.largeObjects?.different ?? 0);
  return problems === 0 ? undefined : new SluiceError('COMPARISON_FAILED', { path, connection, problems, summary: summaryOf(report) });
}

function summaryOf({ tables, sequences, largeObjects }: ComparisonReport): string {
  const names = [...tables.filter(isDifferent).map(({ name }) => name), ...sequences.map(({ name }) => name), ...(largeObjects?.named ?? []).map(({ oid }) => `large object ${oid}`)];
  return names.length > MOST_NAMED ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more` : names.join(', ');
}
