// Round trips of whole databases: `npm run test:round-trip [NAME…]`. psql makes a database; it is backed up and restored by Sluice, and restored by Sluice from pg_dump's own archives; then pg_dump must write the same of
// the original and of each copy (test/backup/dump-comparison.ts lists what may differ), and `sluice verify --against` must find the same rows in each. On Debian's server, whose pg_dump fits.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { loadChecklist, loadOddities, loadOtherCase, runSqlFile } from '../test/backup/checklist/load.ts';
import { findPostgres } from '../test/helpers/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { compareDumps, NORMALIZATIONS } from '../test/backup/dump-comparison.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src/cli/main.ts');
const data = resolve(process.env.SLUICE_DATA ?? join(ROOT, '../shared/data'));

interface Sample {
  readonly name: string;
  readonly load: (url: string, workspace: string) => Promise<void>;
  /** Default UTF8. */
  readonly encoding?: 'SQL_ASCII';
  /** What it needs; when it is not there the sample is left out. */
  readonly needs?: string;
  /** Takes minutes: only when it is named. */
  readonly isLong?: true;
}

const SAMPLES: readonly Sample[] = [
  { name: 'checklist', load: (url) => loadChecklist(url) },
  { name: 'oddities', load: (url) => loadOddities(url) },
  { name: 'strange', load: (url) => loadOddities(url, 'strange') },
  { name: 'tablespace', load: (url) => loadOtherCase(url, 'tablespace') },
  { name: 'sql-ascii', encoding: 'SQL_ASCII', load: (url) => loadOtherCase(url, 'sql-ascii') },
  { name: 'large-values', load: (url) => loadOtherCase(url, 'large-values'), isLong: true },
  dump('pagila', 'neon-sample-dbs/pagila.sql'),
  dump('chinook', 'chinook/Chinook_PostgreSql.sql'),
  dump('northwind', 'northwind-psql/northwind.sql'),
  dump('employees', 'employees-bytebase/postgres/dataset_small/employee.sql'),
];

/** A published dump, without what creates and enters a database of its own, and without owners that are not there. */
function dump(name: string, path: string): Sample {
  const source = join(data, path);
  return {
    name,
    needs: source,
    load: async (url, workspace) => {
      const text = readFileSync(source, 'utf8')
        .replace(/^\s*(?:DROP DATABASE|CREATE DATABASE|\\c |\\connect |ALTER DATABASE|COMMENT ON SCHEMA|ALTER [^;]* OWNER TO ).*$/gim, '')
        .replace(/^CREATE SCHEMA public;$/gm, '')
        .replace(/^\\i (\S+).*$/gm, (_, included: string) => readFileSync(join(dirname(source), included), 'utf8'));
      const script = join(workspace, `${name}.sql`);
      writeFileSync(script, text);
      await runSqlFile(url, script);
    },
  };
}

interface Setup {
  readonly server: PostgresServer;
  readonly programs: string;
  readonly workspace: string;
}

type Step = readonly [what: string, differences: readonly string[]];

async function roundTrip(sample: Sample, setup: Setup): Promise<Step[]> {
  const { workspace, programs, server } = setup;
  const original = await createDatabase(setup, `${sample.name} original`, sample.encoding);
  await sample.load(urlOf(server, original), workspace);
  const repository = join(workspace, `${sample.name}-repository`);
  const steps: Step[] = [];
  const step = async (what: string, work: () => Promise<readonly string[]>): Promise<void> => {
    const started = performance.now();
    const differences = await work().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
    steps.push([what, differences]);
    console.log(`${sample.name}: ${what}: ${differences.length === 0 ? 'the same' : 'NOT the same'} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    for (const line of differences) console.log(`    ${line}`);
  };
  await step('backup, and the source as it was', async () => {
    await sluice(setup, ['backup', urlOf(server, original), '--to', repository]);
    return sluiceDifferences(setup, ['verify', repository, '--against', urlOf(server, original)]);
  });
  const control = new Control(original, sample, setup);
  const compared = async (copy: string): Promise<string[]> => [
    ...await control.differences(copy),
    ...await sluiceDifferences(setup, ['verify', repository, '--against', urlOf(server, copy)]),
  ];
  await step('restore of the backup', async () => {
    const copy = await createDatabase(setup, `${sample.name} restored`, sample.encoding);
    await sluice(setup, ['restore', repository, '--to', urlOf(server, copy)]);
    return compared(copy);
  });
  for (const [what, options] of [['custom', ['-Fc']], ['directory', ['-Fd', '-j2']]] as const) {
    await step(`restore of pg_dump's ${what} archive`, async () => {
      const archive = join(workspace, `${sample.name}.${what}`);
      const copy = await createDatabase(setup, `${sample.name} ${what}`, sample.encoding);
      await run(join(programs, 'pg_dump'), [...options, '-f', archive, '-d', original], setup);
      await sluice(setup, ['restore', archive, '--to', urlOf(server, copy)]);
      rmSync(archive, { recursive: true });
      return compared(copy);
    });
  }
  return steps;
}

/** What PostgreSQL's own pg_dump and pg_restore make of a database: where the copy differs from the original, it must be the same as that. */
class Control {
  readonly #original: string;
  readonly #sample: Sample;
  readonly #setup: Setup;
  #control: Promise<string> | undefined;

