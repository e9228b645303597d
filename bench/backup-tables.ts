/**
 * Writes a JSON backup of 24 related tables as application scripts write them (an array in a file for each model, keys in camelCase), in constant memory, the same for the same
 * seed: `node bench/backup-tables.ts FOLDER [--rows N] [--bad N|P%] [--seed N] [--no-csv]`.
 *
 *   FOLDER/backup/*.json     the backup; audit entries are split over two files
 *   FOLDER/csv/*.csv         the good rows again, for `psql \copy`
 *   FOLDER/schema.sql        the tables with their keys and constraints
 *   FOLDER/planted.ndjson    the bad rows: table, file, row (from 1, in the file), code, column or constraint
 *   FOLDER/counts.json       good rows of each table
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { badRow, countsOfBad, type BadClass } from './restore-bad-rows.ts';
import { countsFor, rowOf, schemaSql, TABLES, type BackupTable, type Counts, type Value } from './restore-tables.ts';

export interface BackupOptions {
  readonly rows: number;
  /** Bad rows in all, besides the good ones. */
  readonly bad?: number;
  readonly seed?: number;
  readonly csv?: boolean;
}

export interface PlantedRow {
  readonly table: string;
  readonly file: string;
  /** From 1, within the file. */
  readonly row: number;
  readonly class: string;
  readonly code: string;
  readonly column?: string;
  readonly constraint?: string;
}

export interface GeneratedBackup {
  readonly backup: string;
  readonly csv: string;
  readonly schema: string;
  readonly planted: string;
  readonly counts: Counts;
}

/** Its rows are in two files, so that keys can be there twice over files. */
const SPLIT = 'audit_entries';

export function generateBackup(folder: string, { rows, bad = 0, seed = 1, csv = true }: BackupOptions): GeneratedBackup {
  const paths = { backup: join(folder, 'backup'), csv: join(folder, 'csv'), schema: join(folder, 'schema.sql'), planted: join(folder, 'planted.ndjson') };
  mkdirSync(paths.backup, { recursive: true });
  if (csv) mkdirSync(paths.csv, { recursive: true });
  const counts = countsFor(rows);
  writeFileSync(paths.schema, `${schemaSql()}\n`);
  writeFileSync(join(folder, 'counts.json'), `${JSON.stringify(counts, null, 2)}\n`);
  const planted = new Output(paths.planted);
  try {
    const badOnes = countsOfBad(bad).filter(({ count }) => count > 0);
    for (const table of TABLES) {
      const own = badOnes.filter((one) => one.bad.table === table.name);
      const out = csv ? new Output(join(paths.csv, `${table.name}.csv`)) : undefined;
      const half = Math.ceil(counts[table.name] / 2);
      const files = table.name === SPLIT
        ? [{ path: join(paths.backup, `${table.file}.1.json`), from: 1, to: half, bad: own.filter((one) => one.bad.inSecondFile !== true) }, { path: join(paths.backup, `${table.file}.2.json`), from: half + 1, to: counts[table.name], bad: own.filter((one) => one.bad.inSecondFile === true) }]
        : [{ path: join(paths.backup, `${table.file}.json`), from: 1, to: counts[table.name], bad: own }];
      out?.write(`${table.columns.map(([name]) => name).join(',')}\n`);
      for (const file of files) writeFile(table, file, { counts, seed, planted, csv: out });
      out?.close();
    }
  } finally {
    planted.close();
  }
  return { ...paths, counts };
}

