import { formatSuite } from './format-suite.ts';

const SIZES = [1, 2, 3, 7, 64, 4_093, 1 << 20];

formatSuite({ name: 'csv', infiniteDates: true, manyTables: false, jsonNull: true, emptyTable: true, noBytes: 'SOURCE_EMPTY', compressible: true, chunkSizes: SIZES });
formatSuite({ name: 'json', infiniteDates: true, manyTables: true, jsonNull: false, emptyTable: true, noBytes: 'JSON_MALFORMED', compressible: true, chunkSizes: SIZES });
formatSuite({ name: 'ndjson', infiniteDates: true, manyTables: false, jsonNull: false, emptyTable: false, noBytes: 'SOURCE_EMPTY', compressible: true, chunkSizes: SIZES });
formatSuite({ name: 'sql', infiniteDates: true, manyTables: true, jsonNull: true, emptyTable: true, noBytes: 'SOURCE_EMPTY', compressible: true, chunkSizes: SIZES });
// Read by the engine from a file: the bytes are not ours to cut.
formatSuite({ name: 'parquet', infiniteDates: false, manyTables: false, jsonNull: true, emptyTable: true, noBytes: 'SOURCE_EMPTY', compressible: false, chunkSizes: [997, 1 << 20] });
