/** How a table will be loaded, as data: which columns, and how its rows become visible. */
import type { LoadOptions, LoadTablePlan, LoadTableSpec, OnError } from '../connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { displayName, type Column, type TableName } from '../../rows/table-schema.ts';
import { publicColumn, type CatalogTable } from './catalog.ts';
import type { QueryOptions, Session } from './driver.ts';
import { publicationStatements } from './publication.ts';
import { fitIdentifier, quoteIdentifier } from './sql.ts';
import { createTableSql } from './table-ddl.ts';
import type { TargetFacts } from './target-facts.ts';
import { declaredType } from './type-map.ts';

export interface PlanContext {
  readonly session: Session;
  readonly jobs: number;
  readonly defaultSchema: string | undefined;
  readonly onError: OnError;
}

/** A table that does not exist yet. Parts go straight into it, unless equal keys in the source have to be merged first. */
export async function planNewTable(spec: LoadTableSpec, { session, jobs, defaultSchema, onError }: PlanContext, options: QueryOptions): Promise<LoadTablePlan> {
  const schema = spec.table.schema ?? defaultSchema ?? 'public';
  const name: Required<TableName> = { schema, name: fitIdentifier(spec.table.name) };
  const table = displayName(schema === defaultSchema ? { name: name.name } : name);
  const columns = await newColumns(session, spec, options);
  const wantedKey = spec.mode === 'upsert' ? (spec.key ?? spec.primaryKey ?? []) : (spec.primaryKey ?? []);
  const key = wantedKey.map((column) => columns[indexOfColumn(spec.columns, column, table)].name);
  if (spec.mode === 'upsert' && key.length === 0) throw new SluiceError('KEY_REQUIRED', { table }, { table });
  const { rows } = await session.query('SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)', { ...options, values: [schema] });
  // Rows that break a constraint can only be told from the others where they wait for it.
  const isConstrained = key.length > 0 || columns.some((column) => !column.nullable);
  const publication = spec.mode === 'upsert' || (onError === 'quarantine' && isConstrained) ? 'staged' : 'direct';
  const plan = { table, name, mode: spec.mode, creates: true, publication, columns, key, maxWriters: jobs, accepts: ['copy-binary', 'csv', 'copy-text'] } as const;
  const statements = [
    ...(rows[0][0] === 't' ? [] : [`CREATE SCHEMA ${quoteIdentifier(schema)}`]),
    createTableSql(plan),
    ...publicationStatements(plan),
  ];
  return { ...plan, statements: [...shortenedNames(spec, plan), ...statements] };
}

/** @throws SluiceError COLUMN_UNKNOWN, COLUMN_MISSING, KEY_REQUIRED, OPTION_UNSUPPORTED */
export function planExistingTable(spec: LoadTableSpec, target: CatalogTable, facts: TargetFacts, { jobs, onError, atOnce }: Pick<PlanContext, 'jobs' | 'onError'> & Pick<LoadOptions, 'atOnce'>): LoadTablePlan {
  const table = displayName(target.schema);
  if (target.kind === 'materialized') throw new SluiceError('OPTION_UNSUPPORTED', { option: 'Loading rows', context: `into ${table}, which is a materialized view` }, { table });
  const columns = matchColumns(spec.columns, target, table);
  checkMissing(target, columns, table);
  const key = spec.mode === 'upsert' ? upsertKey(spec, target, columns, table) : [];
  // A row that has no partition is told from the others only while it waits.
  const isPlain = (target.kind === 'table' || (target.kind === 'partitioned' && onError === 'stop')) && !facts.hasKeys && !facts.hasTriggers && (onError === 'stop' || !facts.hasChecks);
  const publication = spec.mode === 'append' && isPlain && facts.canUndo && atOnce !== true ? 'direct' : 'staged';
  const plan = { table, name: target.name, mode: spec.mode, creates: false, publication, columns, key, maxWriters: jobs, accepts: ['copy-binary', 'csv', 'copy-text'] } as const;
  return { ...plan, statements: publicationStatements(plan, target, facts) };
}

/**
 * Rows of other tables that would be deleted or changed along with the replaced ones, unless the run replaces them too.
 * @param replaced oids of the tables that the run replaces
 * @throws SluiceError OPTION_UNSUPPORTED
 */
export function checkCascades(plan: LoadTablePlan, facts: TargetFacts, replaced: ReadonlySet<string>): void {
  const others = facts.cascadesTo.filter(({ oid }) => !replaced.has(oid)).map(({ name }) => name);
  if (plan.mode !== 'replace' || others.length === 0) return;
  const { table } = plan;
  const context = `for ${table}: rows of ${others.join(', ')} refer to it and would be deleted or changed along (ON DELETE CASCADE, SET NULL or SET DEFAULT)`;
  throw new SluiceError('OPTION_UNSUPPORTED', { option: '--mode replace', context }, { table });
}

