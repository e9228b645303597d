import { parseByteSize } from '../../config/byte-size.ts';
import type { ReadOptions } from '../../formats/format.ts';
import type { CommandScope } from '../common-options.ts';
import { parseCharset } from './choices.ts';
import { parseColumnTypes } from '../../rows/parse-column-type.ts';
import { parseDelimiter, parseEscape, parseQuote } from '../../config/csv-dialect.ts';
import { definedOnly } from './defined-only.ts';

export interface ReadFlags {
  readonly format?: string;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly escape?: string;
  /** False with --no-header, true with --header, else detected. */
  readonly header?: boolean;
  readonly nullText?: string;
  readonly encoding?: string;
  readonly type?: string[];
  readonly jsonPath?: string;
  readonly maxRecordSize?: string;
}

/** What was said of how the files are to be read; what is absent is detected. @throws SluiceError USAGE */
export function readOptions(flags: ReadFlags, scope: CommandScope): ReadOptions {
  const csv = definedOnly({
    // `--format tsv` is CSV with a tab.
    delimiter: parseDelimiter(flags.delimiter) ?? (flags.format?.toLowerCase() === 'tsv' ? '\t' : undefined),
    quote: parseQuote(flags.quote),
    escape: parseEscape(flags.escape),
    header: flags.header,
    nullText: flags.nullText,
  });
  return definedOnly({
    csv: Object.keys(csv).length === 0 ? undefined : csv,
    charset: parseCharset(flags.encoding),
    jsonPath: flags.jsonPath,
    types: parseColumnTypes(flags.type, '--type'),
    maxRecordBytes: flags.maxRecordSize === undefined ? scope.configuration.settings.maxRecordSize : parseByteSize(flags.maxRecordSize, '--max-record-size'),
  });
}
