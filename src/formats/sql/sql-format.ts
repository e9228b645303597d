import type { Format } from '../format.ts';
import { inspectDump } from './inspect.ts';
import { DUMP_ENCODINGS, readDump } from './reader.ts';
import { SqlWriter } from './writer.ts';

/**
 * SQL dumps. Read: CREATE TABLE, INSERT … VALUES and COPY … FROM stdin, of PostgreSQL, MySQL, SQLite, SQL Server, Oracle and our own; written: a script
 * for PostgreSQL or DuckDB. Nothing that is read is ever executed.
 */
export const sqlFormat: Format = {
  name: 'sql',
  extensions: ['sql'],
  inspect: inspectDump,
  encodings: () => DUMP_ENCODINGS,
  read: readDump,
  openWriter: (sink, options) => new SqlWriter(sink, options),
};
