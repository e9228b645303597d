import type { Connection, LoadSession, LoadTablePlan } from '../connectors/connector.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { BoundField, InspectedSource, InspectedTable } from '../formats/format.ts';
import { mergeColumns } from '../rows/merge-types.ts';
import { displayName, type Column, type TableName, type TableSchema } from '../rows/table-schema.ts';
import { findColumn, matchColumns, type Matching } from './column-matching.ts';
import type { ImportOptions } from './transfer.ts';

/** A table of a file (or URL) and where it goes. */
export interface SourceTable {
  readonly inspected: InspectedSource;
  readonly table: InspectedTable;
}

/** A target table with everything that goes into it. */
export interface ImportTarget {
  readonly name: TableName;
  readonly load: LoadTablePlan;
  readonly existing: TableSchema | undefined;
  readonly sources: readonly SourceTable[];
}

/** `schema.table`; a name with dots must be quoted: `"a.b"`. */
export function parseTableName(text: string): TableName {
  const parts = [...text.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map((match) => match[1]?.replaceAll('""', '"') ?? match[2]);
  if (parts.length === 1) return { name: parts[0] };
  if (parts.length === 2) return { schema: parts[0], name: parts[1] };
  throw new SluiceError('USAGE', { what: `"${text}" is not a table name; write table or schema.table` });
}

/** Groups what the sources hold by target table: several files may go to one table, one file to several. */
export function groupByTarget(tables: readonly SourceTable[], nameOf: (source: SourceTable) => TableName | null): Map<string, { name: TableName; sources: SourceTable[] }> {
  const groups = new Map<string, { name: TableName; sources: SourceTable[] }>();
  for (const source of tables) {
    const name = nameOf(source);
    if (name === null) continue;
    const key = displayName(name);
    const group = groups.get(key) ?? { name, sources: [] };
    group.sources.push(source);
    groups.set(key, group);
  }
  return groups;
}

/** Keys that only wrap the records and say nothing of what they are: the name of the file says more. */
const WRAPPERS: ReadonlySet<string> = new Set(['data', 'records', 'rows', 'items', 'results', 'features', 'values', 'entries', 'list']);

export function targetName(source: SourceTable, options: ImportOptions): TableName {
  return options.table === undefined ? sourceTableName(source) : parseTableName(options.table);
}

/** The name that the source itself has for the table. */
export function sourceTableName(source: SourceTable): TableName {
  const { name } = source.table;
  const { format, source: { stem } } = source.inspected;
  return name === undefined || (format === 'json' && WRAPPERS.has(name.name)) ? { name: stem } : name;
}

/** Plans one target table: matches columns, merges the types of all its sources, asks the connector how it will load. */
export async function planTarget(
  name: TableName, sources: readonly SourceTable[], options: ImportOptions, connection: Connection, session: LoadSession,
): Promise<ImportTarget> {
  const existing = await connection.describeTable(name);
  let columns: Column[] = [];
  let primaryKey: readonly string[] | undefined;
  for (const source of sources) {
    const { fields } = matchFor(source, existing, options, displayName(name));
    const own = fields.map(({ source: field, column }): Column => ({ ...field, name: column }));
    if (own.length === 0 && existing === undefined) {
      throw new SluiceError('JSON_NOT_RECORDS', { source: source.inspected.source.name, reason: 'no record, so no columns' }, { file: source.inspected.source.name });
    }
    columns = columns.length === 0 ? own : mergeColumns(columns, own);
    primaryKey = source.table.primaryKey;
  }
  // A table without a record says no columns: all of the target's will do.
  if (columns.length === 0) columns = existing!.columns.filter((column) => column.filled !== 'generated');
  const load = await session.plan({
    table: name,
    mode: options.mode,
    columns,
    ...(primaryKey === undefined || sources.length > 1 ? {} : { primaryKey }),
    ...(options.key === undefined ? {} : { key: options.key }),
  });
  return { name, load, existing, sources };
}

export function matchFor(source: SourceTable, existing: TableSchema | undefined, options: ImportOptions, table: string): Matching {
  const names = existing?.columns.filter((column) => column.filled !== 'generated').map((column) => column.name);
  const generated = options.ignoreGenerated === true ? generatedFields(source, existing, options) : [];
  const fields = source.table.columns.filter((field) => !generated.includes(field.name));
  const matching = matchColumns(fields, names, options, table, source.inspected.source.name);
  return generated.length === 0 ? matching : { ...matching, ignored: [...matching.ignored, ...generated] };
}

/** Fields of the source that lead to a column that the database computes. */
export function generatedFields(source: SourceTable, existing: TableSchema | undefined, { map }: ImportOptions): string[] {
  const generated = existing?.columns.filter((column) => column.filled === 'generated') ?? [];
  if (generated.length === 0) return [];
  return source.table.columns.map(({ name }) => name).filter((name) => {
    const found = findColumn(map !== undefined && Object.hasOwn(map, name) ? map[name] : name, existing!.columns.map((column) => column.name));
    return generated.some((column) => column.name === found);
  });
}

/**
 * The fields of a source in the order of the target's load columns. A load column that this source lacks is bound to its own name: no
 * field has it, so formats fill it with NULL.
 */
export function bindFields(target: ImportTarget, matching: Matching, options: ImportOptions, arrays: 'postgres' | 'json'): BoundField[] {
  const bySource = new Map(matching.fields.map(({ source, column }) => [column, source.name]));
  return target.load.columns.map((column): BoundField => {
    const source = bySource.get(column.name);
    if (source === undefined) return { source: column.name, type: column.type, arrays, absent: true };
    const said = options.read.types !== undefined && Object.hasOwn(options.read.types, source);
    return { source, type: column.type, arrays, ...(target.load.creates && !said ? { detected: true } : {}) };
  });
}
