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
  /** The row without its line feed, or as much of it as is kept. Valid until the visitor returns. */
  readonly bytes: Uint8Array;
  /** Of the whole row. */
  readonly length: number;
}

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
      const kept = Math.min(length, MOST_BYTES);
      visitor.row({ bytes: held.length === 0 ? piece.subarray(start, start + kept) : joined(held, piece.subarray(start, end), kept), length });
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

function joined(one: Uint8Array, other: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(one.subarray(0, length));
  bytes.set(other.subarray(0, Math.max(0, length - one.length)), Math.min(one.length, length));
  return bytes;
}
