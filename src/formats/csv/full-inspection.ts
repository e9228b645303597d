import type { Column } from '../../rows/table-schema.ts';
import type { InspectedSource } from '../format.ts';
import { CsvInput, detailsOf } from './inspected-csv.ts';
import { ENGINE_MAX_LINE_BYTES, standIns } from './raw-encoding.ts';
import { ColumnTypes } from './types.ts';

/**
 * Reads everything once: types that hold every value, the exact number of records, and whether all of it is regular (also in the size of its records). Dialect and character set stay
 * what the samples said.
 * @throws SluiceError CSV_MALFORMED, CSV_FIELD_COUNT, RECORD_TOO_LARGE with their place
 */
export async function inspectAll(sampled: InspectedSource, signal: AbortSignal): Promise<InspectedSource> {
  const table = sampled.tables[0];
  const details = detailsOf(sampled);
  const input = new CsvInput(sampled.source, details, table.columns, sampled.options.maxRecordBytes);
  const { dataStart, dataLine } = details;
  const cursor = input.cursor(dataStart, 1, dataLine);
  const scanner = input.scanner(standIns(input));
  const types = new ColumnTypes(table.columns.length);
  let largestRecord = details.largestRecord;
  const see = (final: boolean): void => {
    while (cursor.next(final)) {
      types.see(cursor.parser, cursor.bytes);
      largestRecord = Math.max(largestRecord, cursor.recordEnd - cursor.recordStart);
    }
  };
  let base = dataStart;
  scanner.begin(base);
  for await (const bytes of input.read(dataStart, undefined, signal)) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    scanner.scan(chunk, 0, chunk.length, base);
    cursor.push(chunk);
    see(false);
    base += chunk.length;
  }
  see(true);
  scanner.finish(base);
  const said = sampled.options.types ?? {};
  const results = types.results();
  const columns = table.columns.map((column, i): Column => ({ ...column, type: said[column.name] ?? results[i] }));
  return {
    ...sampled,
    depth: 'full',
    tables: [{ ...table, columns, estimatedRows: cursor.row }],
    details: { ...details, rows: cursor.row, largestRecord, regular: details.regular && scanner.regular && largestRecord <= ENGINE_MAX_LINE_BYTES / 2 },
  };
}
