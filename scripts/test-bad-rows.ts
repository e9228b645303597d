/**
 * Exactly the bad rows are put aside: `npm run test:bad-rows -- [--rows N] [--bad 10,1%] [--jobs 1,2,8]`.
 *
 * A backup of 24 related tables with bad rows of every class (bench/restore-bad-rows.ts) is restored with a quarantine, with several numbers of jobs. Each time the quarantine must hold the planted
 * rows and no others, each with the code of its class, its place and its bytes; the tables must be those of a restore of the same backup without bad rows; and the receipt must say the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { badRowsOf, generateBackup, type GeneratedBackup, type PlantedRow } from '../bench/backup-tables.ts';
import { TABLES } from '../bench/restore-tables.ts';
import type { Receipt } from '../src/index.ts';
import type { QuarantinedRow } from '../src/quarantine/quarantined-row.ts';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';

const sluice = join(import.meta.dirname, '../bin/sluice');
const LF = 0x0a, COMMA = 0x2c;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '100000' }, bad: { type: 'string', default: '10,1%' }, jobs: { type: 'string', default: '1,2,8' } } });

interface Restored {
  readonly receipt: Receipt;
  readonly quarantine: readonly QuarantinedRow[];
  /** Number and sum of hashes of its rows, by table. */
  readonly contents: ReadonlyMap<string, string>;
  readonly seconds: number;
}

/** Where a planted record is, and its bytes, by what the generator says of how it writes: `[` on a line of its own, then a record a line. */
interface ExpectedRow extends PlantedRow {
  readonly line: number;
  readonly byte: number;
  readonly raw: Buffer;
}

async function restore(server: PostgresServer, { backup, schema }: GeneratedBackup, jobs: string, workspace: string, options: readonly string[]): Promise<Restored> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(`SET client_min_messages = warning; ${readFileSync(schema, 'utf8')}`);
    const begin = performance.now();
    const done = spawnSync(sluice, ['restore', backup, '--to', server.url, '--jobs', jobs, '--quiet', '--json', ...options], { env: { ...process.env, SLUICE_HOME: workspace }, encoding: 'utf8', maxBuffer: 2 ** 28 });
    const seconds = (performance.now() - begin) / 1000;
    const expected = options.length === 0 ? 0 : 3;
    if (done.status !== expected) throw new Error(`restore ended with ${done.status}, not ${expected}: ${done.stdout.slice(0, 3000)}\n${done.stderr.slice(0, 3000)}`);
    const receipt = JSON.parse(done.stdout) as Receipt;
    const quarantine = receipt.quarantine === undefined || receipt.quarantine === null ? [] : readRows(join(receipt.quarantine, 'rows.ndjson'));
    const contents = new Map<string, string>();
    for (const { name } of TABLES) {
      const { rows } = await client.query<{ digest: string }>(`SELECT count(*) || ' rows, hash ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) AS digest FROM ${name} t`);
      contents.set(name, rows[0].digest);
    }
    return { receipt, quarantine, contents, seconds };
  } finally {
    await client.end();
  }
}

function readRows(path: string): QuarantinedRow[] {
  return readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as QuarantinedRow);
}

function expectedRows({ backup, planted }: GeneratedBackup): ExpectedRow[] {
  const rows = readFileSync(planted, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as PlantedRow);
  return [...Map.groupBy(rows, ({ file }) => file)].flatMap(([file, own]) => {
    const bytes = readFileSync(join(backup, file));
    const wanted = new Map(own.map((row) => [row.row, row]));
    const found: ExpectedRow[] = [];
    for (let line = 1, start = 0; start < bytes.length; line++) {
      const end = bytes.indexOf(LF, start);
      const row = wanted.get(line - 1);
      if (row !== undefined) found.push({ ...row, line, byte: start, raw: bytes.subarray(start, bytes[end - 1] === COMMA ? end - 1 : end) });
      start = end + 1;
    }
    return found;
  });
}

const keyOf = (file: string | null, row: number | null): string => `${file === null ? '?' : basename(file)} row ${row}`;

