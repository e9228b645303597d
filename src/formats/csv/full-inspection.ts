import { isUtf8 } from 'node:buffer';
import type { Column } from '../../rows/table-schema.ts';
import type { InspectedSource } from '../format.ts';
import { CsvInput, detailsOf } from './inspected-csv.ts';
import { BlockPool } from './part-blocks.ts';
import { ENGINE_MAX_LINE_BYTES, standIns } from './raw-encoding.ts';
import type { RecordCursor } from './record-cursor.ts';
import { ranges } from './record-ranges.ts';
import { ColumnTypes } from './types.ts';

/** What all records together tell. */
interface Findings {
  readonly types: ColumnTypes;
  rows: number;
  largestRecord: number;
  regular: boolean;
}

/**
 * Reads everything once: types that hold every value, the exact number of records, and whether all of it is regular (also in the size of its records). Dialect and character set stay
 * what the samples said.
 * @throws SluiceError CSV_MALFORMED, CSV_FIELD_COUNT, RECORD_TOO_LARGE with their place; none when tolerant, then records that are none are counted only
 */
export async function inspectAll(sampled: InspectedSource, signal: AbortSignal): Promise<InspectedSource> {
  const table = sampled.tables[0];
  const details = detailsOf(sampled);
  const input = new CsvInput(sampled.source, details, table.columns, sampled.options.maxRecordBytes);
  const findings: Findings = { types: new ColumnTypes(table.columns.length), rows: 0, largestRecord: details.largestRecord, regular: true };
  await (sampled.options.tolerant === true ? seeFit(input, findings, signal) : seeAll(input, findings, signal));
  const { types, rows, largestRecord, regular } = findings;
  const said = sampled.options.types ?? {};
  const results = types.results();
  const columns = table.columns.map((column, i): Column => ({ ...column, type: said[column.name] ?? results[i] }));
  return {
    ...sampled,
    depth: 'full',
    tables: [{ ...table, columns, estimatedRows: rows }],
    details: { ...details, rows, largestRecord, regular: details.regular && regular && largestRecord <= ENGINE_MAX_LINE_BYTES / 2 },
  };
}

async function seeAll(input: CsvInput, findings: Findings, signal: AbortSignal): Promise<void> {
  const { dataStart, dataLine } = input.details;
  const cursor = input.cursor(dataStart, 1, dataLine);
  const scanner = input.scanner(standIns(input));
  const see = (final: boolean): void => {
    while (cursor.next(final)) seeRecord(cursor, findings);
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
  findings.rows = cursor.row;
  findings.regular = scanner.regular;
}

/** What is held at once of records that are some, besides one of them. */
const RANGE_BYTES = 1024 * 1024;

/** In ranges, as it will be read: a record that is too large, or a quote that is never closed, is passed over without being held. */
async function seeFit(input: CsvInput, findings: Findings, signal: AbortSignal): Promise<void> {
  const pool = new BlockPool(1, RANGE_BYTES, signal);
  const isText = input.details.charset === 'utf-8' ? isUtf8 : () => true;
  let blocks = await pool.take();
  let lineEnds = 0;
  for await (const range of ranges(input, { partBytes: RANGE_BYTES, tolerant: true, signal }, { keep: () => blocks })) {
    findings.rows += range.records;
    lineEnds |= range.lineEnds;
    findings.regular &&= range.regular && (lineEnds & (lineEnds - 1)) === 0;
    if (range.tooLarge !== true) {
      const cursor = input.cursor(range.start, range.row, range.line, true);
      const see = (final: boolean): void => {
        while (cursor.next(final)) if (cursor.problem === undefined && isText(cursor.bytes.subarray(cursor.recordStart, cursor.recordEnd))) seeRecord(cursor, findings);
      };
      for (const bytes of blocks.views()) {
        cursor.push(bytes);
        see(false);
      }
      see(true);
    }
    blocks.release();
    blocks = await pool.take();
  }
}

function seeRecord(cursor: RecordCursor, findings: Findings): void {
  findings.types.see(cursor.parser, cursor.bytes);
  findings.largestRecord = Math.max(findings.largestRecord, cursor.recordEnd - cursor.recordStart);
}
