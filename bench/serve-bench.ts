/**
 * How long an upload takes beside `sluice import` of the same file, and the memory of `sluice serve` while data passes through it, watched from outside: uploads by `curl -T` of one size and of ten times that size, an export to a client that reads slowly and
 * then goes away, and uploads at once. Says for each what must hold, and whether it does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../test/helpers/ask.ts';
import type { PostgresServer } from '../test/helpers/postgres-server.ts';
import { sluice } from './contenders.ts';
import { generate } from './generate.ts';
import { measure, median } from './measure.ts';
import { MemoryWatch, type MemoryCourse } from './resident-memory.ts';
import { CONNECTION, Served } from './served.ts';
import { saveServeReport, serveMarkdown, type Finding, type ServeReport } from './serve-report.ts';
import { describeMachine, postgresVersionOf } from './report.ts';

export const SERVE_PARTS = ['time', 'uploads', 'export', 'at-once'] as const;

export interface ServeBenchOptions {
  readonly parts: readonly string[];
  /** Of the smaller upload. */
  readonly rows: number;
  readonly exportRows: number;
  /** How long the slow client reads before it goes away; 0: to the end. */
  readonly seconds: number;
  readonly uploads: number;
  /** Rounds of the comparison of times. */
  readonly runs: number;
  readonly jobs: number;
  readonly folder: string;
  readonly out: string;
}

const LIMIT_BYTES = 150e6;
const SLOWER = 1.2;
/** What is flat may differ by so much: garbage that is not collected yet. */
const FLAT = 1.15;
const SLOW_BYTES_PER_SECOND = 2 ** 20;
const FREED_WITHIN_MS = 5000;

export async function runServeBench(server: PostgresServer, options: ServeBenchOptions): Promise<boolean> {
  const bench = new ServeBench(server.url, options);
  const findings: Finding[] = [];
  const parts: Record<string, () => Promise<Finding[]>> = { time: () => bench.time(), uploads: () => bench.uploads(), export: () => bench.slowExport(), 'at-once': () => bench.atOnce() };
  for (const part of options.parts) findings.push(...await parts[part]());
  const report: ServeReport = { machine: describeMachine(postgresVersionOf(server.dataDir)), date: new Date().toISOString().slice(0, 10), findings };
  process.stdout.write(`${serveMarkdown(report)}\nSaved as ${saveServeReport(report, options.out)}\n`);
  return findings.every(({ holds }) => holds);
}

class ServeBench {
  readonly #database: string;
  readonly #options: ServeBenchOptions;

