/**
 * The files of a run's quarantine, `<workspace>/quarantine/<run>/`, and how they are written: private to their owner, and by renaming, so that a crash
 * leaves a file as it was or as it should be. No name of a table or a user ever becomes a part of a path: tables are named by hash.
 *
 *   segments/HASH-PART.ndjson   rejections of a part, while the run goes on
 *   rows.ndjson                 all of them with places and raw records, once the run has ended
 *   records/SHA256              raw records of more than 1 MiB
 *   summary.json                counts, and what a replay needs
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import { syncFolder } from '../io/file-sink.ts';
import { targetError } from '../io/system-errors.ts';
import type { Segment } from './quarantined-row.ts';

/** Wider than the ids that runs get, and still without anything that a path or a terminal could take for something else. */
const SAFE_RUN = /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/;

const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

export const PARTIAL_ENDING = '.partial';

export interface QuarantinePaths {
  readonly folder: string;
  readonly segments: string;
  readonly records: string;
  readonly rows: string;
  readonly summary: string;
}

export function quarantineRoot(workspace: string): string {
  return join(workspace, 'quarantine');
}

export function isRunName(run: string): boolean {
  return SAFE_RUN.test(run);
}

/** @throws SluiceError RUN_UNKNOWN for what cannot be the id of a run, so that no path leads out of the workspace */
export function quarantinePaths(workspace: string, run: string): QuarantinePaths {
  if (!isRunName(run)) throw new SluiceError('RUN_UNKNOWN', { run });
  const folder = join(quarantineRoot(workspace), run);
  return { folder, segments: join(folder, 'segments'), records: join(folder, 'records'), rows: join(folder, 'rows.ndjson'), summary: join(folder, 'summary.json') };
}

const SEGMENT_NAME = /^([0-9a-f]{32})-(\d{1,15}|publication)\.ndjson$/;

export function segmentFile({ table, part }: Segment): string {
  return `${hashOf(table)}-${part}.ndjson`;
}

/** What the name of a segment's file says; undefined for files that are none. */
export function parseSegmentFile(name: string): { hash: string; part: number | 'publication' } | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : { hash: match[1], part: match[2] === 'publication' ? 'publication' : Number(match[2]) };
}

/** Stands for a table in file names. */
export function hashOf(table: string): string {
  return createHash('sha256').update(table).digest('hex').slice(0, 32);
}

/** Makes `<workspace>/quarantine/<run>/<below>` with each folder private, and durable. */
export async function makePrivateFolder(workspace: string, run: string, below: string): Promise<void> {
  const { folder } = quarantinePaths(workspace, run);
  const path = join(folder, below);
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
    for (const made of [quarantineRoot(workspace), folder, path]) {
      if (((await stat(made)).mode & 0o077) !== 0) await chmod(made, FOLDER_MODE);
      await syncFolder(dirname(made));
    }
  } catch (error) {
    throw targetError(error, path);
  }
}

/** A file under the name that it has until it is complete; what an earlier attempt left under it is overwritten. */
export async function openPartial(path: string): Promise<FileHandle> {
  return open(path + PARTIAL_ENDING, 'w', FILE_MODE);
}

/** Syncs and closes the partial file and gives it its name. Durable when it resolves. */
export async function completePartial(file: FileHandle, path: string): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(path + PARTIAL_ENDING, path);
  await syncFolder(dirname(path));
}

/** @throws SluiceError DISK_FULL, TARGET_UNWRITABLE; the file is as it was then */
export async function writeAtomically(path: string, text: string): Promise<void> {
  try {
    const file = await openPartial(path);
    try {
      await file.writeFile(text);
    } catch (error) {
      await file.close();
      throw error;
    }
    await completePartial(file, path);
  } catch (error) {
    await rm(path + PARTIAL_ENDING, { force: true });
    throw targetError(error, path);
  }
}

export function damaged(path: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('QUARANTINE_DAMAGED', { path, reason }, { file: path }, cause);
}
