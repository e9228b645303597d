import type { Format } from '../format.ts';
import { inspectLines } from '../json/detect.ts';
import { RECORD_ENCODINGS, readRecords } from '../json/reader.ts';
import { locateRecords } from '../json/record-locator.ts';
import { NdjsonWriter } from './writer.ts';

/** One JSON object a line (NDJSON, JSON Lines); blank lines are skipped. */
export const ndjsonFormat: Format = {
  name: 'ndjson',
  extensions: ['ndjson', 'jsonl'],
  inspect: inspectLines,
  encodings: () => RECORD_ENCODINGS,
  read: readRecords,
  locate: locateRecords,
  openWriter: (sink) => new NdjsonWriter(sink),
};
