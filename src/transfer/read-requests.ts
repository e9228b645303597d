import type { Connection, ReadTableRequest } from '../connectors/connector.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { displayName, type TableSchema } from '../rows/table-schema.ts';
import { suggest } from './column-matching.ts';
import { parseTableName } from './import-target.ts';

export interface ReadChoice {
  readonly tables?: readonly string[];
  readonly query?: string;
  readonly where?: string;
  readonly columns?: readonly string[];
}

/**
 * What to read of a database: the query, the named tables, or all tables.
 * @throws SluiceError TABLE_UNKNOWN, COLUMN_UNKNOWN with the nearest name; USAGE for choices that exclude each other
 */
export async function requestsFor(connection: Connection, choice: ReadChoice): Promise<ReadTableRequest[]> {
  if (choice.query !== undefined) {
    if (choice.tables !== undefined || choice.where !== undefined || choice.columns !== undefined) {
      throw new SluiceError('USAGE', { what: '--query excludes --table, --where and --columns: write them into the query' });
    }
    return [{ kind: 'query', name: 'query', sql: choice.query }];
  }
  const tables = choice.tables === undefined ? await connection.listTables() : await describeAll(connection, choice.tables);
  if (tables.length === 0) {
    throw new SluiceError('TABLE_UNKNOWN', { table: '(any)', connection: connection.name, suggestion: 'The database has no tables.' });
  }
  if (tables.length > 1 && (choice.where !== undefined || choice.columns !== undefined)) {
    throw new SluiceError('USAGE', { what: '--where and --columns need one --table' });
  }
  return tables.map((table) => {
    checkColumns(table, choice.columns);
    return {
      kind: 'table',
      table,
      ...(choice.columns === undefined ? {} : { columns: choice.columns }),
      ...(choice.where === undefined ? {} : { where: choice.where }),
    };
  });
}

async function describeAll(connection: Connection, names: readonly string[]): Promise<TableSchema[]> {
  const found: TableSchema[] = [];
  for (const name of names) {
    const table = await connection.describeTable(parseTableName(name));
    if (table === undefined) {
      const known = (await connection.listTables()).map(displayName);
      throw new SluiceError('TABLE_UNKNOWN', { table: name, connection: connection.name, suggestion: suggest(name, known) }, { table: name });
    }
    found.push(table);
  }
  return found;
}

function checkColumns(table: TableSchema, columns: readonly string[] | undefined): void {
  const known = table.columns.map((column) => column.name);
  for (const column of columns ?? []) {
    if (known.includes(column)) continue;
    throw new SluiceError('COLUMN_UNKNOWN', { table: displayName(table), column, suggestion: suggest(column, known) }, { table: displayName(table), column });
  }
}
