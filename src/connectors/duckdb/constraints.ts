/**
 * What a table demands of its rows, for judging rows that wait in a staging table. Of a table that exists the catalog says it, of one that the run creates the plan.
 *
 * A row that waits has the columns that are loaded; the others will get their defaults, which are known in advance when they are constants. A constraint
 * over anything else (a sequence, the time) is left out here: the engine has the last word on it when the rows are inserted, and a refusal publishes nothing.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { DEFAULT_SCHEMA, quoteIdentifier, quoteString } from '../../engine/quoting.ts';
import type { LoadTablePlan } from '../connector.ts';

export interface TableConstraints {
  /** Columns that are not loaded and yet known: quoted name and SQL of the constant. */
  readonly constants: readonly { readonly name: string; readonly sql: string }[];
  readonly notNull: readonly { readonly name: string; readonly column: string }[];
  readonly checks: readonly { readonly name: string; readonly expression: string }[];
  readonly uniques: readonly UniqueKey[];
  readonly foreignKeys: readonly ForeignKey[];
}

export interface UniqueKey {
  readonly name: string;
  /** SQL over a row of the table. A row with NULL in any of them conflicts with none. */
  readonly expressions: readonly string[];
  /** The columns, where the key is made of columns. */
  readonly columns: readonly string[];
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** In the same schema, as the engine demands. */
  readonly parent: string;
  readonly parentColumns: readonly string[];
}

interface CatalogConstraint {
  readonly type: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly expression: string;
  readonly parent: string;
  readonly parentColumns: readonly string[];
}

export async function constraintsOf(connection: EngineConnection, plan: LoadTablePlan, run: RunOptions): Promise<TableConstraints> {
  return plan.creates ? planned(plan) : inCatalog(connection, plan, run);
}

function planned({ columns, key, name }: LoadTablePlan): TableConstraints {
  const notNull = columns.filter((column) => !column.nullable || key.includes(column.name)).map((column) => ({ name: `${name.name}_${column.name}_not_null`, column: column.name }));
  const uniques = key.length === 0 ? [] : [uniqueOver(`${name.name}_${key.join('_')}_pkey`, key)];
  return { constants: [], notNull, checks: [], uniques, foreignKeys: [] };
}

async function inCatalog(connection: EngineConnection, plan: LoadTablePlan, run: RunOptions): Promise<TableConstraints> {
  const at = `database_name = current_database() AND schema_name = ${quoteString(plan.name.schema ?? DEFAULT_SCHEMA)} AND table_name = ${quoteString(plan.name.name)}`;
  const loaded = new Set(plan.columns.map(({ name }) => name.toLowerCase()));
  const others = (await connection.rows(`SELECT column_name, data_type, column_default FROM duckdb_columns() WHERE ${at}`, run))
    .map(([name, type, fallback]) => ({ name: String(name), type: String(type), fallback: fallback === null ? 'NULL' : String(fallback) }))
    .filter(({ name }) => !loaded.has(name.toLowerCase()));
  // In an upsert, columns that are not loaded keep what they have in rows that are there.
  const known = plan.mode === 'upsert' ? [] : others.filter(({ fallback }) => CONSTANT.test(fallback));
  const unknown = others.filter((column) => !known.includes(column)).map(({ name }) => name);
  const constraints = (await catalogConstraints(connection, at, run)).filter(({ columns }) => !columns.some((column) => unknown.includes(column)));
  const indexes = await connection.rows(`SELECT index_name, sql FROM duckdb_indexes() WHERE ${at} AND is_unique ORDER BY index_name`, run);
  return {
    constants: known.map(({ name, type, fallback }) => ({ name: quoteIdentifier(name), sql: `CAST(${fallback} AS ${type})` })),
    notNull: constraints.filter(({ type, columns }) => type === 'NOT NULL' && loaded.has(columns[0].toLowerCase())).map(({ name, columns }) => ({ name, column: columns[0] })),
    checks: constraints.filter(({ type }) => type === 'CHECK').map(({ name, expression }) => ({ name, expression })),
    uniques: [
      ...constraints.filter(({ type }) => type === 'PRIMARY KEY' || type === 'UNIQUE').map(({ name, columns }) => uniqueOver(name, columns)),
      ...indexes.map(([name, sql]): UniqueKey => ({ name: String(name), expressions: indexExpressions(String(sql)), columns: [] }))
        .filter(({ expressions }) => !unknown.some((column) => mentions(expressions.join(','), column))),
    ],
    foreignKeys: constraints.filter(({ type }) => type === 'FOREIGN KEY').map(({ name, columns, parent, parentColumns }) => ({ name, columns, parent, parentColumns })),
  };
}

const CONSTANT = /^(?:NULL|true|false|-?[0-9.]+|'(?:[^']|'')*'|CAST\((?:NULL|'(?:[^']|'')*'|-?[0-9.]+) AS [^()]*(?:\([0-9, ]*\))?\))$/i;

async function catalogConstraints(connection: EngineConnection, at: string, run: RunOptions): Promise<CatalogConstraint[]> {
  const rows = await connection.rows(`SELECT constraint_type, constraint_name, constraint_column_names, expression, referenced_table, referenced_column_names
    FROM duckdb_constraints() WHERE ${at} ORDER BY constraint_index`, run);
  return rows.map(([type, name, columns, expression, parent, parentColumns]) => ({
    type: String(type), name: String(name), columns: (columns as string[]).map(String), expression: String(expression ?? 'true'),
    parent: String(parent ?? ''), parentColumns: ((parentColumns ?? []) as string[]).map(String),
  }));
}

function uniqueOver(name: string, columns: readonly string[]): UniqueKey {
  return { name, columns, expressions: columns.map(quoteIdentifier) };
}

function mentions(sql: string, column: string): boolean {
  return sql.toLowerCase().includes(column.toLowerCase());
}

/** The list in `CREATE UNIQUE INDEX i ON t((lower("name")), "p q");`, as the engine writes the statement. */
function indexExpressions(sql: string): string[] {
  const tokens = sql.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[()[\],]|[^"'()[\],]+/g) ?? [];
  const expressions: string[] = [];
  let depth = 0;
  let text = '';
  for (const token of tokens) {
    if (token === ')' || token === ']') depth--;
    if (depth > 0 && !(depth === 1 && token === ',')) text += token;
    if (depth === 1 && token === ',' || depth === 0 && token === ')') {
      expressions.push(text.trim());
      text = '';
    }
    if (token === '(' || token === '[') depth++;
  }
  return expressions;
}
