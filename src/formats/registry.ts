import { SluiceError } from '../errors/sluice-error.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { Format, FormatName } from './format.ts';

/** Formats load on first use, like connectors. */
const FORMATS: Readonly<Record<FormatName, () => Promise<Format>>> = {
  csv: async () => (await import('./csv/csv-format.ts')).csvFormat,
  json: async () => (await import('./json/json-format.ts')).jsonFormat,
  ndjson: async () => (await import('./ndjson/ndjson-format.ts')).ndjsonFormat,
  parquet: async () => (await import('./parquet/parquet-format.ts')).parquetFormat,
  sql: async () => (await import('./sql/sql-format.ts')).sqlFormat,
};

/** Kept apart from the formats' own lists so that naming a file loads no format; the conformance suite holds both together. */
const ENDINGS: Readonly<Record<string, FormatName>> = {
  csv: 'csv', tsv: 'csv', tab: 'csv', psv: 'csv', txt: 'csv',
  json: 'json', geojson: 'json',
  ndjson: 'ndjson', jsonl: 'ndjson',
  parquet: 'parquet', pq: 'parquet',
  sql: 'sql',
};

const SNIFF_BYTES = 4096;

/** Endings of the files that are taken from a folder. */
export const IMPORTABLE_ENDINGS: readonly string[] = Object.keys(ENDINGS);

export function loadFormat(name: FormatName): Promise<Format> {
  return FORMATS[name]();
}

export function formatOfEnding(ending: string): FormatName | undefined {
  return Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
}

/** By ending, else by the first bytes. @throws SluiceError FORMAT_UNKNOWN for archives and binary data */
export async function formatOf(source: ByteSource): Promise<FormatName> {
  const byEnding = formatOfEnding(source.extension);
  if (byEnding !== undefined) return byEnding;
  const head = await source.head(SNIFF_BYTES);
  const bySniffing = sniff(head);
  if (bySniffing === undefined) throw new SluiceError('FORMAT_UNKNOWN', { source: source.name }, { file: source.name });
  return bySniffing;
}

function sniff(head: Uint8Array): FormatName | undefined {
  const text = Buffer.from(head).toString('latin1');
  if (text.startsWith('PAR1')) return 'parquet';
  const utf16 = text.startsWith('\xff\xfe') || text.startsWith('\xfe\xff');
  // NUL bytes outside UTF-16 mean an archive, an image, a database file: nothing that could be read as text.
  if (!utf16 && (text.includes('\0') || text.startsWith('PK\x03\x04'))) return undefined;
  const body = (utf16 ? text.slice(2).replaceAll('\0', '') : text.replace(/^\xef\xbb\xbf/, '')).trimStart();
  if (body.startsWith('[')) return 'json';
  if (body.startsWith('{')) return /^\{[^\n]*\}\s*\n\s*\{/.test(body) ? 'ndjson' : 'json';
  if (/^(--|\/\*|(create|insert|set|begin|pragma|drop|use|copy)\s)/i.test(body)) return 'sql';
  return 'csv';
}
