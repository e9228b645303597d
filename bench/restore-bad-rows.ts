/**
 * Bad rows of every class, planted between the good ones. Each is a row of its own with a key that no other row refers to, so that exactly
 * these rows are to be rejected, and for exactly one reason.
 */
import type { ErrorCode } from '../src/errors/error-codes.ts';
import { rowOf, type BackupTable, type Counts, type Value } from './restore-tables.ts';

export interface BadClass {
  readonly name: string;
  readonly table: string;
  readonly code: ErrorCode;
  readonly column?: string;
  readonly constraint?: string;
  /** Changes the values of a row that would be good; `first` is row 1, which is in the file before every bad row. */
  spoil?(values: Value[], column: (name: string) => number, first: readonly Value[]): void;
  /** How the record is written otherwise than others. */
  readonly writing?: 'missing-key' | 'bad-bytes' | 'no-object';
  /** Only in the second file of a table in several files. */
  readonly inSecondFile?: boolean;
}

const set = (name: string, value: Value) => (values: Value[], column: (name: string) => number): void => {
  values[column(name)] = value;
};
const copy = (name: string) => (values: Value[], column: (name: string) => number, first: readonly Value[]): void => {
  values[column(name)] = first[column(name)];
};

export const BAD_CLASSES: readonly BadClass[] = [
  { name: 'type', table: 'order_items', code: 'VALUE_INVALID', column: 'quantity', spoil: set('quantity', 'many') },
  { name: 'type-date', table: 'users', code: 'VALUE_INVALID', column: 'born', spoil: set('born', '2024-02-31') },
  { name: 'out-of-range', table: 'memberships', code: 'VALUE_INVALID', column: 'level', spoil: set('level', 70_000) },
  { name: 'too-long', table: 'products', code: 'VALUE_INVALID', column: 'title', spoil: set('title', 'x'.repeat(81)) },
  { name: 'check', table: 'orders', code: 'CHECK_VIOLATED', constraint: 'orders_status_check', spoil: set('status', 'lost') },
  { name: 'not-null', table: 'comments', code: 'NOT_NULL_VIOLATED', column: 'body', spoil: set('body', null) },
  { name: 'unique', table: 'users', code: 'UNIQUE_VIOLATED', constraint: 'users_email_key', spoil: copy('email') },
  { name: 'unique-across-files', table: 'audit_entries', code: 'UNIQUE_VIOLATED', constraint: 'audit_entries_code_key', spoil: copy('code'), inSecondFile: true },
  { name: 'foreign-key', table: 'payments', code: 'FOREIGN_KEY_VIOLATED', constraint: 'payments_order_id_fkey', spoil: set('order_id', 900_000_000_000) },
  { name: 'foreign-key-self', table: 'comments', code: 'FOREIGN_KEY_VIOLATED', constraint: 'comments_parent_id_fkey', spoil: set('parent_id', 900_000_000_000) },
  { name: 'foreign-key-cycle', table: 'employees', code: 'FOREIGN_KEY_VIOLATED', constraint: 'employees_team_id_fkey', spoil: set('team_id', 900_000_000_000) },
  { name: 'exclusion', table: 'bookings', code: 'EXCLUSION_VIOLATED', constraint: 'bookings_slot_excl', spoil: copy('slot') },
  { name: 'encoding', table: 'addresses', code: 'ENCODING_INVALID', writing: 'bad-bytes' },
  { name: 'missing-key', table: 'shipments', code: 'NOT_NULL_VIOLATED', column: 'tracking', writing: 'missing-key' },
  { name: 'key-across-files', table: 'audit_entries', code: 'UNIQUE_VIOLATED', constraint: 'audit_entries_pkey', spoil: copy('id'), inSecondFile: true },
  { name: 'nul', table: 'sessions', code: 'NUL_BYTE', spoil: set('agent', 'a\0b') },
  { name: 'no-object', table: 'notifications', code: 'JSON_NOT_RECORDS', writing: 'no-object' },
];

/** Keys of bad rows begin here: no reference and no good row comes so far. */
const FIRST_KEY = 500_000_000_000;

/** The values of the nth bad row of a class, from 0. */
export function badRow(bad: BadClass, table: BackupTable, n: number, seed: number, counts: Counts): Value[] {
  const column = (name: string): number => table.columns.findIndex(([own]) => own === name);
  // Rows behind the last good one: what is unique by their number is theirs alone.
  const number = counts[table.name] + 1 + n * BAD_CLASSES.length + BAD_CLASSES.indexOf(bad);
  const values = rowOf(table, number, seed, counts);
  if (column('id') >= 0) values[column('id')] = FIRST_KEY + number;
  bad.spoil?.(values, column, rowOf(table, 1, seed, counts));
  return values;
}

/** How many bad rows of each class there are, of `bad` in all. */
export function countsOfBad(bad: number): readonly { readonly bad: BadClass; readonly count: number }[] {
  return BAD_CLASSES.map((one, i) => ({ bad: one, count: Math.floor(bad / BAD_CLASSES.length) + (i < bad % BAD_CLASSES.length ? 1 : 0) }));
}

