/**
 * Makes `rows.ndjson` of the segments: every rejection with its place and raw record, by table, part and record. It gets its name when it is complete,
 * and only then the segments go, so a seal that was interrupted is begun again, or only tidied up after.
 */
import { rm } from 'node:fs/promises';
import { SluiceError } from '../errors/sluice-error.ts';
import { targetError } from '../io/system-errors.ts';
import { RejectionCounts } from './counts.ts';
import { LineWriter, readLines } from './lines.ts';
import { completePartial, damaged, makePrivateFolder, openPartial, PARTIAL_ENDING, type QuarantinePaths } from './quarantine-folder.ts';
import type { FetchRecords, FetchedRecord, QuarantinedRow } from './quarantined-row.ts';
import { MAX_INLINE_BYTES, RawRecords } from './raw-record.ts';
import type { StoredRejection } from './segment-file.ts';
import { listSegments, rejectionsOf } from './segments.ts';

/** Rejections whose places are asked for together: each question may read the part again. Bounded by count and by the size of their values. */
const BATCH_ROWS = 8192;
const BATCH_CHARACTERS = 4 * 1024 * 1024;

export interface SealRequest {
  readonly workspace: string;
  readonly run: string;
  readonly paths: QuarantinePaths;
  readonly tables: readonly string[];
  readonly fetch: FetchRecords;
}

/** @returns the counts of what was written */
export async function writeRows({ workspace, run, paths, tables, fetch }: SealRequest): Promise<RejectionCounts> {
  const counts = new RejectionCounts();
  const raws = new RawRecords(paths.records, () => makePrivateFolder(workspace, run, 'records'));
  try {
    const file = await openPartial(paths.rows);
    try {
      const lines = new LineWriter(file);
      for (const segments of await listSegments(paths.segments, tables)) {
        for await (const batch of batches(rejectionsOf(paths.segments, segments))) {
          await writeBatch({ run, table: segments.table, batch, fetch, raws, lines, counts });
        }
      }
      await lines.flush();
    } catch (error) {
      await file.close();
      throw error;
    }
    await completePartial(file, paths.rows);
    return counts;
  } catch (error) {
    await rm(paths.rows + PARTIAL_ENDING, { force: true });
    throw targetError(error, paths.rows);
  }
}

/** The counts of rows that an earlier attempt has completed. @throws SluiceError QUARANTINE_DAMAGED */
export async function countRows(path: string): Promise<RejectionCounts> {
  const counts = new RejectionCounts();
  for await (const line of readLines(path)) {
    const row = parseRow(path, line.toString());
    counts.add(row.table, { [row.code]: 1 });
  }
  return counts;
}

export async function removeSegments(paths: QuarantinePaths): Promise<void> {
  try {
    await rm(paths.segments, { recursive: true, force: true });
  } catch (error) {
    throw targetError(error, paths.segments);
  }
}

export function parseRow(path: string, line: string): QuarantinedRow {
  try {
    const row = JSON.parse(line) as QuarantinedRow;
    if (typeof row.table === 'string' && typeof row.code === 'string') return row;
  } catch (error) {
    throw damaged(path, 'a line is broken', error);
  }
  throw damaged(path, 'a line is no row');
}

/** A row of what is known without asking the source again. */
export function rowOfRejection(run: string, table: string, rejection: StoredRejection): QuarantinedRow {
  const { part, record, code, constraint, column, message, values } = rejection;
  return {
    run, table, source: null, row: null, line: null, byte: null, part, record, code,
    ...(constraint === undefined ? {} : { constraint }),
    ...(column === undefined ? {} : { column }),
    message, raw: values === undefined ? null : JSON.stringify(values), rawEncoding: 'utf-8', rawExact: false,
  };
}

/** Rejections of one part each. */
async function* batches(rejections: AsyncIterable<StoredRejection>): AsyncGenerator<StoredRejection[], void, undefined> {
  let batch: StoredRejection[] = [];
  let characters = 0;
  for await (const rejection of rejections) {
    if (batch.length > 0 && (batch[0].part !== rejection.part || batch.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(rejection);
    characters += rejection.message.length + sizeOf(rejection.values);
  }
  if (batch.length > 0) yield batch;
}

interface Batch {
  readonly run: string;
  readonly table: string;
  readonly batch: readonly StoredRejection[];
  readonly fetch: FetchRecords;
  readonly raws: RawRecords;
  readonly lines: LineWriter;
  readonly counts: RejectionCounts;
}

async function writeBatch({ run, table, batch, fetch, raws, lines, counts }: Batch): Promise<void> {
  const fetched = fetch(table, batch[0].part, batch.map(({ record }) => record))[Symbol.asyncIterator]();
  try {
    for (const rejection of batch) {
      const next = await fetched.next();
      if (next.done === true) throw new SluiceError('INTERNAL', { reason: `the place of record ${rejection.record} of part ${rejection.part} is missing` }, { table });
      const row = await completeRow(rowOfRejection(run, table, rejection), rejection, next.value, raws);
      await lines.write(JSON.stringify(row));
      counts.add(table, { [rejection.code]: 1 });
    }
  } finally {
    await fetched.return?.();
  }
}

async function completeRow(known: QuarantinedRow, { values }: StoredRejection, { place, raw }: FetchedRecord, raws: RawRecords): Promise<QuarantinedRow> {
  const bytes = raw ?? (known.raw === null ? undefined : Buffer.from(known.raw));
  return {
    ...known,
    source: place.file ?? null,
    ...(place.member === undefined ? {} : { member: place.member }),
    row: place.row ?? null,
    line: place.line ?? null,
    byte: place.byte ?? null,
    ...(bytes === undefined ? {} : await raws.store(bytes, raw !== undefined)),
    ...(raw !== undefined && values !== undefined && sizeOf(values) <= MAX_INLINE_BYTES ? { values } : {}),
  };
}

function sizeOf(values: readonly (string | null)[] | undefined): number {
  return (values ?? []).reduce((sum, value) => sum + (value?.length ?? 0), 0);
}
