/**
 * One table of a load: what it is in the engine at the moment, and how rows get into it.
 *
 * Numerics without precision get a DECIMAL that is exact for the data (engine/column-types.ts). A file that the engine can read again tells in
 * advance: a look at its head decides while nothing else is at stake in the transaction (a value that does not fit undoes only this table's
 * own rows, and the whole file is measured then), else a look at all of it. Rows that come through a pipe cannot be looked at
 * twice: the column stays text until `finish`, which measures it and changes its type.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { integerDigits, VARCHAR, type EngineType } from '../../engine/engine-type.ts';
import { loadRuleFor, isText } from '../../engine/load-rules.ts';
import { loadSelect, type LoadedField } from '../../engine/load-select.ts';
import { fittedType, measureNumerics } from '../../engine/numeric-fit.ts';
import { quoteIdentifier } from '../../engine/quoting.ts';
import { NO_NUMBERS, unite, withRoom, type NumericExtent } from '../../rows/numeric-extent.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { LoadTablePlan } from '../connector.ts';

/** A column while its table is loaded. */
interface LoadingColumn {
  readonly name: string;
  readonly nullable: boolean;
  /** Undefined until the first rows decide. */
  type: EngineType | undefined;
  /** A numeric without precision: its type follows the data. */
  readonly fitted: boolean;
  extent: NumericExtent;
}

/** What rows come from: a relation of the engine, with one expression for each column of the plan. */
export interface RowSource {
  readonly relation: string;
  readonly expressions: readonly string[];
  readonly types: readonly EngineType[];
}

/** Where rows land before they are published: the table itself, or a staging table without constraints. */
export interface Landing {
  readonly quoted: string;
  /** Of a table that the run creates, where it has to exist first. */
  readonly schema?: string;
  /** Made here, whatever the plan creates: a staging table whose rows keep their place in the source in a column of this (quoted) name. */
  readonly ordinal?: string;
}

const HEAD_ROWS = 50_000;

export class LoadingTable {
  readonly plan: LoadTablePlan;
  readonly #landing: Landing;
  readonly columns: readonly LoadingColumn[];
  readonly #run: RunOptions;
  created = false;
  inserted = 0;
  /** Rows that the table had before the run, for append. */
  before = 0;
  /** Rows that replace has deleted. */
  removed: number | undefined;
  /** Of the parts that are in. */
  readonly totals = { read: 0, rejected: 0, skipped: 0, bytes: 0 };

  constructor(plan: LoadTablePlan, landing: Landing, types: readonly (EngineType | undefined)[], run: RunOptions) {
    this.plan = plan;
    this.#landing = landing;
    this.#run = run;
    this.columns = plan.columns.map(({ name, nullable }: Column, i) => ({ name, nullable, type: types[i], fitted: types[i] === undefined, extent: NO_NUMBERS }));
  }

  get quoted(): string {
    return this.#landing.quoted;
  }

  /** A part is in. */
  account(counts: { readonly read: number; readonly skipped: number; readonly bytes: number }, rejected: number): void {
    this.totals.read += counts.read;
    this.totals.skipped += counts.skipped;
    this.totals.bytes += counts.bytes;
    this.totals.rejected += rejected;
  }

  /** True when text can be turned into every column's type exactly. */
  get takesText(): boolean {
    return this.columns.every(({ type }) => type === undefined || isText(type) || loadRuleFor(type) !== undefined);
  }

  /** Types for rows that come through a pipe: what is fitted is kept as text until the end. */
  async prepareForText(connection: EngineConnection): Promise<void> {
    for (const column of this.columns) {
      if (!column.fitted || (column.type !== undefined && isText(column.type))) continue;
      if (this.created) await this.#changeType(connection, column, VARCHAR);
      column.type = VARCHAR;
    }
    await this.#createOnce(connection);
  }

