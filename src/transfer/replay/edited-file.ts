/**
 * A file that a user has corrected: records in the form of their source (`export --records`), or an export of the quarantine's rows with their
 * raw records in a column. Which of them it is shows in its columns.
 */
import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { FormatName } from '../../formats/format.ts';
import { formatOf } from '../../formats/registry.ts';
import { openFile } from '../../io/open-sources.ts';
import { sourceError } from '../../io/system-errors.ts';
import type { Quarantine, RowFilter } from '../../quarantine/quarantine-reader.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import type { ReplayRecipe } from '../../quarantine/replay-recipe.ts';
import { withFields } from './read-fields.ts';
import { headerLine, impossible, layoutOf, tableOf, writeReplayFiles, type ReplayFile, type ReplayLayout } from './replay-files.ts';

/** Columns that only an export of a quarantine has, all of them. */
const MARKS = ['run', 'table', 'part', 'record', 'code', 'raw', 'rawEncoding', 'rawExact'];

export interface EditedRequest {
  readonly path: string;
  readonly quarantine: Quarantine;
  readonly recipe: ReplayRecipe;
  readonly filter: RowFilter;
  /** Private. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** @throws SluiceError REPLAY_IMPOSSIBLE, USAGE, and of reading the file */
export async function replayFilesOfEdited(request: EditedRequest): Promise<ReplayFile[]> {
  const { path, signal } = request;
  const source = await openFile(path, signal);
  let format: FormatName;
  try {
    format = await formatOf(source);
  } finally {
    await source.close();
  }
  if (await isExport(path, format, signal)) return filesOfExport(request, format);
  return [await fileOfRecords(request, format)];
}

async function isExport(path: string, format: FormatName, signal: AbortSignal): Promise<boolean> {
  try {
    return await withFields(path, format, {}, signal, async ({ columns }) => MARKS.every((mark) => columns.some(({ name }) => name === mark)));
  } catch (error) {
    // Records in the form of a foreign source need not be readable without its dialect.
    if (error instanceof SluiceError && error.code !== 'CANCELLED') return false;
    throw error;
  }
}

async function filesOfExport({ path, quarantine, recipe, filter, folder, signal }: EditedRequest, format: FormatName): Promise<ReplayFile[]> {
  return withFields(path, format, {}, signal, async ({ columns, records }) => {
    const names = columns.map(({ name }) => name);
    const rows = exportedRows(names, records, quarantine, filter);
    return writeReplayFiles({ rows, raw: (row) => quarantine.raw(row), edited: true }, recipe, folder);
  });
}

async function* exportedRows(names: readonly string[], records: AsyncIterable<readonly (string | null)[]>, quarantine: Quarantine, filter: RowFilter): AsyncGenerator<QuarantinedRow, void, undefined> {
  for await (const record of records) {
    const member = (name: string): string | null => (names.includes(name) ? record[names.indexOf(name)] : null);
    const row = rowOf(member);
    if (row.run !== quarantine.run) throw new SluiceError('USAGE', { what: `--from: the file has rows of the run ${row.run}, not of ${quarantine.run}` });
    if ((filter.table === undefined || filter.table === row.table) && (filter.code === undefined || filter.code === row.code)) yield row;
  }
}

function rowOf(member: (name: string) => string | null): QuarantinedRow {
  const values = member('values');
  const file = member('rawFile');
  return {
    run: member('run') ?? '', table: member('table') ?? '', source: member('source'), row: null, line: null, byte: null,
    part: Number(member('part')), record: Number(member('record')), code: (member('code') ?? 'ROW_INVALID') as ErrorCode, message: '',
    raw: member('raw'), rawEncoding: member('rawEncoding') === 'base64' ? 'base64' : 'utf-8', rawExact: /^t/i.test(member('rawExact') ?? ''),
    ...(file === null || file === '' ? {} : { rawFile: file }),
    ...(values === null || values === '' ? {} : { values: JSON.parse(values) as (string | null)[] }),
  };
}

/** The user's own file, copied to where it does not change; how it is read depends on whether it still is as Sluice wrote it. */
async function fileOfRecords({ path, quarantine, recipe, filter, folder }: EditedRequest, format: FormatName): Promise<ReplayFile> {
  const names = quarantine.summary.tables.map(({ table }) => table).filter((table) => filter.table === undefined || filter.table === table);
  if (names.length !== 1) throw new SluiceError('USAGE', { what: `--from needs --table: the run has rejected rows of ${names.length} tables` });
  const table = tableOf(recipe, names[0]);
  if (format !== 'csv' && format !== 'json' && format !== 'ndjson') throw impossible(table.table, `${path} is ${format}, and records are corrected as CSV or JSON`);
  const layouts = table.sources.map(layoutOf);
  const layout = format === 'csv' ? await csvLayout(path, layouts, table.table) : layouts.find((one) => one.format === 'ndjson') ?? withoutDialect(layouts[0], 'ndjson');
  if (layout === undefined) throw impossible(table.table, 'the run did not record how they were read');
  const own = join(folder, 'edited');
  await mkdir(own, { mode: 0o700 });
  const copy = join(own, `records.${format}`);
  try {
    await copyFile(path, copy);
  } catch (error) {
    throw sourceError(error, path);
  }
  return { path: copy, table, layout, rows: 0 };
}

/** The stored dialect where the file still begins with the header as it was written; another program's where it does not. */
async function csvLayout(path: string, layouts: readonly ReplayLayout[], table: string): Promise<ReplayLayout | undefined> {
  const head = await readHead(path);
  for (const layout of layouts) {
    if (layout.format !== 'csv') continue;
    const header = Buffer.from(headerLine(layout, table));
    if (head.subarray(0, header.length).equals(header)) return layout;
  }
  return withoutDialect(layouts.find(({ format }) => format === 'csv') ?? layouts[0], 'csv');
}

function withoutDialect<T extends ReplayLayout | undefined>(layout: T, format: 'csv' | 'ndjson'): T {
  return layout === undefined ? layout : { ...layout, format, detect: true };
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw sourceError(error, path);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256 * 1024));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
