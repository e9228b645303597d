/**
 * How a table is cut into page groups, each read by one COPY. Groups begin at multiples of a number of pages that depends on the table alone, so that two backups cut it in the same way and a group
 * in which nothing changed is the same stream (docs/backup-format.md, "Incremental").
 *
 * The number is chosen so that a stream is a bit below a chunk. How long streams get is measured: what lies on disk may be compressed there, or be mostly air. It stays as it is until the table's
 * size per page has changed twofold, and it is one of few numbers, so that a table that was not backed up before and grew a little between two attempts is still cut in the same way.
 */
import type { PageGroups } from '../backup-source.ts';
import type { CatalogBackupTable } from './backup-catalog.ts';

/** What a group's stream should not exceed: a chunk, and some room for groups that are above the average. */
const STREAM_BYTES = 2 * 1024 * 1024 * 0.97;

/** Tables up to this size are one group. */
const ONE_GROUP_BYTES = 1024 * 1024;
/** A group reads at most so much from disk, however few rows are in it. */
const MOST_DISK_BYTES = 32 * 1024 * 1024;

const SAMPLES = 8;
const SAMPLE_DISK_BYTES = 128 * 1024;

export function isOneGroup(table: CatalogBackupTable): boolean {
  return table.bytes <= ONE_GROUP_BYTES || table.pages <= 1;
}

export function bytesPerPage({ bytes, pages }: CatalogBackupTable): number {
  return Math.max(1, Math.round(bytes / pages));
}

export function stillFits(before: PageGroups, table: CatalogBackupTable): boolean {
  const change = bytesPerPage(table) / before.bytesPerPage;
  return change > 0.5 && change < 2;
}

/** Page ranges to be read for a look at how long streams are; none where a single page is enough for a group. */
export function samplePages(table: CatalogBackupTable): (readonly [first: number, end: number])[] {
  const perPage = bytesPerPage(table);
  if (perPage > STREAM_BYTES) return [];
  const length = Math.max(1, Math.floor(SAMPLE_DISK_BYTES / perPage));
  const count = Math.min(SAMPLES, Math.floor(table.pages / length));
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * table.pages) / count);
    return [first, first + length] as const;
  });
}

/** @param streamBytesPerPage as sampled; 0: unknown */
export function chooseGroups(table: CatalogBackupTable, streamBytesPerPage: number): PageGroups {
  const perPage = bytesPerPage(table);
  const byStream = STREAM_BYTES / (streamBytesPerPage > 0 ? streamBytesPerPage : perPage);
  return { pages: roundedDown(Math.max(1, Math.floor(Math.min(byStream, MOST_DISK_BYTES / perPage)))), bytesPerPage: perPage };
}

/** To three binary digits: 1 to 8, 10, 12, 14, 16, 20 … */
function roundedDown(pages: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(pages)) - 2);
  return Math.floor(pages / step) * step;
}

/** Where the only group of a small table ends: not at its last page, which says nothing of its rows. */
export function endOfOneGroup(pages: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, pages)));
}
