/**
 * The quarantine of a run as the run writes it. While it goes on, each part's rejections are a segment that is on disk before the part is committed, and
 * that takes the place of an earlier one of the same part: a part that is done again is not counted twice. At the end `seal` makes one file of them.
 * A run without rejections makes no file at all.
 *
 * Memory: counts per table and code, and while segments are listed a number for each.
 */
import { rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { syncFolder } from '../io/file-sink.ts';
import { targetError } from '../io/system-errors.ts';
import type { Rejection } from '../rows/rejection.ts';
import { RejectionCounts } from './counts.ts';
import { makePrivateFolder, parseSegmentFile, PARTIAL_ENDING, quarantinePaths, segmentFile, type QuarantinePaths } from './quarantine-folder.ts';
import type { FetchRecords, Segment, TableCounts } from './quarantined-row.ts';
import type { ReplayRecipe } from './replay-recipe.ts';
import { countRows, removeSegments, writeRows } from './seal.ts';
import { readSegmentCounts, readSegmentName, SegmentFile, type SegmentCounts } from './segment-file.ts';
import { fileNames } from './segments.ts';
import { writeSummary, type QuarantineSummary } from './summary.ts';

export interface QuarantineLogOptions {
  /** Absolute path of the workspace folder. */
  readonly workspace: string;
  readonly run: string;
  readonly job: string;
  /** Asked again and again: tables that show themselves late are added to it. */
  readonly recipe?: () => ReplayRecipe;
}

/** One segment while it is written. Call `commit` or `discard`. */
export interface SegmentWriter {
  /** Ordered by record (a publication's by part and record), also from batch to batch; a publication's have their part. */
  append(rejections: readonly (Rejection & { readonly part?: number })[]): Promise<void>;
  /** Durable when it resolves; replaces what the segment was before, also by nothing. */
  commit(): Promise<void>;
  /** Leaves the segment as it was before. */
  discard(): Promise<void>;
}

export interface SealOptions {
  /** The order of the tables; others follow by name. */
  readonly tables?: readonly string[];
  readonly fetch: FetchRecords;
}

export class QuarantineLog {
  readonly #options: QuarantineLogOptions;
  readonly #paths: QuarantinePaths;
  #counts = new RejectionCounts();
  #sealed = false;
  /** The recipe as it was last written. */
  #described: string | undefined;
  #describing: Promise<void> = Promise.resolve();

  private constructor(options: QuarantineLogOptions) {
    this.#options = options;
    this.#paths = quarantinePaths(options.workspace, options.run);
  }

  /** Opens the quarantine of a run that begins, or goes on after its process died. @throws SluiceError QUARANTINE_DAMAGED */
  static async open(options: QuarantineLogOptions): Promise<QuarantineLog> {
    const log = new QuarantineLog(options);
    await log.#load();
    return log;
  }

  /** Where the quarantine is. There is nothing there while nothing was rejected. */
  get folder(): string {
    return this.#paths.folder;
  }

  count(): number {
    return this.#counts.total;
  }

  counts(): readonly TableCounts[] {
    return this.#counts.tables();
  }

  /** What is committed, in no order. */
  async *segments(): AsyncGenerator<SegmentCounts & { readonly segment: Segment }, void, undefined> {
    for await (const name of fileNames(this.#paths.segments)) {
      if (parseSegmentFile(name) === undefined) continue;
      const path = join(this.#paths.segments, name);
      const counts = await readSegmentCounts(path);
      if (counts !== undefined) yield { segment: await readSegmentName(path), ...counts };
    }
  }

  /** Segments may be written side by side, but each one by one writer at a time. */
  begin(segment: Segment): SegmentWriter {
    this.#assertOpen();
    const file = new SegmentFile(this.#paths.segments, segment, () => makePrivateFolder(this.#options.workspace, this.#options.run, 'segments'));
    return {
      append: (rejections) => file.append(rejections),
      discard: () => file.discard(),
      commit: async () => {
        if (file.counts.rows === 0) return this.drop(segment);
        const before = await this.#committed(segment);
        await this.#describe();
        await file.commit();
        if (before !== undefined) this.#counts.add(segment.table, before.codes, -1);
        this.#counts.add(segment.table, file.counts.codes);
      },
    };
  }

  /** A segment from what is in memory. */
  async put(segment: Segment, rejections: readonly (Rejection & { readonly part?: number })[]): Promise<void> {
    const writer = this.begin(segment);
    try {
      await writer.append(rejections);
      await writer.commit();
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Forgets a segment, whose part was not committed. */
  async drop(segment: Segment): Promise<void> {
    this.#assertOpen();
    const before = await this.#committed(segment);
    if (before === undefined) return;
    const path = join(this.#paths.segments, segmentFile(segment));
    try {
      await unlink(path);
      await syncFolder(this.#paths.segments);
    } catch (error) {
      throw targetError(error, path);
    }
    this.#counts.add(segment.table, before.codes, -1);
  }

  /**
   * Ends the quarantine: no segment comes after this (who may still resume the run does not seal it yet). Safe to call again, also after a crash half-way.
   * @throws SluiceError DISK_FULL, TARGET_UNWRITABLE, QUARANTINE_DAMAGED, and what `fetch` throws; the segments stay then
   */
  async seal({ tables = [], fetch }: SealOptions): Promise<QuarantineSummary> {
    const { workspace, run } = this.#options;
    if (!this.#sealed && this.count() > 0) {
      this.#counts = await writeRows({ workspace, run, paths: this.#paths, tables, fetch });
      this.#sealed = true;
    }
    const summary = this.#summary();
    if (this.#sealed) {
      await this.#describing.catch(() => undefined);
      await writeSummary(this.#paths.summary, summary);
      await removeSegments(this.#paths);
    } else {
      // Everything that was rejected was dropped again: then there is no quarantine.
      await rm(this.#paths.folder, { recursive: true, force: true });
    }
    return summary;
  }

  async #load(): Promise<void> {
    if (await exists(this.#paths.rows)) {
      this.#counts = await countRows(this.#paths.rows);
      this.#sealed = true;
      return;
    }
    for await (const { segment, codes } of this.segments()) this.#counts.add(segment.table, codes);
    for await (const name of fileNames(this.#paths.segments)) {
      if (name.endsWith(PARTIAL_ENDING)) await rm(join(this.#paths.segments, name), { force: true });
    }
  }

  #committed(segment: Segment): Promise<SegmentCounts | undefined> {
    return readSegmentCounts(join(this.#paths.segments, segmentFile(segment)));
  }

  /** So that also the quarantine of a run that dies says how its rows were read. Commits that run side by side write it one after the other. */
  #describe(): Promise<void> {
    const next = this.#describing.then(() => this.#describeNow());
    this.#describing = next.catch(() => undefined);
    return next;
  }

  async #describeNow(): Promise<void> {
    const recipe = JSON.stringify(this.#options.recipe?.() ?? null);
    if (recipe === this.#described) return;
    await writeSummary(this.#paths.summary, this.#summary());
    this.#described = recipe;
  }

  #summary(): QuarantineSummary {
    const { run, job, recipe } = this.#options;
    return { format: 1, run, job, sealed: this.#sealed, rows: this.count(), tables: this.counts(), recipe: recipe?.() ?? null };
  }

  #assertOpen(): void {
    if (this.#sealed) throw new SluiceError('INTERNAL', { reason: `the quarantine of ${this.#options.run} is sealed` });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw targetError(error, path);
  }
}
