import type { Format } from '../format.ts';
import { inspectJson } from './detect.ts';
import { RECORD_ENCODINGS, readRecords } from './reader.ts';
import { locateRecords } from './record-locator.ts';
import { JsonWriter } from './writer.ts';

/** One JSON document: an array of objects, or objects in arrays under keys. RFC 8259, strictly; streamed, so that no document is too large. */
export const jsonFormat: Format = {
  name: 'json',
  extensions: ['json', 'geojson'],
  inspect: inspectJson,
  encodings: () => RECORD_ENCODINGS,
  read: readRecords,
  locate: locateRecords,
  openWriter: (sink, options) => new JsonWriter(sink, options.multipleTables),
};