  /** Types for rows that can be read again. `whole`: every row is looked at, else the head. */
  async prepareForFile(connection: EngineConnection, source: RowSource, whole: boolean): Promise<void> {
    const toMeasure = this.columns.flatMap((column, i) => (column.fitted && !(column.type !== undefined && isText(column.type)) ? [{ column, i }] : []));
    const texts = toMeasure.filter(({ i }) => isText(source.types[i]));
    const relation = whole ? source.relation : `(SELECT * FROM ${source.relation} LIMIT ${HEAD_ROWS})`;
    const measured = await measureNumerics(connection, texts.map(({ i }) => source.expressions[i]), relation, this.#run);
    for (const { column, i } of toMeasure) {
      const found = isText(source.types[i]) ? measured[texts.findIndex((one) => one.i === i)] : extentOfType(source.types[i]);
      column.extent = unite(column.extent, found);
      const fitting = fittedType(whole ? column.extent : withRoom(column.extent));
      if (fitting.sql === column.type?.sql) continue;
      if (this.created) await this.#changeType(connection, column, fitting);
      column.type = fitting;
    }
    await this.#createOnce(connection);
  }

  /** INSERT … SELECT, every value tested. `numbered` and `ordinal` as in loadSelect. */
  insertStatement(source: RowSource, numbered: boolean, ordinal?: string): string {
    return `INSERT INTO ${this.quoted} (${this.names}) ${this.select(source, numbered, ordinal)}`;
  }

  /** The columns of a row as it lands, the ordinal first where there is one. */
  get names(): string {
    const { ordinal } = this.#landing;
    return [...(ordinal === undefined ? [] : [ordinal]), ...this.columns.map((column) => quoteIdentifier(column.name))].join(', ');
  }

  select(source: RowSource, numbered: boolean, ordinal?: string): string {
    const fields = this.columns.map((column, i): LoadedField => ({
      expression: source.expressions[i], from: source.types[i], column: column.name, to: column.type!,
    }));
    return loadSelect(fields, source.relation, { numbered, ...(ordinal === undefined ? {} : { ordinal }) });
  }

  /** After a rollback nothing of the table is left; what was learnt of its numbers is. */
  forgetCreation(): void {
    this.created = false;
    this.inserted = 0;
    for (const column of this.columns) if (column.fitted) column.type = undefined;
  }

  /** Gives what is still text its DECIMAL. Called when all rows are in. */
  async finish(connection: EngineConnection): Promise<void> {
    for (const column of this.columns) {
      if (column.type === undefined) column.type = fittedType(NO_NUMBERS);
    }
    await this.#createOnce(connection);
    const textual = this.columns.filter((column) => column.fitted && column.type !== undefined && isText(column.type));
    const extents = await measureNumerics(connection, textual.map((column) => quoteIdentifier(column.name)), this.quoted, this.#run);
    for (const [i, column] of textual.entries()) {
      const fitting = fittedType(extents[i]);
      if (!isText(fitting)) await this.#changeType(connection, column, fitting);
    }
  }

  /** The primary key of a created table that could not have it from the start. Called after finish and merging. */
  async addKey(connection: EngineConnection): Promise<void> {
    const { creates, key } = this.plan;
    if (!creates || key.length === 0 || !this.#keyAtEnd) return;
    await connection.run(`ALTER TABLE ${this.quoted} ADD PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`, this.#run);
  }

  /** Upsert may load a key twice before it is merged, and the engine does not change the type of a key. */
  get #keyAtEnd(): boolean {
    return this.plan.mode === 'upsert' || this.columns.some((column) => column.fitted && this.plan.key.includes(column.name));
  }

  async #createOnce(connection: EngineConnection): Promise<void> {
    const { ordinal, schema } = this.#landing;
    if (this.created || !(this.plan.creates || ordinal !== undefined)) return;
    if (schema !== undefined) await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`, this.#run);
    if (ordinal === undefined) await this.createAs(connection, this.quoted, this.#keyAtEnd);
    else await connection.run(`CREATE TABLE ${this.quoted} (${ordinal} BIGINT, ${this.columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type!.sql}`).join(', ')})`, this.#run);
    this.created = true;
  }

  /** Creates the table that the plan says, with the types that its columns have by now. */
  async createAs(connection: EngineConnection, quoted: string, withoutKey: boolean): Promise<void> {
    const { key } = this.plan;
    const definitions = this.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type!.sql}${column.nullable && !key.includes(column.name) ? '' : ' NOT NULL'}`);
    if (key.length > 0 && !withoutKey) definitions.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`);
    await connection.run(`CREATE TABLE ${quoted} (${definitions.join(', ')})`, this.#run);
  }

  async #changeType(connection: EngineConnection, column: LoadingColumn, type: EngineType): Promise<void> {
    const name = quoteIdentifier(column.name);
    await connection.run(`ALTER TABLE ${this.quoted} ALTER COLUMN ${name} TYPE ${type.sql} USING CAST(${name} AS ${type.sql})`, this.#run);
    column.type = type;
  }
}

function extentOfType(type: EngineType): NumericExtent {
  if (type.kind === 'decimal') return { whole: type.width - type.scale, fraction: type.scale, plain: true };
  const digits = integerDigits(type);
  return { whole: digits ?? 0, fraction: 0, plain: digits !== undefined };
}
