import type { Format } from '../format.ts';
import { inspectParquet } from './parquet-inspect.ts';
import { PARQUET_ENCODINGS, readParquet } from './parquet-read.ts';
import { ParquetWriter } from './parquet-writer.ts';

/** Parquet files, read and written by the embedded engine. One file is one table. */
export const parquetFormat: Format = {
  name: 'parquet',
  extensions: ['parquet', 'pq'],
  inspect: inspectParquet,
  encodings: () => PARQUET_ENCODINGS,
  read: readParquet,
  openWriter: (sink, options) => new ParquetWriter(sink, options),
};
