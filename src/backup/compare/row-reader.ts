/**
 * The rows of a COPY stream one by one: their hashes, and the bytes of those that are wanted, up to `MOST_BYTES` of each. Memory does not depend on how long the rows are.
 */
import type { TableEntry } from '../repository/entry-list.ts';
import { RowHasher } from '../repository/row-hash.ts';

/** Of a longer row only the beginning is kept. */
const MOST_BYTES = 16 * 1024;
const STREAM_HEAD_BYTES = 19;
const NOTHING = new Uint8Array(0);

export interface ReadRow {
  readonly hash: RowHash;
  /** A copy: the row without its line feed, or as much of it as is kept. */
  readonly bytes: Uint8Array;
  /** Of the whole row. */
  readonly length: number;
}

export type RowHash = readonly [number, number, number, number];

export interface RowVisitor {
  /** For every row; true when its bytes are wanted. */
  // oxlint-disable-next-line max-params -- called for every row
  wants(h1: number, h2: number, h3: number, h4: number): boolean;
  row(row: ReadRow): void;
}

/** Reads a whole stream, until `isEnough` says that the rest is not needed. */
export async function readRows(stream: AsyncIterable<Uint8Array>, encoding: TableEntry['encoding'], visitor: RowVisitor, isEnough?: () => boolean): Promise<void> {
  const isText = encoding === 'copy-text';
  // The beginning of a row that began in an earlier piece.
  let held: Uint8Array = NOTHING, heldLength = 0;
  let piece: Uint8Array = held, start = 0;
  const hasher = new RowHasher(encoding, (h1, h2, h3, h4, end) => {
    if (visitor.wants(h1, h2, h3, h4)) {
      const length = heldLength + end - start - (isText ? 1 : 0);
      const bytes = Buffer.concat([held, piece.subarray(start, end)]).subarray(0, Math.min(length, MOST_BYTES));
      visitor.row({ hash: [h1, h2, h3, h4], bytes: new Uint8Array(bytes), length });
    }
    start = end;
    if (heldLength === 0) return;
    held = NOTHING;
    heldLength = 0;
  });
  let head = isText ? 0 : STREAM_HEAD_BYTES;
  for await (piece of stream) {
    start = Math.min(head, piece.length);
    head -= start;
    hasher.update(piece);
    heldLength += piece.length - start;
    if (start < piece.length && held.length < MOST_BYTES) held = Buffer.concat([held, piece.subarray(start, start + MOST_BYTES - held.length)]);
    if (isEnough?.() === true) return;
  }
}
