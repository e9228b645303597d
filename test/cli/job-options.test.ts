import { Command } from 'commander';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineCopy } from '../../src/cli/commands/copy.ts';
import { defineExport } from '../../src/cli/commands/export.ts';
import { defineImport } from '../../src/cli/commands/import.ts';
import { defineRestore } from '../../src/cli/commands/restore.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { startRun, type RunHandle, type StartRunOptions } from '../../src/jobs/start-run.ts';
import { FakeTransfer, tableReceipt } from '../jobs/fake-transfer.ts';

let cwd: string;
let exitCode: number | undefined;
let given: { options: unknown; run: StartRunOptions } | undefined;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'sluice-options-'));
  exitCode = undefined;
  given = undefined;
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const DEFINITIONS = { import: defineImport, export: defineExport, copy: defineCopy, restore: defineRestore };

/** Parses the arguments as the program does, and starts a job that moves nothing; `given` is what it would have been told. */
async function parse(job: keyof typeof DEFINITIONS, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr, env, cwd };
  const start = (options: unknown, run: StartRunOptions): RunHandle => {
    given = { options, run };
    return startRun(job, async () => new FakeTransfer(async () => ({ tables: [tableReceipt({ read: 11, rejected: 1 })], warnings: [] })), run);
  };
  const command = new Command(job).exitOverride();
  DEFINITIONS[job](command, terminal, (code) => {
    exitCode = code;
  }, start);
  await command.parseAsync([...args, '--quiet'], { from: 'user' });
  return given?.options;
}

const embedded = (): string => `duckdb:${join(cwd, '.sluice', 'data.duckdb')}`;

describe('sluice import', () => {
  it('needs no more than a file', async () => {
    expect(await parse('import', ['a.csv'])).toEqual({ sources: ['a.csv'], to: embedded(), reference: embedded(), mode: 'append', read: {} });
    expect(given!.run).toMatchObject({ workspace: join(cwd, '.sluice'), dryRun: false });
    expect(exitCode).toBe(3);
  });

  it('passes every option on', async () => {
    const args = ['a.csv', 'b/*.csv', '--to', 'postgres://h/d', '--table', 'public.t', '--mode', 'upsert', '--key', 'a,b', '--key', 'c', '--map', 'x=y', '--map', 'v=w',
      '--columns', 'a,"b,c"', '--format', 'csv', '--delimiter', 'tab', '--quote', 'none', '--escape', '\\', '--no-header', '--null-text', '-',
      '--encoding', 'cp1252', '--type', 'a=numeric(10,2)', '--json-path', 'data.rows', '--max-record-size', '1MiB', '--on-error', 'quarantine', '--max-errors', '0.5%', '--jobs', '3', '--part-size', '1MB'];
    expect(await parse('import', args)).toEqual({
      sources: ['a.csv', 'b/*.csv'], to: 'postgres://h/d', reference: 'postgres://h/d', table: 'public.t', mode: 'upsert', key: ['a', 'b', 'c'], map: { x: 'y', v: 'w' }, columns: ['a', 'b,c'], format: 'csv',
      read: {
        csv: { delimiter: '\t', quote: '', escape: '\\', header: false, nullText: '-' },
        charset: 'windows-1252', types: { a: { kind: 'numeric', precision: 10, scale: 2 } }, jsonPath: 'data.rows', maxRecordBytes: 1_048_576,
      },
      onError: 'quarantine', maxErrors: { kind: 'percent', percent: 0.5 },
    });
    expect(given!.run).toMatchObject({ jobs: 3, partBytes: 1_000_000 });
  });

  it('tells a header that was said from one that is to be detected', async () => {
    expect(await parse('import', ['a.csv', '--header'])).toMatchObject({ read: { csv: { header: true } } });
    expect(await parse('import', ['a.csv', '--null-text', ''])).toMatchObject({ read: { csv: { nullText: '' } } });
    expect(await parse('import', ['a.txt', '--format', 'tsv'])).toMatchObject({ format: 'csv', read: { csv: { delimiter: '\t' } } });
  });

  it('takes defaults from the configuration, connections by name, and the table of a connection', async () => {
    await writeFile(join(cwd, 'sluice.config.json'), JSON.stringify({
      connections: { shop: 'postgres://app:${PW}@h/shop' }, jobs: 5, maxRecordSize: 1000, engineMemory: '300MB', workspace: 'w', import: { mode: 'replace' },
    }));
    expect(await parse('import', ['-', '--to', 'shop#public.t', '--yes'], { PW: 'x', SLUICE_JOBS: '6' })).toEqual({
      sources: ['-'], to: 'postgres://app:x@h/shop', reference: 'shop', table: 'public.t', mode: 'replace', read: { maxRecordBytes: 1000 },
    });
    expect(given!.run).toMatchObject({ jobs: 6, engineMemoryBytes: 300_000_000, workspace: join(cwd, 'w') });
  });
});

