/**
 * A part with few bad rows: whatever lies between them is copied as it is, and only they have to be taken apart. Where the server stops, it says at which line; in copy-text that is the
 * row. The part is copied around that row, and around the next one at which the server stops, a few times; with more of them testing all values at once is cheaper.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CarefulPart } from '../../rows/part.ts';
import { copyIn, type CopyInOptions } from './copy-in.ts';
import type { Session } from './driver.ts';
import { isRowError } from './errors.ts';
import { identifierList, quoteLiteral } from './sql.ts';

const LF = 0x0a;
const TAB = 0x09;
const MOST_SUSPECTS = 4;

export interface AroundTarget {
  /** Quoted. */
  readonly destination: string;
  readonly columns: readonly string[];
  /** Numbers the rows of the destination; `base` is the number before the part's first. */
  readonly sequence: string;
  readonly base: bigint;
  readonly options: CopyInOptions;
}

/**
 * Within the caller's transaction.
 * @returns the rows that were not copied, ascending from 1, and how many were; undefined, with nothing copied, where there are too many
 */
export async function copyAround(session: Session, part: CarefulPart, target: AroundTarget): Promise<{ copied: number; suspects: readonly number[] } | undefined> {
  // Numbers of records are those of rows only where none is missing.
  if (part.leftOut.length > 0) return undefined;
  let suspects = part.suspect === undefined ? [] : [part.suspect];
  const { table, signal } = target.options;
  while (suspects.length <= MOST_SUSPECTS) {
    await session.query('SAVEPOINT sluice_around', { table, signal });
    const result = await copySegments(session, part, suspects, target);
    if (typeof result === 'object') {
      await session.query('RELEASE SAVEPOINT sluice_around', { table, signal });
      return { copied: result.copied, suspects };
    }
    await session.query('ROLLBACK TO SAVEPOINT sluice_around; RELEASE SAVEPOINT sluice_around', { table, signal });
    if (result === 0) return undefined;
    suspects = [...suspects, result].toSorted((a, b) => a - b);
  }
  return undefined;
}

/** @returns the row at which the server has stopped, 0 when that is not known */
async function copySegments(session: Session, part: CarefulPart, suspects: readonly number[], { destination, columns, sequence, base, options }: AroundTarget): Promise<number | { copied: number }> {
  let copied = 0;
  let from = 1;
  try {
    for (const to of [...suspects, Number.POSITIVE_INFINITY]) {
      if (from < to) {
        await session.query(`SELECT pg_catalog.setval(${quoteLiteral(sequence)}, ${base + BigInt(from)}, false)`, options);
        copied += await copyIn(session, `COPY ${destination} (${identifierList(columns)}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')`, rowsBetween(part, from, to), options);
      }
      from = to + 1;
    }
    return { copied };
  } catch (error) {
    if (!isRowError(error)) throw error;
    const line = error instanceof SluiceError ? error.at.line : undefined;
    return line === undefined ? 0 : from + line - 1;
  }
}

/** The lines of rows [from, to), from 1. A chunk is valid until the next pull. */
export async function* rowsBetween(part: CarefulPart, from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
  let row = 1;
  for await (const chunk of part.chunks) {
    let start = 0;
    while (row < from && start < chunk.length) {
      const end = chunk.indexOf(LF, start);
      start = end < 0 ? chunk.length : end + 1;
      if (end >= 0) row++;
    }
    if (row < from) continue;
    let end = start;
    while (row < to && end < chunk.length) {
      const next = to === Number.POSITIVE_INFINITY ? -1 : chunk.indexOf(LF, end);
      end = next < 0 ? chunk.length : next + 1;
      if (next >= 0) row++;
    }
    if (end > start) yield chunk.subarray(start, end);
    if (row >= to) return;
  }
}

/** These rows, each with its number as its last field. */
export async function* numberedRows(part: CarefulPart, rows: readonly number[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const row of rows) {
    for await (const chunk of rowsBetween(part, row, row + 1)) yield chunk.at(-1) === LF ? chunk.subarray(0, -1) : chunk;
    yield Buffer.from([TAB, ...Buffer.from(String(row)), LF]);
  }
}
