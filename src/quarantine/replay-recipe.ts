import type { ColumnType } from '../rows/column-type.ts';

/**
 * How the rejected rows of a run were read and where they were to go: what a replay needs. Plain data in `summary.json`, given by the run. Its words
 * are those of the import's options, repeated here because this layer knows neither formats nor connectors.
 */
export interface ReplayRecipe {
  readonly version: 1;
  /** What --to said, without secrets; resolved again at the replay. Absent: the replay has to say it. */
  readonly to?: string;
  readonly tables: readonly ReplayTable[];
}

export interface ReplayTable {
  /** Display name, as in `QuarantinedRow.table`; also what an import takes for --table. */
  readonly table: string;
  readonly mode: 'append' | 'replace' | 'upsert';
  readonly key?: readonly string[];
  /** The load's columns, in order: the names of `values`. */
  readonly columns: readonly string[];
  readonly sources: readonly ReplaySource[];
}

export interface ReplaySource {
  /** As in `QuarantinedRow.source`. */
  readonly name: string;
  readonly format: 'csv' | 'json' | 'ndjson' | 'parquet' | 'sql';
  /** Field names, in the order of the source. */
  readonly fields: readonly string[];
  /** Field → column, for fields that are not called like their column. */
  readonly map?: Readonly<Record<string, string>>;
  /** Fields that were left out on purpose. */
  readonly ignored?: readonly string[];
  /** The dialect as it was used, nothing left to detect. */
  readonly csv?: { readonly delimiter: string; readonly quote: string; readonly escape: string; readonly nullText: string };
  readonly charset?: string;
  /** Types by field that the user said. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  readonly maxRecordBytes?: number;
}