  constructor(database: string, options: ServeBenchOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** In alternation, into a table that is made; ratios within the same round. */
  async time(): Promise<Finding[]> {
    const { rows, runs, jobs, folder } = this.#options;
    const csv = this.#csv(rows);
    const env = { SLUICE_HOME: join(folder, 'time') };
    mkdirSync(env.SLUICE_HOME);
    const rounds = await this.#alone(async (served) => {
      const times: { imported: number; uploaded: number }[] = [];
      for (let round = 0; round < runs; round++) {
        const imported = (await measure({ file: sluice, args: ['import', csv, '--to', this.#database, '--table', 'imported', '--jobs', String(jobs), '--quiet'], env })).seconds;
        const from = performance.now();
        await this.#upload(served, csv, 'uploaded');
        times.push({ imported, uploaded: (performance.now() - from) / 1000 });
        await ask(this.#database, 'DROP TABLE imported; DROP TABLE uploaded');
      }
      return times;
    });
    rmSync(csv);
    const ratio = median(rounds.map(({ imported, uploaded }) => uploaded / imported));
    return [{
      what: `time of curl -T by that of sluice import, ${rows.toLocaleString('en')} rows: ${ratio.toFixed(2)}`, must: `at most ${SLOWER}`, holds: ratio <= SLOWER,
      notes: [`curl -T and sluice import, seconds, round by round: ${rounds.map(({ imported, uploaded }) => `${uploaded.toFixed(1)} and ${imported.toFixed(1)} (${(uploaded / imported).toFixed(2)})`).join('; ')}`],
    }];
  }

  /** Each on a server of its own, so that the peak is that of this upload. */
  async uploads(): Promise<Finding[]> {
    const { rows } = this.#options;
    const small = await this.#alone((served) => this.#watchedUpload(served, rows));
    const large = await this.#alone((served) => this.#watchedUpload(served, rows * 10));
    const isFlat = large.peakBytes <= small.peakBytes * FLAT;
    return [
      { what: `curl -T of ${rows.toLocaleString('en')} rows`, course: small, must: 'at most 150 MB', holds: small.peakBytes <= LIMIT_BYTES },
      { what: `curl -T of ${(rows * 10).toLocaleString('en')} rows`, course: large, must: 'at most 150 MB, and no more than the smaller one', holds: large.peakBytes <= LIMIT_BYTES && isFlat },
    ];
  }

  async slowExport(): Promise<Finding[]> {
    const { exportRows, seconds } = this.#options;
    await this.#alone(async (served) => this.#upload(served, this.#csv(exportRows), 'export_rows'));
    return this.#alone(async (served) => {
      const sessions = new Map<string, number>();
      const watch = new MemoryWatch(served.pid);
      const client = curl(served, ['--limit-rate', String(SLOW_BYTES_PER_SECOND), `${served.url}/api/v1/export?from=${CONNECTION}&table=export_rows`]);
      let bytes = 0;
      client.stdout!.on('data', (chunk: Buffer) => { bytes += chunk.length; });
      const exited = once(client, 'exit');
      const until = seconds === 0 ? Infinity : performance.now() + seconds * 1000;
      while (client.exitCode === null && performance.now() < until) {
        await Promise.race([sleep(1000), exited]);
        for (const session of await this.#sessions()) sessions.set(session, (sessions.get(session) ?? 0) + 1);
      }
      const course = watch.end();
      const isWhole = client.exitCode === 0;
      if (client.exitCode !== null && !isWhole) throw new Error(`the slow client ended with ${client.exitCode}`);
      client.kill('SIGKILL');
      const freed = await this.#freedAfter(served);
      const [first, last] = [course.tenths[1], course.tenths.at(-1)!];
      const megabytes = (bytes / 1e6).toFixed(0);
      return [
        { what: `export of ${exportRows.toLocaleString('en')} rows to a client that reads 1 MiB/s: ${megabytes} MB taken${isWhole ? ', to the end' : ''}`, course, must: 'flat', holds: last <= first * FLAT && course.peakBytes <= LIMIT_BYTES,
          notes: [`sessions of the database meanwhile, seconds seen: ${[...sessions].map(([state, count]) => `${state} ${count}`).join('; ')}`] },
        { what: 'its connections when it goes away', must: `given back within ${FREED_WITHIN_MS / 1000} s`, holds: freed <= FREED_WITHIN_MS, notes: [`no session of the server and none given out after ${(freed / 1000).toFixed(1)} s`] },
      ];
    });
  }

  async atOnce(): Promise<Finding[]> {
    const { uploads, rows } = this.#options;
    const each = Math.ceil(rows / 3);
    const csv = this.#csv(each);
    const course = await this.#alone(async (served) => {
      const watch = new MemoryWatch(served.pid);
      await Promise.all(Array.from({ length: uploads }, (_, index) => this.#upload(served, csv, `at_once_${index}`)));
      for (let index = 0; index < uploads; index++) await this.#count(`at_once_${index}`, each);
      return watch.end();
    });
    rmSync(csv);
    return [{ what: `${uploads} uploads at once, ${each.toLocaleString('en')} rows each`, course, must: 'no failure, at most 150 MB', holds: course.peakBytes <= LIMIT_BYTES }];
  }

  async #alone<T>(work: (served: Served) => Promise<T>): Promise<T> {
    const served = await Served.start(this.#options.folder, this.#database, this.#options.jobs);
    try {
      return await work(served);
    } finally {
      await served.stop();
    }
  }

  async #watchedUpload(served: Served, rows: number): Promise<MemoryCourse> {
    const csv = this.#csv(rows);
    const watch = new MemoryWatch(served.pid);
    await this.#upload(served, csv, 'uploaded');
    const course = watch.end();
    rmSync(csv);
    await this.#count('uploaded', rows);
    await ask(this.#database, 'DROP TABLE uploaded');
    return course;
  }

  #csv(rows: number): string {
    const path = join(this.#options.folder, `served-${rows}.csv`);
    process.stderr.write(`generating ${path}\n`);
    generate('csv', rows, path);
    return path;
  }

  async #upload(served: Served, csv: string, table: string): Promise<void> {
    process.stderr.write(`curl -T into ${table}\n`);
    const client = curl(served, ['-T', csv, `${served.url}/api/v1/import/?to=${CONNECTION}&table=${table}`]);
    let answer = '';
    client.stdout!.setEncoding('utf8').on('data', (text: string) => { answer += text; });
    const [code] = await once(client, 'close') as [number | null];
    if (code !== 0 || (JSON.parse(answer) as { status: string }).status !== 'done') throw new Error(`curl ended with ${code}: ${answer.slice(0, 2000)}`);
  }

  async #count(table: string, wanted: number): Promise<void> {
    const [[found]] = await ask(this.#database, `SELECT count(*) FROM ${table}`);
    if (Number(found) !== wanted) throw new Error(`${table} has ${found} rows of ${wanted}`);
  }

  /** What the server's sessions do now. */
  async #sessions(): Promise<string[]> {
    const rows = await ask(this.#database, `SELECT state || coalesce(', waits for ' || wait_event, '') FROM pg_stat_activity WHERE application_name LIKE 'sluice%'`);
    return rows.map(([state]) => state);
  }

  async #freedAfter(served: Served): Promise<number> {
    const from = performance.now();
    while ((await this.#sessions()).length > 0 || await served.metric('sluice_database_connections') > 0) {
      if (performance.now() - from > 60_000) return Infinity;
      await sleep(50);
    }
    return performance.now() - from;
  }
}

function curl(served: Served, args: readonly string[]): ChildProcess {
  // The token by a pipe: arguments can be read by everybody on the machine.
  const child = spawn('curl', ['--silent', '--show-error', '--fail-with-body', '--header', '@-', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(`${served.authorization}\n`);
  return child;
}
