import { createHash } from 'node:crypto';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, thisMachine } from '../../jobs/hardware.ts';
import { exitCodeOf, type Receipt } from '../../jobs/receipt.ts';
import { startImport } from '../../jobs/start-transfer.ts';
import type { RunHandle, StartRunOptions } from '../../jobs/start-run.ts';
import { RunStore } from '../../jobs/run-store.ts';
import { totalsOf } from '../../pipeline/receipt.ts';
import type { Quarantine } from '../../quarantine/quarantine-reader.ts';
import { noteReplay, replaysOf, type ReplayedRows } from '../../quarantine/replays.ts';
import { replayFilesOfEdited } from '../../transfer/replay/edited-file.ts';
import { recipeOf, withReplayFolder } from '../../transfer/replay/export-records.ts';
import { importOptionsOf } from '../../transfer/replay/import-options.ts';
import { parentsFirst } from '../../transfer/replay/replay-order.ts';
import { writeReplayFiles, type ReplayFile } from '../../transfer/replay/replay-files.ts';
import { setFields } from '../../transfer/replay/set-fields.ts';
import type { ImportOptions } from '../../transfer/transfer.ts';
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

/** One import of a replay. */
interface ReplayImport {
  readonly options: ImportOptions;
  readonly rows: ReplayedRows;
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
  const engineMemoryBytes = scope.settings.engineMemoryBytes ?? defaultEngineMemoryBytes(thisMachine());
  return withReplayFolder(quarantine, async (folder) => {
    const filter = filterOf(flags);
    const files = flags.from === undefined
      ? await writeReplayFiles({ rows: quarantine.rows(filter), raw: (row) => quarantine.raw(row), edited: false }, recipe, folder)
      : await replayFilesOfEdited({ path: flags.from, quarantine, recipe, filter, folder, signal: NEVER });
    if (files.length === 0) throw new SluiceError('USAGE', { what: `No rejected row of the run ${run} is chosen by --table and --code` });
    const rowsOf = (file: ReplayFile): ReplayedRows => ({ table: file.table.table, to: placeOf(target.url), ...(filter.code === undefined ? {} : { code: filter.code }), ...wayOf(file) });
    const fresh = flags.again === true ? files : await notReplayed(files, rowsOf, { quarantine, workspace: scope.settings.workspace, terminal });
    const ordered = await parentsFirst(fresh, target.url, { signal: NEVER, engineMemoryBytes, env: terminal.env });
    const imports = await each(ordered, async (file): Promise<ReplayImport> => {
      const set = assignments.length === 0 ? file : await setFields(file, assignments, { signal: NEVER, engineMemoryBytes });
      return { options: await importOptionsOf(set, target.url, handling, NEVER), rows: rowsOf(file) };
    });
    return runAll(imports, quarantine.folder, flags, terminal);
  });
}

/** A server or file by where it is, however it was written. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol.replace('postgresql:', 'postgres:')}//${host}${pathname}`;
}

/** A corrected file may hold rows that were read in any way. */
function wayOf({ layout }: ReplayFile): { way?: string } {
  return layout.detect === true ? {} : { way: createHash('sha256').update(JSON.stringify(layout)).digest('hex').slice(0, 16) };
}

interface Replayed {
  readonly quarantine: Quarantine;
  readonly workspace: string;
  readonly terminal: Terminal;
}

/**
 * Rows that a replay has loaded are not loaded a second time without a word. What is left of several tables after a partial failure is. An upsert may be repeated.
 * @throws SluiceError REPLAYED_ALREADY when nothing is left
 */
async function notReplayed(files: readonly ReplayFile[], rowsOf: (file: ReplayFile) => ReplayedRows, { quarantine, workspace, terminal }: Replayed): Promise<ReplayFile[]> {
  const store = await RunStore.openExisting(workspace);
  try {
    const left: ReplayFile[] = [];
    const refused: SluiceError[] = [];
    for (const file of files) {
      const replays = file.table.mode === 'upsert' ? [] : await replaysOf(quarantine.folder, rowsOf(file));
      const earlier = replays.map(({ run }) => ({ run, state: stateOf(store, run) })).find(({ state }) => state !== undefined);
      if (earlier === undefined) left.push(file);
      else refused.push(new SluiceError('REPLAYED_ALREADY', { table: file.table.table, earlier: earlier.run, state: earlier.state }, { table: file.table.table }));
    }
    if (left.length === 0) throw refused[0];
    printLines(terminal.stderr, refused.map(({ message }) => `left out: ${message}`));
    return left;
  } finally {
    store?.close();
  }
}

/** Undefined when the run has certainly published nothing. */
function stateOf(store: RunStore | undefined, run: string): string | undefined {
  try {
    const status = store?.show(run).status;
    if (status === 'failed' || status === 'cancelled') return undefined;
    return status === 'running' || status === 'interrupted' ? `is ${status}` : 'is done';
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'RUN_UNKNOWN') return 'is no longer recorded';
    throw error;
  }
}

async function runAll(imports: readonly ReplayImport[], folder: string, flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const receipts: Receipt[] = [];
  for (const { options, rows } of imports) {
    const start = (run: StartRunOptions): RunHandle => {
      const handle = startImport(options, run);
      if (run.dryRun !== true) noteReplay(folder, { ...rows, run: handle.id });
      return handle;
    };
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

async function each<T, U>(values: readonly T[], change: (value: T) => Promise<U>): Promise<U[]> {
  const changed: U[] = [];
  for (const value of values) changed.push(await change(value));
  return changed;
}
