/** What the names of files and addresses say: pure functions, no look at the disk. */

export type Compression = 'none' | 'gzip' | 'zstd';

export interface NameParts {
  /** Base name without folders, format ending and compression ending. */
  readonly stem: string;
  /** Format ending, lower case, without dot; '' when there is none. */
  readonly extension: string;
  /** What the ending claims. Only the content decides: see compression.ts. */
  readonly compression: Compression;
}

/** Endings that can be imported; a folder's other files are left out. */
export const KNOWN_EXTENSIONS: readonly string[] = ['csv', 'tsv', 'txt', 'json', 'ndjson', 'jsonl', 'parquet', 'sql'];

const COMPRESSION_ENDINGS: Readonly<Record<string, Compression>> = { gz: 'gzip', gzip: 'gzip', zst: 'zstd', zstd: 'zstd' };

/** Starts with a letter, so that the year in `sales.2024` stays in the stem and two years stay two tables. */
const ENDING = /^(.+)\.([a-z][a-z0-9]{0,9})$/is;

/** `data/a.b.CSV.gz` → stem `a.b`, extension `csv`, compression `gzip`. A leading dot is part of the stem. */
export function splitName(path: string): NameParts {
  let base = baseName(path);
  let compression: Compression = 'none';
  const outer = ENDING.exec(base);
  const claimed = outer === null ? undefined : COMPRESSION_ENDINGS[outer[2].toLowerCase()];
  if (outer !== null && claimed !== undefined) {
    compression = claimed;
    base = outer[1];
  }
  const inner = ENDING.exec(base);
  return inner === null ? { stem: base, extension: '', compression } : { stem: inner[1], extension: inner[2].toLowerCase(), compression };
}

/** The last part of a path; trailing slashes do not count. */
export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

export function isHidden(path: string): boolean {
  return baseName(path).startsWith('.');
}

/** True for `scheme://…`; a drive letter or a `sqlite:file` is not one. */
export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(location);
}

export function isHttpUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** A URL for people: without user, password, query and fragment, because each of them may be a secret. */
export function redactUrl(url: string | URL): string {
  const text = String(url);
  if (URL.canParse(text)) {
    const { protocol, host, pathname } = new URL(text);
    return `${protocol}//${host}${pathname}`;
  }
  return text.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//');
}

/** True when the text holds characters that a glob gives a meaning. */
export function hasGlobCharacters(location: string): boolean {
  return /[*?[\]{}]/.test(location);
}

const EXTENSION_OF_MEDIA_TYPE: Readonly<Record<string, string>> = {
  'text/csv': 'csv',
  'application/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/json': 'json',
  'text/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'application/vnd.apache.parquet': 'parquet',
  'application/sql': 'sql',
  'application/zip': 'zip',
};

/** The format ending that a Content-Type stands for, '' when it says nothing (text/plain, application/octet-stream). */
export function extensionOfMediaType(contentType: string | undefined): string {
  return EXTENSION_OF_MEDIA_TYPE[(contentType ?? '').split(';', 1)[0].trim().toLowerCase()] ?? '';
}

/** The file name in a Content-Disposition header, without folders; `filename*` (RFC 5987) before `filename`. */
export function fileNameOfDisposition(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header);
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header);
  const bare = /;\s*filename\s*=\s*([^;"\s]+)/i.exec(header);
  const name = extended === null ? (quoted?.[1].replace(/\\(.)/g, '$1') ?? bare?.[1]) : percentDecoded(extended[1]);
  const safe = name === undefined ? '' : withoutControls(baseName(name.replaceAll('\\', '/')));
  return safe === '' ? undefined : safe;
}

/** The last part of a URL's path, decoded; '' when the path ends in a slash. */
export function fileNameOfUrl(url: URL): string {
  return withoutControls(baseName(percentDecoded(url.pathname.slice(url.pathname.lastIndexOf('/') + 1))));
}

/**
 * A file name for a table name: what cannot be in a file name (`/`, NUL, control characters, a leading dot, over-long names) is
 * percent-encoded or cut, so that a table called `../x` stays inside its folder.
 */
export function fileNameFor(table: string, ending: string): string {
  const escape = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what must not reach a terminal or a file system
  const safe = table.replace(/[/\\%\u0000-\u001f\u007f]/g, escape).replace(/^\./, '%2E');
  return cutToBytes(safe === '' ? '%00' : safe, 200) + ending;
}

/** The longest beginning of a text that has at most `limit` bytes in UTF-8 and does not cut a character. */
export function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  let end = limit;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not UTF-8: better the raw name than none
  }
}

function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- names from the network are printed on terminals
  return text.replace(/[\u0000-\u001f\u007f]/g, '');
}
