/**
 * Compares a backup with a database, table by table: the database is read once, in one snapshot and in the encoding that each table has in the backup, and the order-free sums of row hashes are compared. Of the
 * backup only its lists are read. Where a table differs, both sides of what differs are read again to say which rows; memory does not depend on how many there are.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CompareOptions, CompareSource } from '../../connectors/compare-source.ts';
import { tablePattern } from '../../connectors/table-choice.ts';
import { displayName } from '../../rows/table-schema.ts';
import { largeObjectEntrySchema, readList, sequenceEntrySchema, tableEntrySchema, type LargeObjectEntry, type TableEntry } from '../repository/entry-list.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { addRowHashes } from '../repository/row-hash.ts';
import type { ComparedTableReport, ComparisonReport, RowDifferencesReport, SequenceDifference, TableStatus } from './comparison-report.ts';
import { concurrently } from './concurrently.ts';
import { compareLargeObjects } from './large-object-comparison.ts';
import { findRowDifferences, type RowSide, type SidesToCompare } from './row-differences.ts';
import { rowExamples } from './row-examples.ts';
import { TableComparison } from './table-comparison.ts';

export interface CompareBackupOptions {
  readonly openSource: (tables: readonly { readonly schema: string; readonly name: string }[], options: CompareOptions) => Promise<CompareSource>;
  /** Names and globs; none: all tables of the backup. */
  readonly tables: readonly string[];
  /** Examples of rows for each table that differs. */
  readonly examples: number;
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CompareProgress) => void) | undefined;
}

export interface CompareProgress {
  readonly tablesDone: number;
  readonly tables: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
}

/** @throws SluiceError TABLE_UNKNOWN for a name that no table of the backup has; those of reading the database and the backup's lists */
export async function compareBackup(repository: Repository, manifest: Manifest, options: CompareBackupOptions): Promise<ComparisonReport> {
  const isWanted = tableChoice(options.tables);
  const names: { schema: string; name: string }[] = [];
  for await (const { schema, name } of tableEntries(repository, manifest)) if (isWanted({ schema, name })) names.push({ schema, name });
  isWanted.check(manifest.backup);
  const source = await options.openSource(names, { rawText: manifest.source.encoding === 'SQL_ASCII' });
  try {
    return await new BackupComparison(repository, manifest, source, options).run(isWanted, names.length);
  } finally {
    await source.close();
  }
}

type TableChoice = ((table: { schema: string; name: string }) => boolean) & { check(backup: string): void };

function tableChoice(texts: readonly string[]): TableChoice {
  const patterns = texts.map((text) => ({ text, matches: tablePattern(text), isUsed: false }));
  const isWanted = (table: { schema: string; name: string }): boolean => {
    const matching = patterns.filter(({ matches }) => matches(table));
    for (const pattern of matching) pattern.isUsed = true;
    return patterns.length === 0 || matching.length > 0;
  };
  return Object.assign(isWanted, {
    check(backup: string): void {
      const unused = patterns.find(({ isUsed }) => !isUsed);
      if (unused !== undefined) throw new SluiceError('TABLE_UNKNOWN', { table: unused.text, connection: backup, suggestion: '`sluice show` lists the tables of a backup.' }, { table: unused.text });
    },
  });
}

function tableEntries({ chunks }: Repository, { tables, backup }: Manifest): AsyncGenerator<TableEntry, void, undefined> {
  return readList(chunks, tables, tableEntrySchema, { backup });
}

