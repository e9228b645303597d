/** The quarantine of a run as others read it: sealed, or as far as a run got that goes on or died. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '../errors/error-codes.ts';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { sourceError } from '../io/system-errors.ts';
import { RejectionCounts } from './counts.ts';
import { readLines } from './lines.ts';
import { damaged, isRunName, quarantinePaths, quarantineRoot, segmentFile, type QuarantinePaths } from './quarantine-folder.ts';
import type { QuarantinedRow } from './quarantined-row.ts';
import { parseRow, rowOfRejection } from './seal.ts';
import { readSegmentCounts } from './segment-file.ts';
import { fileNames, listSegments, rejectionsOf } from './segments.ts';
import { readSummary, type QuarantineSummary } from './summary.ts';

export interface RowFilter {
  readonly table?: string;
  readonly code?: ErrorCode;
}

export interface RowPage extends RowFilter {
  /** Rows that fit the filter and are passed over. */
  readonly offset?: number;
  readonly limit?: number;
}

export interface Quarantine {
  readonly run: string;
  readonly folder: string;
  readonly summary: QuarantineSummary;
  /** By table, part and record. Memory does not grow with the rows. @throws SluiceError QUARANTINE_DAMAGED */
  rows(page?: RowPage): AsyncGenerator<QuarantinedRow, void, undefined>;
  /** The bytes of a row's record (or of its values, where it is not exact), also those in a file of their own. */
  raw(row: QuarantinedRow): AsyncIterable<Uint8Array>;
}

/**
 * @throws SluiceError RUN_UNKNOWN for what cannot be a run, QUARANTINE_EMPTY when the run has no rejected rows, QUARANTINE_DAMAGED
 */
export async function openQuarantine(workspace: string, run: string): Promise<Quarantine> {
  const paths = quarantinePaths(workspace, run);
  const summary = await currentSummary(paths, run);
  if (summary.rows === 0) throw new SluiceError('QUARANTINE_EMPTY', { run });
  return new StoredQuarantine(run, paths, summary);
}

/** All runs of the workspace that have rejected rows, newest first. A damaged one does not hide the others. */
export async function* listQuarantines(workspace: string): AsyncGenerator<QuarantineSummary | { readonly run: string; readonly error: SluiceError }, void, undefined> {
  const runs: string[] = [];
  for await (const name of fileNames(quarantineRoot(workspace))) if (isRunName(name)) runs.push(name);
  // Ids of runs sort by time.
  for (const run of runs.toSorted().toReversed()) {
    try {
      const summary = await currentSummary(quarantinePaths(workspace, run), run);
      if (summary.rows > 0) yield summary;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      yield { run, error };
    }
  }
}

async function currentSummary(paths: QuarantinePaths, run: string): Promise<QuarantineSummary> {
  const stored = await readSummary(paths.summary);
  const sealed = await isThere(paths.rows);
  if (stored !== undefined && stored.sealed && sealed) return stored;
  if (stored?.sealed === true) throw damaged(paths.rows, 'it is missing, and the summary says that it is complete');
  const counts = new RejectionCounts();
  if (sealed) {
    for await (const line of readLines(paths.rows)) {
      const { table, code } = parseRow(paths.rows, line.toString());
      counts.add(table, { [code]: 1 });
    }
  } else {
    for (const { table, parts, publication } of await listSegments(paths.segments)) {
      for (const part of [...parts, ...(publication ? ['publication' as const] : [])]) {
        counts.add(table, (await readSegmentCounts(join(paths.segments, segmentFile({ table, part }))))?.codes ?? {});
      }
    }
  }
  return { format: 1, run, job: stored?.job ?? 'import', sealed, rows: counts.total, tables: counts.tables(), recipe: stored?.recipe ?? null };
}

class StoredQuarantine implements Quarantine {
  readonly run: string;
  readonly summary: QuarantineSummary;
  readonly #paths: QuarantinePaths;

  constructor(run: string, paths: QuarantinePaths, summary: QuarantineSummary) {
    this.run = run;
    this.#paths = paths;
    this.summary = summary;
  }

  get folder(): string {
    return this.#paths.folder;
  }

  async *rows({ table, code, offset = 0, limit = Infinity }: RowPage = {}): AsyncGenerator<QuarantinedRow, void, undefined> {
    let seen = 0;
    if (limit <= 0) return;
    for await (const row of this.#all()) {
      if ((table !== undefined && row.table !== table) || (code !== undefined && row.code !== code)) continue;
      seen++;
      if (seen > offset) yield row;
      if (seen >= offset + limit) return;
    }
  }

  async *raw(row: QuarantinedRow): AsyncGenerator<Uint8Array, void, undefined> {
    if (row.raw !== null) yield Buffer.from(row.raw, row.rawEncoding);
    const name = row.rawFile === undefined ? undefined : /^records\/([0-9a-f]{64})$/.exec(row.rawFile)?.[1];
    if (row.rawFile !== undefined && name === undefined) throw damaged(this.#paths.rows, 'a row names a file that is none of the quarantine');
    if (name === undefined) return;
    const path = join(this.#paths.records, name);
    try {
      for await (const chunk of createReadStream(path)) yield chunk as Buffer;
    } catch (error) {
      throw sourceError(error, path);
    }
  }

  async *#all(): AsyncGenerator<QuarantinedRow, void, undefined> {
    if (this.summary.sealed) {
      for await (const line of readLines(this.#paths.rows)) yield parseRow(this.#paths.rows, line.toString());
      return;
    }
    for (const segments of await listSegments(this.#paths.segments)) {
      for await (const rejection of rejectionsOf(this.#paths.segments, segments)) yield rowOfRejection(this.run, segments.table, rejection);
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw sourceError(error, path);
  }
}
