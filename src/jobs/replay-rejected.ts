/**
 * Rejected rows of a run, imported again: as they are, corrected in a file, corrected one by one, or by expressions. Makes the files in the form of their sources and the imports of
 * them, one for each table (and way of reading), parents first. What an earlier replay has loaded is not loaded again without a word.
 */
import { createHash } from 'node:crypto';
import { SluiceError } from '../errors/sluice-error.ts';
import type { Quarantine, RowFilter } from '../quarantine/quarantine-reader.ts';
import type { QuarantinedRow } from '../quarantine/quarantined-row.ts';
import { noteReplay, recordKey, replaysOf, type ReplayedRows } from '../quarantine/replays.ts';
import { replayFilesOfEdited } from '../transfer/replay/edited-file.ts';
import { editedRows, type RowEdits } from '../transfer/replay/edited-rows.ts';
import { recipeOf } from '../transfer/replay/export-records.ts';
import { importOptionsOf } from '../transfer/replay/import-options.ts';
import { parentsFirst } from '../transfer/replay/replay-order.ts';
import { writeReplayFiles, type ReplayFile } from '../transfer/replay/replay-files.ts';
import { setFields, type Assignment } from '../transfer/replay/set-fields.ts';
import type { ImportOptions } from '../transfer/transfer.ts';
import { RunStore } from './run-store.ts';
import type { RunHandle, StartRunOptions } from './start-run.ts';
import { startImport } from './start-transfer.ts';

export interface ReplayRequest {
  readonly quarantine: Quarantine;
  /** Resolved URL of the target. */
  readonly to: string;
  readonly filter: RowFilter;
  readonly handling: Pick<ImportOptions, 'onError' | 'maxErrors'>;
  readonly assignments: readonly Assignment[];
  /** Also rows that an earlier replay has loaded. */
  readonly again: boolean;
  /** The records are in this file: an export, edited. */
  readonly from?: string;
  /** Instead of a file: rows that were edited one by one. */
  readonly edits?: RowEdits;
  /** Private, and there until the last import has ended. */
  readonly folder: string;
  readonly workspace: string;
  readonly env: NodeJS.ProcessEnv;
  readonly engineMemoryBytes: number;
  readonly signal: AbortSignal;
}

export interface PreparedReplay {
  readonly imports: readonly ReplayImport[];
  /** Of tables whose rows an earlier replay has loaded. */
  readonly leftOut: readonly SluiceError[];
}

export interface ReplayImport {
  readonly table: string;
  readonly rows: number;
  /** Starts it, and records that these rows were given to it. */
  readonly start: (run: StartRunOptions) => RunHandle;
}

/** @throws SluiceError USAGE when no row is chosen, REPLAYED_ALREADY when none is left, REPLAY_IMPOSSIBLE, EXPRESSION_INVALID */
export async function prepareReplay(request: ReplayRequest): Promise<PreparedReplay> {
  const { quarantine, to, filter, handling, assignments, edits, signal, engineMemoryBytes, env } = request;
  const place = placeOf(to);
  const store = await RunStore.openExisting(request.workspace);
  try {
    const replayed = new Replayed(quarantine, place, store);
    const files = await filesOf(request, replayed);
    const records = edits?.only === true ? edits.rows.map(recordKey) : undefined;
    const rowsOf = (file: ReplayFile): ReplayedRows => ({ table: file.table.table, to: place, ...(filter.code === undefined ? {} : { code: filter.code }), ...wayOf(file), ...(records === undefined ? {} : { records }) });
    const { fresh, leftOut } = request.again ? { fresh: files, leftOut: [] } : await replayed.without(files, rowsOf);
    const imports: ReplayImport[] = [];
    for (const file of await parentsFirst(fresh, to, { signal, engineMemoryBytes, env })) {
      const set = assignments.length === 0 ? file : await setFields(file, assignments, { signal, engineMemoryBytes });
      const options = await importOptionsOf(set, to, handling, signal);
      imports.push({ table: file.table.table, rows: file.rows, start: (run) => startNoted(options, run, quarantine.folder, rowsOf(file)) });
    }
    return { imports, leftOut };
  } finally {
    store?.close();
  }
}

