/**
 * Which rejected rows were given to which replay: `replays.ndjson` beside them, a line for each import of a replay. A line is there before the import can have
 * published anything; whether it did is said by the run's own record.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSystemCode } from '../errors/sluice-error.ts';
import { sourceError, targetError } from '../io/system-errors.ts';
import { readLines } from './lines.ts';
import { damaged, FILE_MODE } from './quarantine-folder.ts';

/** What is absent was not chosen by: all codes, all ways of reading. */
export interface ReplayedRows {
  readonly table: string;
  /** The target without user, password and options. */
  readonly to: string;
  readonly code?: string;
  /** Stands for how the rows' sources were read. */
  readonly way?: string;
  /** Rows that were chosen one by one, as `recordKey`; absent: all. */
  readonly records?: readonly string[];
}

/** A row within its table. */
export function recordKey({ part, record }: { readonly part: number; readonly record: number }): string {
  return `${part}:${record}`;
}

export interface Replay extends ReplayedRows {
  /** Of the import. */
  readonly run: string;
}

const NAME = 'replays.ndjson';

/** Durable when it returns; not asynchronous, so that the import cannot overtake it. @throws SluiceError DISK_FULL, TARGET_UNWRITABLE */
export function noteReplay(folder: string, replay: Replay): void {
  const path = join(folder, NAME);
  try {
    const file = openSync(path, 'a', FILE_MODE);
    try {
      writeSync(file, `${JSON.stringify(replay)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw targetError(error, path);
  }
}

/** Replays that may have loaded some of these rows, latest first. @throws SluiceError QUARANTINE_DAMAGED */
export async function replaysOf(folder: string, rows: ReplayedRows): Promise<Replay[]> {
  const path = join(folder, NAME);
  const found: Replay[] = [];
  try {
    await stat(path);
    for await (const line of readLines(path)) {
      const replay = parse(path, line.toString());
      const overlaps = (name: 'code' | 'way'): boolean => replay[name] === undefined || rows[name] === undefined || replay[name] === rows[name];
      if (replay.table === rows.table && replay.to === rows.to && overlaps('code') && overlaps('way')) found.unshift(replay);
    }
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw sourceError(error, path);
  }
  return found;
}

function parse(path: string, line: string): Replay {
  try {
    return JSON.parse(line) as Replay;
  } catch (error) {
    throw damaged(path, 'a line is broken', error);
  }
}
