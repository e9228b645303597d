/**
 * Backup and restore of PostgreSQL against pg_dump and pg_restore (directory format, which is the one that works in parallel), at no compression, at its quickest and at its default, and pgcopydb where it is
 * installed. On Debian's server, whose pg_dump fits. What the server alone takes, and the least that any program adds, is measured beside: psql reads the table in as many pieces as there are jobs, and throws them away
 * or lets zstd write them. A backup is measured with its size on disk, then once more without changes and after 1% of rows were appended; a restore without ANALYZE, which is timed apart.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres } from '../test/helpers/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { append, fill, runPsql, TABLES, type DataSet, type Psql } from './backup-data.ts';
import { backupMarkdown, saveBackupReport, type BackupReport, type SizedMeasurement, type SizedResult } from './backup-report.ts';
import { sluice } from './contenders.ts';
import { measure, type Command } from './measure.ts';
import { describeMachine, postgresVersionOf } from './report.ts';

export interface BackupBenchOptions {
  readonly job: 'backup' | 'restore-backup';
  /** Of embeddings and of ordinary rows; 0 leaves the table out. */
  readonly embeddings: number;
  readonly rows: number;
  readonly runs: number;
  readonly jobs: number;
  readonly peers: readonly string[] | undefined;
  readonly out: string;
}

interface BackupContender {
  readonly name: string;
  readonly missing?: string;
  /** Where its backup is. */
  readonly target: string;
  readonly command: Command;
}

const SOURCE = 'bench_source', COPY = 'bench_copy';
const APPENDED = 0.01;

