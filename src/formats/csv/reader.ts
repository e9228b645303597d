/**
 * Yields the rows of a CSV source as parts.
 *
 * A seekable source is scanned once for record ends; each part then reads its range again (from the page cache) and passes it on as it is. A source
 * that cannot seek, or is UTF-16, keeps the bytes of a part while it is scanned. Where the bytes cannot pass as they are (fields chosen or
 * reordered, another character set, a part whose quotes or line ends a database would read differently), the record parser writes that
 * part anew, in the encoding announced for the table.
 */
import type { InspectedSource, ReadRequest, TablePart } from '../format.ts';
import { CsvPart, type PartContext } from './csv-part.ts';
import { CsvInput, detailsOf } from './inspected-csv.ts';
import { nativeFile } from './native-file.ts';
import { NativePart } from './native-part.ts';
import { BlockPool } from './part-blocks.ts';
import type { RecordRange } from './range-cutter.ts';
import { isIdentity, offeredEncodings, rawEncoding, standIns } from './raw-encoding.ts';
import { asBuffer, ranges } from './record-ranges.ts';
import { ValueGuard } from './value-guard.ts';

export async function* readParts(inspected: InspectedSource, request: ReadRequest): AsyncGenerator<TablePart, void, undefined> {
  const table = inspected.tables[0];
  const input = new CsvInput(inspected.source, detailsOf(inspected), table.columns, inspected.options.maxRecordBytes);
  const binding = await request.bind(table, (fields) => offeredEncodings(input, fields, request.tolerant));
  const { signal } = request;
  if (binding === null) {
    let rows = 0;
    for await (const range of ranges(input, request)) rows += range.records;
    request.onSkipped?.(table, rows);
    return;
  }
  const raw = binding.encoding.kind === 'csv' && JSON.stringify(binding.encoding) === JSON.stringify(rawEncoding(input))
    && isIdentity(input, binding.fields.map((field) => (field.absent === true ? '' : field.source)))
    && binding.fields.every((field) => field.type.kind !== 'array');
  // After a full inspection no value surprises; a type that the user gave is the target's to judge.
  const said = new Set(Object.keys(inspected.options.types ?? {}));
  const typed = new ValueGuard(input.bytes, table.columns, binding.fields, said);
  const trusted = inspected.depth === 'full' || request.trustSampledTypes === true;
  const guard = trusted ? new ValueGuard(input.bytes, table.columns, [], said) : typed;
  const isExact = (column: string): boolean => (inspected.depth === 'full' ? typed : guard).guards(column);
  const context: PartContext = { input, binding, raw, guard, signal, replayable: request.replayable === true, tolerant: request.tolerant === true };
  if (binding.encoding.kind === 'file') yield new NativePart(context, nativeFile(input, binding, isExact), () => (guard.idle ? ranges(input, request) : guardedRanges(input, request, guard)));
  else if (input.seekable) for await (const range of ranges(input, request)) yield new CsvPart(context, range);
  else yield* bufferedParts(context, request);
}

/**
 * The same for whoever only counts while values are compared with their types: the walk of the guard knows the records already, so nothing is scanned twice.
 * Only records that are not obvious are looked at by the scanner, for what makes them irregular. Ranges end wherever a chunk does.
 */
async function* guardedRanges(input: CsvInput, request: ReadRequest, guard: ValueGuard): AsyncGenerator<RecordRange, void, undefined> {
  const { dataStart, dataLine } = input.details;
  const cursor = input.cursor(dataStart, 1, dataLine, request.tolerant);
  const scanner = input.scanner(standIns(input));
  let regular = true;
  let lineEnds = 0;
  const look = (): void => {
    scanner.begin(0);
    scanner.scan(cursor.bytes, cursor.recordStart, cursor.recordEnd, 0);
    if (!scanner.insideQuotes) scanner.finish(cursor.recordEnd);
    lineEnds |= scanner.lineEnds;
    regular &&= scanner.regular;
  };
  let position = dataStart;
  let index = 0;
  const rangeSince = (row: number, line: number, bytes: number): RecordRange => {
    lineEnds |= guard.lineEnds;
    regular &&= (lineEnds & (lineEnds - 1)) === 0;
    const range = { index: index++, start: position, end: position + bytes, row: row + 1, line, records: cursor.row - row, lines: 0, regular, lineEnds };
    position += bytes;
    return range;
  };
  for await (const bytes of input.read(dataStart, undefined, request.signal)) {
    const { row, line } = cursor;
    regular &&= !asBuffer(bytes).includes(0);
    cursor.push(bytes);
    guard.check(cursor, false, look);
    yield rangeSince(row, line, bytes.length);
  }
  const { row, line } = cursor;
  guard.check(cursor, true, look);
  yield rangeSince(row, line, 0);
}

async function* bufferedParts(context: PartContext, request: ReadRequest): AsyncGenerator<TablePart, void, undefined> {
  const { input, signal } = context;
  const pool = new BlockPool(request.jobs + 1, request.partBytes, signal);
  let blocks = await pool.take();
  for await (const range of ranges(input, request, { keep: () => blocks })) {
    yield new CsvPart(context, range, blocks);
    if (range.last !== true) blocks = await pool.take();
  }
}
