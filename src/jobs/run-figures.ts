import type { Receipt, TargetResult } from './receipt.ts';

/** What lists and trends say of a run that has ended, kept beside its receipt, which may be long. */
export interface RunFigures {
  readonly seconds: number;
  /** Written. */
  readonly rows: number;
  readonly rejected: number;
  readonly bytes: number;
  readonly peakRssBytes: number;
  readonly targets: readonly TargetResult[];
}

export function figuresOf({ seconds, totals, peakRssBytes, targets }: Receipt): RunFigures {
  return { seconds, rows: totals.written, rejected: totals.rejected, bytes: totals.bytes, peakRssBytes, targets };
}

export function missedBy({ targets }: RunFigures): string[] {
  return targets.filter(({ met }) => !met).map(({ name }) => name);
}
