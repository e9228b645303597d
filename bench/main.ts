/**
 * The benchmark: `npm run bench -- import|export|restore|backup|restore-backup|backup-flat|serve [options]`. Sluice and its peers do the same job in alternation (A B C, A B C, …) on the
 * same machine in the same run, so that the ratios hold when the machine's speed drifts.
 *
 *   --format csv|json|ndjson   import: what is read (default csv)      export: csv,ndjson,json,sql,parquet (default all)
 *   --to postgres|duckdb       import: where to (default postgres)
 *   --bad N|P%                 restore: also with so many bad rows, of every class
 *   --rows N                   default 1000000; backup and restore-backup: ordinary rows, default 5000000, 0 for none; serve: of an upload, which then comes with ten times as many, default 3000000
 *   --embeddings N             backup and restore-backup: rows of 768 floats, default 100000, 0 for none
 *   --gigabytes A,B            backup-flat: sizes of the table of embeddings that is backed up and restored, default 1,10
 *   --runs N                   rounds, default 3
 *   --jobs N                   default 2
 *   --memory                   also Sluice alone at 0.1x, 1x and 10x of --rows, for peak memory
 *   --peers a,b                only these (default all that are installed)
 *   --only PARTS               serve: time,uploads,export,at-once (default all); what must hold is checked, and the exit code says whether it does
 *   --export-rows N            serve: rows of the export to a client that reads 1 MiB/s, default 10000000
 *   --seconds N                serve: how long that client reads before it goes away, default 180; 0 for to the end
 *   --uploads N                serve: how many at once, default 8
 *   --out FOLDER               where the report is saved (default bench/results)
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { runBackupBench } from './backup-bench.ts';
import { runFlatBench } from './backup-flat.ts';
import * as contenders from './contenders.ts';
import { createTableSql, generate, type GeneratedFormat } from './generate.ts';
import { measure, type Measurement } from './measure.ts';
import { restoreContenders } from './restore-bench.ts';
import { runServeBench, SERVE_PARTS } from './serve-bench.ts';
import { describeMachine, markdown, postgresVersionOf, save, type Report, type Result } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    format: { type: 'string' }, to: { type: 'string', default: 'postgres' }, rows: { type: 'string' }, embeddings: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' }, jobs: { type: 'string', default: '2' }, memory: { type: 'boolean', default: false },
    'export-rows': { type: 'string', default: '10000000' }, seconds: { type: 'string', default: '180' }, uploads: { type: 'string', default: '8' }, only: { type: 'string', default: SERVE_PARTS.join(',') },
    gigabytes: { type: 'string', default: '1,10' }, peers: { type: 'string' }, bad: { type: 'string' }, out: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
});

const job = positionals[0];
const runs = Number(values.runs);
const rows = Number(values.rows ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
try {
  if (job === 'backup' || job === 'restore-backup') {
    await runBackupBench({ job, embeddings: Number(values.embeddings), rows: Number(values.rows ?? 5_000_000), runs, jobs: Number(values.jobs), peers: values.peers?.split(','), out: values.out });
  } else if (job === 'backup-flat') {
    await runFlatBench(values.gigabytes.split(',').map(Number), Number(values.jobs));
  } else if (job === 'import' || job === 'export' || job === 'restore') {
    await withServer(main);
  } else if (job === 'serve') {
    await withServer(async (server) => {
      const options = { rows: Number(values.rows ?? 3_000_000), exportRows: Number(values['export-rows']), seconds: Number(values.seconds), uploads: Number(values.uploads), runs, jobs: Number(values.jobs) };
      if (!await runServeBench(server, { ...options, parts: values.only.split(','), folder, out: values.out })) process.exitCode = 1;
    });
  } else {
    process.stderr.write('Usage: npm run bench -- import|export|restore|backup|restore-backup|backup-flat|serve [--gigabytes A,B] [--bad N|P%] [--format F] [--to postgres|duckdb] [--rows N] [--embeddings N] [--runs N] [--jobs N] [--memory] [--peers a,b]\n');
    process.exitCode = 2;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function withServer(work: (server: PostgresServer) => Promise<void>): Promise<void> {
  // Like a server in production: durable commits, and room for checkpoints so that none falls into one contender's run only.
  const server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', max_wal_size: '16GB', shared_buffers: '512MB', autovacuum: 'off' } });
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

async function main(postgres: PostgresServer): Promise<void> {
  mkdirSync(join(folder, 'workspace'));
  const stage: contenders.Stage = { folder, psqlEnv: postgres.psqlEnv, postgresUrl: postgres.url, jobs: Number(values.jobs) };
  const bench = { import: benchImport, export: benchExport, restore: benchRestore }[job as 'import' | 'export' | 'restore'];
  const report = await bench(stage);
  const complete: Report = { ...report, machine: describeMachine(postgresVersionOf(postgres.dataDir)), date: new Date().toISOString().slice(0, 10) };
  process.stdout.write(`${markdown(complete)}\nSaved as ${save(complete, values.out)}\n`);
}

async function benchImport(stage: contenders.Stage): Promise<Omit<Report, 'machine' | 'date'>> {
  const format = (values.format ?? 'csv') as GeneratedFormat;
  const to = values.to as 'postgres' | 'duckdb';
  const input = data(format, rows);
  const csv = format === 'csv' ? input : data('csv', rows);
  const all = to === 'postgres'
    ? [contenders.psqlCopyIn(stage, csv), contenders.pgloader(stage, csv)]
    : [contenders.duckdbImport(stage, csv), contenders.sqliteImport(stage, csv)];
  const results = await alternate([contenders.sluiceImport(stage, input, to), ...wanted(all)]);
  const memory = await growing(async (count) => {
    const contender = contenders.sluiceImport(stage, data(format, count), to);
    contender.reset();
    return { name: `sluice import ${format} → ${to}`, ...await measure(contender.command) };
  });
  return { title: `Import ${format} into ${to}, ${rows} rows, ${stage.jobs} jobs`, results, memory };
}

async function benchExport(stage: contenders.Stage): Promise<Omit<Report, 'machine' | 'date'>> {
  const formats = (values.format ?? 'csv,ndjson,json,sql,parquet').split(',');
  fill(stage, rows);
  const own = formats.map((format) => contenders.sluiceExport(stage, format));
  const results = await alternate([...own, ...wanted([contenders.psqlCopyOut(stage)])]);
  const memory = await growing(async (count) => {
    fill(stage, count);
    const peaks = [];
    for (const contender of own) {
      contender.reset();
      peaks.push({ name: contender.name, ...await measure(contender.command) });
      contender.reset();
    }
    return peaks;
  });
  return { title: `Export from postgres, ${rows} rows, ${stage.jobs} jobs`, results, memory };
}

async function benchRestore(stage: contenders.Stage): Promise<Omit<Report, 'machine' | 'date'>> {
  const [own, ...peers] = restoreContenders(stage, rows, values.bad);
  const results = await alternate([own, ...wanted(peers)]);
  const memory = await growing(async (count) => {
    const [sluice] = restoreContenders(stage, count, undefined);
    sluice.reset();
    return { name: 'sluice restore', ...await measure(sluice.command) };
  });
  return { title: `Restore 24 tables from JSON into postgres, ${rows} rows${values.bad === undefined ? '' : `, also ${values.bad} bad`}, ${stage.jobs} jobs`, results, memory };
}

async function alternate(all: readonly contenders.Contender[]): Promise<Result[]> {
  const measured = new Map<contenders.Contender, Measurement[]>();
  for (let round = 0; round < runs; round++) {
    for (const contender of all) {
      if (contender.missing !== undefined) continue;
      contender.reset();
      const result = await measure(contender.command);
      measured.set(contender, [...(measured.get(contender) ?? []), result]);
      process.stderr.write(`round ${round + 1}: ${contender.name} ${result.seconds.toFixed(2)} s, ${(result.peakRssBytes / 1e6).toFixed(0)} MB\n`);
    }
  }
  return all.map((contender) => ({ name: contender.name, own: contender.command.file === contenders.sluice, rows, runs: measured.get(contender) ?? [], ...(contender.missing === undefined ? {} : { missing: contender.missing }) }));
}

type Peak = Measurement & { name: string };

async function growing(run: (count: number) => Promise<Peak | Peak[]>): Promise<Report['memory']> {
  if (!values.memory) return [];
  const peaks: Report['memory'][number][] = [];
  for (const count of [rows / 10, rows, rows * 10]) {
    for (const peak of [await run(count)].flat()) {
      peaks.push({ ...peak, rows: count });
      process.stderr.write(`memory: ${peak.name} ${count} rows ${(peak.peakRssBytes / 1e6).toFixed(0)} MB\n`);
    }
  }
  return peaks;
}

function data(format: GeneratedFormat, count: number): string {
  const path = join(folder, `rows-${count}.${format}`);
  process.stderr.write(`generating ${path}\n`);
  generate(format, count, path);
  return path;
}

function fill(stage: contenders.Stage, count: number): void {
  const csv = data('csv', count);
  contenders.psql(stage, `DROP TABLE IF EXISTS bench_rows; ${createTableSql('bench_rows')}`);
  contenders.psql(stage, `\\copy bench_rows from '${csv}' csv header`);
  contenders.psql(stage, 'VACUUM ANALYZE bench_rows');
  rmSync(csv);
}

function wanted(all: readonly contenders.Contender[]): contenders.Contender[] {
  const names = values.peers?.split(',');
  return all.filter((contender) => names === undefined || names.some((name) => contender.name.startsWith(name)));
}