async function newColumns(session: Session, spec: LoadTableSpec, options: QueryOptions): Promise<Column[]> {
  const isOwnKind = spec.nativeTypesOf === 'postgres';
  const native = spec.columns.map((column) => (isOwnKind ? column.nativeType : undefined) ?? '');
  // A type of the source's database (an enum, an extension's) may be unknown in this one.
  const { rows } = await session.query(`SELECT CASE WHEN wanted.name <> '' THEN pg_catalog.to_regtype(wanted.name) IS NOT NULL END
    FROM pg_catalog.json_array_elements_text($1::json) WITH ORDINALITY AS wanted(name, n) ORDER BY n`, { ...options, values: [JSON.stringify(native)] });
  return spec.columns.map((column, i): Column => {
    const nativeType = rows[i][0] === 't' ? native[i] : declaredType(column.type);
    const keepsIdentity = isOwnKind && (column.filled === 'identity-always' || column.filled === 'identity-default');
    return { name: fitIdentifier(column.name), type: column.type, nullable: column.nullable, nativeType, ...(keepsIdentity ? { filled: column.filled } : {}) };
  });
}

/** Comments for the printed plan: the server would cut such names without a word. */
function shortenedNames(spec: LoadTableSpec, plan: { readonly name: TableName; readonly columns: readonly Column[] }): string[] {
  const pairs = [[spec.table.name, plan.name.name], ...spec.columns.map((column, i) => [column.name, plan.columns[i].name])];
  return pairs.filter(([from, to]) => from !== to).map(([from, to]) => `-- the name ${JSON.stringify(from)} is longer than 63 bytes and becomes ${JSON.stringify(to)}`);
}

function indexOfColumn(columns: readonly Column[], name: string, table: string): number {
  const exact = columns.findIndex((column) => column.name === name);
  const index = exact >= 0 ? exact : columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
  if (index >= 0) return index;
  throw new SluiceError('COLUMN_MISSING', { table, column: name, source: 'the source' }, { table, column: name });
}

/** Exact names first, so that "Id" and "id" beside each other find their own; then without case. */
function matchColumns(wanted: readonly Column[], target: CatalogTable, table: string): Column[] {
  const loadable = target.columns.filter((column) => column.filled !== 'generated');
  const taken = new Set<string>();
  const found = wanted.map(({ name }) => loadable.find((column) => column.name === name || column.name === fitIdentifier(name))?.name);
  for (const name of found) if (name !== undefined) taken.add(name);
  return wanted.map(({ name }, i) => {
    const match = found[i] ?? loadable.find((column) => !taken.has(column.name) && column.name.toLowerCase() === name.toLowerCase())?.name;
    if (match === undefined) throw unknownColumn(name, target, table);
    taken.add(match);
    return publicColumn(loadable.find((candidate) => candidate.name === match)!);
  });
}

function unknownColumn(name: string, target: CatalogTable, table: string): SluiceError {
  const isGenerated = target.columns.some((column) => column.filled === 'generated' && column.name.toLowerCase() === name.toLowerCase());
  const nearest = closest(name, target.columns.map((column) => column.name));
  const suggestion = isGenerated
    ? 'The database computes this column by itself: leave it out with --columns.'
    : `${nearest === undefined ? '' : `Did you mean "${nearest}"? `}It has: ${target.columns.map((column) => column.name).join(', ')}`;
  return new SluiceError('COLUMN_UNKNOWN', { table, column: name, suggestion }, { table, column: name });
}

/** Longer names are not typed by hand, and comparing them costs the product of their lengths. */
const LONGEST_COMPARED = 100;

/** The name that the fewest changes of single letters lead to, where these are few. */
function closest(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_COMPARED) return undefined;
  const ranked = known.map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }));
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, name.length / 3) ? best.candidate : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

function checkMissing(target: CatalogTable, loaded: readonly Column[], table: string): void {
  const names = new Set(loaded.map((column) => column.name));
  const missing = target.columns.find((column) => !column.nullable && column.filled === undefined && !names.has(column.name));
  if (missing !== undefined) throw new SluiceError('COLUMN_MISSING', { table, column: missing.name, source: 'the source' }, { table, column: missing.name });
}

function upsertKey(spec: LoadTableSpec, target: CatalogTable, columns: readonly Column[], table: string): string[] {
  const wanted = spec.key ?? target.schema.primaryKey;
  if (wanted.length === 0) throw new SluiceError('KEY_REQUIRED', { table }, { table });
  return wanted.map((name) => columns[indexOfColumn(columns, name, table)].name);
}
