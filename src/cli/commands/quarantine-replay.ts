import { resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, thisMachine } from '../../jobs/hardware.ts';
import { exitCodeOf, type Receipt } from '../../jobs/receipt.ts';
import { startImport } from '../../jobs/start-transfer.ts';
import { totalsOf } from '../../pipeline/receipt.ts';
import { replayFilesOfEdited } from '../../transfer/replay/edited-file.ts';
import { recipeOf, withReplayFolder } from '../../transfer/replay/export-records.ts';
import { importOptionsOf } from '../../transfer/replay/import-options.ts';
import { writeReplayFiles, type ReplayFile } from '../../transfer/replay/replay-files.ts';
import { setFields } from '../../transfer/replay/set-fields.ts';
import type { ImportOptions } from '../../transfer/transfer.ts';
import { commandScope, type JobFlags } from '../common-options.ts';
import { parsePairs } from '../options/lists.ts';
import { printJson } from '../print-json.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';
import { filterOf, openOfRun, type FilterFlags } from './quarantine.ts';

export interface ReplayFlags extends JobFlags, FilterFlags {
  readonly to?: string;
  readonly from?: string;
  readonly set?: string[];
}

/** Nothing but the process itself ends the making of the files; the imports have their own signals. */
const NEVER = new AbortController().signal;

/**
 * Imports rejected rows again: one run for each table (and way of reading), each with its receipt. With --json they are one document: the receipt, or
 * the sum of several with each in `receipts`.
 */
export async function replay(run: string, flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const quarantine = await openOfRun(run, flags, terminal);
  const recipe = recipeOf(quarantine);
  const wanted = flags.to ?? recipe.to;
  if (wanted === undefined) throw new SluiceError('USAGE', { what: 'Say where to: --to CONNECTION' });
  const target = resolveConnection(wanted, scope.connections);
  const assignments = Object.entries(parsePairs(flags.set, '--set') ?? {}).map(([field, expression]) => ({ field, expression }));
  const engineMemoryBytes = scope.settings.engineMemoryBytes ?? defaultEngineMemoryBytes(thisMachine());
  return withReplayFolder(quarantine, async (folder) => {
    const filter = filterOf(flags);
    let files: ReplayFile[] = flags.from === undefined
      ? await writeReplayFiles({ rows: quarantine.rows(filter), raw: (row) => quarantine.raw(row), edited: false }, recipe, folder)
      : await replayFilesOfEdited({ path: flags.from, quarantine, recipe, filter, folder, signal: NEVER });
    if (files.length === 0) throw new SluiceError('USAGE', { what: `No rejected row of the run ${run} is chosen by --table and --code` });
    if (assignments.length > 0) files = await each(files, (file) => setFields(file, assignments, { signal: NEVER, engineMemoryBytes }));
    const imports = await each(files, (file) => importOptionsOf(file, target.url, NEVER));
    return runAll(imports, flags, terminal);
  });
}

async function runAll(imports: readonly ImportOptions[], flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const receipts: Receipt[] = [];
  for (const options of imports) {
    await runJob({ terminal, scope, flags, start: (run) => startImport(options, run), onReceipt: (receipt) => receipts.push(receipt) });
    // What follows a failure would only hide it.
    if (receipts.at(-1)?.error !== undefined) break;
  }
  if (flags.json === true) printJson(terminal, receipts.length === 1 ? receipts[0] : summed(receipts));
  return Math.max(...receipts.map(exitCodeOf));
}

function summed(receipts: readonly Receipt[]): Receipt & { readonly receipts: readonly Receipt[] } {
  const last = receipts.at(-1)!;
  const tables = receipts.flatMap((receipt) => receipt.tables);
  return { ...last, tables, totals: totalsOf(tables), seconds: receipts.reduce((sum, { seconds }) => sum + seconds, 0), receipts };
}

async function each<T, U>(values: readonly T[], change: (value: T) => Promise<U>): Promise<U[]> {
  const changed: U[] = [];
  for (const value of values) changed.push(await change(value));
  return changed;
}