export async function runBackupBench(options: BackupBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  // Durable commits, and room for checkpoints so that none falls into one contender's run only.
  const server = await startPostgres({ version: 'debian', settings: { fsync: 'on', full_page_writes: 'on', max_wal_size: '16GB', shared_buffers: '512MB', autovacuum: 'off' } });
  try {
    // Brings a checkout's build up to date, which must not fall into the first measurement.
    await measure({ file: sluice, args: ['--version'] });
    const bench = new BackupBench(server, folder, join(await findPostgres('debian'), 'bin'), options);
    for (const [set, rows] of [['embeddings', options.embeddings], ['rows', options.rows]] as const) {
      if (rows === 0) continue;
      const report = options.job === 'backup' ? await bench.backup(set, rows) : await bench.restore(set, rows);
      process.stdout.write(`${backupMarkdown(report)}\nSaved as ${saveBackupReport(report, options.out)}\n`);
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class BackupBench {
  readonly #server: PostgresServer;
  readonly #folder: string;
  readonly #programs: string;
  readonly #options: BackupBenchOptions;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(server: PostgresServer, folder: string, programs: string, options: BackupBenchOptions) {
    this.#server = server;
    this.#folder = folder;
    this.#programs = programs;
    this.#options = options;
    mkdirSync(join(folder, 'workspace'));
  }

  async backup(set: DataSet, rows: number): Promise<BackupReport> {
    await this.#makeSource(set, rows);
    const contenders = [...this.#backups(), ...await this.#floors(set)];
    const results = await this.#alternate(contenders, rows, async (contender) => {
      rmSync(contender.target, { recursive: true, force: true });
      const measured = await measure(contender.command);
      return { ...measured, bytes: sizeOf(contender.target) };
    });
    const again = await this.#backUpAgain(contenders[0], set, rows);
    return this.#report(`Backup of ${describe(set, rows)}, ${this.#options.jobs} jobs`, results, again);
  }

  async restore(set: DataSet, rows: number): Promise<BackupReport> {
    await this.#makeSource(set, rows);
    const backups = this.#backups().filter(({ missing }) => missing === undefined);
    for (const { target, command } of backups) {
      rmSync(target, { recursive: true, force: true });
      await measure(command);
    }
    const restores: BackupContender[] = [...backups.map((backup) => this.#restoreOf(backup)), this.#pgcopydb()];
    let isAnalyzed = false;
    const notes: string[] = [];
    const results = await this.#alternate(restores, rows, async (contender) => {
      await this.#createDatabase(COPY);
      const measured = await measure(contender.command);
      if (!isAnalyzed) {
        isAnalyzed = true;
        const analyze = await measure({ file: join(this.#programs, 'psql'), args: ['-X', '-q', '-c', 'ANALYZE'], env: this.#env(COPY) });
        notes.push(`ANALYZE afterwards, which is in none of these: ${analyze.seconds.toFixed(2)} s`);
      }
      const found = Number(await runPsql(this.#psql(COPY), `SELECT count(*) FROM ${TABLES[set]}`));
      if (found !== rows) throw new Error(`${contender.name} has restored ${found} rows of ${rows}`);
      return { ...measured, bytes: 0 };
    });
    return { ...this.#report(`Restore of ${describe(set, rows)}, ${this.#options.jobs} jobs`, results, []), notes };
  }

  /** The last repository once more: unchanged, and with more rows. */
  async #backUpAgain({ target, command }: BackupContender, set: DataSet, rows: number): Promise<SizedResult[]> {
    const before = sizeOf(target);
    const unchanged = await measure(command);
    const afterUnchanged = sizeOf(target);
    await append(this.#psql(SOURCE), set, rows, Math.round(rows * APPENDED));
    const appended = await measure(command);
    const one = (name: string, measured: SizedMeasurement): SizedResult => ({ name, rows, own: true, runs: [measured], shareOf: before });
    return [
      one('sluice backup again, unchanged', { ...unchanged, bytes: afterUnchanged - before }),
      one(`sluice backup again, ${APPENDED * 100}% appended`, { ...appended, bytes: sizeOf(target) - afterUnchanged }),
    ];
  }

  async #alternate(contenders: readonly BackupContender[], rows: number, run: (contender: BackupContender) => Promise<SizedMeasurement>): Promise<SizedResult[]> {
    const runs = new Map<string, SizedMeasurement[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < this.#options.runs; round++) {
      for (const contender of contenders) {
        if (contender.missing !== undefined) continue;
        const measured = await run(contender);
        runs.get(contender.name)!.push(measured);
        process.stderr.write(`round ${round + 1}: ${contender.name} ${measured.seconds.toFixed(2)} s, ${(measured.bytes / 1e6).toFixed(1)} MB on disk, ${(measured.peakRssBytes / 1e6).toFixed(0)} MB of memory\n`);
      }
    }
    return contenders.map(({ name, missing, command }) => ({ name, rows, own: command.file === sluice, runs: runs.get(name)!, ...(missing === undefined ? {} : { missing }) }));
  }

  #backups(): BackupContender[] {
    const { jobs, peers } = this.#options;
    const repository = join(this.#folder, 'repository');
    const dumps = [['-Z0'], ['-Z1'], []].map((level): BackupContender => {
      const target = join(this.#folder, `dump${level.join('')}`);
      return { name: `pg_dump -Fd -j${jobs} ${level[0] ?? '(default)'}`, target, command: { file: join(this.#programs, 'pg_dump'), args: ['-Fd', `-j${jobs}`, ...level, '-f', target], env: this.#env(SOURCE) } };
    });
    return [
      { name: 'sluice', target: repository, command: { file: sluice, args: ['backup', this.#url(SOURCE), '--to', repository, '--jobs', String(jobs), '--quiet'], env: this.#workspace } },
      ...dumps.filter(({ name }) => peers === undefined || peers.some((peer) => name.startsWith(peer))),
    ];
  }

  /** Rows alone, unchecked, without a snapshot. */
  async #floors(set: DataSet): Promise<BackupContender[]> {
    const { jobs, peers } = this.#options;
    if (peers?.includes('psql') === false) return [];
    const pages = Number(await runPsql(this.#psql(SOURCE), `SELECT relpages FROM pg_class WHERE oid = '${TABLES[set]}'::regclass`));
    const floor = (name: string, folder: string, into: (i: number) => string): BackupContender => {
      const target = join(this.#folder, folder);
      const copies = Array.from({ length: jobs }, (_, i) => {
        const [first, end] = [i, i + 1].map((n) => `'(${Math.floor(pages * n / jobs)},0)'::tid`);
        const range = i + 1 === jobs ? `ctid >= ${first}` : `ctid >= ${first} AND ctid < ${end}`;
        return `psql -X -q -c "COPY (SELECT * FROM ${TABLES[set]} WHERE ${range}) TO STDOUT (FORMAT binary)" ${into(i)} &`;
      });
      return { name: `psql COPY ×${jobs}, ${name}`, target, command: { file: 'sh', args: ['-ec', `mkdir "${target}"; cd "${target}"; ${copies.join(' ')} wait`], env: { ...this.#env(SOURCE), PATH: `${this.#programs}:${process.env.PATH}` } } };
    };
    const compressed = floor('zstd -1', 'psql-zstd', (i) => `| zstd -q -1 --single-thread > ${i}`);
    return [floor('thrown away', 'psql', () => '> /dev/null'), spawnSync('which', ['zstd']).status === 0 ? compressed : { ...compressed, missing: 'zstd is not installed' }];
  }

  #restoreOf({ name, target }: BackupContender): BackupContender {
    const jobs = String(this.#options.jobs);
    const command = name === 'sluice'
      ? { file: sluice, args: ['restore', target, '--to', this.#url(COPY), '--jobs', jobs, '--no-analyze', '--quiet'], env: this.#workspace }
      : { file: join(this.#programs, 'pg_restore'), args: ['-j', jobs, '-d', COPY, target], env: this.#env(COPY) };
    return { name: name === 'sluice' ? name : name.replace('pg_dump -Fd', 'pg_restore'), target, command };
  }

  /** From database to database: backup and restore at once. */
  #pgcopydb(): BackupContender {
    const jobs = String(this.#options.jobs);
    const args = ['clone', '--source', this.#url(SOURCE), '--target', this.#url(COPY), '--table-jobs', jobs, '--index-jobs', jobs, '--restart', '--dir', join(this.#folder, 'pgcopydb')];
    const isThere = spawnSync('which', ['pgcopydb']).status === 0;
    return { name: 'pgcopydb clone (backup and restore at once)', target: '', command: { file: 'pgcopydb', args }, ...(isThere ? {} : { missing: 'pgcopydb is not installed' }) };
  }

  async #makeSource(set: DataSet, rows: number): Promise<void> {
    process.stderr.write(`making ${describe(set, rows)}\n`);
    await this.#createDatabase(SOURCE);
    await fill(this.#psql(SOURCE), set, rows);
  }

  async #createDatabase(name: string): Promise<void> {
    await runPsql(this.#psql('postgres'), `DROP DATABASE IF EXISTS ${name} (FORCE); CREATE DATABASE ${name} TEMPLATE template0; CHECKPOINT`);
  }

  #report(title: string, results: readonly SizedResult[], again: readonly SizedResult[]): BackupReport {
    return { title, machine: describeMachine(postgresVersionOf(this.#server.dataDir)), date: new Date().toISOString().slice(0, 10), results, again, notes: [] };
  }

  #psql(database: string): Psql {
    return { env: this.#env(database) };
  }

  #env(database: string): Record<string, string> {
    return { ...this.#server.psqlEnv, PGDATABASE: database };
  }

  #url(database: string): string {
    const url = new URL(this.#server.url);
    url.pathname = `/${database}`;
    return url.href;
  }

  get #workspace(): Record<string, string> {
    return { SLUICE_HOME: join(this.#folder, 'workspace') };
  }
}

function describe(set: DataSet, rows: number): string {
  return set === 'embeddings' ? `${rows} rows of 768 floats (real[])` : `${rows} ordinary rows with two indexes`;
}

/** Bytes of all files, as `du --apparent-size` counts them. */
function sizeOf(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  return bytes;
}
