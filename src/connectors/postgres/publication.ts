/**
 * The statements that make staged rows visible, in source order and set-wise, so that the outcome depends neither on timing nor on the number of
 * jobs. Staging tables have the target's types, no constraints, and a last column that numbers the rows of the whole source:
 * part index in the upper bits, row within the part in the lower ones.
 */
import type { LoadTablePlan } from '../connector.ts';
import type { CatalogTable } from './catalog.ts';
import { identifierList, qualifiedName, quoteIdentifier } from './sql.ts';
import { primaryKeySql, rowColumn, stagingColumns } from './table-ddl.ts';
import { uniqueKeyOver, type TargetFacts } from './target-facts.ts';

type PlanBase = Omit<LoadTablePlan, 'statements'>;

export interface StagedSql {
  /** Before anything else of the publishing transaction; undefined where other sessions cannot disturb. */
  readonly lock: string | undefined;
  readonly remove: string | undefined;
  /** Rows that other rows of the source with the same key have not replaced. */
  readonly countLatest: string | undefined;
  /** Answers the number of source rows that changed rows of the target. */
  readonly update: string | undefined;
  readonly insert: string;
  /** Rows that are there already are left as they are: all their columns are key. */
  readonly keepsExisting: boolean;
}

const PLACEHOLDER = ['(staging)'];

/** The statements of a load after the table is there, for the printed plan. */
export function publicationStatements(plan: PlanBase, target?: CatalogTable, facts?: TargetFacts): readonly string[] {
  const copy = `COPY ${qualifiedName(plan.name)} (${identifierList(plan.columns.map((column) => column.name))}) FROM STDIN`;
  const key = plan.creates && plan.key.length > 0 ? [primaryKeySql(plan)] : [];
  if (plan.publication !== 'staged') return [copy, ...key];
  const sql = stagedSql(plan, PLACEHOLDER, { target, facts });
  return [
    `CREATE UNLOGGED TABLE (staging) (${stagingColumns(plan)})`,
    'COPY (staging) FROM STDIN',
    'BEGIN',
    ...key,
    ...[sql.lock, sql.remove, sql.update, sql.insert].filter((statement) => statement !== undefined),
    'COMMIT',
  ];
}

export interface StagedFacts {
  readonly target?: CatalogTable | undefined;
  readonly facts?: TargetFacts | undefined;
  /** A table with the numbers `n` of rows to leave out. */
  readonly rejected?: string | undefined;
  /** The staging table, the only one, has its rows in the order of their numbers. */
  readonly isInOrder?: boolean;
  /** A relation in parentheses that has these staged rows and no others. */
  readonly rows?: string | undefined;
}

/** @param staging the staging tables, quoted */
export function stagedSql(plan: PlanBase, staging: readonly string[], { target, facts, rejected, isInOrder, rows }: StagedFacts): StagedSql {
  const name = qualifiedName(plan.name);
  const only = target?.kind === 'table' ? 'ONLY ' : '';
  const lockable = target === undefined || target.kind === 'table' || target.kind === 'partitioned';
  const lock = lockable ? `LOCK TABLE ${only}${name} IN SHARE ROW EXCLUSIVE MODE` : undefined;
  if (plan.mode === 'upsert') return upsertSql(plan, rows ?? source(plan, staging, { rejected }), { name, only, lock, nullsEqual: nullsEqual(plan, facts), hasArbiter: plan.creates || (facts !== undefined && uniqueKeyOver(facts, plan.key) !== undefined) });
  return {
    lock: plan.mode === 'replace' ? lock : undefined,
    remove: plan.mode === 'replace' ? `DELETE FROM ${only}${name}` : undefined,
    countLatest: undefined,
    update: undefined,
    insert: insertSql(plan, name, rows ?? source(plan, staging, { rejected }), isInOrder),
    keepsExisting: false,
  };
}

export function nullsEqual(plan: PlanBase, facts: TargetFacts | undefined): boolean {
  return facts !== undefined && (uniqueKeyOver(facts, plan.key)?.nullsEqual ?? false);
}

