/** A staged table while its rows are judged: its rows as SQL, and those that are rejected. */
import type { ErrorCode } from '../../errors/error-codes.ts';
import type { ConstraintRules } from './constraint-rules.ts';
import type { QueryOptions, Session } from './driver.ts';
import { isRowError } from './errors.ts';
import { latestSql, nullsEqual, source } from './publication.ts';
import { JUDGED } from './rejected-rows.ts';
import { quoteIdentifier } from './sql.ts';
import { rowColumn } from './table-ddl.ts';
import type { PostgresTableLoad } from './table-load.ts';

/** What a rejected row is told. */
export interface Verdict {
  readonly code: ErrorCode;
  readonly constraint?: string;
  /** Of the key, or the column that must have a value. */
  readonly columns?: readonly string[];
  readonly say: (key: string) => string;
}

const FEW = 200;
const ROLL_BACK = 'ROLLBACK TO SAVEPOINT sluice_judge', RELEASE = 'RELEASE SAVEPOINT sluice_judge';

export class JudgedTable {
  readonly load: PostgresTableLoad;
  readonly rules: ConstraintRules;
  /** Its rejected rows as a relation in parentheses. */
  readonly rejected: string;
  /** Its number in the table of all rejected rows. */
  readonly number: number;
  /** Quoted: the number of the row. */
  readonly row: string;
  /** Columns that are the same before and after the row is inserted. */
  readonly known: ReadonlySet<string>;
  readonly verdicts: Verdict[] = [];
  /** Its rows need no other judgement. */
  isJudged = false;
  /** Constraints that only the server itself can judge: the INSERT will show. */
  isFullyJudged = true;
  /** Some check or foreign key could not be judged: which rows are left to compete for a unique key is not known before they are inserted. */
  hasUnknownRows = false;
  /** Its target had no row before this publication: what is there now says nothing that the staged rows do not. */
  wasEmpty = false;
  rejectedCount = 0;
  readonly #session: Session;
  readonly #options: QueryOptions;
  readonly #stagingNow: () => readonly string[];

  // oxlint-disable-next-line max-params -- what a table is judged by
  constructor(session: Session, load: PostgresTableLoad, stagingNow: () => readonly string[], rules: ConstraintRules, number: number, signal: AbortSignal) {
    this.load = load;
    this.#stagingNow = stagingNow;
    this.rules = rules;
    this.number = number;
    this.rejected = `(SELECT n, rule, state, message, detail, violated, field FROM ${JUDGED} WHERE load = ${number})`;
    this.row = quoteIdentifier(rowColumn(load.plan));
    this.known = new Set([...load.plan.columns.map(({ name }) => name), ...rules.filled.map(({ name }) => name)]);
    this.#session = session;
    this.#options = { signal, table: load.plan.table };
  }

  /** Its staging tables, all of them when all its parts have come. */
  get staging(): readonly string[] {
    return this.#stagingNow();
  }

  get hasOnlyOurs(): boolean {
    return this.wasEmpty || this.load.plan.mode === 'replace';
  }

  /** For INSERT and for the judging statements; nothing is asked of an empty table. */
  get exclusion(): string | undefined {
    return this.rejectedCount === 0 ? undefined : this.rejected;
  }

  /** The rows that are not rejected, with the columns that the server will fill in, as a relation in parentheses. */
  rows(which: 'all' | 'latest' = 'all'): string {
    return this.#rows(this.exclusion, which);
  }

  /** The same with those that are rejected. */
  allRows(): string {
    return this.#rows(undefined, 'all');
  }

  #rows(rejected: string | undefined, which: 'all' | 'latest'): string {
    const { plan, facts } = this.load;
    const from = source(plan, this.staging, { rejected });
    const rows = which === 'latest' ? `(${latestSql(plan, from, nullsEqual(plan, facts))})` : from;
    const { filled } = this.rules;
    if (filled.length === 0) return rows;
    const add = (relation: string, generated: boolean): string => {
      const list = filled.filter((column) => column.generated === generated).map((column) => `, ${column.expression} AS ${quoteIdentifier(column.name)}`).join('');
      return list === '' ? relation : `(SELECT *${list} FROM ${relation} AS ${quoteIdentifier(plan.name.name)})`;
    };
    return add(add(rows, false), true);
  }

  /**
   * A condition on staged rows: their number is among these. Few are written out: then a scan looks at the first column of each row and hands on no other.
   * @param numbers a relation with a column `n`
   */
  async isOneOf(numbers: string): Promise<string> {
    const { rows } = await this.query(`SELECT DISTINCT n FROM ${numbers} AS numbered LIMIT ${FEW + 1}`);
    return rows.length > FEW ? `${this.row} IN (SELECT n FROM ${numbers} AS numbered)` : `${this.row} = ANY ('{${rows.map(([n]) => n).join(', ')}}'::pg_catalog.int8[])`;
  }

  /** Rejects the rows that `select` answers as (number, rule offset): `verdicts[base + offset]`. */
  async reject(select: string): Promise<number> {
    const { count } = await this.#session.query(`INSERT INTO ${JUDGED} (load, n, rule) SELECT ${this.number}, judged.* FROM (${select}) AS judged`, this.#options);
    this.rejectedCount += count;
    return count;
  }

  verdict(verdict: Verdict): number {
    const key = JSON.stringify([verdict.code, verdict.constraint, verdict.columns]);
    const known = this.verdicts.findIndex((other) => JSON.stringify([other.code, other.constraint, other.columns]) === key);
    if (known >= 0) return known;
    return this.verdicts.push(verdict) - 1;
  }

  query(sql: string): ReturnType<Session['query']> {
    return this.#session.query(sql, this.#options);
  }

  /** What fails for what is in rows (a check that divides by zero) is left to the INSERT. @returns undefined then, and where the work answers that; nothing of it is left */
  async attempt<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
    await this.query('SAVEPOINT sluice_judge');
    const before = this.rejectedCount;
    let result: T | undefined;
    try {
      result = await work();
    } catch (error) {
      if (!isRowError(error)) throw error;
    }
    if (result === undefined) this.rejectedCount = before;
    // Released in any case: attempts lie within each other.
    await this.query(`${result === undefined ? `${ROLL_BACK}; ` : ''}${RELEASE}`);
    return result;
  }

  /** The same with statements alone, which go as one message. @returns false where nothing is left of them */
  async attemptStatements(statements: readonly string[]): Promise<boolean> {
    try {
      await this.query(['SAVEPOINT sluice_judge', ...statements, RELEASE].join('; '));
      return true;
    } catch (error) {
      if (!isRowError(error)) throw error;
      await this.query(`${ROLL_BACK}; ${RELEASE}`);
      return false;
    }
  }
}
