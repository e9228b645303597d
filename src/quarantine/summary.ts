import { readFile } from 'node:fs/promises';
import { hasSystemCode } from '../errors/sluice-error.ts';
import { sourceError } from '../io/system-errors.ts';
import { damaged, writeAtomically } from './quarantine-folder.ts';
import type { TableCounts } from './quarantined-row.ts';
import type { ReplayRecipe } from './replay-recipe.ts';

/** `summary.json`: what is in a quarantine, and what a replay needs. */
export interface QuarantineSummary {
  readonly format: 1;
  readonly run: string;
  readonly job: string;
  /** False while the run goes on, and when it died: counts are those of the segments then. */
  readonly sealed: boolean;
  readonly rows: number;
  readonly tables: readonly TableCounts[];
  /** Null when the run has not said it. */
  readonly recipe: ReplayRecipe | null;
}

/** Undefined when there is none. @throws SluiceError QUARANTINE_DAMAGED, SOURCE_UNREADABLE */
export async function readSummary(path: string): Promise<QuarantineSummary | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw sourceError(error, path);
  });
  if (text === undefined) return undefined;
  try {
    const summary = JSON.parse(text) as QuarantineSummary;
    if (summary.format === 1 && Array.isArray(summary.tables)) return summary;
  } catch (error) {
    throw damaged(path, 'it is not JSON', error);
  }
  throw damaged(path, 'it is not a summary of this version');
}

export function writeSummary(path: string, summary: QuarantineSummary): Promise<void> {
  return writeAtomically(path, `${JSON.stringify(summary, undefined, 2)}\n`);
}
