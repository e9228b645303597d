/**
 * Writes rejected records back into files of their source's form, which an import reads: the header and the raw records for CSV, a record a line for JSON. A
 * record whose bytes are not known is written from its values. Records that were read in different ways go into different files.
 *
 * Memory: the largest record. Rows come ordered by table, so only the files of one table are open at a time.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { fileNameFor } from '../../io/names.ts';
import { targetError } from '../../io/system-errors.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import type { ReplayRecipe, ReplaySource, ReplayTable } from '../../quarantine/replay-recipe.ts';
import { CANONICAL_DIALECT, csvRecord, encodeText, jsonLine, type Dialect } from './record-text.ts';

/** How the records of a file are written; the import is told so. */
export interface ReplayLayout {
  readonly format: 'csv' | 'ndjson';
  /** Of CSV, in order. */
  readonly fields: readonly string[];
  readonly dialect: Dialect;
  readonly charset: string;
  /** Another program has written the file: its dialect and character set are detected. */
  readonly detect?: true;
  /** Field → column. */
  readonly map: Readonly<Record<string, string>>;
  readonly ignored: readonly string[];
  readonly types: ReplaySource['types'];
  readonly maxRecordBytes: number | undefined;
}

export interface ReplayFile {
  readonly path: string;
  readonly table: ReplayTable;
  readonly layout: ReplayLayout;
  readonly rows: number;
}

/** Rows and where their raw bytes are; `QuarantineReader`, or an edited export of it. */
export interface ReplayInput {
  readonly rows: AsyncIterable<QuarantinedRow>;
  readonly raw: (row: QuarantinedRow) => AsyncIterable<Uint8Array>;
  /** The records were corrected: also those may be among them that could not be read. */
  readonly edited: boolean;
}

/** Records that no import can read, and that could swallow the ones behind them: they have to be corrected first. */
const UNREADABLE: ReadonlySet<ErrorCode> = new Set(['CSV_MALFORMED', 'CSV_FIELD_COUNT', 'ENCODING_INVALID', 'JSON_MALFORMED', 'RECORD_TOO_LARGE', 'SQL_MALFORMED']);

/** @param folder private; files are written into it @throws SluiceError REPLAY_IMPOSSIBLE */
export async function writeReplayFiles(input: ReplayInput, recipe: ReplayRecipe, folder: string): Promise<ReplayFile[]> {
  const writers = new ReplayWriters(recipe, folder);
  try {
    for await (const row of input.rows) {
      if (!input.edited && UNREADABLE.has(row.code)) throw impossible(row.table, `some have the code ${row.code} and cannot be read as they are (--code chooses others)`);
      const pieces: Buffer[] = [];
      for await (const piece of input.raw(row)) pieces.push(Buffer.from(piece));
      await writers.write(row, Buffer.concat(pieces));
    }
    return await writers.finish();
  } finally {
    await writers.close();
  }
}

export function impossible(table: string, reason: string): SluiceError {
  return new SluiceError('REPLAY_IMPOSSIBLE', { table, reason }, { table });
}

interface OpenFile {
  readonly key: string;
  readonly file: ReplayFile & { rows: number };
  readonly handle: FileHandle;
}

class ReplayWriters {
  readonly #recipe: ReplayRecipe;
  readonly #folder: string;
  readonly #files: (ReplayFile & { rows: number })[] = [];
  #open = new Map<string, OpenFile>();
  #table: string | undefined;

  constructor(recipe: ReplayRecipe, folder: string) {
    this.#recipe = recipe;
    this.#folder = folder;
  }

