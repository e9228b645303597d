/**
 * A part once more, as text: every value is tested by the server, the good rows move on in one statement, the others are given away with the
 * server's reason. Where few rows are suspects only they come here (copy-around.ts). Everything happens in the caller's transaction.
 */
import type { LoadTablePlan } from '../connector.ts';
import type { CarefulPart } from '../../rows/part.ts';
import type { Rejection } from '../../rows/rejection.ts';
import type { CatalogColumn } from './catalog.ts';
import { copyAround, numberedRows } from './copy-around.ts';
import { copyIn } from './copy-in.ts';
import type { Row, Session } from './driver.ts';
import { isRowError, rejectionCode } from './errors.ts';
import { piecewiseSql } from './one-by-one.ts';
import { readInBatches, rejectedTableSql, valuesSql } from './rejected-rows.ts';
import { identifierList } from './sql.ts';
import { numberRecords } from './number-records.ts';
import { stagingColumns } from './table-ddl.ts';
import { valueTests, type ValueTests } from './value-test.ts';

const CAREFUL = 'pg_temp.sluice_careful';
const REJECTED = 'pg_temp.sluice_rejected';
const GOOD = 'pg_temp.sluice_good';

export interface CarefulTarget {
  readonly plan: LoadTablePlan;
  readonly columns: readonly CatalogColumn[];
  /** Quoted. */
  readonly destination: string;
  /** Where rows are numbered: the quoted column, and the number before the part's first. */
  readonly numbering: { readonly column: string; readonly base: bigint; readonly sequence: string } | undefined;
  /** The rows must be those of the transaction itself, by whose number they are found again; what is inserted under a savepoint has another number. */
  readonly isUndoable: boolean;
  readonly signal: AbortSignal;
}

export async function writeCarefully(session: Session, part: CarefulPart, target: CarefulTarget, reject: (rejections: readonly Rejection[]) => Promise<void>): Promise<{ written: number; rejected: number }> {
  const { plan, columns, signal } = target;
  const options = { signal, table: plan.table };
  const values = columns.map((_, i) => `v${i + 1}`);
  const copyOptions = { table: plan.table, columns: columns.map(({ name }) => name), signal, progress: () => undefined };
  const around = target.numbering === undefined ? undefined : await copyAround(session, part, { destination: target.destination, columns: copyOptions.columns, ...target.numbering, options: copyOptions });
  await session.query(`CREATE TEMP TABLE ${CAREFUL} (${[...values.map((value) => `${value} text`), 'record bigint'].join(', ')}) ON COMMIT DROP; ${rejectedTableSql(REJECTED)}`, options);
  const tested = around === undefined ? numberRecords(part) : numberedRows(part, around.suspects);
  const copied = await copyIn(session, `COPY ${CAREFUL} FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')`, tested, copyOptions);
  const tests = await testValues(session, target, values);
  if (target.isUndoable) await session.query(`CREATE TEMP TABLE ${GOOD} (${stagingColumns(plan)}) ON COMMIT DROP`, options);
  await insert(session, target.isUndoable ? { ...target, destination: GOOD } : target, values);
  // After the good rows, which may have shown more that are not.
  let rejected = 0;
  const query = `SELECT r.*, CASE WHEN r.state IS NULL THEN pg_catalog.to_json(${tests.explain}) END AS why, ${valuesSql(values)} AS fields FROM ${REJECTED} AS r JOIN ${CAREFUL} AS c ON c.record = r.n`;
  for await (const rows of readInBatches(session, query, 'n, state, message, detail, violated, field, why, fields, rule', options)) {
    rejected += rows.length;
    await reject(rows.map((row) => rejection(row, columns)));
  }
  if (target.isUndoable) {
    const names = identifierList(columns.map(({ name }) => name));
    // The savepoints are open until here; the second one lies within the first.
    await session.query('RELEASE SAVEPOINT sluice_test', options);
    await session.query(`INSERT INTO ${target.destination} (${names})${overriding(target)} SELECT ${names} FROM ${GOOD}`, options);
    await session.query(`DROP TABLE ${GOOD}`, options);
  }
  for (const statement of [...tests.cleanUp, `DROP TABLE ${CAREFUL}, ${REJECTED}`]) await session.query(statement, options);
  return { written: (around?.copied ?? 0) + copied - rejected, rejected };
}

/** Fills the table of rejected rows; `rule` is the number of the bad field. Types that know only exceptions show when they are asked. */
async function testValues(session: Session, { plan, columns, signal }: CarefulTarget, values: readonly string[]): Promise<ValueTests> {
  const options = { signal, table: plan.table };
  const test = async (soft: boolean): Promise<ValueTests> => {
    const tests = valueTests(columns, session.version, (i) => values[i], soft);
    for (const statement of tests.prepare) await session.query(statement, options);
    await session.query(`INSERT INTO ${REJECTED} (n, rule) SELECT record, bad FROM (SELECT record, ${tests.firstBad} AS bad FROM ${CAREFUL}) AS tested WHERE bad IS NOT NULL`, options);
    return tests;
  };
  await session.query('SAVEPOINT sluice_test', options);
  try {
    return await test(true);
  } catch (error) {
    if (!isRowError(error)) throw error;
    await session.query('ROLLBACK TO SAVEPOINT sluice_test', options);
    return test(false);
  }
}

function overriding({ plan, numbering }: CarefulTarget): string {
  return numbering === undefined && plan.columns.some((column) => column.filled === 'identity-always') ? ' OVERRIDING SYSTEM VALUE' : '';
}

async function insert(session: Session, target: CarefulTarget, values: readonly string[]): Promise<void> {
  const { plan, columns, destination, numbering, signal } = target;
  const options = { signal, table: plan.table };
  const names = [identifierList(columns.map(({ name }) => name)), ...(numbering === undefined ? [] : [numbering.column])].join(', ');
  const casts = [...values.map((value, i) => `${value}::${columns[i].nativeType}`), ...(numbering === undefined ? [] : [`record + ${numbering.base}`])].join(', ');
  const good = `(SELECT c.* FROM ${CAREFUL} AS c WHERE NOT EXISTS (SELECT FROM ${REJECTED} AS r WHERE r.n = c.record))`;
  const insertOf = (rows: string): string => `INSERT INTO ${destination} (${names})${destination === GOOD ? '' : overriding(target)} SELECT ${casts} FROM ${rows} AS good ORDER BY record`;
  await session.query('SAVEPOINT sluice_insert', options);
  try {
    await session.query(insertOf(good), options);
  } catch (error) {
    if (!isRowError(error)) throw error;
    await session.query('ROLLBACK TO SAVEPOINT sluice_insert', options);
    const { prepare, call, cleanUp } = piecewiseSql({ candidates: good, number: 'record', write: (rows) => ({ insert: insertOf(rows) }), rejected: REJECTED });
    for (const statement of [prepare, call, cleanUp]) await session.query(statement, options);
  }
}

function rejection([n, state, message, detail, violated, field, why, fields, rule]: Row, columns: readonly CatalogColumn[]): Rejection {
  const tested = why == null ? undefined : (JSON.parse(why) as (string | null)[]);
  const [code, text, more, constraint] = tested ?? [state, message, detail, violated];
  const column = tested === undefined ? field : columns[Number(rule) - 1].name;
  return {
    record: Number(n),
    code: rejectionCode(tested === undefined || code!.startsWith('23') ? code! : '22000'),
    message: more == null ? text! : `${text} (${more})`,
    ...(column == null ? {} : { column }),
    ...(constraint == null ? {} : { constraint }),
    ...(fields == null ? {} : { values: JSON.parse(fields) as (string | null)[] }),
  };
}
