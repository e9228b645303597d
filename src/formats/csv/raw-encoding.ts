import { CANONICAL_CSV, COPY_TEXT, type CsvEncoding, type RowEncoding } from '../../rows/row-encoding.ts';
import type { CsvDialect } from './dialect.ts';
import type { CsvInput } from './inspected-csv.ts';

/** Stand-ins for "no delimiter" and "no quote", where an encoding must name one: control characters that text does not have. A part that has one is written anew. */
const NO_DELIMITER = '\x1f', NO_QUOTE = '\x01';

/**
 * The source's own dialect as an encoding, when one can say it; its bytes then pass as they are.
 */
export function rawEncoding({ details }: CsvInput): CsvEncoding | undefined {
  const { charset, delimiter, quote, escape, nullText } = details;
  if (charset !== 'utf-8' && charset !== 'latin1' && charset !== 'windows-1252') return undefined;
  if (delimiter.length > 1 || !/^[\x20-\x7e]*$/.test(nullText)) return undefined;
  const quoteOrNone = quote === '' ? NO_QUOTE : quote;
  const delimiterOrNone = delimiter === '' ? NO_DELIMITER : delimiter;
  if (delimiterOrNone === quoteOrNone || nullText.includes(quoteOrNone) || nullText.includes(delimiterOrNone)) return undefined;
  return { kind: 'csv', delimiter: delimiterOrNone, quote: quoteOrNone, escape: quote === '' ? NO_QUOTE : escape, nullText, charset };
}

/** Bytes that raw parts must not have, because the encoding uses them as stand-ins. */
export function standIns({ details }: { readonly details: CsvDialect }): number[] {
  return [
    ...(details.delimiter === '' ? [NO_DELIMITER.charCodeAt(0)] : []),
    ...(details.quote === '' ? [NO_QUOTE.charCodeAt(0)] : []),
  ];
}

/** What can be produced for these fields (names of the source), cheapest first. `tolerant`: an engine that reads by itself leaves out nothing, so it must not. */
export function offeredEncodings(input: CsvInput, fields: readonly string[], tolerant = false): RowEncoding[] {
  const offered: RowEncoding[] = [];
  if (!tolerant && isReadAlikeByEngine(input)) offered.push({ kind: 'file' });
  const raw = rawEncoding(input);
  if (raw !== undefined && isIdentity(input, fields)) offered.push(raw);
  return [...offered, COPY_TEXT, CANONICAL_CSV];
}

export function isIdentity({ columns }: CsvInput, fields: readonly string[]): boolean {
  return fields.length === columns.length && fields.every((field, i) => field === columns[i].name);
}

/** DuckDB's line limit, and so the size of record from which on its reader is not used. */
export const ENGINE_MAX_LINE_BYTES = 2 * 1024 * 1024;

/** Several ways in which DuckDB's reader differs from this dialect, and differs without an error (measured with 1.5; test/formats/csv/native-file.test.ts). */
function isReadAlikeByEngine(input: CsvInput): boolean {
  const { source, details } = input;
  if (source.path === undefined || !source.seekable || details.charset !== 'utf-8' || !details.regular) return false;
  if (details.largestRecord > ENGINE_MAX_LINE_BYTES / 2 || details.lineEnd === 'mixed') return false;
  // It drops the empty lines of one column unless empty means NULL.
  if (input.columns.length === 1 && details.nullText !== '') return false;
  return details.delimiter.length <= 1 && (details.quote === '' || details.escape === details.quote);
}