class BackupComparison {
  readonly #repository: Repository;
  readonly #manifest: Manifest;
  readonly #source: CompareSource;
  readonly #options: CompareBackupOptions;
  readonly #reports: ComparedTableReport[] = [];
  readonly #notes: string[] = [];
  /** Partitions that differ and may have given rows to each other, by the table that they are of. */
  readonly #families = new Map<string, { index: number; comparison: TableComparison }[]>();
  #rowsRead = 0;
  #bytesRead = 0;
  #tablesDone = 0;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(repository: Repository, manifest: Manifest, source: CompareSource, options: CompareBackupOptions) {
    this.#repository = repository;
    this.#manifest = manifest;
    this.#source = source;
    this.#options = options;
  }

  async run(isWanted: TableChoice, count: number): Promise<ComparisonReport> {
    const { jobs } = this.#options;
    await concurrently(this.#wantedEntries(isWanted), jobs, async ([index, entry]) => {
      await this.#compareTable(index, entry, count);
      this.#tablesDone++;
      this.#tell(count);
    });
    for (const family of this.#families.values()) await this.#compareFamily(family);
    const isOfSome = this.#options.tables.length > 0;
    const sequences = isOfSome ? [] : await this.#compareSequences();
    const largeObjects = isOfSome || this.#manifest.scope.tables.length > 0 ? null : await compareLargeObjects(this.#largeObjects(), this.#source, this.#options.signal);
    const isPartial = isOfSome || this.#manifest.scope.tables.length > 0 || this.#manifest.scope.exclude.length > 0;
    return {
      tables: this.#reports,
      totals: {
        tables: this.#reports.length,
        differentTables: this.#reports.filter(({ status }) => status !== 'same' && status !== 'moved').length,
        rows: this.#reports.reduce((sum, { backup }) => sum + backup.rows, 0),
        rowsRead: this.#rowsRead,
        bytesRead: this.#bytesRead,
      },
      sequences,
      largeObjects,
      otherTables: isPartial ? [] : this.#source.otherTables,
      notes: this.#notes,
    };
  }

  async *#wantedEntries(isWanted: TableChoice): AsyncGenerator<readonly [number, TableEntry], void, undefined> {
    let index = 0;
    for await (const entry of tableEntries(this.#repository, this.#manifest)) if (isWanted(entry)) yield [index++, entry];
  }

  #largeObjects(): AsyncGenerator<LargeObjectEntry, void, undefined> {
    return readList(this.#repository.chunks, this.#manifest.largeObjects, largeObjectEntrySchema, { backup: this.#manifest.backup });
  }

  #tell(tables: number): void {
    this.#options.onProgress?.({ tablesDone: this.#tablesDone, tables, rowsRead: this.#rowsRead, bytesRead: this.#bytesRead });
  }

  async #compareTable(index: number, entry: TableEntry, count: number): Promise<void> {
    const { signal, jobs } = this.#options;
    const table = await this.#source.table(entry, signal);
    const name = displayName(entry);
    const backup = { rows: entry.rows, rowHash: entry.rowHash ?? '' };
    if (table === undefined || !table.isReadable) {
      this.#reports[index] = { name, status: table === undefined ? 'missing' : 'unlike', backup, database: null, differences: table?.differences ?? [] };
      return;
    }
    const comparison = new TableComparison(entry, table, {
      repository: this.#repository, backup: this.#manifest.backup, jobs, signal,
      onRead: (rows, bytes) => {
        this.#rowsRead += rows;
        this.#bytesRead += bytes;
        this.#tell(count);
      },
    });
    await comparison.run();
    const family = table.movesWithin;
    if (!comparison.isSame && family !== undefined) {
      this.#families.set(family, [...(this.#families.get(family) ?? []), { index, comparison }]);
      return;
    }
    const status = comparison.isSame && table.differences.length === 0 ? 'same' : 'different';
    this.#report(index, comparison, status, comparison.isSame ? undefined : await this.#rowDifferences([comparison]));
  }

  async #compareFamily(family: readonly { index: number; comparison: TableComparison }[]): Promise<void> {
    const comparisons = family.map(({ comparison }) => comparison);
    const isComparable = comparisons.every(({ entry }) => entry.encoding === comparisons[0].entry.encoding && columnsOf(entry) === columnsOf(comparisons[0].entry));
    if (isComparable && haveSameRows(comparisons)) {
      for (const { index, comparison } of family) this.#report(index, comparison, comparison.table.differences.length === 0 ? 'moved' : 'different', undefined);
      return;
    }
    const rows = isComparable ? await this.#rowDifferences(comparisons) : undefined;
    for (const [i, { index, comparison }] of family.entries()) {
      this.#report(index, comparison, 'different', isComparable ? (i === 0 ? rows : undefined) : await this.#rowDifferences([comparison]));
    }
  }

  // oxlint-disable-next-line max-params -- what a report has
  #report(index: number, { entry, table, expected, found, groups }: TableComparison, status: TableStatus, rows: RowDifferencesReport | undefined): void {
    this.#reports[index] = {
      name: displayName(entry), status, backup: expected, database: found, differences: table.differences,
      ...(groups.same + groups.different === 0 ? {} : { groups: { ...groups } }),
      ...(rows === undefined ? {} : { rows }),
    };
  }

  /** Of tables that are looked at as one. */
  async #rowDifferences(comparisons: readonly TableComparison[]): Promise<RowDifferencesReport | undefined> {
    const { entry, table } = comparisons[0];
    try {
      const found = await findRowDifferences(joined(comparisons.map((comparison) => comparison.sides())), this.#options.examples);
      return { missing: found.missing, extra: found.extra, changed: found.changed ?? null, complete: found.isComplete, examples: await rowExamples(found.rows, entry, table) };
    } catch (error) {
      if (!(error instanceof SluiceError) || !/^(?:CHUNK|BACKUP)_/.test(error.code)) throw error;
      this.#notes.push(`Which rows of ${displayName(entry)} differ cannot be said: ${error.message}`);
      return undefined;
    }
  }

  async #compareSequences(): Promise<SequenceDifference[]> {
    const { signal } = this.#options;
    const found = new Map<string, string>();
    for await (const { schema, name, lastValue, isCalled } of this.#source.sequences(signal)) found.set(displayName({ schema, name }), stateText(lastValue, isCalled));
    const differences: SequenceDifference[] = [];
    for await (const { schema, name, lastValue, isCalled } of readList(this.#repository.chunks, this.#manifest.sequences, sequenceEntrySchema, { backup: this.#manifest.backup })) {
      const backup = stateText(lastValue, isCalled), of = displayName({ schema, name }), database = found.get(of) ?? null;
      if (backup !== database) differences.push({ name: of, backup, database });
    }
    return differences;
  }
}

function stateText(lastValue: string, isCalled: boolean): string {
  return isCalled ? lastValue : `${lastValue}, not called`;
}

function columnsOf({ columns }: TableEntry): string {
  return JSON.stringify(columns.map(({ name }) => name));
}

function haveSameRows(comparisons: readonly TableComparison[]): boolean {
  const rows = (side: 'expected' | 'found'): number => comparisons.reduce((sum, comparison) => sum + comparison[side].rows, 0);
  const hash = (side: 'expected' | 'found'): string => comparisons.map((comparison) => comparison[side].rowHash).reduce(addRowHashes);
  return rows('expected') === rows('found') && hash('expected') === hash('found');
}

function joined(sides: readonly SidesToCompare[]): SidesToCompare {
  if (sides.length === 1) return sides[0];
  const join = (all: readonly RowSide[]): RowSide => ({
    async *streams() {
      for (const side of all) yield* side.streams();
    },
  });
  return { ...sides[0], backup: join(sides.map(({ backup }) => backup)), database: join(sides.map(({ database }) => database)) };
}
