import type { ByteSink } from '../../io/byte-sink.ts';
import type { Format, FormatWriter, WriteOptions } from '../format.ts';
import { inspectCsv } from './inspect.ts';
import { CsvInput, detailsOf } from './inspected-csv.ts';
import { offeredEncodings } from './raw-encoding.ts';
import { readParts } from './reader.ts';
import { CsvWriter } from './writer.ts';

/** Delimited text: detection in detect.ts, header.ts and types.ts, reading in reader.ts, writing in writer.ts. */
export const csvFormat: Format = {
  name: 'csv',
  extensions: ['csv', 'tsv', 'tab', 'psv', 'txt'],
  inspect: inspectCsv,
  encodings: (inspected, table, fields) => offeredEncodings(new CsvInput(inspected.source, detailsOf(inspected), table.columns), fields),
  read: readParts,
  openWriter: (sink: ByteSink, options: WriteOptions): FormatWriter => new CsvWriter(sink, options),
};