  async write(row: QuarantinedRow, bytes: Buffer): Promise<void> {
    if (row.table !== this.#table) await this.close();
    this.#table = row.table;
    const table = tableOf(this.#recipe, row.table);
    const { file, handle } = await this.#openFile(table, layoutOf(sourceOf(table, row)));
    try {
      await handle.appendFile(recordBytes(row, bytes, table, file.layout));
    } catch (error) {
      throw targetError(error, file.path);
    }
    file.rows++;
  }

  async finish(): Promise<ReplayFile[]> {
    await this.close();
    return this.#files;
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open = new Map();
    for (const { handle } of files) await handle.close();
  }

  async #openFile(table: ReplayTable, layout: ReplayLayout): Promise<OpenFile> {
    const key = JSON.stringify(layout);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const folder = join(this.#folder, String(this.#files.length + 1));
    const path = join(folder, fileNameFor(table.table, `.${layout.format}`));
    try {
      await mkdir(folder, { mode: 0o700 });
      const handle = await open(path, 'wx', 0o600);
      const entry: OpenFile = { key, handle, file: { path, table, layout, rows: 0 } };
      this.#open.set(key, entry);
      this.#files.push(entry.file);
      if (layout.format === 'csv') await handle.appendFile(headerLine(layout, table.table));
      return entry;
    } catch (error) {
      throw targetError(error, path);
    }
  }
}

export function headerLine(layout: ReplayLayout, table: string): Uint8Array {
  return encodeText(`${csvRecord(layout.fields, layout.dialect, table)}\n`, layout.charset, table);
}

/** The record with its line end. */
function recordBytes(row: QuarantinedRow, bytes: Buffer, table: ReplayTable, layout: ReplayLayout): Uint8Array {
  const { format, charset, fields, dialect } = layout;
  const values = row.rawExact && hasRawForm(table, row) ? undefined : valuesOf(row, bytes, table);
  if (values === undefined) {
    return Buffer.concat(format === 'csv' ? [bytes, encodeText('\n', charset, table.table)] : [jsonLine(bytes, sourceOf(table, row).charset ?? 'utf-8'), Buffer.from('\n')]);
  }
  if (format === 'csv') {
    const byField = fields.map((field) => values.get(layout.ignored.includes(field) ? undefined : columnOf(field, layout)) ?? null);
    return encodeText(`${csvRecord(byField, dialect, table.table)}\n`, charset, table.table);
  }
  const fieldOf = new Map(Object.entries(layout.map).map(([field, column]) => [column, field]));
  return Buffer.from(`${JSON.stringify(Object.fromEntries([...values].map(([column, value]) => [fieldOf.get(column ?? '') ?? column, value])))}\n`);
}

function columnOf(field: string, { map }: ReplayLayout): string {
  return Object.hasOwn(map, field) ? map[field] : field;
}

/** The raw record of an SQL dump or a Parquet file means nothing by itself. */
function hasRawForm(table: ReplayTable, row: QuarantinedRow): boolean {
  return ['csv', 'json', 'ndjson'].includes(sourceOf(table, row).format);
}

/** Values by column. @throws SluiceError REPLAY_IMPOSSIBLE when they are not known */
function valuesOf(row: QuarantinedRow, bytes: Buffer, table: ReplayTable): Map<string | undefined, string | null> {
  const values = row.values ?? (row.rawExact ? undefined : parseValues(bytes));
  if (values === undefined || values.length !== table.columns.length) throw impossible(table.table, `neither the record nor the values of part ${row.part}, record ${row.record} are known`);
  return new Map(table.columns.map((column, i) => [column, values[i]]));
}

function parseValues(bytes: Buffer): (string | null)[] | undefined {
  try {
    const values: unknown = JSON.parse(bytes.toString());
    return Array.isArray(values) && values.every((value) => value === null || typeof value === 'string') ? values : undefined;
  } catch {
    return undefined;
  }
}

/** @throws SluiceError REPLAY_IMPOSSIBLE */
export function tableOf(recipe: ReplayRecipe, name: string): ReplayTable {
  const table = recipe.tables.find((one) => one.table === name);
  if (table === undefined) throw impossible(name, 'the run did not record how they were read');
  return table;
}

/** How the row's source was read. @throws SluiceError REPLAY_IMPOSSIBLE */
export function sourceOf(table: ReplayTable, row: QuarantinedRow): ReplaySource {
  const source = table.sources.find(({ name }) => name === row.source) ?? (table.sources.length === 1 ? table.sources[0] : undefined);
  if (source === undefined) throw impossible(table.table, `how ${row.source ?? 'their source'} was read is not recorded`);
  return source;
}

/** Sources that are read alike have equal layouts. */
export function layoutOf(source: ReplaySource): ReplayLayout {
  const common = { types: source.types, maxRecordBytes: source.maxRecordBytes };
  const map = source.map ?? {};
  const ignored = source.ignored ?? [];
  if (source.format === 'csv') {
    return { format: 'csv', fields: source.fields, dialect: source.csv ?? CANONICAL_DIALECT, charset: source.charset ?? 'utf-8', map, ignored, ...common };
  }
  const lines = { format: 'ndjson', fields: source.fields, dialect: CANONICAL_DIALECT, charset: 'utf-8' } as const;
  // Of dumps and Parquet files only the values are written, under the names of their columns.
  return source.format === 'sql' || source.format === 'parquet' ? { ...lines, map: {}, ignored: [], ...common, types: undefined } : { ...lines, map, ignored, ...common };
}
