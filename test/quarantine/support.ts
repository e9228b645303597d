import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FetchedRecord, FetchRecords, QuarantinedRow } from '../../src/quarantine/quarantined-row.ts';
import { openQuarantine, type RowPage } from '../../src/quarantine/quarantine-reader.ts';
import { QuarantineLog } from '../../src/quarantine/quarantine-log.ts';
import type { ReplayRecipe } from '../../src/quarantine/replay-recipe.ts';
import type { Rejection } from '../../src/rows/rejection.ts';

export const RUN = '1jd4kz2q8xk2f7';

/** A workspace folder that is gone afterwards. */
export function makeWorkspace(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-quarantine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function openLog(workspace: string, run = RUN, recipe?: ReplayRecipe): Promise<QuarantineLog> {
  return QuarantineLog.open({ workspace, run, job: 'import', ...(recipe === undefined ? {} : { recipe: () => recipe }) });
}

export function reject(record: number, more: Partial<Rejection> = {}): Rejection {
  return { record, code: 'VALUE_INVALID', message: `"x${record}" is no integer`, column: 'n', values: [`x${record}`, null], ...more };
}

/** A source whose parts have a thousand records each, whose record is `<part>,<record>`. */
export const fetchNumbers: FetchRecords = async function* fetchNumbers(table, part, records) {
  for (const record of records) yield recordOf(table, part, record);
};

function recordOf(table: string, part: number, record: number): FetchedRecord {
  const row = part * 1000 + record;
  return { place: { file: `${table}.csv`, row, line: row + 1, byte: row * 10 }, raw: Buffer.from(`${part},${record}`) };
}

export async function rowsOf(workspace: string, page?: RowPage, run = RUN): Promise<QuarantinedRow[]> {
  return all((await openQuarantine(workspace, run)).rows(page));
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const value of values) gathered.push(value);
  return gathered;
}

export const RECIPE_OF_CRASHES: ReplayRecipe = { version: 1, tables: [{ table: 't', mode: 'append', columns: ['n', 'm'], sources: [{ name: 't.csv', format: 'csv', fields: ['n', 'm'] }] }] };
