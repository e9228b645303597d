/**
 * From a line of a part's encoded bytes, as a database names it in an error, to the place in the source. PostgreSQL counts the line ends that end
 * records and those inside quotes; in the latter case only the byte that its idea of the line end is (CR for CR LF).
 *
 * Runs after a failure only, so it reads and parses the part once more.
 */
import type { RecordPlace, Rejection } from '../../rows/rejection.ts';
import type { BoundField } from '../format.ts';
import type { CsvInput } from './inspected-csv.ts';
import type { RecordRange } from './range-cutter.ts';
import type { RecordCursor } from './record-cursor.ts';
import { LINE_END } from './record-scanner.ts';

export interface SourcePlace {
  row?: number;
  line?: number;
  byte?: number;
  file?: string;
}

export interface LocateRequest {
  readonly input: CsvInput;
  readonly range: RecordRange;
  readonly fields: readonly BoundField[];
  /** How the target saw the part. With 'file', the line is one of the file itself. */
  readonly encoding: 'raw' | 'csv' | 'copy-text' | 'copy-binary' | 'file';
  /** Undefined where the source cannot be read again. */
  readonly bytes: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  /** Of a tolerant reading: the records that the target did not see. */
  readonly leftOut?: readonly Rejection[];
}

export async function locateLine(request: LocateRequest, line: number): Promise<SourcePlace> {
  const { input, range, bytes, leftOut } = request;
  const file = input.source.name;
  if (bytes === undefined) return withoutBytes(request, line);
  const cursor = input.cursor(range.start, range.row, range.line, leftOut !== undefined);
  const unseen = new Set(leftOut?.map(({ record }) => range.row + record - 1));
  let current = request.encoding === 'file' ? range.line : 1;
  const found = (): SourcePlace | undefined => {
    if (unseen.has(cursor.row)) return undefined;
    current += linesOf(request, cursor);
    return current > line ? { file, row: cursor.row, line: cursor.line, ...(input.bytesKnown ? { byte: cursor.byte } : {}) } : undefined;
  };
  for await (const chunk of bytes) {
    cursor.push(chunk);
    while (cursor.next(false)) {
      const place = found();
      if (place !== undefined) return place;
    }
  }
  cursor.push(new Uint8Array(0));
  while (cursor.next(true)) {
    const place = found();
    if (place !== undefined) return place;
  }
  return { file };
}

/** The places of records of a range, by their numbers (ascending) in it. */
export async function* placesOf(input: CsvInput, range: RecordRange, records: readonly number[], read: () => AsyncIterable<Uint8Array>): AsyncGenerator<RecordPlace, void, undefined> {
  const file = input.source.name;
  if (range.tooLarge === true) {
    const end = range.end - (range.lineEnds === 0 ? 0 : range.lineEnds === LINE_END.crlf ? 2 : 1);
    for (const _ of records) yield { file, row: range.row, line: range.line, ...(input.bytesKnown ? { byte: range.start, endByte: end } : {}) };
    return;
  }
  const cursor = input.cursor(range.start, range.row, range.line, true);
  let next = 0;
  function* reached(final: boolean): Generator<RecordPlace, void, undefined> {
    while (next < records.length && cursor.next(final)) {
      if (cursor.row - range.row + 1 !== records[next]) continue;
      next++;
      const { bytes, recordStart, recordEnd, byte } = cursor;
      const length = withoutLineEnd(bytes, recordStart, recordEnd) - recordStart;
      yield { file, row: cursor.row, line: cursor.line, ...(input.bytesKnown ? { byte, endByte: byte + length } : {}) };
    }
  }
  for await (const chunk of read()) {
    cursor.push(chunk);
    yield* reached(false);
    if (next === records.length) return;
  }
  cursor.push(new Uint8Array(0));
  yield* reached(true);
}

/** The place of a record of the whole source. */
export async function locateRow(input: CsvInput, row: number, signal: AbortSignal): Promise<SourcePlace> {
  const { dataStart, dataLine } = input.details;
  const cursor = input.cursor(dataStart, 1, dataLine);
  const isThere = (final: boolean): boolean => {
    while (cursor.row < row) if (!cursor.next(final)) return false;
    return true;
  };
  for await (const chunk of input.read(dataStart, undefined, signal)) {
    cursor.push(chunk);
    if (isThere(false)) return cursor.place();
  }
  return isThere(true) ? cursor.place() : { file: input.source.name, row };
}

/** What is known of a stream that is gone: the row where each record is one line, the line where the bytes passed as they are. */
function withoutBytes({ input, range, encoding }: LocateRequest, line: number): SourcePlace {
  const file = input.source.name;
  const oneLineEach = range.lines === range.records;
  if (encoding === 'copy-text' || oneLineEach) return { file, row: range.row + line - 1, ...(oneLineEach ? { line: range.line + line - 1 } : {}) };
  return encoding === 'raw' ? { file, line: range.line + line - 1 } : { file };
}

/** Lines that the cursor's record has as the target saw it. */
function linesOf({ encoding, range, fields, input }: LocateRequest, cursor: RecordCursor): number {
  const { parser, bytes } = cursor;
  switch (encoding) {
    case 'file': return parser.lines;
    case 'raw': {
      const end = withoutLineEnd(bytes, cursor.recordStart, cursor.recordEnd);
      return 1 + count(bytes, cursor.recordStart, end, range.lineEnds === LINE_END.lf ? 0x0a : 0x0d);
    }
    case 'csv': {
      let lines = 1;
      for (const field of fields) {
        const index = field.absent === true ? -1 : input.columns.findIndex((column) => column.name === field.source);
        if (index >= 0) lines += count(bytes, parser.starts[index], parser.ends[index], 0x0a);
      }
      return lines;
    }
    default: return 1;
  }
}

function withoutLineEnd(bytes: Uint8Array, start: number, end: number): number {
  let last = end;
  if (last > start && bytes[last - 1] === 0x0a) last--;
  if (last > start && bytes[last - 1] === 0x0d) last--;
  return last;
}

function count(bytes: Uint8Array, from: number, to: number, wanted: number): number {
  let found = 0;
  for (let i = from; i < to; i++) if (bytes[i] === wanted) found++;
  return found;
}