  constructor(original: string, sample: Sample, setup: Setup) {
    this.#original = original;
    this.#sample = sample;
    this.#setup = setup;
  }

  async differences(copy: string): Promise<string[]> {
    const differences = await this.#compare(this.#original, copy);
    if (differences.length === 0) return [];
    this.#control ??= this.#restore();
    const others = await this.#compare(await this.#control, copy);
    if (others.length > 0) return ['other than by pg_dump and pg_restore:', ...others];
    console.log(`${this.#sample.name}: in some things like a restore by pg_restore, and not like the original:`);
    for (const line of differences.filter((text) => /^[+-]/.test(text))) console.log(`    ${line}`);
    return [];
  }

  #compare(before: string, after: string): Promise<string[]> {
    const { programs, server, workspace } = this.#setup;
    return compareDumps({ pgDump: join(programs, 'pg_dump'), env: server.psqlEnv }, [before, after], join(workspace, 'dumps'));
  }

  async #restore(): Promise<string> {
    const { programs, workspace } = this.#setup;
    const archive = join(workspace, `${this.#sample.name}.control`);
    const control = await createDatabase(this.#setup, `${this.#sample.name} control`, this.#sample.encoding);
    await run(join(programs, 'pg_dump'), ['-Fc', '-Z1', '-f', archive, '-d', this.#original], this.#setup);
    await run(join(programs, 'pg_restore'), ['--exit-on-error', '-d', control, archive], this.#setup);
    rmSync(archive);
    return control;
  }
}

function urlOf(server: PostgresServer, database: string): string {
  const url = new URL(server.url);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function createDatabase({ server, programs }: Setup, name: string, encoding = 'UTF8'): Promise<string> {
  const database = name.replaceAll(/[ -]/g, '_');
  await run(join(programs, 'createdb'), ['-E', encoding, '-T', 'template0', database], { server });
  return database;
}

async function run(program: string, args: readonly string[], { server }: Pick<Setup, 'server'>): Promise<void> {
  const done = spawn(program, args, { env: { ...process.env, ...server.psqlEnv }, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  done.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = await once(done, 'close') as [number];
  if (code !== 0) throw new Error(`${program}: ${complaint.trim()}`);
}

interface SluiceResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runSluice({ workspace }: Setup, args: readonly string[]): Promise<SluiceResult> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--quiet'], { cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '', stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = await once(child, 'close') as [number];
  return { code, stdout, stderr };
}

async function sluice(setup: Setup, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runSluice(setup, args);
  if (code !== 0) throw new Error(`sluice ${args[0]} ended with ${code}: ${stderr.trim()}${stdout.trim()}`);
}

/** Of a verification: what it says when it ends with 4. */
async function sluiceDifferences(setup: Setup, args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runSluice(setup, [...args, '--json']);
  if (stdout === '') return [`sluice verify ended with ${code}: ${stderr.trim()}`];
  const report = JSON.parse(stdout) as { tables?: { name: string; status: string }[]; sequences?: { name: string }[]; otherTables?: string[] };
  const different = (report.tables ?? []).filter(({ status }) => status !== 'same' && status !== 'moved');
  return [
    ...different.map((table) => `verify --against: ${JSON.stringify(table).slice(0, 1000)}`),
    ...(report.sequences ?? []).map((sequence) => `verify --against: sequence ${JSON.stringify(sequence)}`),
    ...(report.otherTables ?? []).map((name) => `verify --against: ${name} is not in the backup`),
    ...(code !== 0 && different.length === 0 ? [`verify --against ended with ${code}: ${stderr.trim()}`] : []),
  ];
}

async function main(names: readonly string[]): Promise<boolean> {
  const unknown = names.find((name) => SAMPLES.every((sample) => sample.name !== name));
  if (unknown !== undefined) throw new Error(`There is no sample ${unknown}; there are ${SAMPLES.map(({ name }) => name).join(', ')}`);
  const wanted = SAMPLES.filter(({ name, isLong }) => (names.length === 0 ? isLong !== true : names.includes(name)));
  for (const { name, isLong } of SAMPLES) if (isLong === true && !wanted.some((sample) => sample.name === name)) console.log(`${name}: left out, because it takes minutes: name it to run it`);
  for (const program of ['sort', 'diff']) if (spawnSync(program, ['--version']).status !== 0) throw new Error(`${program} is not installed`);
  const server = await startPostgres({ version: 'debian', settings: { wal_level: 'logical', max_wal_size: '4GB' } });
  const workspace = mkdtempSync(join(tmpdir(), 'sluice-round-trip-'));
  let isGood = true;
  try {
    const setup = { server, workspace, programs: join(await findPostgres('debian'), 'bin') };
    for (const sample of wanted) {
      if (sample.needs !== undefined && !(existsSync(sample.needs) && statSync(sample.needs).isFile())) {
        console.log(`${sample.name}: left out: there is no ${sample.needs}. SLUICE_DATA names the folder with the data sets`);
        continue;
      }
      const steps = await roundTrip(sample, setup);
      isGood &&= steps.every(([, differences]) => differences.length === 0);
    }
    console.log('Taken for the same:');
    for (const { what, why } of NORMALIZATIONS) console.log(`  ${what}: ${why}`);
  } finally {
    await server.stop();
    rmSync(workspace, { recursive: true, force: true });
  }
  return isGood;
}

if (!(await main(process.argv.slice(2)))) process.exitCode = 1;
