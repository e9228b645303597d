/** What runs are called. */
import type { IconName } from '../../components/icon.tsx';
import type { RunListing } from '../../api/types.ts';

const JOBS: Readonly<Record<string, readonly [IconName, string]>> = {
  import: ['import', 'Import'], export: ['export', 'Export'], copy: ['copy', 'Copy'], backup: ['backup', 'Backup'], restore: ['restore', 'Restore'], verify: ['shield', 'Verify'], replay: ['again', 'Replay'],
};

export function jobIcon(job: string): IconName {
  return JOBS[job]?.[0] ?? 'runs';
}

export function jobTitle(job: string): string {
  return JOBS[job]?.[1] ?? job;
}

/** Where from and where to, short: of a path its last step, of a URL its host and database. */
export function runEnds({ from, to, job }: Pick<RunListing, 'from' | 'to' | 'job'>): string {
  if (from === null && to === null) return jobTitle(job);
  return [from, to].filter((end) => end !== null && end !== '').map((end) => shortEnd(end!)).join(' → ');
}

export function shortEnd(end: string): string {
  if (/^postgres(?:ql)?:\/\//i.test(end)) return end.replace(/^[^/]*\/\/(?:[^@/]*@)?/, '').replace(/\?.*$/, '');
  if (/^duckdb:/i.test(end)) return /\.sluice[^/]*\/data\.duckdb$|workspace\/data\.duckdb$/.test(end) ? 'embedded database' : end.slice(end.lastIndexOf('/') + 1);
  return end.split(', ').map((one) => one.replace(/\/$/, '').split('/').at(-1) ?? one).join(', ');
}

const PHASES: Readonly<Record<string, string>> = { inspecting: 'Looking at the source', planning: 'Planning', moving: 'Moving rows', publishing: 'Publishing', checking: 'Checking' };

export function phaseText(phase: string | undefined | null): string {
  return phase === undefined || phase === null ? 'Starting' : (PHASES[phase] ?? phase);
}
