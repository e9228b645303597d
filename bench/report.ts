import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { median, type Measurement } from './measure.ts';

export interface Result {
  readonly name: string;
  /** A row of Sluice itself: nothing to compare it with. */
  readonly own: boolean;
  readonly rows: number;
  readonly missing?: string;
  readonly runs: readonly Measurement[];
}

export interface Report {
  readonly title: string;
  readonly machine: string;
  readonly date: string;
  readonly results: readonly Result[];
  readonly memory: readonly { readonly name: string; readonly rows: number; readonly peakRssBytes: number; readonly seconds: number }[];
}

export function describeMachine(server: string): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const kernel = execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim();
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${kernel}, Node ${process.version}, ${server}`;
}

/** Ratios are medians over the rounds of (peer's seconds / Sluice's seconds) within the same round: above 1, Sluice is quicker. Of several rows of Sluice the first is compared. */
export function markdown(report: Report): string {
  const [first] = report.results;
  const lines = [
    `# ${report.title}`, '', `${report.date}; ${report.machine}`, '',
    '| who | rows | seconds (median, min–max) | Sluice is quicker by | rows per CPU-second of the client | peak RSS |',
    '|---|--:|--:|--:|--:|--:|',
  ];
  for (const result of report.results) {
    if (result.missing !== undefined) {
      lines.push(`| ${result.name} | – | ${result.missing} | – | – | – |`);
      continue;
    }
    const seconds = result.runs.map((run) => run.seconds);
    const ratio = result.own ? '' : `${median(seconds.map((value, round) => value / first.runs[round].seconds)).toFixed(2)}x`;
    const perCpu = result.rows / median(result.runs.map((run) => run.cpuSeconds));
    const peak = Math.max(...result.runs.map((run) => run.peakRssBytes));
    lines.push(`| ${result.name} | ${result.rows.toLocaleString('en')} | ${median(seconds).toFixed(2)} (${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}) | ${ratio} | ${Math.round(perCpu).toLocaleString('en')} | ${megabytes(peak)} |`);
  }
  if (report.memory.length > 0) {
    lines.push('', '| memory as the data grows | rows | seconds | rows/s | peak RSS |', '|---|--:|--:|--:|--:|');
    for (const { name, rows, seconds, peakRssBytes } of report.memory) {
      lines.push(`| ${name} | ${rows.toLocaleString('en')} | ${seconds.toFixed(2)} | ${Math.round(rows / seconds).toLocaleString('en')} | ${megabytes(peakRssBytes)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Saves the report beside the earlier ones, and returns the Markdown's path. */
export function save(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const name = report.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  const path = join(folder, `${name}.md`);
  writeFileSync(path, markdown(report));
  return path;
}

export function postgresVersionOf(dataDir: string): string {
  return `PostgreSQL ${readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim()}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