describe('sluice export', () => {
  it('needs no more than a target', async () => {
    expect(await parse('export', ['--to', 'a.csv'])).toEqual({ from: embedded(), to: 'a.csv', overwrite: false });
  });

  it('passes every option on', async () => {
    const args = ['postgres://h/d', '--to', 'out/', '--table', 'a,b', '--table', 's.c', '--where', 'x > 1', '--columns', 'x', '--format', 'jsonl', '--compress', 'zstd:3', '--overwrite', '--delimiter', ';', '--no-header'];
    expect(await parse('export', args)).toEqual({
      from: 'postgres://h/d', to: 'out/', tables: ['a', 'b', 's.c'], where: 'x > 1', columns: ['x'], format: 'ndjson', compression: { kind: 'zstd', level: 3 }, overwrite: true,
      csv: { delimiter: ';', header: false },
    });
    expect(await parse('export', ['duckdb#main.t', '--to', '-'])).toMatchObject({ from: embedded(), to: '-', tables: ['main.t'] });
    expect(await parse('export', ['--query', 'SELECT 1', '--to', 'a.json'])).toEqual({ from: embedded(), to: 'a.json', query: 'SELECT 1', overwrite: false });
  });

  it('lets the ending of a file win over the configuration', async () => {
    await writeFile(join(cwd, 'sluice.config.json'), JSON.stringify({ export: { format: 'parquet', compress: 'zstd', overwrite: true } }));
    expect(await parse('export', ['--to', 'a.csv'])).toEqual({ from: embedded(), to: 'a.csv', overwrite: true });
    expect(await parse('export', ['--to', '-'])).toMatchObject({ format: 'parquet' });
    expect(await parse('export', ['--to', 'folder/'])).toMatchObject({ format: 'parquet', compression: { kind: 'zstd' } });
    expect(await parse('export', ['--to', 'a.csv', '--compress', 'gzip'])).toMatchObject({ compression: { kind: 'gzip' } });
  });
});

describe('sluice copy', () => {
  it('passes every option on', async () => {
    expect(await parse('copy', ['a.duckdb', '--to', 'postgres://h/d'])).toEqual({ from: 'duckdb:a.duckdb', to: 'postgres://h/d', mode: 'append' });
    const args = ['a.duckdb#t', '--to', 'duckdb#u', '--mode', 'upsert', '--key', 'id', '--where', 'x', '--columns', 'id,x'];
    expect(await parse('copy', args)).toEqual({ from: 'duckdb:a.duckdb', to: embedded(), tables: ['t'], table: 'u', mode: 'upsert', key: ['id'], where: 'x', columns: ['id', 'x'] });
  });
});

describe('sluice restore', () => {
  it('needs no more than a source', async () => {
    expect(await parse('restore', ['backups/'])).toEqual({ source: 'backups/', to: embedded(), reference: embedded(), mode: 'append', read: {} });
  });

  it('passes every option on', async () => {
    const args = ['backups/', '--to', 'postgres://h/d', '--pick', '2026-11-21', '--clean', '--table', 'a,b', '--table', 'c', '--exclude', 'd', '--map-table', 'x=y', '--disable-triggers',
      '--on-error', 'quarantine', '--max-errors', '100', '--format', 'csv', '--delimiter', ';', '--null-text', 'NULL', '--encoding', 'latin1', '--max-record-size', '1MiB'];
    expect(await parse('restore', args)).toEqual({
      source: 'backups/', to: 'postgres://h/d', reference: 'postgres://h/d', pick: '2026-11-21', mode: 'replace', tables: ['a', 'b', 'c'], exclude: ['d'], mapTables: { x: 'y' }, disableTriggers: true,
      onError: 'quarantine', maxErrors: { kind: 'rows', rows: 100 }, format: 'csv', read: { csv: { delimiter: ';', nullText: 'NULL' }, charset: 'latin1', maxRecordBytes: 1_048_576 },
    });
    expect(await parse('restore', ['b', '--mode', 'upsert', '--max-errors', '1 %'])).toMatchObject({ mode: 'upsert', onError: 'quarantine', maxErrors: { kind: 'percent', percent: 1 } });
  });

  it.each([
    [['--mode', 'replace'], '--clean'],
    [['--clean', '--mode', 'upsert'], '--clean and --mode'],
    [['--to', 'duckdb:x.duckdb#t'], '--map-table'],
    [['--on-error', 'skip'], '--on-error'],
    [['--on-error', 'stop', '--max-errors', '1'], '--max-errors'],
    [['--max-errors', '101%'], '--max-errors'],
    [['--max-errors', '1.5'], '--max-errors'],
  ])('refuses %j', async (args, what) => {
    await expect(parse('restore', ['b', ...args])).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(what) });
  });
});
