import { resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, thisMachine } from '../../jobs/hardware.ts';
import { exitCodeOf, type Receipt } from '../../jobs/receipt.ts';
import { prepareReplay, type ReplayImport } from '../../jobs/replay-rejected.ts';
import { totalsOf } from '../../pipeline/receipt.ts';
import { recipeOf, withReplayFolder } from '../../transfer/replay/export-records.ts';
import { commandScope, type JobFlags } from '../common-options.ts';
import { parseErrorHandling, type ErrorFlags } from '../options/error-handling.ts';
import { parsePairs } from '../../config/lists.ts';
import { printJson, printLines } from '../print-json.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';
import { filterOf, openOfRun, type FilterFlags } from './quarantine.ts';

export interface ReplayFlags extends JobFlags, FilterFlags, ErrorFlags {
  readonly to?: string;
  readonly from?: string;
  readonly set?: string[];
  readonly again?: boolean;
}

/** Nothing but the process itself ends the making of the files; the imports have their own signals. */
const NEVER = new AbortController().signal;

/**
 * Imports rejected rows again: one run for each table (and way of reading), parents first, each with its receipt. With --json they are one document: the receipt, or
 * the sum of several with each in `receipts`.
 */
export async function replay(run: string, flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const handling = parseErrorHandling(flags);
  const quarantine = await openOfRun(run, flags, terminal);
  const recipe = recipeOf(quarantine);
  const wanted = flags.to ?? recipe.to;
  if (wanted === undefined) throw new SluiceError('USAGE', { what: 'Say where to: --to CONNECTION' });
  const target = resolveConnection(wanted, scope.connections);
  const assignments = Object.entries(parsePairs(flags.set, '--set') ?? {}).map(([field, expression]) => ({ field, expression }));
  return withReplayFolder(quarantine, async (folder) => {
    const { imports, leftOut } = await prepareReplay({
      quarantine, to: target.url, filter: filterOf(flags), handling, assignments, again: flags.again === true, folder, workspace: scope.settings.workspace, env: terminal.env,
      engineMemoryBytes: scope.settings.engineMemoryBytes ?? defaultEngineMemoryBytes(thisMachine()), signal: NEVER, ...(flags.from === undefined ? {} : { from: flags.from }),
    });
    printLines(terminal.stderr, leftOut.map(({ message }) => `left out: ${message}`));
    return runAll(imports, flags, terminal);
  });
}

async function runAll(imports: readonly ReplayImport[], flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const receipts: Receipt[] = [];
  for (const { start } of imports) {
    await runJob({ terminal, scope, flags, start, onReceipt: (receipt) => receipts.push(receipt) });
    // What follows a failure would only hide it.
    if (receipts.at(-1)?.error !== undefined) break;
  }
  if (flags.json === true) printJson(terminal, receipts.length === 1 ? receipts[0] : summed(receipts));
  const last = receipts.at(-1)!;
  return last.error === undefined ? Math.max(...receipts.map(exitCodeOf)) : exitCodeOf(last);
}

function summed(receipts: readonly Receipt[]): Receipt & { readonly receipts: readonly Receipt[] } {
  const last = receipts.at(-1)!;
  const tables = receipts.flatMap((receipt) => receipt.tables);
  return { ...last, tables, totals: totalsOf(tables), seconds: receipts.reduce((sum, { seconds }) => sum + seconds, 0), receipts };
}
