/**
 * Decides how a table will be loaded: pure catalog work, the result is plain data. Everything a run loads goes into one transaction, so a plan
 * differs only in what happens before the rows (CREATE, DELETE) and after them (merging, keys).
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { columnTypeOf, engineTypeFor } from '../../engine/column-types.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import type { EngineType } from '../../engine/engine-type.ts';
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import { displayName, type Column, type TableSchema } from '../../rows/table-schema.ts';
import type { LoadMode, LoadTablePlan, LoadTableSpec } from '../connector.ts';
import { describeTable } from './catalog.ts';

/** Shown in plans for numerics whose DECIMAL is found when all values are known. */
const FITTED = 'DECIMAL (fitted to the values)';

export async function planLoad(catalog: EngineConnection, spec: LoadTableSpec, connection: string): Promise<LoadTablePlan> {
  const existing = await describeTable(catalog, spec.table);
  return existing === undefined ? planCreation(catalog, spec) : planExisting(spec, existing, connection);
}

async function planCreation(catalog: EngineConnection, spec: LoadTableSpec): Promise<LoadTablePlan> {
  const table = displayName(spec.table);
  const columns: Column[] = [];
  for (const column of spec.columns) columns.push(createdColumn(column, await nativeType(catalog, column, spec)));
  rejectTwins(columns, table);
  const mode: LoadMode = spec.mode === 'replace' ? 'append' : spec.mode;
  const key = mode === 'upsert' ? upsertKey(spec, columns, [], table) : [...(spec.primaryKey ?? [])];
  const definitions = columns.map((column) => `${quoteIdentifier(column.name)} ${column.nativeType ?? FITTED}${column.nullable && !key.includes(column.name) ? '' : ' NOT NULL'}`);
  if (key.length > 0) definitions.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`);
  return {
    table, name: spec.table, mode, creates: true, publication: 'transaction', columns, key, maxWriters: 1, accepts: ['file', 'csv', 'copy-text'],
    statements: [`CREATE TABLE ${quoteTable(spec.table)} (${definitions.join(', ')})`, ...insertStatements(spec, columns, mode === 'upsert' ? key : [])],
  };
}

/** Plans are plain data: the engine's types are found again from their names. Undefined: fitted to the data. */
export async function typesOf(plan: LoadTablePlan, catalog: EngineConnection): Promise<(EngineType | undefined)[]> {
  const types: (EngineType | undefined)[] = [];
  for (const column of plan.columns) {
    if (column.nativeType === undefined) types.push(engineTypeFor(column.type));
    else types.push((await catalog.columns(`SELECT CAST(NULL AS ${column.nativeType}) AS v`))[0].type);
  }
  return types;
}

/** The type in the source's own words where it is the same engine's. */
async function nativeType(catalog: EngineConnection, column: Column, spec: LoadTableSpec): Promise<EngineType | undefined> {
  if (spec.nativeTypesOf !== 'duckdb' || column.nativeType === undefined) return engineTypeFor(column.type);
  const found = await catalog.columns(`SELECT CAST(NULL AS ${column.nativeType}) AS v`).catch(() => []);
  return found[0]?.type ?? engineTypeFor(column.type);
}

function createdColumn(column: Column, type: EngineType | undefined): Column {
  const { name, nullable } = column;
  return type === undefined ? { name, nullable, type: { kind: 'numeric' } } : { name, nullable, type: columnTypeOf(type), nativeType: type.sql };
}

/** Names that differ only in case are one name to the engine. */
function rejectTwins(columns: readonly Column[], table: string): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new SluiceError('USAGE', { what: `The columns "${twin}" and "${name}" of ${table} have the same name in DuckDB, which does not tell upper and lower case apart; rename one with --map` }, { table, column: name });
    }
    seen.set(name.toLowerCase(), name);
  }
}

function planExisting(spec: LoadTableSpec, existing: TableSchema, connection: string): LoadTablePlan {
  const table = displayName(existing);
  const columns = spec.columns.map(({ name }) => loadableColumn(name, existing, table));
  rejectTwins(columns, table);
  const missing = existing.columns.find((column) => !column.nullable && column.filled === undefined && !columns.includes(column));
  if (missing !== undefined) {
    throw new SluiceError('COLUMN_MISSING', { column: missing.name, table, source: 'the source' }, { table, column: missing.name });
  }
  const key = spec.mode === 'upsert' ? upsertKey(spec, columns, existing.primaryKey, table) : [];
  return {
    table: displayName(spec.table), name: { ...(existing.schema === undefined ? {} : { schema: existing.schema }), name: existing.name },
    mode: spec.mode, creates: false, publication: 'transaction', columns, key, maxWriters: 1, accepts: ['file', 'csv', 'copy-text'],
    statements: [
      ...(spec.mode === 'replace' ? [`DELETE FROM ${quoteTable(existing)}`] : []),
      ...insertStatements({ ...spec, table: existing }, columns, key),
      `-- in ${connection}, all in one transaction`,
    ],
  };
}

function loadableColumn(name: string, existing: TableSchema, table: string): Column {
  const column = existing.columns.find((one) => one.name === name) ?? existing.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (column === undefined) {
    const suggestion = `There is: ${existing.columns.slice(0, 20).map((one) => `"${one.name}"`).join(', ')}.`;
    throw new SluiceError('COLUMN_UNKNOWN', { table, column: name, suggestion }, { table, column: name });
  }
  if (column.filled === 'generated') {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `Loading the generated column "${name}" of ${table}`, context: ': the database fills it' }, { table, column: name });
  }
  return column;
}

function upsertKey(spec: LoadTableSpec, columns: readonly Column[], primaryKey: readonly string[], table: string): string[] {
  const wanted = spec.key ?? (primaryKey.length > 0 ? primaryKey : (spec.primaryKey ?? []));
  if (wanted.length === 0) throw new SluiceError('KEY_REQUIRED', { table }, { table });
  return wanted.map((name) => {
    const column = columns.find((one) => one.name === name) ?? columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (column !== undefined) return column.name;
    throw new SluiceError('COLUMN_MISSING', { column: name, table, source: 'the source' }, { table, column: name });
  });
}

function insertStatements(spec: LoadTableSpec, columns: readonly Column[], upsertOn: readonly string[]): string[] {
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const insert = `INSERT INTO ${quoteTable(spec.table)} (${names}) SELECT … FROM the source`;
  return upsertOn.length === 0 ? [insert] : [`${insert}, updating rows with the same ${upsertOn.map(quoteIdentifier).join(', ')}`];
}
