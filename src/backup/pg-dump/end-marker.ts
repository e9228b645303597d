/**
 * Behind the rows of a table pg_dump writes `\.` on a line of its own and two empty lines, for psql. That is how one sees that all rows are there, whatever the compression; the rows are what is
 * before it.
 */
import type { ArchivePieces } from './archive-file.ts';

const MARKER = Buffer.from('\\.\n\n\n');
const LINE_FEED = 0x0a;

/** Yields all but the end marker; the memory of a piece is valid until the next pull. @param damaged says that the marker is not there */
export async function* withoutEndMarker(pieces: ArchivePieces, damaged: () => Error): ArchivePieces {
  let held = Buffer.alloc(0); // what may be the marker; always a copy
  let last = LINE_FEED; // of what was yielded
  for await (const piece of pieces) {
    const ready = held.length + piece.length - MARKER.length;
    if (ready <= 0) {
      held = Buffer.concat([held, piece]);
      continue;
    }
    const before = held.subarray(0, Math.min(held.length, ready)), now = piece.subarray(0, Math.max(0, ready - held.length));
    const next = Buffer.concat([held.subarray(before.length), piece.subarray(now.length)]);
    last = now.at(-1) ?? before.at(-1) ?? last;
    if (before.length > 0) yield before;
    if (now.length > 0) yield now;
    held = next;
  }
  if (!held.equals(MARKER) || last !== LINE_FEED) throw damaged();
}
