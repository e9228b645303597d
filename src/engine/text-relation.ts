/**
 * Encoded rows as a relation of the engine: its CSV reader over a path (a named pipe), every field as text. The reader's own conversions are not
 * used, because they lose silently (load-rules.ts).
 *
 * Traps of the reader that this file knows: a quoted empty field would be NULL without `allow_quoted_nulls = false`; the empty lines of a
 * one-column table are dropped unless empty means NULL, so such tables get a second, constant field on the way.
 */
import type { CsvEncoding, RowEncoding } from '../rows/row-encoding.ts';
import { VARCHAR, type EngineType } from './engine-type.ts';
import { quoteString } from './quoting.ts';
import { mayNeedEscapes } from './text-expressions.ts';

const TAB = 0x09, LF = 0x0a;
const NO_QUOTE = '\u0001';

const SMALLEST_RECORD_LIMIT = 32 * 1024 * 1024;
const LARGEST_RECORD_LIMIT = 256 * 1024 * 1024;

interface TextRelation {
  readonly relation: string;
  /** One per field, SQL over the relation: the field's text. */
  readonly expressions: readonly string[];
  /** What must be done to the bytes on their way into the pipe. */
  readonly through: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/** The largest record that the reader takes: its buffers are that large, so the limit follows the engine's memory. */
export function recordLimit(memoryLimitBytes: number): number {
  return Math.min(LARGEST_RECORD_LIMIT, Math.max(SMALLEST_RECORD_LIMIT, Math.floor(memoryLimitBytes / 8)));
}

/** True when `textRelation` can read it. */
export function canReadText(encoding: RowEncoding, fields: number): boolean {
  if (encoding.kind === 'copy-text') return true;
  if (encoding.kind !== 'csv' || encoding.charset !== 'utf-8') return false;
  const oneByte = [encoding.delimiter, encoding.quote, encoding.escape].every((text) => text.length <= 1 && !/[\u0080-\uffff]/.test(text));
  return oneByte && encoding.delimiter.length === 1 && (fields > 1 || encoding.nullText === '');
}

/** @param types the columns that the fields go to; they only decide which fields can hold escapes */
export function textRelation(path: string, encoding: RowEncoding, types: readonly EngineType[], memoryLimitBytes: number): TextRelation {
  const copyText = encoding.kind === 'copy-text';
  const filler = copyText && types.length === 1;
  const fields = types.map((_, i) => `c${i}`);
  const names = filler ? [...fields, 'filler'] : fields;
  const limit = recordLimit(memoryLimitBytes);
  const options = [
    'auto_detect = false', 'header = false', 'allow_quoted_nulls = false', 'strict_mode = true',
    ...(copyText ? [`delim = '\t'`, `quote = ''`, `escape = ''`, `nullstr = '\\N'`] : csvOptions(encoding as CsvEncoding)),
    `max_line_size = ${limit}`, `buffer_size = ${limit}`,
    `columns = {${names.map((name) => `${name}: 'VARCHAR'`).join(', ')}}`,
  ];
  return {
    relation: `read_csv(${quoteString(path)}, ${options.join(', ')})`,
    expressions: fields.map((field, i) => (copyText && mayNeedEscapes(types[i] ?? VARCHAR) ? unescaped(field) : field)),
    through: filler ? withFiller : (chunks) => chunks,
  };
}

function csvOptions(encoding: CsvEncoding): string[] {
  const quoting = encoding.quote !== '' && encoding.quote !== NO_QUOTE;
  return [
    `delim = ${quoteString(encoding.delimiter)}`,
    `quote = ${quoteString(quoting ? encoding.quote : '')}`,
    `escape = ${quoteString(quoting ? encoding.escape : '')}`,
    `nullstr = ${quoteString(encoding.nullText)}`,
  ];
}

/**
 * Undoes copy-text's escapes. Splitting at double backslashes first keeps `\\n` (a backslash and an n) apart from `\n`: read from the left, a double
 * backslash can only be found where an escape begins.
 */
function unescaped(field: string): string {
  const escapes: [string, number][] = [['t', 9], ['n', 10], ['r', 13], ['b', 8], ['f', 12], ['v', 11]];
  const piece = escapes.reduce((inner, [letter, code]) => `replace(${inner}, '\\${letter}', chr(${code}))`, 'p');
  return `CASE WHEN contains(${field}, '\\') THEN array_to_string(list_transform(string_split(${field}, '\\\\'), lambda p: ${piece}), '\\') ELSE ${field} END`;
}

/** A second, empty field behind the only one of each record. In copy-text every LF byte ends a record. */
async function* withFiller(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let out = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (out.length < chunk.length * 2) out = new Uint8Array(chunk.length * 2);
    let at = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF) out[at++] = TAB;
      out[at++] = byte;
    }
    yield out.subarray(0, at);
  }
}
