/**
 * `pg_dump -Fd`: a folder with the table of contents (toc.dat), a file for the data of each table, and files that list large objects, which have a file each. Files may be compressed one by one, also
 * afterwards by hand: their names tell how.
 *
 * A file has nothing that says its length: one that was cut off shows by its compression, or, if it has rows, by their end. Only of a large object that is not compressed it does not show.
 *
 * The names come from the archive, which may come from anywhere. Only plain names in the folder itself are taken, and no symbolic links.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors/sluice-error.ts';
import { damagedArchive } from './archive-errors.ts';
import { LocalArchiveFile, type ArchivePieces } from './archive-file.ts';
import { readHeader, TAR_KIND, type ArchiveHeader } from './archive-header.ts';
import { ByteCursor } from './byte-cursor.ts';
import type { DumpLargeObject } from './dump-archive.ts';
import { readLargeObjectList } from './large-object-list.ts';
import { labelOf, OpenedArchive } from './opened-archive.ts';
import { readTableOfContents, type DataPlace, type TableOfContents, type TocEntry } from './table-of-contents.ts';
import { unpack, type StoredCompression } from './unpack.ts';

export const TOC_FILE = 'toc.dat';

const MAX_FILE_NAME_BYTES = 255;
const PLAIN_NAME = /^\w[\w.-]*$/;

/** In pg_restore's order. */
const ENDINGS: readonly (readonly [ending: string, compression: StoredCompression])[] = [['', 'none'], ['.gz', 'gzip'], ['.lz4', 'lz4'], ['.zst', 'zstd']];

/** Files that are asked for their size at the same time. */
const STATS_AT_ONCE = 32;

export class DirectoryArchive extends OpenedArchive {
  readonly layout = 'directory';
  readonly source: string;

  private constructor(folder: string, toc: LocalArchiveFile, header: ArchiveHeader, contents: TableOfContents) {
    super(toc, header, contents);
    this.source = folder;
  }

  /** @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED, SOURCE_UNREADABLE */
  static async open(folder: string): Promise<DirectoryArchive> {
    const toc = await LocalArchiveFile.open(join(folder, TOC_FILE), false);
    const cursor = new ByteCursor(toc, 0, toc.bytes);
    try {
      const header = await readHeader(cursor, toc.name);
      if (header.kind !== TAR_KIND) throw damagedArchive(toc.name, 'it is not the table of contents of a folder');
      const contents = await readTableOfContents(cursor, toc, header, () => readFileName(cursor));
      if (cursor.left > 0) throw cursor.damaged('it is longer than its table of contents');
      await cursor.close();
      return new DirectoryArchive(folder, toc, header, { ...contents, entries: await withSizes(folder, contents.entries) });
    } catch (error) {
      await cursor.close();
      await toc.close();
      throw error;
    }
  }

  protected content(entry: TocEntry, signal: AbortSignal): ArchivePieces {
    return this.#read(fileOf(entry), labelOf(entry), signal);
  }

  protected async *largeObjectsOf(entry: TocEntry, signal: AbortSignal): AsyncGenerator<DumpLargeObject, void, undefined> {
    // Before 1.16 the one list had this name, whatever the entry says.
    const list = this.header.minor < 16 ? 'blobs.toc' : fileOf(entry);
    for await (const { oid, file } of readLargeObjectList(this.#read(list, labelOf(entry), signal), join(this.source, list))) {
      if (!PLAIN_NAME.test(file)) throw damagedArchive(join(this.source, list), `it names the file ${JSON.stringify(file)}, which is no plain name`);
      const bytes = this.#read(file, `the large object ${oid}`, signal);
      yield { oid, bytes };
      await bytes.return();
    }
  }

  /** The decompressed content of a file, which is open only meanwhile. */
  async *#read(name: string, what: string, signal: AbortSignal): ArchivePieces {
    const { file, compression } = await this.#openFile(name, what);
    try {
      if (file.bytes === 0 && (compression === 'gzip' || compression === 'zstd')) throw damagedArchive(file.name, 'it is empty');
      yield* unpack(file.read(0, file.bytes, signal), { compression, source: file.name, what, signal });
      await file.refuseChange();
    } finally {
      await file.close();
    }
  }

  async #openFile(name: string, what: string): Promise<{ readonly file: LocalArchiveFile; readonly compression: StoredCompression }> {
    for (const [ending, compression] of ENDINGS) {
      try {
        return { file: await LocalArchiveFile.open(join(this.source, name + ending), false), compression };
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'SOURCE_NOT_FOUND') throw error;
      }
    }
    throw damagedArchive(this.source, `the file ${name}, also with .gz, .lz4 or .zst, is missing: it has the data of ${what}`);
  }
}

/** Names of the folder itself: nothing that leads elsewhere. */
async function readFileName(cursor: ByteCursor): Promise<DataPlace | undefined> {
  const file = (await cursor.name(MAX_FILE_NAME_BYTES, 'the name of a file')) ?? '';
  if (file === '') return undefined;
  if (!PLAIN_NAME.test(file)) throw cursor.damaged(`it names the file ${JSON.stringify(file)}, which is no plain name`);
  return { file };
}

function fileOf({ place }: TocEntry): string {
  if (place === undefined || !('file' in place)) throw new RangeError('An entry without data');
  return place.file;
}

/** Of a list of large objects the size says nothing. A file that is not there is an error only when it is read. */
async function withSizes(folder: string, entries: readonly TocEntry[]): Promise<TocEntry[]> {
  const sized = [...entries];
  const wanted = entries.flatMap((entry, index) => (entry.hasData && entry.description !== 'BLOBS' ? [index] : [])).values();
  const work = async (): Promise<void> => {
    for (const index of wanted) {
      const storedBytes = await sizeOf(join(folder, fileOf(entries[index])));
      sized[index] = { ...entries[index], storedBytes };
    }
  };
  await Promise.all(Array.from({ length: STATS_AT_ONCE }, work));
  return sized;
}

async function sizeOf(path: string): Promise<number | undefined> {
  for (const [ending] of ENDINGS) {
    const stat = await lstat(path + ending).catch(() => undefined);
    if (stat !== undefined) return stat.size;
  }
  return undefined;
}
