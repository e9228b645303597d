/**
 * What a DuckDB file holds, as TableSchema. Tables only: no views, no temporary tables, no system schemas. Identifiers compare without
 * regard to case, as DuckDB does.
 */
import { columnTypeOf } from '../../engine/column-types.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import type { EngineColumn } from '../../engine/engine-type.ts';
import { DEFAULT_SCHEMA, quoteIdentifier, quoteString, quoteTable } from '../../engine/quoting.ts';
import type { Column, IndexSchema, TableName, TableSchema } from '../../rows/table-schema.ts';
import type { Reference } from '../connector.ts';

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  readonly sql: string;
}

interface Facts {
  readonly nullable: ReadonlyMap<string, boolean>;
  readonly defaults: ReadonlyMap<string, string>;
  readonly primaryKey: readonly string[];
  readonly indexes: readonly IndexSchema[];
}

export async function listTables(connection: EngineConnection): Promise<TableSchema[]> {
  const tables: TableSchema[] = [];
  for (const row of await tableRows(connection, '')) tables.push(await describe(connection, row));
  return tables;
}

export async function listReferences(connection: EngineConnection): Promise<Reference[]> {
  const rows = await connection.rows(`SELECT DISTINCT schema_name, table_name, referenced_table FROM duckdb_constraints()
    WHERE database_name = current_database() AND constraint_type = 'FOREIGN KEY' AND table_name <> referenced_table ORDER BY ALL`);
  return rows.map(([schema, table, parent]) => {
    const within = schema === DEFAULT_SCHEMA ? {} : { schema: String(schema) };
    return { table: { ...within, name: String(table) }, parent: { ...within, name: String(parent) } };
  });
}

export async function describeTable(connection: EngineConnection, name: TableName): Promise<TableSchema | undefined> {
  const schema = name.schema ?? DEFAULT_SCHEMA;
  const rows = await tableRows(connection, `AND lower(schema_name) = lower(${quoteString(schema)}) AND lower(table_name) = lower(${quoteString(name.name)})`);
  const row = rows.find((found) => found.name === name.name && found.schema === schema) ?? rows[0];
  return row === undefined ? undefined : describe(connection, row);
}

async function tableRows(connection: EngineConnection, filter: string): Promise<TableRow[]> {
  const rows = await connection.rows(`SELECT schema_name, table_name, estimated_size, sql FROM duckdb_tables()
    WHERE database_name = current_database() AND NOT internal AND NOT temporary ${filter} ORDER BY schema_name, table_name`);
  return rows.map(([schema, name, size, sql]) => ({ schema: String(schema), name: String(name), rows: Number(size), sql: String(sql) }));
}

async function describe(connection: EngineConnection, table: TableRow): Promise<TableSchema> {
  const columns = await connection.columns(`SELECT * FROM ${quoteTable(table)}`);
  const facts = await factsOf(connection, table);
  return {
    ...(table.schema === DEFAULT_SCHEMA ? {} : { schema: table.schema }),
    name: table.name,
    columns: columns.map((column) => columnOf(column, facts, table.sql)),
    primaryKey: facts.primaryKey,
    indexes: facts.indexes,
    estimatedRows: table.rows,
  };
}

function columnOf({ name, type }: EngineColumn, facts: Facts, sql: string): Column {
  const base: Column = { name, type: columnTypeOf(type), nullable: facts.nullable.get(name) ?? true, nativeType: type.sql };
  if (!facts.defaults.has(name)) return base;
  return { ...base, filled: isGenerated(name, sql) ? 'generated' : 'default' };
}

/** The catalog shows the expression of a generated column as its default; only the statement tells them apart. */
function isGenerated(name: string, sql: string): boolean {
  return [name, quoteIdentifier(name)].some((identifier) => {
    const escaped = identifier.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return new RegExp(String.raw`[(,]\s*${escaped}\s[^,]*?GENERATED ALWAYS AS\s*\(`, 'i').test(sql);
  });
}

async function factsOf(connection: EngineConnection, table: TableRow): Promise<Facts> {
  const at = `database_name = current_database() AND schema_name = ${quoteString(table.schema)} AND table_name = ${quoteString(table.name)}`;
  const columns = await connection.rows(`SELECT column_name, is_nullable, column_default FROM duckdb_columns() WHERE ${at}`);
  const keys = await connection.rows(`SELECT constraint_type, constraint_column_names, constraint_text FROM duckdb_constraints()
    WHERE ${at} AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') ORDER BY constraint_index`);
  const indexes = await connection.rows(`SELECT index_name, is_unique, expressions, sql FROM duckdb_indexes() WHERE ${at} ORDER BY index_name`);
  const constraints = keys.map(([type, names, text], i): IndexSchema => ({
    name: `${table.name}_${type === 'PRIMARY KEY' ? 'pkey' : `key${i}`}`,
    columns: (names as string[]).map(String), unique: true, primary: type === 'PRIMARY KEY', definition: String(text),
  }));
  return {
    nullable: new Map(columns.map(([name, nullable]) => [String(name), nullable === true])),
    defaults: new Map(columns.filter(([, , value]) => value !== null).map(([name, , value]) => [String(name), String(value)])),
    primaryKey: constraints.find((constraint) => constraint.primary)?.columns ?? [],
    indexes: [...constraints, ...indexes.map(([name, unique, expressions, sql]): IndexSchema => ({
      name: String(name), columns: indexColumns(String(expressions)), unique: unique === true, primary: false, definition: String(sql),
    }))],
  };
}

/** `[a, '"b c"']` as the catalog prints the list of an index's expressions. */
function indexColumns(expressions: string): string[] {
  return [...expressions.replace(/^\[|\]$/g, '').matchAll(/'"((?:[^"]|"")*)"'|"((?:[^"]|"")*)"|([^,]+)/g)]
    .map((match) => (match[1] ?? match[2] ?? match[3]).replaceAll('""', '"').trim());
}
