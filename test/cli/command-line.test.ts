import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeReceipt } from '../../src/jobs/receipt.ts';
import { newOwner } from '../../src/jobs/run-owner.ts';
import { RunStore } from '../../src/jobs/run-store.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'sluice-cli-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const sluice = (args: string, options: Partial<CliOptions> = {}): Promise<CliResult> => runCli(args === '' ? [] : args.split(' '), { cwd, ...options });

describe('sluice', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await sluice('--version')).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['', 'import ', 'export ', 'copy ', 'runs ', 'runs list ', 'runs show ', 'runs cancel ', 'doctor '])('%s--help has examples', async (command) => {
    const { code, stdout, stderr } = await sluice(`${command}--help`);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`$ sluice ${command}`.trim());
    expect(stderr).toBe('');
  });

  it('prints what it refuses with message, hint and code, and exits with 2', async () => {
    const { code, stdout, stderr } = await sluice('import f.csv --jobs 0');
    expect(stderr).toMatch(/^error: --jobs: "0" is not .*\n {2}hint: .*\n {2}code: USAGE\n$/);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(existsSync(join(cwd, '.sluice'))).toBe(false);
  });

  it('prints one JSON document also for what it refuses', async () => {
    const job = await sluice('import f.csv --tabel x --json');
    expect(job.code).toBe(2);
    expect(JSON.parse(job.stdout)).toMatchObject({ run: null, job: 'import', status: 'failed', tables: [], totals: { read: 0 }, plan: null, error: { code: 'USAGE' } });
    const other = await sluice('runs show nothing --json');
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout)).toEqual({ error: { code: 'RUN_UNKNOWN', message: 'There is no run nothing', hint: expect.any(String), at: {} } });
  });

  it('prints a stack trace only when asked', async () => {
    expect((await sluice('imprt')).stderr).not.toContain('    at ');
    expect((await sluice('imprt', { env: { SLUICE_DEBUG: '1' } })).stderr).toContain('    at ');
  });

  it('survives a reader that goes away', async () => {
    const { code, stderr } = await sluice('import --help', { during: (child) => child.stdout!.destroy() });
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('fails when standard output is full', async ({ skip }) => {
    skip(!existsSync('/dev/full'), 'there is no /dev/full');
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await sluice('runs list --json', { stdout: full });
    closeSync(full);
    expect(code).toBe(1);
    expect(stderr).toContain('TARGET_UNWRITABLE');
  });

  it('names the setting that is wrong', async () => {
    await writeFile(join(cwd, 'sluice.config.json'), '{"jobs":"many"}');
    const { code, stderr } = await sluice('runs list');
    expect(code).toBe(2);
    expect(stderr).toContain('jobs must be a number');
  });
});

describe('sluice runs', () => {
  async function addRuns(workspace: string): Promise<void> {
    const store = await RunStore.open(workspace);
    const owner = newOwner();
    store.create('00000000000001', 'import', owner, 1_000);
    store.finish('00000000000001', owner, makeReceipt({ run: '00000000000001', job: 'import', status: 'done', seconds: 1 }), 2_000);
    store.create('00000000000002', 'export', newOwner());
    store.close();
  }

  it('is empty without a workspace, and makes none', async () => {
    expect(await sluice('runs list --json')).toMatchObject({ code: 0, stdout: '{"runs":[]}\n', stderr: '' });
    expect((await sluice('runs list')).stdout).toBe('No runs yet.\n');
    expect((await sluice('runs show')).code).toBe(1);
    expect((await sluice('runs cancel')).code).toBe(1);
    expect(existsSync(join(cwd, '.sluice'))).toBe(false);
  });

  it('lists newest first and shows one', async () => {
    await addRuns(join(cwd, '.sluice'));
    const listed = JSON.parse((await sluice('runs list --json')).stdout) as { runs: unknown[] };
    expect(listed.runs).toMatchObject([{ run: '00000000000002', job: 'export', status: 'running' }, { run: '00000000000001', job: 'import', status: 'done' }]);
    expect((await sluice('runs list')).stdout.split('\n')).toHaveLength(4);
    expect((await sluice('runs show 00000000000001')).stdout).toContain('import done in 1.0 s');
    expect(JSON.parse((await sluice('runs show --json')).stdout)).toMatchObject({ run: '00000000000002', receipt: null });
  });

  it('finds the workspace of SLUICE_HOME and of the configuration', async () => {
    await addRuns(join(cwd, 'elsewhere'));
    expect((await sluice('runs show 00000000000001', { env: { SLUICE_HOME: 'elsewhere' } })).code).toBe(0);
    await writeFile(join(cwd, 'other.json'), '{"workspace":"elsewhere"}');
    expect((await sluice('runs show 00000000000001 --config other.json')).code).toBe(0);
    expect((await sluice('runs show 00000000000001')).code).toBe(1);
  });

  it('cancels the run that is running, and no other', async () => {
    const workspace = join(cwd, '.sluice');
    await addRuns(workspace);
    expect(await sluice('runs cancel 00000000000001')).toMatchObject({ code: 1, stderr: expect.stringContaining('RUN_NOT_ACTIVE') });
    const { code, stdout } = await sluice('runs cancel');
    expect(code).toBe(0);
    expect(stdout).toContain('00000000000002 was asked to stop');
    const store = await RunStore.open(workspace);
    expect(store.isCancelRequested('00000000000002')).toBe(true);
    store.close();
  });
});

describe('sluice doctor', () => {
  it('checks the machine', async () => {
    const { code, stdout } = await sluice('doctor --json');
    const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string }[] };
    expect(report.checks.map(({ name }) => name)).toEqual(['configuration', 'Node.js', 'hardware', 'compression', 'TLS', 'workspace', 'disk of the workspace', 'disk for temporary files', 'named pipes', 'DuckDB', 'pg_dump']);
    expect(report.ok).toBe(true);
    expect(code).toBe(0);
  });

  it('tries connections, and fails when one does not answer', async () => {
    await writeFile(join(cwd, 'sluice.config.json'), JSON.stringify({ connections: { shop: 'postgres://me:topsecret@127.0.0.1:1/shop', later: 'postgres://${UNSET}' } }));
    const { code, stdout, stderr } = await sluice('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/failed +connection shop .*CONNECT_REFUSED/);
    expect(stdout).toMatch(/failed +connection later .*VARIABLE_UNSET/);
    expect(stdout + stderr).not.toContain('topsecret');
  });

  it('says what is wrong with the workspace', async () => {
    await writeFile(join(cwd, 'file'), '');
    const { code, stdout } = await sluice('doctor', { env: { SLUICE_HOME: 'file' } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/failed +workspace .*WORKSPACE_UNUSABLE/);
  });
});
