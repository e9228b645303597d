/**
 * Makes the rows that the benchmarks move: ten columns of the usual kinds, with quotes, commas, non-ASCII text and NULLs, the same for every call
 * (a fixed seed). One row is about 95 bytes of CSV. Also used for tests that need many rows.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

export const COLUMNS = [
  ['id', 'bigint'], ['name', 'text'], ['city', 'text'], ['amount', 'numeric'], ['quantity', 'integer'],
  ['created', 'timestamp'], ['active', 'boolean'], ['note', 'text'], ['code', 'text'], ['score', 'double precision'],
] as const;

const NAMES = ['Alice', 'Bob', 'Chloé', 'Dmitri', 'Eve', 'Fred "Q" Z', 'Günther', '花子'];
const CITIES = ['Berlin', 'Paris, FR', 'Tokyo', 'New York', 'São Paulo', 'Oslo'];
const FLUSH_AT = 1 << 20;

type Value = string | number | boolean | null;

/** The rows in order; the array is reused. */
export function* rows(count: number): Generator<Value[], void, undefined> {
  const row: Value[] = [];
  let seed = 12345;
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
  const digit = (limit: number): number => Math.floor(random() * limit);
  for (let id = 1; id <= count; id++) {
    row[0] = id;
    row[1] = NAMES[digit(NAMES.length)]!;
    row[2] = CITIES[digit(CITIES.length)]!;
    row[3] = (random() * 10_000).toFixed(2);
    row[4] = digit(100);
    row[5] = `2024-0${1 + digit(9)}-1${digit(10)} 0${digit(10)}:15:30`;
    row[6] = random() > 0.5;
    row[7] = random() < 0.1 ? null : `note number ${digit(1_000_000)}`;
    row[8] = `C${digit(99_999)}`;
    row[9] = Math.round(random() * 1e6) / 1e6;
    yield row;
  }
}

export type GeneratedFormat = 'csv' | 'json' | 'ndjson';

export function generate(format: GeneratedFormat, count: number, path: string): void {
  const file = openSync(path, 'w');
  try {
    let text = format === 'csv' ? `${COLUMNS.map(([name]) => name).join(',')}\n` : format === 'json' ? '[\n' : '';
    let first = true;
    for (const row of rows(count)) {
      if (format === 'csv') text += csvLine(row);
      else text += `${format === 'json' && !first ? ',\n' : ''}${jsonRecord(row)}${format === 'json' ? '' : '\n'}`;
      first = false;
      if (text.length < FLUSH_AT) continue;
      writeSync(file, text);
      text = '';
    }
    writeSync(file, format === 'json' ? `${text}\n]\n` : text);
  } finally {
    closeSync(file);
  }
}

function csvLine(row: readonly Value[]): string {
  let line = '';
  for (const [index, value] of row.entries()) {
    const text = value === null ? '' : String(value);
    line += `${index === 0 ? '' : ','}${/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text}`;
  }
  return `${line}\n`;
}

/** `amount` is written as a JSON number with its two decimals, which JSON.stringify would drop. */
function jsonRecord(row: readonly Value[]): string {
  const members = COLUMNS.map(([name], index) => `"${name}":${name === 'amount' ? String(row[index]) : JSON.stringify(row[index])}`);
  return `{${members.join(',')}}`;
}

export function createTableSql(table: string): string {
  return `CREATE TABLE ${table} (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')})`;
}
