import type { ReadOptions } from '../../formats/format.ts';
import type { ImportOptions } from '../transfer.ts';
import { withFields } from './read-fields.ts';
import type { ReplayFile, ReplayLayout } from './replay-files.ts';

export function readOptionsOf({ format, dialect, charset, detect, types, maxRecordBytes }: ReplayLayout): ReadOptions {
  return {
    ...(format === 'csv' ? { csv: { ...(detect === true ? { nullText: dialect.nullText } : dialect), header: true } } : {}),
    ...(detect === true ? {} : { charset }),
    ...(types === undefined ? {} : { types }),
    ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }),
  };
}

/**
 * The import that loads a replay file as the run loaded its source. A run that replaced its table does not do so again: the rows that were good are in it.
 * Options may only name fields that are there, and rejected JSON records may lack some.
 */
export async function importOptionsOf(file: ReplayFile, to: string, handling: Pick<ImportOptions, 'onError' | 'maxErrors'>, signal: AbortSignal): Promise<ImportOptions> {
  const { path, table, layout } = file;
  const names = await withFields(path, layout.format, readOptionsOf(layout), signal, async ({ columns }) => columns.map(({ name }) => name));
  const known = <T>(record: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
  const map = known(Object.fromEntries(Object.entries(layout.map).filter(([field]) => !layout.ignored.includes(field))));
  return {
    sources: [path],
    to,
    table: table.table,
    mode: table.mode === 'replace' ? 'append' : table.mode,
    ...(table.key === undefined ? {} : { key: table.key }),
    ...(Object.keys(map).length === 0 ? {} : { map }),
    ...(layout.ignored.some((field) => names.includes(field)) ? { columns: names.filter((name) => !layout.ignored.includes(name)) } : {}),
    format: layout.format,
    ...handling,
    read: readOptionsOf({ ...layout, types: layout.types === undefined ? undefined : known(layout.types) }),
  };
}
