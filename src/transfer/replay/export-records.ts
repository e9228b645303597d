import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { targetError } from '../../io/system-errors.ts';
import type { Quarantine, RowFilter } from '../../quarantine/quarantine-reader.ts';
import type { ReplayRecipe } from '../../quarantine/replay-recipe.ts';
import { impossible, writeReplayFiles } from './replay-files.ts';

/** @throws SluiceError REPLAY_IMPOSSIBLE when the run has not recorded how it read its rows */
export function recipeOf({ run, summary }: Quarantine): ReplayRecipe {
  if (summary.recipe === null) throw impossible(`run ${run}`, 'the run did not record how they were read');
  return summary.recipe;
}

/** Calls `use` with a private folder beside the quarantine's files, gone afterwards. */
export async function withReplayFolder<T>(quarantine: Quarantine, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(quarantine.folder, 'replay-')).catch((error: unknown) => {
    throw targetError(error, quarantine.folder);
  });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes the rejected records of one table in the form of their source, to be corrected.
 * @returns the number of records @throws SluiceError REPLAY_IMPOSSIBLE, USAGE when they do not fit into one file
 */
export async function exportRecords(quarantine: Quarantine, filter: RowFilter, openTarget: () => Promise<ByteSink>): Promise<number> {
  const recipe = recipeOf(quarantine);
  return withReplayFolder(quarantine, async (folder) => {
    const files = await writeReplayFiles({ rows: quarantine.rows(filter), raw: (row) => quarantine.raw(row), edited: true }, recipe, folder);
    if (files.length === 0) throw new SluiceError('USAGE', { what: `No rejected row of the run ${quarantine.run} is chosen by --table and --code` });
    if (files.length > 1) throw new SluiceError('USAGE', { what: `The records are of ${files.length} kinds (tables or dialects): choose with --table, or export the rows without --records` });
    const sink = await openTarget();
    try {
      for await (const chunk of createReadStream(files[0].path)) await sink.write(chunk as Buffer);
      await sink.publish();
    } catch (error) {
      await sink.abort();
      throw error;
    }
    return files[0].rows;
  });
}