/** What the quarantine says otherwise than the generator. */
function* differences(expected: readonly ExpectedRow[], { quarantine, receipt }: Restored): Generator<string, void, undefined> {
  const found = new Map(quarantine.map((row) => [keyOf(row.source, row.row), row]));
  if (found.size !== quarantine.length) yield `${quarantine.length - found.size} rows are in the quarantine twice`;
  for (const one of expected) {
    const key = keyOf(one.file, one.row);
    const row = found.get(key);
    found.delete(key);
    if (row === undefined) {
      yield `${key} (${one.class}) is not in the quarantine`;
      continue;
    }
    const raw = Buffer.from(row.raw ?? '', row.rawEncoding === 'base64' ? 'base64' : 'utf8');
    const said = { table: row.table, code: row.code, line: row.line, byte: row.byte, column: row.column, constraint: row.constraint, exact: row.rawExact, raw: raw.equals(one.raw) };
    const meant = { table: one.table, code: one.code, line: one.line, byte: one.byte, column: one.column ?? row.column, constraint: one.constraint ?? row.constraint, exact: true, raw: true };
    if (JSON.stringify(said) !== JSON.stringify(meant)) yield `${key} (${one.class}): ${JSON.stringify(said)} and not ${JSON.stringify(meant)}`;
    if (row.run !== receipt.run || row.message.length < 10) yield `${key} (${one.class}): run ${row.run}, message "${row.message}"`;
  }
  for (const [key, row] of found) yield `${key} is in the quarantine (${row.code}: ${row.message}) and was not planted`;
}

function* imbalances({ receipt, quarantine }: Restored, expected: readonly ExpectedRow[], good: number): Generator<string, void, undefined> {
  for (const { name, read, written, rejected, duplicate, skipped } of [...receipt.tables, { name: 'all', ...receipt.totals }]) {
    if (read !== written + rejected + duplicate + skipped) yield `the receipt of ${name} does not balance`;
    const inQuarantine = quarantine.filter(({ table }) => name === 'all' || table === name).length;
    if (rejected !== inQuarantine) yield `the receipt of ${name} says ${rejected} rejected rows, and ${inQuarantine} are in the quarantine`;
  }
  if (receipt.totals.read !== good + expected.length || receipt.totals.written !== good) yield `read ${receipt.totals.read} and wrote ${receipt.totals.written}, not ${good + expected.length} and ${good}`;
}

function* changed(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>, as: string): Generator<string, void, undefined> {
  for (const [table, digest] of left) if (right.get(table) !== digest) yield `${table} has ${right.get(table)}, and ${digest} ${as}`;
}

const SHOWN = 10;

function report(title: string, problems: readonly string[]): boolean {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${title}`);
  for (const problem of problems.slice(0, SHOWN)) console.log(`       ${problem}`);
  if (problems.length > SHOWN) console.log(`       and ${problems.length - SHOWN} more`);
  return problems.length === 0;
}

const figures = ({ receipt, seconds }: Restored): string => `${receipt.totals.written} written, ${receipt.totals.rejected} rejected, ${seconds.toFixed(1)} s, peak ${Math.round(receipt.peakRssBytes / 1e6)} MB`;

async function main(server: PostgresServer, folder: string): Promise<boolean> {
  const rows = Number(values.rows);
  const workspace = join(folder, 'workspace');
  mkdirSync(workspace);
  const clean = await restore(server, generateBackup(join(folder, 'clean'), { rows, csv: false }), '2', workspace, []);
  let good = report(`without bad rows: ${figures(clean)}`, []);
  for (const bad of values.bad.split(',')) {
    const made = generateBackup(join(folder, `bad-${bad}`), { rows, bad: badRowsOf(bad, rows), csv: false });
    const expected = expectedRows(made);
    const classes = new Set(expected.map((row) => row.class)).size;
    for (const jobs of values.jobs.split(',')) {
      const restored = await restore(server, made, jobs, workspace, ['--on-error', 'quarantine']);
      const problems = [...differences(expected, restored), ...imbalances(restored, expected, clean.receipt.totals.written), ...changed(clean.contents, restored.contents, 'without the bad rows')];
      good = report(`${bad} bad (${expected.length} of ${classes} classes), --jobs ${jobs}: ${figures(restored)}`, problems) && good;
    }
    rmSync(made.backup, { recursive: true });
  }
  return good;
}

// First, because what it brings up to date is what the server runs from.
spawnSync(sluice, ['--version'], { stdio: ['ignore', 'ignore', 'inherit'] });
const folder = mkdtempSync(join(tmpdir(), 'sluice-bad-rows-'));
const server = await startPostgres();
try {
  if (!(await main(server, folder))) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
