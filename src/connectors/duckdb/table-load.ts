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
import { quoteIdentifier, quoteTable } from '../../engine/quoting.ts';
import { NO_NUMBERS, unite, withRoom, type NumericExtent } from '../../rows/numeric-extent.ts';
import type { Column, TableName } from '../../rows/table-schema.ts';
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

const HEAD_ROWS = 50_000;

export class LoadingTable {
  readonly plan: LoadTablePlan;
  readonly target: TableName;
  readonly columns: readonly LoadingColumn[];
  readonly #run: RunOptions;
  created = false;
  inserted = 0;
  /** Rows that the table had before the run, for append. */
  before = 0;
  /** Rows that were deleted to be replaced. */
  removed: number | undefined;

  /** @param target where rows go: the table itself, or its staging table */
  constructor(plan: LoadTablePlan, target: TableName, types: readonly (EngineType | undefined)[], run: RunOptions) {
    this.plan = plan;
    this.target = target;
    this.#run = run;
    this.columns = plan.columns.map(({ name, nullable }: Column, i) => ({ name, nullable, type: types[i], fitted: types[i] === undefined, extent: NO_NUMBERS }));
  }

  get quoted(): string {
    return quoteTable(this.target);
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

  /** INSERT … SELECT, every value tested. `numbered` as in loadSelect. */
  insertStatement(source: RowSource, numbered: boolean): string {
    const names = this.columns.map((column) => quoteIdentifier(column.name)).join(', ');
    return `INSERT INTO ${this.quoted} (${names}) ${this.select(source, numbered)}`;
  }

  select(source: RowSource, numbered: boolean): string {
    const fields = this.columns.map((column, i): LoadedField => ({
      expression: source.expressions[i], from: source.types[i], column: column.name, to: column.type!,
    }));
    return loadSelect(fields, source.relation, { numbered });
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
    if (this.created || !this.plan.creates) return;
    if (this.target.schema !== undefined) await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(this.target.schema)}`, this.#run);
    const { key } = this.plan;
    const definitions = this.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type!.sql}${column.nullable && !key.includes(column.name) ? '' : ' NOT NULL'}`);
    if (key.length > 0 && !this.#keyAtEnd) definitions.push(`PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`);
    await connection.run(`CREATE TABLE ${this.quoted} (${definitions.join(', ')})`, this.#run);
    this.created = true;
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
