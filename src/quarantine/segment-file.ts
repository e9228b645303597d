/**
 * The rejections of one segment in a file of its own: a line that says which segment, a line for each rejection, and a line with their counts, without
 * which the file is not complete. It has its name only when it is complete and on disk.
 */
import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '../errors/error-codes.ts';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { targetError } from '../io/system-errors.ts';
import type { Rejection } from '../rows/rejection.ts';
import { LineWriter, readLastLine, readLines } from './lines.ts';
import { completePartial, damaged, openPartial, PARTIAL_ENDING, segmentFile } from './quarantine-folder.ts';
import type { CodeCounts, Segment } from './quarantined-row.ts';

/** A rejection with its part, which those of a publication need. */
export interface StoredRejection extends Rejection {
  readonly part: number;
}

export interface SegmentCounts {
  readonly rows: number;
  readonly codes: CodeCounts;
}

const FORMAT = 1;
/** More than the counts of every code there is. */
const LONGEST_FOOTER = 16 * 1024;

/** Writes one segment. Not a single file comes to be before the first rejection. */
export class SegmentFile {
  readonly #segment: Segment;
  readonly #path: string;
  readonly #prepare: () => Promise<void>;
  readonly #codes = new Map<ErrorCode, number>();
  #rows = 0;
  #file: FileHandle | undefined;
  #lines: LineWriter | undefined;
  #lastPart = -1;
  #lastRecord = 0;

  /** @param prepare makes the folder */
  constructor(folder: string, segment: Segment, prepare: () => Promise<void>) {
    this.#segment = segment;
    this.#path = join(folder, segmentFile(segment));
    this.#prepare = prepare;
  }

  get counts(): SegmentCounts {
    return { rows: this.#rows, codes: Object.fromEntries(this.#codes) };
  }

  async append(rejections: readonly (Rejection & { readonly part?: number })[]): Promise<void> {
    if (rejections.length === 0) return;
    try {
      this.#lines ??= await this.#begin();
      for (const rejection of rejections) await this.#lines.write(this.#line(rejection));
    } catch (error) {
      throw targetError(error, this.#path);
    }
  }

  /** @returns false when nothing was rejected, so there is no file */
  async commit(): Promise<boolean> {
    const file = this.#file;
    if (file === undefined) return false;
    try {
      await this.#lines!.write(JSON.stringify({ end: this.counts }));
      await this.#lines!.flush();
      this.#file = undefined;
      await completePartial(file, this.#path);
      return true;
    } catch (error) {
      throw targetError(error, this.#path);
    }
  }

  async discard(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
    if (this.#lines !== undefined) await rm(this.#path + PARTIAL_ENDING, { force: true });
  }

  async #begin(): Promise<LineWriter> {
    await this.#prepare();
    this.#file = await openPartial(this.#path);
    const lines = new LineWriter(this.#file);
    await lines.write(JSON.stringify({ format: FORMAT, segment: this.#segment }));
    return lines;
  }

  /** The order is what lets the seal merge segments without sorting: it is tested here, where the culprit is known. */
  #line({ part: ownPart, record, code, message, column, constraint, values }: Rejection & { readonly part?: number }): string {
    const { table, part: segmentPart } = this.#segment;
    const part = segmentPart === 'publication' ? ownPart : segmentPart;
    if (part === undefined || part < this.#lastPart || (part === this.#lastPart && record <= this.#lastRecord)) {
      throw new SluiceError('INTERNAL', { reason: `rejections are out of order: part ${part}, record ${record} after part ${this.#lastPart}, record ${this.#lastRecord}` }, { table });
    }
    this.#lastPart = part;
    this.#lastRecord = record;
    this.#rows++;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    return JSON.stringify({ part, record, code, message, column, constraint, values } satisfies { [K in keyof StoredRejection]-?: StoredRejection[K] | undefined });
  }
}

/** @throws SluiceError QUARANTINE_DAMAGED */
export async function* readSegment(path: string): AsyncGenerator<StoredRejection, void, undefined> {
  let number = 0;
  let ended = false;
  for await (const line of readLines(path)) {
    number++;
    if (ended) throw damaged(path, `line ${number} follows the end`);
    const value = parseLine(path, number, line.toString());
    if (number === 1) segmentOf(path, value);
    else if ('end' in value) {
      ended = true;
      if ((value.end as SegmentCounts).rows !== number - 2) throw damaged(path, `it has ${number - 2} rows and says ${String((value.end as SegmentCounts).rows)}`);
    } else yield value as unknown as StoredRejection;
  }
  if (!ended) throw damaged(path, 'its end is missing');
}

/** Which segment a file holds. @throws SluiceError QUARANTINE_DAMAGED */
export async function readSegmentName(path: string): Promise<Segment> {
  for await (const line of readLines(path)) return segmentOf(path, parseLine(path, 1, line.toString()));
  throw damaged(path, 'it is empty');
}

/** Undefined when there is no such file. @throws SluiceError QUARANTINE_DAMAGED */
export async function readSegmentCounts(path: string): Promise<SegmentCounts | undefined> {
  try {
    const line = await readLastLine(path, LONGEST_FOOTER);
    const { end } = line === undefined ? {} : parseLine(path, 0, line);
    if (end === undefined) throw damaged(path, 'its end is missing');
    return end as SegmentCounts;
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function segmentOf(path: string, value: Record<string, unknown>): Segment {
  if (value.format !== FORMAT || typeof value.segment !== 'object') throw damaged(path, 'its first line is not that of a segment');
  return value.segment as Segment;
}

function parseLine(path: string, number: number, line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw damaged(path, number === 0 ? 'its last line is broken' : `line ${number} is broken`, error);
  }
  throw damaged(path, `line ${number} is no object`);
}
