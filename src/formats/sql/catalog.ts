import type { InspectedTable, ReadOptions } from '../format.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { DeclaredTable } from './create-table.ts';
import type { DataHead } from './data-head.ts';
import type { LexicalRules } from './dialect.ts';
import { typeOfLiterals } from './sql-types.ts';
import { columnKey, type TableRef } from './table-ref.ts';

/** A table of a dump, as far as its statements have told. */
export class KnownTable {
  readonly table: TableRef;
  /** Of CREATE TABLE; undefined when the dump has none for it. */
  declared: readonly Column[] | undefined;
  primaryKey: readonly string[] = [];
  /** Columns that data statements give, in order of first appearance, each with the kinds of literals seen in it. */
  readonly supplied = new Map<string, number>();
  rows = 0;
  #order: readonly string[] | undefined;
  readonly #rules: LexicalRules;

  constructor(table: TableRef, rules: LexicalRules) {
    this.table = table;
    this.#rules = rules;
  }

  /** The names of a statement's values, as CREATE TABLE spells them. Undefined: there are more values than columns (`tolerant`: such rows are left out). */
  namesOf(head: DataHead, values: number, tolerant = false): readonly string[] | undefined {
    if (head.columns !== undefined) return head.columns.map((name) => this.column(name)?.name ?? name);
    this.#order ??= this.#defaultOrder(values);
    return this.#order.length < values && !tolerant ? undefined : this.#order.slice(0, values);
  }

  column(name: string): Column | undefined {
    const key = columnKey(name, this.#rules);
    return this.declared?.find((column) => column.name === name) ?? this.declared?.find((column) => columnKey(column.name, this.#rules) === key);
  }

  supply(names: readonly string[]): void {
    for (const name of names) if (!this.supplied.has(name)) this.supplied.set(name, 0);
  }

  /** Literals that were seen in a column, as bits. */
  see(name: string, kinds: number): void {
    this.supplied.set(name, (this.supplied.get(name) ?? 0) | kinds);
  }

  /** The columns that rows have (all of them while there are no rows), in the order of CREATE TABLE, and what only data statements name behind. */
  columns(types: ReadOptions['types']): Column[] {
    const loaded = (this.declared ?? []).filter((column) => column.filled !== 'generated' && (this.supplied.size === 0 || this.supplied.has(column.name)));
    const names = new Set((this.declared ?? []).map((column) => column.name));
    const inferred = [...this.supplied].filter(([name]) => !names.has(name)).map(([name, kinds]): Column => ({ name, type: typeOfLiterals(kinds), nullable: true }));
    return [...loaded, ...inferred].map((column) => {
      const type = types !== undefined && Object.hasOwn(types, column.name) ? types[column.name] : column.type;
      return { ...column, type };
    });
  }

  inspected(types: ReadOptions['types'], counted: boolean): InspectedTable {
    const columns = this.columns(types);
    const key = this.primaryKey.map((name) => this.column(name)?.name ?? name);
    const hasKey = key.length > 0 && key.every((name) => columns.some((column) => column.name === name));
    return { name: this.table.name, columns, ...(hasKey ? { primaryKey: key } : {}), ...(counted ? { estimatedRows: this.rows } : {}) };
  }

  #defaultOrder(values: number): readonly string[] {
    if (this.declared === undefined || this.declared.length === 0) return Array.from({ length: values }, (_, i) => `column_${i + 1}`);
    const all = this.declared.map((column) => column.name);
    // pg_dump --inserts writes DEFAULT for generated columns; others leave them out.
    return values === all.length ? all : this.declared.filter((column) => column.filled !== 'generated').map((column) => column.name);
  }
}

/** All tables of a dump. */
export class Catalog {
  readonly #tables = new Map<string, KnownTable>();
  readonly #rules: LexicalRules;

  constructor(rules: LexicalRules) {
    this.#rules = rules;
  }

  get tables(): readonly KnownTable[] {
    return [...this.#tables.values()];
  }

  get(table: TableRef): KnownTable {
    let known = this.#tables.get(table.key);
    if (known === undefined) {
      known = new KnownTable(table, this.#rules);
      this.#tables.set(table.key, known);
    }
    return known;
  }

  declare(declared: DeclaredTable): void {
    const known = this.get(declared.table);
    const inherited = declared.parents.flatMap((parent) => this.#tables.get(parent.key)?.declared ?? []);
    const own = declared.columns;
    known.declared = [...inherited.filter((column) => !own.some(({ name }) => name === column.name)), ...own];
    known.primaryKey = declared.primaryKey;
  }

  /** A table without rows that is dropped was a stand-in (mysqldump makes such for views). */
  drop(table: TableRef): void {
    if (this.#tables.get(table.key)?.rows === 0) this.#tables.delete(table.key);
  }

  setPrimaryKey(table: TableRef, columns: readonly string[]): void {
    const known = this.#tables.get(table.key);
    if (known === undefined || known.primaryKey.length > 0) return;
    known.primaryKey = columns.map((name) => known.column(name)?.name ?? name);
    known.declared = known.declared?.map((column) => (known.primaryKey.includes(column.name) ? { ...column, nullable: false } : column));
  }
}

export function tooManyValues(table: KnownTable, values: number): string {
  return `a row has ${values} values, and its table has ${table.declared?.length ?? 0} columns`;
}
