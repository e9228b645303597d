// Sample databases restored by Sluice and by psql, compared table by table: `node scripts/test-restore-samples.ts [NAME…]`. Part of `npm run test:wide`.
// psql runs each dump twice into one database: as the truth, and for its own DDL, whose tables are emptied before Sluice loads the same dump.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { restoreBackup } from '../src/index.ts';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';

interface Sample {
  readonly name: string;
  /** What psql runs. */
  readonly dump: string;
  /** What Sluice loads; default the dump, with the files that it includes put in. */
  readonly source?: string;
  /** Text in rows that is taken for the same, where the sources themselves differ. */
  readonly same?: readonly (readonly [text: string, as: string])[];
}

const data = resolve(process.env.SLUICE_DATA ?? '../shared/data');
const SAMPLES: readonly Sample[] = [
  { name: 'pagila', dump: 'neon-sample-dbs/pagila.sql' },
  // PostgreSQL takes N'Edinburgh ' for a `character` and cuts the blank off on the way into a varchar; Sluice keeps what the dump has.
  { name: 'chinook', dump: 'chinook/Chinook_PostgreSql.sql', same: [['"Edinburgh "', 'Edinburgh']] },
  // The JSON document has empty strings where the dump has NULL.
  { name: 'chinook-json', dump: 'chinook/Chinook_PostgreSql.sql', source: 'chinook/ChinookData.json', same: [['""', ''], ['"Edinburgh "', 'Edinburgh']] },
  { name: 'northwind', dump: 'northwind-psql/northwind.sql' },
  { name: 'employees', dump: 'employees-bytebase/postgres/dataset_small/employee.sql' },
];

function psql(server: PostgresServer, database: string, input: string, cwd?: string): string {
  const done = spawnSync('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], { env: { ...process.env, ...server.psqlEnv }, input, encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }), maxBuffer: 2 ** 28 });
  if (done.status !== 0) throw new Error(`psql: ${done.error?.message ?? done.stderr.slice(-2000)}`);
  return done.stdout.trim();
}

/** Without what creates and enters a database of its own, and without owners that are not there. */
function script(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\s*(?:DROP DATABASE|CREATE DATABASE|\\c |\\connect |ALTER DATABASE|COMMENT ON SCHEMA|ALTER [^;]* OWNER TO ).*$/gim, '').replace(/^CREATE SCHEMA public;$/gm, '');
}

/** The dump as one file: psql's `\\i` is for psql. */
function withIncluded(path: string, folder: string): string {
  const text = readFileSync(path, 'utf8');
  if (!/^\\i /m.test(text)) return path;
  const whole = join(folder, basename(path));
  writeFileSync(whole, text.replace(/^\\i (\S+).*$/gm, (_, included: string) => readFileSync(join(dirname(path), included), 'utf8')));
  return whole;
}

const TABLES = `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'truth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`;

/** @returns what differs, in lines */
async function compare(server: PostgresServer, { name, dump, source, same = [] }: Sample, workspace: string): Promise<{ tables: number; rows: number; differences: string[] }> {
  const database = `sample_${name.replace('-', '_')}`;
  psql(server, 'postgres', `CREATE DATABASE ${database}`);
  const path = join(data, dump);
  psql(server, database, script(path), dirname(path));
  psql(server, database, 'ALTER SCHEMA public RENAME TO truth; CREATE SCHEMA public;');
  psql(server, database, script(path), dirname(path));
  const tables = psql(server, database, TABLES).split('\n').map((table) => `"${table}"`);
  psql(server, database, `SET client_min_messages = warning; TRUNCATE ${tables.map((table) => `public.${table}`).join(', ')} CASCADE`);
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const receipt = await restoreBackup({ source: source === undefined ? withIncluded(path, workspace) : join(data, source), to: url.href, workspace }).receipt;
  const differences: string[] = [];
  for (const table of tables) {
    const rows = (schema: string): string => `SELECT ${same.reduce((row, [text, as]) => `replace(${row}, '${text}', '${as}')`, 't::text')} FROM ${schema}.${table} t`;
    const [missing, extra] = psql(server, database, `SELECT count(*) FROM (${rows('truth')} EXCEPT ALL ${rows('public')}) AS missing; SELECT count(*) FROM (${rows('public')} EXCEPT ALL ${rows('truth')}) AS extra`).split('\n').map(Number);
    if (missing === 0 && extra === 0) continue;
    const example = (from: string, to: string): string => psql(server, database, `${rows(from)} EXCEPT ALL ${rows(to)} ORDER BY 1 LIMIT 1`);
    differences.push(`${table}: ${missing} rows missing or different, ${extra} not in the truth`, `  psql:   ${example('truth', 'public')}`, `  sluice: ${example('public', 'truth')}`);
  }
  return { tables: tables.length, rows: receipt.totals.written, differences };
}

async function main(wanted: readonly string[]): Promise<boolean> {
  if (!existsSync(data)) {
    console.log(`Samples not restored: there is no folder ${data}. Set SLUICE_DATA to the folder with the data sets.`);
    return true;
  }
  const server = await startPostgres();
  const workspace = mkdtempSync(join(tmpdir(), 'sluice-samples-'));
  let good = true;
  try {
    for (const sample of SAMPLES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      try {
        const { tables, rows, differences } = await compare(server, sample, workspace);
        console.log(`${sample.name}: ${tables} tables, ${rows} rows, ${differences.length === 0 ? 'the same as by psql' : 'not the same as by psql'}`);
        for (const line of differences) console.log(`  ${line}`);
        good &&= differences.length === 0;
      } catch (error) {
        console.log(`${sample.name}: not restored: ${error instanceof Error ? error.message : String(error)}`);
        good = false;
      }
    }
  } finally {
    await server.stop();
    rmSync(workspace, { recursive: true, force: true });
  }
  return good;
}

if (!(await main(process.argv.slice(2)))) process.exitCode = 1;
