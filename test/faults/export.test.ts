/** Exports that cannot be: what is asked for is not there, or what is written cannot be kept. Nothing partial is left, and what was there before stays. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMPILE_CACHE, MAIN } from '../cli/run-cli.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { inspectFailure, Workbench, type Fault } from './command-line.ts';
import { runSql } from './databases.ts';
import { mountSmallDisk, noSmallDisk, type SmallDisk } from './small-disk.ts';

/** Every way of writing: by the server or the engine itself, by us, through a compressor, through a named pipe. */
const FORMATS = { postgres: ['csv', 'ndjson.zst', 'parquet'], duckdb: ['csv', 'sql', 'csv.gz', 'parquet'] } as const;
const root = process.getuid?.() === 0;

let folder: string;
const urls = { postgres: '', duckdb: '' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-export-faults-'));
  urls.postgres = await createDatabase();
  urls.duckdb = `duckdb:${join(folder, 'source.duckdb')}`;
  for (const [kind, url] of Object.entries(urls)) {
    const series = kind === 'postgres' ? 'generate_series(1, 60000)' : 'range(60000)';
    // Text that does not compress well, so that the compressed files are large as well.
    await runSql(url, `CREATE TABLE large AS SELECT i AS id, md5(i::text) || md5((i * 7)::text) AS noise FROM ${series} AS r(i)`);
    await runSql(url, 'CREATE TABLE small AS SELECT 1 AS id');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let bench: Workbench;
beforeEach(() => { bench = new Workbench(); });
afterEach(() => bench.remove());

describe.each(['postgres', 'duckdb'] as const)('an export from %s', (kind) => {
  it.each<[string, string[], Fault]>([
    ['an unknown table', ['--table', 'lrge', '--to', 'out.csv'], { code: 'TABLE_UNKNOWN', at: { table: 'lrge' } }],
    ['an unknown column', ['--table', 'large', '--columns', 'id,noize', '--to', 'out.csv'], { code: 'COLUMN_UNKNOWN', at: { table: 'large', column: 'noize' } }],
    ['a query that is wrong', ['--query', 'SELECT nothing FROM large', '--to', 'out.csv'], { code: 'QUERY_INVALID' }],
    ['a query that fails in the middle', ['--query', 'SELECT 10 / (CASE WHEN id = 59999 THEN CAST(noise AS integer) ELSE 1 END) AS x FROM large', '--to', 'out.csv'], { code: 'QUERY_INVALID' }],
    ['two tables in one CSV file', ['--to', 'out.csv'], { code: 'OPTION_UNSUPPORTED' }],
    ['a folder that is not there', ['--table', 'large', '--to', 'nowhere/out.csv'], { code: 'TARGET_UNWRITABLE', at: { file: 'nowhere/out.csv' } }],
    ['a file in place of a folder', ['--to', 'there.csv/'], { code: ['TARGET_UNWRITABLE', 'TARGET_EXISTS'] }],
    ['a file that is there', ['--table', 'large', '--to', 'there.csv'], { code: 'TARGET_EXISTS', at: { file: 'there.csv' } }],
    ['a file that is there in the folder', ['--to', 'folder/', '--format', 'csv'], { code: 'TARGET_EXISTS', at: { file: 'folder/small.csv' } }],
  ])('%s', async (_what, args, fault) => {
    writeFileSync(bench.path('there.csv'), 'precious');
    mkdirSync(bench.path('folder'));
    writeFileSync(bench.path('folder/small.csv'), 'precious');
    await bench.fails(['export', urls[kind], ...args], fault);
    for (const path of ['there.csv', 'folder/small.csv']) expect(readFileSync(bench.path(path), 'utf8')).toBe('precious');
  });

  it.for(['csv', 'json'])('%s to a device that is full', async (format, { skip }) => {
    skip(!existsSync('/dev/full'), 'there is no /dev/full');
    const { receipt } = await bench.fails(['export', urls[kind], '--table', 'large', '--to', '/dev/full', '--format', format], { code: 'DISK_FULL' });
    expect(receipt.totals.written).toBe(0);
  });

  it('standard output to a device that is full', async ({ skip }) => {
    skip(!existsSync('/dev/full'), 'there is no /dev/full');
    const { stderr, code } = await shell(`exec "$0" "$@" > /dev/full`, ['export', urls[kind], '--table', 'large', '--to', '-', '--format', 'csv']);
    expect(stderr).toContain('DISK_FULL');
    expect(code).toBe(1);
  });

  it.each(FORMATS[kind])('%s beyond the largest file that the process may write', async (format) => {
    const result = await shell('ulimit -f 600; exec "$0" "$@"', ['export', urls[kind], '--table', 'large', '--to', `out.${format}`, '--json']);
    const { error } = inspectFailure(result);
    expect(error.code).toMatch(/DISK_FULL|TARGET_UNWRITABLE/);
    expect(bench.files()).toEqual([]);
  });

  it('to a reader that goes away', async () => {
    const result = await shell(`"$0" "$@" | head -1; exit \${PIPESTATUS[0]}`, ['export', urls[kind], '--table', 'large', '--to', '-', '--format', 'csv']);
    expect(result.stdout).toBe('id,noise\n');
    expect(result.stderr).toContain('OUTPUT_CLOSED');
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(1);
  });

  it('into a folder that may not be written to', async ({ skip }) => {
    const reason = root ? noSmallDisk() : undefined;
    skip(reason !== undefined, `permissions do not stop root, and ${reason}`);
    const closed = closeFolder();
    try {
      symlinkSync(closed.path, bench.path('closed'));
      await bench.fails(['export', urls[kind], '--table', 'large', '--to', 'closed/out.csv'], { code: 'TARGET_UNWRITABLE', at: { file: 'closed/out.csv' } });
      expect(readdirSync(closed.path)).toEqual([]);
    } finally {
      closed.remove();
    }
  });
});

describe('on a disk that is full', () => {
  const reason = noSmallDisk();
  let small: SmallDisk | undefined;
  let disk: string;
  beforeAll(() => {
    if (reason !== undefined) return;
    small = mountSmallDisk('600k');
    disk = small.path;
  });
  beforeEach(({ skip }) => skip(reason !== undefined, reason));
  afterAll(() => small?.remove());

  it.each((['postgres', 'duckdb'] as const).flatMap((kind) => FORMATS[kind].map((format) => [kind, format] as const)))('an export from %s to %s is removed', async (kind, format) => {
    writeFileSync(join(disk, `old.${format}`), 'precious');
    await bench.fails(['export', urls[kind], '--table', 'large', '--to', join(disk, `old.${format}`), '--overwrite'], { code: 'DISK_FULL' });
    expect(readdirSync(disk)).toEqual([`old.${format}`]);
    expect(readFileSync(join(disk, `old.${format}`), 'utf8')).toBe('precious');
    rmSync(join(disk, `old.${format}`));
  });

  it('a folder of several tables is removed', async () => {
    await bench.fails(['export', urls.postgres, '--to', join(disk, 'all/'), '--format', 'csv'], { code: 'DISK_FULL' });
    expect(readdirSync(disk)).toEqual([]);
  });

  it('an import into DuckDB leaves the database as it was', async () => {
    const database = join(disk, 'd.duckdb');
    writeFileSync(bench.path('large.csv'), `id,noise\n${Array.from({ length: 60_000 }, (_, id) => `${id},${Math.random()}${Math.random()}\n`).join('')}`);
    await bench.fails(['import', 'large.csv', '--to', database], { code: ['DISK_FULL', 'SERVER_DISK_FULL'] });
    expect(readdirSync(disk)).toEqual([]);
  });
});

/** An empty folder that nobody may write to. Permissions do not stop root: there it is a disk that can only be read. */
function closeFolder(): { readonly path: string; remove(): void } {
  if (root) {
    const disk = mountSmallDisk('64k');
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    return disk;
  }
  const path = mkdtempSync(join(tmpdir(), 'sluice-closed-'));
  chmodSync(path, 0o500);
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

function shell(script: string, args: readonly string[]): Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', script, process.execPath, '--disable-warning=ExperimentalWarning', MAIN, ...args], { cwd: bench.cwd, env: { PATH: process.env.PATH, HOME: bench.cwd, ...COMPILE_CACHE }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
