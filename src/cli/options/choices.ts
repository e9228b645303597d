import { SluiceError } from '../../errors/sluice-error.ts';
import { CHARSETS } from '../../formats/charset.ts';
import type { FormatName } from '../../formats/format.ts';
import type { LoadMode } from '../../connectors/connector.ts';

const FORMATS: Readonly<Record<string, FormatName>> = { csv: 'csv', tsv: 'csv', json: 'json', ndjson: 'ndjson', jsonl: 'ndjson', parquet: 'parquet', sql: 'sql' };
const MODES: Readonly<Record<string, LoadMode>> = { append: 'append', replace: 'replace', upsert: 'upsert' };

/** @throws SluiceError USAGE */
export function parseFormat(text: string | undefined): FormatName | undefined {
  return choice(text, FORMATS, '--format', 'csv, json, ndjson, parquet, sql');
}

/** @throws SluiceError USAGE */
export function parseMode(text: string | undefined): LoadMode | undefined {
  return choice(text, MODES, '--mode', 'append, replace, upsert');
}

/** The charset by the name that the formats use. @throws SluiceError USAGE */
export function parseCharset(text: string | undefined): string | undefined {
  return choice(text, CHARSETS, '--encoding', 'utf-8, utf-16le, utf-16be, latin1, windows-1252');
}

export interface Compression {
  readonly kind: 'none' | 'gzip' | 'zstd';
  readonly level?: number;
}

const LEVELS = { gzip: [1, 9], zstd: [1, 22] } as const;

/** `zstd`, `zstd:19`, `gzip:6`, `none`. @throws SluiceError USAGE */
export function parseCompression(text: string | undefined, where: string): Compression | undefined {
  if (text === undefined) return undefined;
  if (text === 'none') return { kind: 'none' };
  const match = /^(zstd|gzip)(?::(\d{1,3}))?$/.exec(text);
  if (match === null) throw new SluiceError('USAGE', { what: `${where}: "${text}" is not zstd, gzip or none; a level is added as in zstd:9` });
  const kind = match[1] as 'zstd' | 'gzip';
  if (match[2] === undefined) return { kind };
  const level = Number(match[2]);
  const [lowest, highest] = LEVELS[kind];
  if (level < lowest || level > highest) throw new SluiceError('USAGE', { what: `${where}: the level of ${kind} is from ${lowest} to ${highest}, not ${level}` });
  return { kind, level };
}

function choice<T>(text: string | undefined, choices: Readonly<Record<string, T>>, option: string, names: string): T | undefined {
  if (text === undefined) return undefined;
  const key = text.toLowerCase();
  if (Object.hasOwn(choices, key)) return choices[key];
  throw new SluiceError('USAGE', { what: `${option}: "${text}" is not one of ${names}` });
}
