/** The report of the benchmark of the server's memory: its course in tenths of the time, what must hold, and whether it does. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryCourse } from './resident-memory.ts';

export interface Finding {
  readonly what: string;
  readonly course?: MemoryCourse;
  readonly must: string;
  readonly holds: boolean;
  readonly notes?: readonly string[];
}

export interface ServeReport {
  readonly machine: string;
  readonly date: string;
  readonly findings: readonly Finding[];
}

export function serveMarkdown({ date, machine, findings }: ServeReport): string {
  const lines = ['# What passes through sluice serve', '', `${date}; ${machine}`, '', '| what | seconds | peak RSS | RSS in each tenth of the time, MB | must | holds |', '|---|--:|--:|---|---|---|'];
  for (const { what, course, must, holds } of findings) {
    const figures = course === undefined ? ['–', '–', '–'] : [course.seconds.toFixed(1), `${megabytes(course.peakBytes)} MB`, course.tenths.map(megabytes).join(' ')];
    lines.push(`| ${[what, ...figures, must, holds ? 'yes' : 'NO'].join(' | ')} |`);
  }
  return `${[...lines, ...findings.flatMap(({ notes = [] }) => notes.flatMap((note) => ['', note]))].join('\n')}\n`;
}

/** Saves it beside the other reports, and returns the Markdown's path. */
export function saveServeReport(report: ServeReport, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'what-passes-through-sluice-serve.md');
  writeFileSync(path, serveMarkdown(report));
  writeFileSync(join(folder, 'what-passes-through-sluice-serve.json'), `${JSON.stringify(report, null, 2)}\n`);
  return path;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
