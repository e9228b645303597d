/**
 * How rows are represented on the way from a source to a target. The source lists the encodings that it can produce,
 * cheapest first; the target says which it accepts; the first common one is taken (pipeline/negotiate.ts).
 *
 * Value text, the same in `csv` and `copy-text`: boolean `t`/`f` or `true`/`false`; integers and numerics as decimal
 * digits; floats shortest round-trip, `NaN`, `Infinity`, `-Infinity`; bytes `\x` + hex; dates and timestamps ISO 8601 with a
 * blank, `infinity`, `-infinity`, ` BC` suffix; json as its text; arrays as in ColumnType.
 */
export type RowEncoding = CsvEncoding | CopyTextEncoding | CopyBinaryEncoding | FileEncoding;

/**
 * Delimited text without a header, records ended by LF, CR LF or CR (all the same within one part). An unquoted empty field
 * (`nullText`) is NULL, a quoted one the empty string. Every record is complete within its part; the last may lack its line end.
 */
export interface CsvEncoding {
  readonly kind: 'csv';
  /** Exactly one ASCII byte each. `quote` may be a byte that never occurs (\x01) for dialects without quoting. */
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly nullText: string;
  readonly charset: 'utf-8' | 'latin1' | 'windows-1252';
}

/** PostgreSQL's COPY text format: tab, LF, backslash escapes, `\N` for NULL, UTF-8. One record a line, each ended by LF. No end marker. */
export interface CopyTextEncoding { readonly kind: 'copy-text' }

/** PostgreSQL's binary COPY format, header and trailer included in each part. Types are PostgreSQL's own names, in column order. */
export interface CopyBinaryEncoding { readonly kind: 'copy-binary'; readonly types: readonly string[] }

/** The target's engine reads (or the source's engine writes) a whole file itself; nothing passes through this process's JavaScript. */
export interface FileEncoding { readonly kind: 'file' }

/** The dialect that Sluice itself writes when it makes `csv` parts: RFC 4180 with LF, NULL unquoted empty. */
export const CANONICAL_CSV: CsvEncoding = { kind: 'csv', delimiter: ',', quote: '"', escape: '"', nullText: '', charset: 'utf-8' };
export const COPY_TEXT: CopyTextEncoding = { kind: 'copy-text' };

export function describeEncoding(encoding: RowEncoding): string {
  if (encoding.kind !== 'csv') return encoding.kind;
  const show = (text: string): string => JSON.stringify(text);
  return `csv(delimiter ${show(encoding.delimiter)}, quote ${show(encoding.quote)}${encoding.charset === 'utf-8' ? '' : `, ${encoding.charset}`})`;
}
