/** The files that are loaded again and again: as small as they can be and still have several parts a table, tables that refer to each other, and bad rows of every kind. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROWS = 3_000;
/** Every so many rows one is bad: a value that is none, a key that was there, NULL where there must be a value, a parent that is not there. */
const BAD_EVERY = 97;
/** Makes four to nine parts of each file. */
export const PART_SIZE = '16kB';

/**
 * A staged table (`items`: key, parent, check), its parent (`owners`, which comes behind it), an existing table without keys that takes its parts directly (`visits`), and one that the run
 * creates (`notes`).
 * @param kind `bad`: with bad rows; `free`: only the tables without keys, without bad rows
 */
export function writeSource(folder: string, kind: 'bad' | 'free'): { folder: string; rows: number } {
  const bad = kind === 'bad';
  mkdirSync(folder, { recursive: true });
  const numbers = Array.from({ length: ROWS }, (_, i) => i + 1);
  const owners = numbers.slice(0, ROWS / 4);
  if (bad) write(folder, 'owners', ['id,name', ...owners.map((id) => `${id},owner number ${id} ${'y'.repeat(60)}`)]);
  if (bad) write(folder, 'items', ['id,owner,name,amount', ...numbers.map((row) => item(row, bad && row % BAD_EVERY === 0 ? (row / BAD_EVERY) % 4 : -1))]);
  write(folder, 'visits', ['page,seconds', ...numbers.map((row) => `page ${row % 50} ${'z'.repeat(row % 30)},${bad && row % 499 === 0 ? 'long' : row % 100}`)]);
  write(folder, 'notes', ['number,text', ...numbers.map((row) => `${row % 700},note ${row % 900} ${'w'.repeat(row % 20)}`)]);
  return { folder, rows: bad ? owners.length + numbers.length * 3 : numbers.length * 2 };
}

function item(row: number, kind: number): string {
  return `${kind === 0 ? row - 1 : row},${kind === 1 ? 100_000 : 1 + row % 700},${kind === 2 ? '' : `item ${row} ${'x'.repeat(row % 40)}`},${kind === 3 ? 'many' : `${row % 1000}.50`}`;
}

function write(folder: string, name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, `${name}.csv`), `${lines.join('\n')}\n`);
}

/** The tables that are there before the run, in the words of both databases; `visits` has rows already that must stay. */
export const TABLES_BEFORE = `
  CREATE TABLE owners (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE items (id integer PRIMARY KEY, owner integer NOT NULL REFERENCES owners (id), name text NOT NULL, amount numeric(12,2) CHECK (amount >= 0));
  CREATE TABLE visits (page text, seconds integer);
  INSERT INTO visits VALUES ('before', 1), ('before', 1)`;

export const TABLES: readonly string[] = ['owners', 'items', 'visits', 'notes'];
