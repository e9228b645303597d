/** The report of the backup benchmark: times and sizes side by side, the ratios within the same round. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, type Measurement } from './measure.ts';

export interface SizedMeasurement extends Measurement {
  /** On disk; 0 where nothing was written there. */
  readonly bytes: number;
}

export interface SizedResult {
  readonly name: string;
  readonly rows: number;
  readonly own: boolean;
  readonly missing?: string;
  readonly runs: readonly SizedMeasurement[];
  /** Size of the first backup, of which the new bytes are a share. */
  readonly shareOf?: number;
}

export interface BackupReport {
  readonly title: string;
  readonly machine: string;
  readonly date: string;
  readonly results: readonly SizedResult[];
  readonly again: readonly SizedResult[];
  readonly notes: readonly string[];
}

export function backupMarkdown(report: BackupReport): string {
  const [first] = report.results;
  const lines = [
    `# ${report.title}`, '', `${report.date}; ${report.machine}`, '',
    '| who | seconds (median, min–max) | Sluice is quicker by | on disk | of Sluice\'s size | CPU-seconds of the client | peak RSS |', '|---|--:|--:|--:|--:|--:|--:|',
  ];
  for (const result of report.results) {
    if (result.missing !== undefined) {
      lines.push(`| ${result.name} | ${result.missing} | – | – | – | – | – |`);
      continue;
    }
    const ratio = result === first ? '' : `${median(result.runs.map(({ seconds }, round) => seconds / first.runs[round].seconds)).toFixed(2)}x`;
    const size = sizeOf(result), firstSize = sizeOf(first);
    lines.push(`| ${result.name} | ${secondsOf(result)} | ${ratio} | ${size === 0 ? '–' : megabytes(size)} | ${size === 0 || result === first ? '' : `${((size / firstSize) * 100).toFixed(0)}%`} | ${median(result.runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} | ${megabytes(peakOf(result))} |`);
  }
  if (report.again.length > 0) {
    lines.push('', '| once more | seconds | new on disk | of the first backup | peak RSS |', '|---|--:|--:|--:|--:|');
    for (const result of report.again) lines.push(`| ${result.name} | ${secondsOf(result)} | ${megabytes(sizeOf(result))} | ${((sizeOf(result) / result.shareOf!) * 100).toFixed(3)}% | ${megabytes(peakOf(result))} |`);
  }
  return `${[...lines, ...report.notes.flatMap((note) => ['', note])].join('\n')}\n`;
}

/** Saves the report beside the earlier ones, and returns the Markdown's path. */
export function saveBackupReport(report: BackupReport, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const name = report.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  const path = join(folder, `${name}.md`);
  writeFileSync(path, backupMarkdown(report));
  return path;
}

function secondsOf({ runs }: SizedResult): string {
  const seconds = runs.map((run) => run.seconds);
  return seconds.length === 1 ? seconds[0].toFixed(2) : `${median(seconds).toFixed(2)} (${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)})`;
}

function sizeOf({ runs }: SizedResult): number {
  return median(runs.map(({ bytes }) => bytes));
}

function peakOf({ runs }: SizedResult): number {
  return Math.max(...runs.map(({ peakRssBytes }) => peakRssBytes));
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
