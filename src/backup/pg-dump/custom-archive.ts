/** `pg_dump -Fc`: one file, the head, the table of contents, and then the data in blocks. */
import { damagedArchive } from './archive-errors.ts';
import type { ArchiveFile, ArchivePieces } from './archive-file.ts';
import { CUSTOM_KIND, readHeader, type ArchiveHeader } from './archive-header.ts';
import { ByteCursor } from './byte-cursor.ts';
import { BlockFinder, Chunks, GATHERED_BYTES, readBlockHead, readLargeObjectOid, type BlockKind } from './data-blocks.ts';
import type { DumpLargeObject } from './dump-archive.ts';
import { labelOf, OpenedArchive } from './opened-archive.ts';
import { readTableOfContents, type DataPlace, type TableOfContents, type TocEntry } from './table-of-contents.ts';
import { unpack, type StoredCompression } from './unpack.ts';

/** What stands before the offset of an entry's data. */
const OFFSET_UNKNOWN = 1;
const OFFSET_KNOWN = 2;
const NO_DATA = 3;

export class CustomArchive extends OpenedArchive {
  readonly layout = 'custom';
  readonly source: string;
  readonly #finder: BlockFinder;
  readonly #stored: StoredCompression;
  readonly #dataStart: number;

  private constructor(file: ArchiveFile, header: ArchiveHeader, contents: TableOfContents) {
    super(file, header, contents);
    this.source = file.name;
    this.#finder = new BlockFinder(file, header.integerBytes, contents.end);
    this.#stored = header.compression === 'gzip' ? 'zlib' : header.compression;
    this.#dataStart = contents.end;
  }

  /** Closes the file with the archive, or when it is none. @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED, SOURCE_UNREADABLE */
  static async open(file: ArchiveFile): Promise<CustomArchive> {
    const cursor = new ByteCursor(file, 0, file.bytes);
    try {
      const header = await readHeader(cursor, file.name);
      if (header.kind !== CUSTOM_KIND) throw damagedArchive(file.name, 'it is the table of contents of a folder (pg_dump -Fd) or of a tar archive, without its data');
      const contents = await readTableOfContents(cursor, file, header, () => readOffset(cursor, header.offsetBytes));
      refuseGap(contents, file);
      await cursor.close();
      return new CustomArchive(file, header, { ...contents, entries: withSizes(contents.entries, file.bytes) });
    } catch (error) {
      await cursor.close();
      await file.close();
      throw error;
    }
  }

  protected async *content(entry: TocEntry, signal: AbortSignal): ArchivePieces {
    const cursor = await this.#openBlock(entry, 'data', signal);
    try {
      yield* unpack(new Chunks(cursor, Buffer.allocUnsafeSlow(GATHERED_BYTES)).pieces(), { compression: this.#stored, source: this.source, what: labelOf(entry), signal });
      await this.toc.refuseChange();
    } finally {
      await cursor.close();
    }
  }

  protected async *largeObjectsOf(entry: TocEntry, signal: AbortSignal): AsyncGenerator<DumpLargeObject, void, undefined> {
    const cursor = await this.#openBlock(entry, 'large objects', signal);
    const gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
    try {
      for (let oid = await readLargeObjectOid(cursor); oid !== 0; oid = await readLargeObjectOid(cursor)) {
        const chunks = new Chunks(cursor, gathered);
        const bytes = unpack(chunks.pieces(), { compression: this.#stored, source: this.source, what: `the large object ${oid}`, signal });
        yield { oid, bytes };
        await bytes.return();
        await chunks.skip();
      }
      await this.toc.refuseChange();
    } finally {
      await cursor.close();
    }
  }

  /** A cursor behind the head of the entry's block. */
  async #openBlock(entry: TocEntry, kind: BlockKind, signal: AbortSignal): Promise<ByteCursor> {
    const file = this.toc, known = entry.place !== undefined && 'at' in entry.place ? entry.place.at : undefined;
    const at = known ?? (await this.#finder.find(entry.dumpId, signal));
    if (at === undefined || at < this.#dataStart || at >= file.bytes) throw damagedArchive(this.source, `the data of ${labelOf(entry)} are missing`, at);
    const cursor = new ByteCursor(file, at, at + (entry.storedBytes ?? file.bytes - at), signal);
    cursor.integerBytes = this.header.integerBytes;
    try {
      const head = await readBlockHead(cursor);
      if (head.dumpId !== entry.dumpId || head.kind !== kind) throw damagedArchive(this.source, `where the data of ${labelOf(entry)} should be are others`, at);
      return cursor;
    } catch (error) {
      await cursor.close();
      throw error;
    }
  }
}

async function readOffset(cursor: ByteCursor, offsetBytes: number): Promise<DataPlace | undefined> {
  const state = await cursor.byte();
  const at = await cursor.unsigned(offsetBytes);
  if (state === NO_DATA) return undefined;
  if (state === OFFSET_UNKNOWN) return { at: undefined };
  if (state === OFFSET_KNOWN) return { at };
  throw cursor.damaged(`the place of an entry's data has the unknown state ${state}`);
}

/** Data begin where the table of contents ends, or it has lost entries. Where the writer could not say where data are, that shows when they are looked for. */
function refuseGap({ entries, end }: TableOfContents, file: ArchiveFile): void {
  const places = entries.flatMap(({ place }) => (place !== undefined && 'at' in place ? [place.at] : []));
  if (places.includes(undefined)) return;
  let first = file.bytes;
  for (const at of places) first = Math.min(first, at ?? first);
  if (first !== end && end < file.bytes) throw damagedArchive(file.name, 'its table of contents does not end where its data begin', end);
}

/** A block goes to where the next one begins. */
function withSizes(entries: readonly TocEntry[], fileBytes: number): TocEntry[] {
  const offsetOf = ({ place }: TocEntry): number | undefined => (place !== undefined && 'at' in place ? place.at : undefined);
  const starts = Float64Array.from(entries.flatMap((entry) => offsetOf(entry) ?? [])).toSorted();
  const nextStart = new Map<number, number>();
  starts.forEach((start, index) => nextStart.set(start, starts[index + 1] ?? fileBytes));
  return entries.map((entry) => {
    const start = offsetOf(entry);
    return start === undefined || start >= fileBytes ? entry : { ...entry, storedBytes: Math.min(nextStart.get(start) ?? fileBytes, fileBytes) - start };
  });
}