interface FileToWrite {
  readonly path: string;
  /** The numbers of its good rows, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly bad: readonly { readonly bad: BadClass; readonly count: number }[];
}

interface Writing {
  readonly counts: Counts;
  readonly seed: number;
  readonly planted: Output;
  readonly csv: Output | undefined;
}

/** Bad rows of each class are spread evenly over the file, never before its first good row. */
function writeFile(table: BackupTable, file: FileToWrite, { counts, seed, planted, csv }: Writing): void {
  const out = new Output(file.path);
  const keys = table.columns.map(([name]) => `"${camelCase(name)}":`);
  const done = file.bad.map(() => 0);
  const goodRows = file.to - file.from + 1;
  let row = 0;
  const record = (text: string): void => {
    out.write(row++ === 0 ? `[\n${text}` : `,\n${text}`);
  };
  for (let i = file.from; i <= file.to; i++) {
    const values = rowOf(table, i, seed, counts);
    record(jsonRecord(keys, values));
    csv?.write(csvLine(values));
    for (const [k, { bad, count }] of file.bad.entries()) {
      for (; done[k] < count && Math.floor(((done[k] + 0.5) * goodRows) / count) < i - file.from + 1; done[k]++) {
        const spoilt = badRow(bad, table, done[k], seed, counts);
        const missing = bad.writing === 'missing-key' ? table.columns.findIndex(([name]) => name === bad.column) : -1;
        record(bad.writing === 'no-object' ? '"no record"' : jsonRecord(keys.filter((_, at) => at !== missing), spoilt.filter((_, at) => at !== missing), bad.writing === 'bad-bytes'));
        const { name, code, column, constraint } = bad;
        const line: PlantedRow = { table: table.name, file: basename(file.path), row, class: name, code, ...(column === undefined ? {} : { column }), ...(constraint === undefined ? {} : { constraint }) };
        planted.write(`${JSON.stringify(line)}\n`);
      }
    }
  }
  out.write(row === 0 ? '[]\n' : '\n]\n');
  out.close();
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Stands for bytes that are no UTF-8: it is in no value. */
const BAD_BYTES = '\u{10ffff}';

function jsonRecord(keys: readonly string[], values: readonly Value[], withBadBytes = false): string {
  let text = '{';
  for (let i = 0; i < keys.length; i++) {
    const spoilt = withBadBytes && typeof values[i] === 'string';
    text += `${i === 0 ? '' : ','}${keys[i]}${spoilt ? `"${BAD_BYTES}"` : jsonValue(values[i])}`;
  }
  return `${text}}`;
}

function jsonValue(value: Value): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  return 'digits' in value ? value.digits : JSON.stringify((value as { json: unknown }).json);
}

function csvLine(values: readonly Value[]): string {
  let line = '';
  for (let i = 0; i < values.length; i++) line += `${i === 0 ? '' : ','}${csvField(values[i])}`;
  return `${line}\n`;
}

function csvField(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return quoted(`{${value.map((item) => (typeof item === 'string' ? `"${item.replace(/["\\]/g, '\\$&')}"` : item)).join(',')}}`);
  return 'digits' in value ? value.digits : quoted(JSON.stringify((value as { json: unknown }).json));
}

function quoted(text: string): string {
  return text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const FLUSH_AT = 1 << 20;

class Output {
  readonly #file: number;
  #text = '';

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= FLUSH_AT) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    const texts = this.#text.split(BAD_BYTES);
    const bytes = texts.length === 1 ? Buffer.from(this.#text) : Buffer.concat(texts.flatMap((text, i) => (i === 0 ? [Buffer.from(text)] : [Buffer.from([0x61, 0xff, 0xc3, 0x62]), Buffer.from(text)])));
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written);
    this.#text = '';
  }
}

/** `10`, or `1%` of the rows. */
export function badRowsOf(text: string | undefined, rows: number): number {
  if (text === undefined) return 0;
  return text.endsWith('%') ? Math.round((rows * Number(text.slice(0, -1))) / 100) : Number(text);
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true, allowNegative: true,
    options: { rows: { type: 'string', default: '1000000' }, bad: { type: 'string' }, seed: { type: 'string', default: '1' }, csv: { type: 'boolean', default: true } },
  });
  if (positionals.length !== 1) {
    process.stderr.write('Usage: node bench/backup-tables.ts FOLDER [--rows N] [--bad N|P%] [--seed N] [--no-csv]\n');
    process.exit(2);
  }
  const rows = Number(values.rows);
  generateBackup(positionals[0], { rows, bad: badRowsOf(values.bad, rows), seed: Number(values.seed), csv: values.csv });
}
