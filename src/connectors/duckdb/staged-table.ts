/**
 * A table of a load that quarantines: its rows wait in a staging table, each with its ordinal, until they are judged. The ordinal is the row's place in the source
 * (part and record in one number), so that the outcome depends neither on when a part came nor on what was tried before.
 */
import type { ErrorCode } from '../../errors/error-codes.ts';
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import type { Rejection } from '../../rows/rejection.ts';
import type { LoadTablePlan } from '../connector.ts';
import type { TableConstraints } from './constraints.ts';
import type { LoadingTable } from './table-load.ts';

/** Why rows are rejected; the rows are kept with its index only. */
export interface Verdict {
  readonly code: ErrorCode;
  readonly column?: string;
  readonly constraint?: string;
  readonly message: (values: readonly (string | null)[]) => string;
}

const RECORD_BITS = 40n;
const RECORDS_OF_A_PART = 1n << RECORD_BITS;

/** SQL of the ordinal of the record whose number within the part is the SQL `record`. */
export function ordinalOf(part: number, record: string): string {
  return `(${ordinalsFrom(part)} + ${record})`;
}

/** The ordinal before the first record of a part. */
export function ordinalsFrom(part: number): bigint {
  return BigInt(part) * RECORDS_OF_A_PART;
}

export function placeOf(ordinal: string): { part: number; record: number } {
  const number = BigInt(ordinal);
  return { part: Number(number >> RECORD_BITS), record: Number(number % RECORDS_OF_A_PART) };
}

/** A name for the ordinal that no column of the table has. */
export function ordinalName(plan: LoadTablePlan): string {
  let name = 'sluice_ordinal';
  while (plan.columns.some((column) => column.name.toLowerCase() === name)) name += '_';
  return quoteIdentifier(name);
}

export class StagedTable {
  readonly plan: LoadTablePlan;
  readonly rows: LoadingTable;
  /** Quoted name of the ordinal's column. */
  readonly ordinal: string;
  /** Quoted: `(o, v)`, ordinal and index of the verdict. */
  readonly rejects: string;
  /** Quoted: `(o, depth)`, for rows that refer to rows of the same table: parents have a smaller depth. */
  readonly depths: string;
  /** Quoted: `(o, c, t)`, texts of rejected rows that their column's type does not hold, `c` the index of the column. */
  readonly aside: string;
  hasAside = false;
  /** Quoted, while keys are judged. */
  readonly undecided: string;
  readonly accepted: string;
  readonly verdicts: Verdict[] = [];
  constraints: TableConstraints = { constants: [], notNull: [], checks: [], uniques: [], foreignKeys: [] };
  /** Depths in use; 0: rows need no order. */
  waves = 0;

  constructor(plan: LoadTablePlan, rows: LoadingTable, ordinal: string) {
    this.plan = plan;
    this.rows = rows;
    this.ordinal = ordinal;
    const name = rows.quoted.replace(/"$/, '');
    this.rejects = `${name}_rejects"`;
    this.depths = `${name}_depths"`;
    this.aside = `${name}_aside"`;
    this.undecided = `${name}_undecided"`;
    this.accepted = `${name}_accepted"`;
  }

  get quoted(): string {
    return this.rows.quoted;
  }

  /** The rows that are there before and stay; undefined when there are none. */
  get target(): string | undefined {
    return this.plan.creates || this.plan.mode === 'replace' ? undefined : quoteTable(this.plan.name);
  }

  /** The rows as the table will have them, with their ordinal as `o`; named as the table, as its own expressions may say it. */
  get relation(): string {
    const { constants } = this.constraints;
    const names = this.plan.columns.map(({ name }) => quoteIdentifier(name));
    return `(SELECT ${[`${this.ordinal} AS o`, ...names, ...constants.map(({ name, sql }) => `${sql} AS ${name}`)].join(', ')} FROM ${this.quoted}) AS ${quoteIdentifier(this.plan.name.name)}`;
  }

  /** As `relation`, without the rows that are rejected so far. */
  get survivors(): string {
    return `(SELECT s.* FROM (SELECT * FROM ${this.relation}) AS s ANTI JOIN ${this.rejects} AS x ON s.o = x.o) AS ${quoteIdentifier(this.plan.name.name)}`;
  }

  /** @returns the index under which rows are rejected */
  addVerdict(verdict: Verdict): number {
    return this.verdicts.push(verdict) - 1;
  }

  rejection(ordinal: string, verdict: number, values: readonly (string | null)[]): Rejection & { part: number } {
    const { code, column, constraint, message } = this.verdicts[verdict];
    return { ...placeOf(ordinal), code, message: message(values), values, ...(column === undefined ? {} : { column }), ...(constraint === undefined ? {} : { constraint }) };
  }
}