// oxlint-disable-next-line max-params -- an import and what is noted of it
function startNoted(options: ImportOptions, run: StartRunOptions, folder: string, rows: ReplayedRows): RunHandle {
  const handle = startImport(options, run);
  if (run.dryRun !== true) noteReplay(folder, { ...rows, run: handle.id });
  return handle;
}

async function filesOf(request: ReplayRequest, replayed: Replayed): Promise<ReplayFile[]> {
  const { quarantine, filter, folder, from, edits, signal } = request;
  const recipe = recipeOf(quarantine);
  const files = from === undefined
    ? await writeReplayFiles({ rows: chosenRows(request, replayed), raw: (row) => quarantine.raw(row), edited: false }, recipe, folder)
    : await replayFilesOfEdited({ path: from, quarantine, recipe, filter, folder, signal });
  if (files.length > 0) return files;
  if (replayed.passedOver > 0) throw new SluiceError('REPLAYED_ALREADY', { table: filter.table ?? 'the run', earlier: replayed.lastRun, state: 'is done' });
  throw new SluiceError('USAGE', { what: `No rejected row of the run ${quarantine.run} is chosen by --table and --code${edits === undefined ? '' : ', or by what was edited'}` });
}

async function* chosenRows({ quarantine, filter, edits, again }: ReplayRequest, replayed: Replayed): AsyncGenerator<QuarantinedRow, void, undefined> {
  const rows = quarantine.rows(filter);
  const done = again ? undefined : await replayed.records();
  for await (const row of edits === undefined ? rows : editedRows(rows, edits, recipeOf(quarantine))) {
    if (done?.has(`${row.table} ${recordKey(row)}`) === true) replayed.passedOver++;
    else yield row;
  }
}

/** What earlier replays into the same target have loaded, or may have. An upsert may be repeated. */
class Replayed {
  passedOver = 0;
  lastRun = '';
  readonly #quarantine: Quarantine;
  readonly #to: string;
  readonly #store: RunStore | undefined;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(quarantine: Quarantine, to: string, store: RunStore | undefined) {
    this.#quarantine = quarantine;
    this.#to = to;
    this.#store = store;
  }

  /** Rows that were replayed one by one, as `table part:record`. */
  async records(): Promise<Set<string>> {
    const done = new Set<string>();
    for (const { table, mode } of recipeOf(this.#quarantine).tables) {
      if (mode === 'upsert') continue;
      for (const { run, records } of await replaysOf(this.#quarantine.folder, { table, to: this.#to })) {
        if (records === undefined || this.#stateOf(run) === undefined) continue;
        this.lastRun = run;
        for (const record of records) done.add(`${table} ${record}`);
      }
    }
    return done;
  }

  /** What is left of several tables after a partial failure is replayed. @throws SluiceError REPLAYED_ALREADY when nothing is left */
  async without(files: readonly ReplayFile[], rowsOf: (file: ReplayFile) => ReplayedRows): Promise<{ fresh: ReplayFile[]; leftOut: SluiceError[] }> {
    const fresh: ReplayFile[] = [];
    const leftOut: SluiceError[] = [];
    for (const file of files) {
      const replays = file.table.mode === 'upsert' ? [] : await replaysOf(this.#quarantine.folder, rowsOf(file));
      // Single records were left out before.
      const earlier = replays.filter(({ records }) => records === undefined).map(({ run }) => ({ run, state: this.#stateOf(run) })).find(({ state }) => state !== undefined);
      if (earlier === undefined) fresh.push(file);
      else leftOut.push(new SluiceError('REPLAYED_ALREADY', { table: file.table.table, earlier: earlier.run, state: earlier.state }, { table: file.table.table }));
    }
    if (fresh.length === 0) throw leftOut[0];
    return { fresh, leftOut };
  }

  /** Undefined when the run has certainly published nothing. */
  #stateOf(run: string): string | undefined {
    try {
      const status = this.#store?.show(run).status;
      if (status === 'failed' || status === 'cancelled') return undefined;
      return status === 'running' || status === 'interrupted' ? `is ${status}` : 'is done';
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'RUN_UNKNOWN') return 'is no longer recorded';
      throw error;
    }
  }
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
