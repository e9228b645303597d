/**
 * What a run of each kind should reach, checked on every run that is done and written into its receipt. A target that is missed changes nothing of the run: it is said, counted and listed.
 *
 * Time is that of 10,000 records (a run of more may take as much longer); rates are only measured on runs that are large enough for them to mean something: 10,000 records, 50 MB.
 */
import { isEngineUsed } from '../engine/engine-use.ts';
import type { JobName, TargetResult } from './receipt.ts';

/** Of one kind of job; what is absent is not checked. */
export interface PerformanceTarget {
  /** At most, for 10,000 records. */
  readonly seconds?: number;
  /** At most, resident; where the embedded engine is at work its own limit comes on top. */
  readonly peakBytes?: number;
  /** At least. */
  readonly rowsPerSecond?: number;
  /** At least. */
  readonly bytesPerSecond?: number;
}

export type PerformanceTargets = Readonly<Partial<Record<JobName, PerformanceTarget>>>;

const MB = 1_000_000;
const READING: PerformanceTarget = { seconds: 30, peakBytes: 100 * MB, rowsPerSecond: 300, bytesPerSecond: 50 * MB };
const LOADING: PerformanceTarget = { seconds: 60, peakBytes: 150 * MB, rowsPerSecond: 200 };

export const DEFAULT_TARGETS: Readonly<Record<JobName, PerformanceTarget>> = {
  export: READING, backup: READING, restore: LOADING, import: LOADING, copy: LOADING,
  // Of a comparison or of chunks: there are no records that a rate would be of.
  verify: { peakBytes: 150 * MB },
};

export interface Measured {
  readonly job: JobName;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly peakBytes: number;
  readonly engineMemoryBytes: number;
  /** What was done before an interruption took time that is not counted: then rates would say too much. */
  readonly isResumed: boolean;
}

const ROWS = 10_000;
const LEAST_BYTES = 50 * MB;

export function checkTargets(targets: PerformanceTargets, { job, rows, bytes, seconds, peakBytes, engineMemoryBytes, isResumed }: Measured): TargetResult[] {
  const wanted = Object.hasOwn(targets, job) ? targets[job]! : DEFAULT_TARGETS[job];
  const results: TargetResult[] = [];
  const check = (name: TargetResult['name'], limit: number | undefined, measured: number, isMet: (limit: number) => boolean): void => {
    if (limit !== undefined) results.push({ name, wanted: limit, measured: rounded(measured), met: isMet(limit) });
  };
  const isTimed = !isResumed && rows > 0;
  if (isTimed) check('seconds', scaled(wanted.seconds, Math.max(1, rows / ROWS)), seconds, (limit) => seconds <= limit);
  check('peakRssBytes', wanted.peakBytes === undefined ? undefined : wanted.peakBytes + (isEngineUsed() ? engineMemoryBytes : 0), peakBytes, (limit) => peakBytes <= limit);
  if (isTimed && rows >= ROWS) check('rowsPerSecond', wanted.rowsPerSecond, rows / seconds, (limit) => rows / seconds >= limit);
  if (isTimed && bytes >= LEAST_BYTES) check('bytesPerSecond', wanted.bytesPerSecond, bytes / seconds, (limit) => bytes / seconds >= limit);
  return results;
}

function scaled(limit: number | undefined, factor: number): number | undefined {
  return limit === undefined ? undefined : rounded(limit * factor);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
