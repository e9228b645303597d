/** A directory's list of large objects (blobs.toc, blobs_NUMBER.toc): a line for each, `OID FILE`. There may be millions. */
import { damagedArchive } from './archive-errors.ts';
import type { ArchivePieces } from './archive-file.ts';

const LINE = /^(\d{1,10}) (\S{1,250})$/;
const MAX_LINE_BYTES = 300;
const LINE_FEED = 0x0a;

/** @throws SluiceError ARCHIVE_DAMAGED, and what `pieces` throws */
export async function* readLargeObjectList(pieces: ArchivePieces, name: string): AsyncGenerator<{ readonly oid: number; readonly file: string }, void, undefined> {
  let held = '';
  let at = 0;
  for await (const piece of pieces) {
    for (let start = 0; start < piece.length; ) {
      const end = piece.indexOf(LINE_FEED, start);
      held += piece.toString('latin1', start, Math.min(end < 0 ? piece.length : end, start + MAX_LINE_BYTES));
      if (end < 0 && held.length <= MAX_LINE_BYTES) break;
      const [, oid, file] = LINE.exec(held) ?? [];
      if (oid === undefined) throw damagedArchive(name, `line ${at + 1} is not that of a large object`);
      yield { oid: Number(oid), file };
      at++;
      held = '';
      start = end + 1;
    }
  }
  if (held !== '') throw damagedArchive(name, 'it ends in the middle of a line');
}
