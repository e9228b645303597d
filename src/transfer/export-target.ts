import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import type { FormatName } from '../formats/format.ts';
import { formatOfEnding } from '../formats/registry.ts';
import { fileNameFor, splitName } from '../io/names.ts';
import type { ExportOptions } from './transfer.ts';

/** The document that tables are exported into: where, in which format, how compressed. */
export interface ExportLayout {
  readonly kind: 'stdout' | 'file' | 'folder';
  readonly format: FormatName;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly level?: number;
  /** The file's or folder's path; `-` for standard output. */
  readonly path: string;
}

const COMPRESSION_ENDING = { none: '', gzip: '.gz', zstd: '.zst' } as const;

/**
 * Decides between one file and a folder, and the format: what the user says wins, then the ending of the name, then CSV. Several tables go into
 * one JSON or SQL document, or else into a folder with one file a table.
 * @throws SluiceError OPTION_UNSUPPORTED when several tables cannot be one file of that format
 */
export async function layoutOf(options: ExportOptions, tables: number): Promise<ExportLayout> {
  const stdout = options.to === '-';
  const names = splitName(basename(options.to));
  const byEnding = stdout ? undefined : formatOfEnding(names.extension);
  const folder = !stdout && (options.to.endsWith('/') || await isFolder(options.to) || (tables > 1 && byEnding === undefined));
  const format = options.format ?? (folder ? undefined : byEnding) ?? 'csv';
  if (!folder && tables > 1 && format !== 'json' && format !== 'sql') {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `Several tables in one ${format} file`, context: '; name a folder (with / at the end), or use json or sql' });
  }
  const compression = options.compression?.kind ?? (folder || stdout ? 'none' : names.compression);
  const level = options.compression?.level;
  return { kind: stdout ? 'stdout' : folder ? 'folder' : 'file', format, compression, path: options.to, ...(level === undefined ? {} : { level }) };
}

/** The name of a table's file in a folder. */
export function fileOfTable(layout: ExportLayout, table: string): string {
  // Parquet compresses inside; a second compression around it would hide its index.
  const ending = layout.format === 'parquet' ? '' : COMPRESSION_ENDING[layout.compression];
  return fileNameFor(table, `.${layout.format}${ending}`);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false);
}
