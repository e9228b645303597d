import type { ColumnType } from './column-type.ts';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** The type as the database declares it (`character varying(30)`); used only between connectors of the same kind. */
  readonly nativeType?: string;
  /** The database fills the column itself: never loaded (`generated`), or loaded only on purpose (`identity`). */
  readonly filled?: 'generated' | 'identity-always' | 'identity-default' | 'default';
  /** Of floats: measured, no value is -0 (which equals 0 and yet is another value). */
  readonly noNegativeZero?: boolean;
}

/** What of a column only its values tell: the size of numerics, and whether a float is -0. */
export type MeasuredKind = 'numeric' | 'float';

export interface TableName {
  /** Absent where the connector has no schemas, or for its default schema. */
  readonly schema?: string;
  readonly name: string;
}

export interface IndexSchema {
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly primary: boolean;
  /** The complete statement in the dialect of its own connector. */
  readonly definition?: string;
}

export interface TableSchema extends TableName {
  readonly columns: readonly Column[];
  /** Columns of the primary key, in key order; empty when there is none. */
  readonly primaryKey: readonly string[];
  readonly indexes: readonly IndexSchema[];
  /** An estimate of the database, never an exact count. */
  readonly estimatedRows?: number;
  readonly estimatedBytes?: number;
}

/** `schema.name` or `name`, for people, and the same for no two tables: parts with a dot of their own are quoted (`a."b.c"`). Never for SQL: connectors quote for themselves. */
export function displayName({ schema, name }: TableName): string {
  return schema === undefined ? name : `${displayedPart(schema)}.${displayedPart(name)}`;
}

function displayedPart(part: string): string {
  return part.includes('.') ? `"${part.replaceAll('"', '""')}"` : part;
}
