/** What is said of rows that break a key or a foreign key. Values are cut: a message is not the place for a document. */
import { displayName } from '../../rows/table-schema.ts';
import type { ForeignKey, UniqueKey } from './constraints.ts';
import type { StagedTable, Verdict } from './staged-table.ts';

export function orphan(table: StagedTable, key: ForeignKey): Verdict {
  const parent = displayName({ ...table.plan.name, name: key.parent });
  return {
    code: 'FOREIGN_KEY_VIOLATED', constraint: key.name, ...(key.columns.length === 1 ? { column: key.columns[0] } : {}),
    message: (values) => `${keyText(table, key.columns, values)} is not in ${parent}`,
  };
}

/** `(id, name) = (1, x)`. */
function keyText(table: StagedTable, columns: readonly string[], values: readonly (string | null)[]): string {
  const of = columns.map((name) => table.plan.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()));
  return `(${columns.join(', ')}) = (${of.map((i) => (i < 0 ? 'default' : shown(values[i]))).join(', ')})`;
}

const SHOWN_CHARACTERS = 60;

export function shown(value: string | null | undefined): string {
  return value === null || value === undefined ? 'NULL' : value.slice(0, SHOWN_CHARACTERS);
}

/** @param what the key is, as the end of a sentence */
export function duplicate(table: StagedTable, key: UniqueKey, what: string): Verdict {
  const { columns, expressions, name } = key;
  return {
    code: 'UNIQUE_VIOLATED', constraint: name, ...(columns.length === 1 ? { column: columns[0] } : {}),
    message: (values) => `the key ${columns.length === 0 ? `(${expressions.join(', ')})` : keyText(table, columns, values)} ${what}`,
  };
}
