/** The segments of a quarantine in order. Memory: a number for each part that has rejections. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSystemCode } from '../errors/sluice-error.ts';
import { sourceError } from '../io/system-errors.ts';
import { hashOf, parseSegmentFile, segmentFile } from './quarantine-folder.ts';
import { readSegment, readSegmentName, type StoredRejection } from './segment-file.ts';

export interface TableSegments {
  readonly table: string;
  /** Ascending. */
  readonly parts: readonly number[];
  readonly publication: boolean;
}

/** Tables in the order of `tables`, then the others by name. @throws SluiceError QUARANTINE_DAMAGED */
export async function listSegments(folder: string, tables: readonly string[] = []): Promise<TableSegments[]> {
  const found = new Map<string, { parts: number[]; publication: boolean }>();
  for await (const name of fileNames(folder)) {
    const parsed = parseSegmentFile(name);
    if (parsed === undefined) continue;
    const entry = found.get(parsed.hash) ?? { parts: [], publication: false };
    found.set(parsed.hash, entry);
    if (parsed.part === 'publication') entry.publication = true;
    else entry.parts.push(parsed.part);
  }
  const order = new Map(tables.map((table, index) => [hashOf(table), { table, index }]));
  const listed: (TableSegments & { index: number })[] = [];
  for (const [hash, { parts, publication }] of found) {
    const known = order.get(hash);
    const table = known?.table ?? (await readSegmentName(join(folder, `${hash}-${publication ? 'publication' : parts[0]}.ndjson`))).table;
    listed.push({ table, parts: parts.toSorted((a, b) => a - b), publication, index: known?.index ?? Infinity });
  }
  return listed.toSorted((a, b) => (a.index === b.index ? (a.table < b.table ? -1 : 1) : a.index - b.index))
    .map(({ table, parts, publication }) => ({ table, parts, publication }));
}

/** All rejections of a table by part and record: those of its parts, merged with those of its publication. */
export async function* rejectionsOf(folder: string, { table, parts, publication }: TableSegments): AsyncGenerator<StoredRejection, void, undefined> {
  const late = publication ? readSegment(join(folder, segmentFile({ table, part: 'publication' }))) : undefined;
  try {
    let next = await late?.next();
    for await (const rejection of partRejections(folder, table, parts)) {
      while (next !== undefined && next.done !== true && isBefore(next.value, rejection)) {
        yield next.value;
        next = await late!.next();
      }
      yield rejection;
    }
    for (; next !== undefined && next.done !== true; next = await late!.next()) yield next.value;
  } finally {
    await late?.return();
  }
}

async function* partRejections(folder: string, table: string, parts: readonly number[]): AsyncGenerator<StoredRejection, void, undefined> {
  for (const part of parts) yield* readSegment(join(folder, segmentFile({ table, part })));
}

function isBefore(a: StoredRejection, b: StoredRejection): boolean {
  return a.part < b.part || (a.part === b.part && a.record < b.record);
}

/** Nothing when the folder is not there. */
export async function* fileNames(folder: string): AsyncGenerator<string, void, undefined> {
  try {
    for await (const entry of await opendir(folder)) yield entry.name;
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw sourceError(error, folder);
  }
}