interface UpsertTarget {
  readonly name: string;
  readonly only: string;
  readonly lock: string | undefined;
  readonly nullsEqual: boolean;
  /** A unique key that ON CONFLICT can name. */
  readonly hasArbiter: boolean;
}

function upsertSql(plan: PlanBase, from: string, target: UpsertTarget): StagedSql {
  const latest = latestSql(plan, from, target.nullsEqual);
  const others = plan.columns.filter((column) => !plan.key.includes(column.name) && column.filled !== 'identity-always').map((column) => quoteIdentifier(column.name));
  const common = { remove: undefined, countLatest: `SELECT pg_catalog.count(*) FROM (${latest}) AS latest`, keepsExisting: others.length === 0 };
  if (target.hasArbiter) {
    const action = others.length === 0 ? 'NOTHING' : `UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`;
    const insert = (rows: string): string => `${insertSql(plan, target.name, `(${rows})`)} ON CONFLICT (${identifierList(plan.key)}) DO ${action}`;
    return { ...common, lock: undefined, update: undefined, insert: insert(latest) };
  }
  // Without a unique key nothing but a lock keeps others from adding the same rows meanwhile.
  const matches = (alias: string): string => plan.key.map((column) => `${alias}.${quoteIdentifier(column)} = latest.${quoteIdentifier(column)}`).join(' AND ');
  const row = quoteIdentifier(rowColumn(plan));
  const update = `WITH latest AS (${latest}), changed AS (UPDATE ${target.only}${target.name} AS target SET ${others.map((column) => `${column} = latest.${column}`).join(', ')} ` +
    `FROM latest WHERE ${matches('target')} RETURNING latest.${row}) SELECT pg_catalog.count(DISTINCT ${row}) FROM changed`;
  const added = (rows: string): string => `(SELECT * FROM (${rows}) AS latest WHERE NOT EXISTS (SELECT FROM ${target.only}${target.name} AS existing WHERE ${matches('existing')}))`;
  return {
    ...common, lock: target.lock, update: others.length === 0 ? undefined : update,
    insert: insertSql(plan, target.name, added(latest)),
  };
}

function insertSql(plan: PlanBase, name: string, from: string, isInOrder = false): string {
  const columns = identifierList(plan.columns.map((column) => column.name));
  const overriding = plan.columns.some((column) => column.filled === 'identity-always') ? ' OVERRIDING SYSTEM VALUE' : '';
  const order = isInOrder ? '' : ` ORDER BY ${quoteIdentifier(rowColumn(plan))}`;
  return `INSERT INTO ${name} (${columns})${overriding} SELECT ${columns} FROM ${from} AS staged${order}`;
}

export interface SourceRows {
  readonly rejected?: string | undefined;
}

/** The staged rows with their numbers, as a relation in parentheses. */
export function source(plan: PlanBase, staging: readonly string[], { rejected }: SourceRows = {}): string {
  const columns = identifierList([...plan.columns.map((column) => column.name), rowColumn(plan)]);
  const row = quoteIdentifier(rowColumn(plan));
  const where = rejected === undefined ? '' : ` WHERE NOT EXISTS (SELECT FROM ${rejected} AS rejected WHERE rejected.n = staged.${row})`;
  return `(${staging.map((table) => `SELECT ${columns} FROM ${table} AS staged${where}`).join(' UNION ALL ')})`;
}

/** Of the rows with equal keys the last of the source. NULL equals nothing, not even NULL, unless the unique key says so. */
export function latestSql(plan: PlanBase, from: string, nullsAreEqual: boolean): string {
  const row = quoteIdentifier(rowColumn(plan));
  const key = plan.key.map(quoteIdentifier);
  const apart = nullsAreEqual ? [] : [`CASE WHEN ${key.map((column) => `${column} IS NULL`).join(' OR ')} THEN ${row} END`];
  const distinct = [...key, ...apart].join(', ');
  return `SELECT DISTINCT ON (${distinct}) * FROM ${from} AS staged ORDER BY ${distinct}, ${row} DESC`;
}
