import type { ByteSource } from '../../io/byte-source.ts';
import type { Column } from '../../rows/table-schema.ts';
import { DEFAULT_MAX_RECORD_BYTES, type InspectedSource } from '../format.ts';
import { isUtf16, utf16ToUtf8, type Charset } from './charset.ts';
import { dialectBytes, type CsvDialect, type DialectBytes } from './dialect.ts';
import { RecordCursor } from './record-cursor.ts';
import { RecordParser } from './record-parser.ts';
import { RecordScanner } from './record-scanner.ts';

/** `InspectedSource.details` of a CSV source: plain data, all that reading needs. Its words are those that people see in a plan. */
export interface CsvDetails extends CsvDialect {
  readonly header: boolean;
  readonly lineEnd: 'LF' | 'CR LF' | 'CR' | 'mixed';
  readonly bomBytes: number;
  /** Where the first data record begins, and its line (from 1). Bytes of the source; for UTF-16 bytes of its UTF-8 form, without the mark. */
  readonly dataStart: number;
  readonly dataLine: number;
  /** What was looked at is read alike by every reader of this dialect; false: the record parser must write it anew. */
  readonly regular: boolean;
  /** The largest record that was seen, in bytes. */
  readonly largestRecord: number;
  /** Columns whose header was empty or came twice: the name that they got, by number (from 1). */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Exact number of records; only after a full inspection. */
  readonly rows?: number;
}

export function detailsOf(inspected: InspectedSource): CsvDetails {
  return inspected.details as unknown as CsvDetails;
}

/** What reading and checking a CSV source needs to know of it, in the form that the code on the data path wants. */
export class CsvInput {
  readonly source: ByteSource;
  readonly details: CsvDetails;
  readonly columns: readonly Column[];
  readonly bytes: DialectBytes;
  readonly maxRecordBytes: number;
  /** Positions count bytes of the source. */
  readonly bytesKnown: boolean;

  constructor(source: ByteSource, details: CsvDetails, columns: readonly Column[], maxRecordBytes = DEFAULT_MAX_RECORD_BYTES) {
    this.source = source;
    this.details = details;
    this.columns = columns;
    this.bytes = dialectBytes(details);
    this.maxRecordBytes = maxRecordBytes;
    this.bytesKnown = !isUtf16(details.charset);
  }

  /** Ranges of the source can be read on their own. */
  get seekable(): boolean {
    return this.source.seekable && this.bytesKnown;
  }

  scanner(forbidden: readonly number[]): RecordScanner {
    return new RecordScanner(this.bytes, { oneColumn: this.columns.length === 1, forbidden, maxRecordBytes: this.maxRecordBytes });
  }

  /** A cursor for bytes that begin at `start`, with row `row` in line `line`. */
  cursor(start: number, row: number, line: number, tolerant = false): RecordCursor {
    return new RecordCursor({
      tolerant, parser: new RecordParser(this.bytes, tolerant), file: this.source.name, columns: this.columns.length, maxRecordBytes: this.maxRecordBytes,
      start, row, line, bytesKnown: this.bytesKnown,
    });
  }

  /** The bytes from `start` (a position as in the details) to `end`, in the form that records are parsed in. */
  async *read(start: number, end: number | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.seekable) {
      yield* this.source.read({ start, ...(end === undefined ? {} : { end }), signal });
      return;
    }
    let at = 0;
    const chunks = this.source.read({ signal });
    for await (const chunk of this.bytesKnown ? chunks : decodeUtf16(chunks, this.details, this.source.name)) {
      const from = Math.max(0, start - at);
      const to = Math.min(chunk.length, end === undefined ? Infinity : end - at);
      if (from < to) yield chunk.subarray(from, to);
      at += chunk.length;
      if (end !== undefined && at >= end) return;
    }
  }
}

function decodeUtf16(chunks: AsyncIterable<Uint8Array>, { charset, bomBytes }: { charset: Charset; bomBytes: number }, file: string): AsyncGenerator<Uint8Array, void, undefined> {
  return utf16ToUtf8(withoutFirst(chunks, bomBytes), charset as 'utf-16le' | 'utf-16be', bomBytes, file);
}

async function* withoutFirst(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count;
  for await (const chunk of chunks) {
    const skip = Math.min(left, chunk.length);
    left -= skip;
    if (skip < chunk.length) yield chunk.subarray(skip);
  }
}
