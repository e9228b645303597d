/**
 * One table of a backup against the same table of a database: its rows are counted and hashed as they are read, in the page groups of the backup, so that where the pages have not moved (the live
 * source) it is known in which groups rows differ. After a restore rows lie elsewhere; their sum is the same all the same.
 */
import type { ComparedTable } from '../../connectors/compare-source.ts';
import { releaseLarge } from '../repository/chunk-file.ts';
import type { ChunkStore } from '../repository/chunk-store.ts';
import { partEntrySchema, readList, type PartEntry, type TableEntry } from '../repository/entry-list.ts';
import { readContent } from '../repository/content.ts';
import type { Repository } from '../repository/repository.ts';
import { addRowHashes, NO_ROWS, RowHasher } from '../repository/row-hash.ts';
import { concurrently } from './concurrently.ts';
import { PageRanges, type PageRange } from './page-ranges.ts';
import type { RowSide, SidesToCompare } from './row-differences.ts';

export interface ComparisonScope {
  readonly repository: Repository;
  readonly backup: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Rows and bytes as they are read from the database. */
  readonly onRead: (rows: number, bytes: number) => void;
}

export interface TableSums {
  readonly rows: number;
  readonly rowHash: string;
}

/** Page groups of the backup. */
interface GroupCounts {
  same: number;
  different: number;
}

/** Where the backup says nothing of pages. */
const PAGES_PER_RANGE = 1024;

interface RangeToRead {
  readonly pages: readonly [first: number, end: number | undefined] | null;
  readonly expected: TableSums | undefined;
}

export class TableComparison {
  readonly entry: TableEntry;
  readonly table: ComparedTable;
  readonly groups: GroupCounts = { same: 0, different: 0 };
  /** What the backup has and what the database has. */
  expected: TableSums;
  found: TableSums = { rows: 0, rowHash: NO_ROWS };
  readonly #scope: ComparisonScope;
  /** Where rows differ, if they have stayed on their pages. */
  readonly #different = new PageRanges();

  constructor(entry: TableEntry, table: ComparedTable, scope: ComparisonScope) {
    this.entry = entry;
    this.table = table;
    this.#scope = scope;
    this.expected = { rows: entry.rows, rowHash: entry.rowHash ?? NO_ROWS };
  }

  get isSame(): boolean {
    return this.expected.rows === this.found.rows && this.expected.rowHash === this.found.rowHash;
  }

  async run(): Promise<void> {
    // Backups may be made without row hashes: then the chunks have to be read.
    if (this.entry.rowHash === null) this.expected = await this.#sumOfBackup();
    await concurrently(this.#ranges(), this.#scope.jobs, async (range) => {
      const sums = await this.#sumOfDatabase(range);
      this.found = { rows: this.found.rows + sums.rows, rowHash: addRowHashes(this.found.rowHash, sums.rowHash) };
      this.#compareRange(range, sums);
    });
  }

  /** What differs, as far as it is known where: to be read again. */
  sides(): SidesToCompare {
    return { backup: this.#backupSide(), database: this.#databaseSide(), columns: this.entry.columns.map(({ name }) => name), key: this.table.key, encoding: this.entry.encoding };
  }

  #compareRange({ pages, expected }: RangeToRead, sums: TableSums): void {
    const isSame = expected !== undefined && expected.rows === sums.rows && expected.rowHash === sums.rowHash;
    if (expected !== undefined) this.groups[isSame ? 'same' : 'different']++;
    const isEmpty = expected === undefined && sums.rows === 0;
    if (!isSame && !isEmpty) this.#different.add(pages?.[0] ?? 0, pages?.[1] ?? Infinity);
  }

  /** The backup's page groups, and what lies between and behind them: all pages, each once. */
  async *#ranges(): AsyncGenerator<RangeToRead, void, undefined> {
    const { pages } = this.table;
    if (pages === undefined) {
      yield { pages: null, expected: undefined };
      return;
    }
    let at = 0, step = PAGES_PER_RANGE, left = this.entry.partCount;
    for await (const part of this.#parts()) {
      // Read as a whole then: it says nothing of pages.
      if (part.pages === null) break;
      const [first, end] = part.pages;
      if (first > at) yield { pages: [at, first], expected: undefined };
      if (--left === 0 && end >= pages) {
        // With whatever has come behind it.
        yield { pages: [first, undefined], expected: sumsOf(part) };
        return;
      }
      yield { pages: [first, end], expected: sumsOf(part) };
      at = end;
      step = end - first;
    }
    for (; at + step < pages; at += step) yield { pages: [at, at + step], expected: undefined };
    yield { pages: [at, undefined], expected: undefined };
  }

  async #sumOfDatabase({ pages }: RangeToRead): Promise<TableSums> {
    const hasher = new RowHasher(this.entry.encoding);
    let rows = 0;
    for await (const piece of this.table.read(pages, this.#scope.signal)) {
      hasher.update(piece);
      this.#scope.onRead(hasher.rows - rows, piece.length);
      rows = hasher.rows;
    }
    return { rows: hasher.rows, rowHash: hasher.digest() };
  }

  async #sumOfBackup(): Promise<TableSums> {
    const hasher = { rows: 0, rowHash: NO_ROWS };
    for await (const stream of this.#backupSide(true).streams()) {
      const part = new RowHasher(this.entry.encoding);
      for await (const piece of stream) part.update(piece);
      hasher.rows += part.rows;
      hasher.rowHash = addRowHashes(hasher.rowHash, part.digest());
    }
    return hasher;
  }

  #parts(): AsyncGenerator<PartEntry, void, undefined> {
    const { repository, backup } = this.#scope;
    return readList(repository.chunks, this.entry.parts, partEntrySchema, { backup });
  }

  #backupSide(all = false): RowSide {
    const parts = (): AsyncGenerator<PartEntry, void, undefined> => this.#parts();
    const isWanted = ({ pages }: PartEntry): boolean => all || pages === null || this.#different.overlaps(pages[0], pages[1]);
    const { chunks } = this.#scope.repository;
    return {
      async *streams() {
        for await (const part of parts()) {
          if (isWanted(part)) yield contentOf(chunks, part);
        }
      },
    };
  }

  #databaseSide(): RowSide {
    const { table } = this;
    const { signal } = this.#scope;
    const ranges: readonly PageRange[] = this.#different.all;
    return {
      async *streams() {
        if (table.pages === undefined) {
          yield table.read(null, signal);
          return;
        }
        for (const [first, end] of ranges) yield table.read([first, Number.isFinite(end) ? end : undefined], signal);
      },
    };
  }
}

/** A chunk is of use until the next is asked for. */
async function* contentOf(store: ChunkStore, { bytes, chunks }: PartEntry): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of readContent(store, { bytes, chunks })) {
    yield chunk;
    releaseLarge(chunk);
  }
}

function sumsOf({ rows, rowHash }: PartEntry): TableSums | undefined {
  return rowHash === null ? undefined : { rows, rowHash };
}
