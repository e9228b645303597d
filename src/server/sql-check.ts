import { SluiceError } from '../errors/sluice-error.ts';

/**
 * SQL of a request for an embedded database. A server like PostgreSQL knows its user and what he may read; the embedded engine runs as this process and reads any file of the machine
 * that a query names. So the text of a query is not taken for it over HTTP: tables and columns are.
 * @throws SluiceError SQL_REFUSED
 */
export async function checkEmbeddedSql(url: string, sql: { readonly query?: string | undefined; readonly where?: string | undefined }): Promise<void> {
  if (!/^duckdb:/i.test(url) || (sql.query === undefined && sql.where === undefined)) return;
  throw new SluiceError('SQL_REFUSED', { reason: 'the embedded engine could read files of the server by it' });
}
