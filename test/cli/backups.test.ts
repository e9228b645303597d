import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Manifest } from '../../src/backup/repository/manifest.ts';
import { backupObject, chunkObject } from '../../src/backup/repository/object-names.ts';
import { RepositoryLock } from '../../src/backup/repository/lock.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import { flipBit, lines, openOrCreate, writeBackup } from '../backup/support.ts';
import { temporaryFolder } from '../io/support.ts';
import { runCli, type CliResult } from './run-cli.ts';

// Each test starts the command line several times, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let root: string;
let repository: Repository;
let manifest: Manifest;
beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder, 'repo');
  repository = await openOrCreate(root);
  manifest = await writeBackup(repository, { cities: [lines('1\tRome', '2\tOslo'), lines('3\tLima')], rivers: [] });
});

const sluice = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder });
const json = (result: CliResult): unknown => JSON.parse(result.stdout);

it('sluice backups lists them, damaged ones as what they are, and who is at work', async () => {
  expect((await sluice('backups', 'repo')).stdout).toContain(manifest.backup);
  truncateSync(join(root, backupObject(manifest.backup)), 100);
  const lock = await RepositoryLock.acquire(repository.storage, 'shared', 'backup');
  const text = await sluice('backups', 'repo');
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/DAMAGED.*manifest/);
  expect(text.stdout).toContain(`in use: backup by process ${process.pid}`);
  expect(json(await sluice('backups', 'repo', '--json'))).toMatchObject({ backups: [{ backup: manifest.backup, status: 'damaged', error: { code: 'BACKUP_DAMAGED' } }], locks: [{ purpose: 'backup', stale: false }] });
  await lock.release();
  const unknown = await sluice('backups', 'nowhere', '--json');
  expect([unknown.code, json(unknown)]).toMatchObject([1, { error: { code: 'REPOSITORY_UNKNOWN' } }]);
});

it('sluice show says what is in a backup', async () => {
  const text = await sluice('show', 'repo');
  expect(text.stdout).toMatch(/shop at localhost:5432, PostgreSQL 16\.4, UTF8/);
  expect(text.stdout).toMatch(/public\.cities +3 +\d+ bytes +2 +copy-text/);
  const shown = await sluice('show', `repo@${manifest.backup.slice(0, 12)}`, '--json');
  expect(json(shown)).toMatchObject({ backup: manifest.backup, tables: [{ name: 'cities', rows: 3 }, { name: 'rivers', rows: 0 }], schema: { writer: 'pg_dump 16.4' } });
  flipBit(root, chunkObject(manifest.tables.chunks[0]), 60);
  const damaged = await sluice('show', 'repo', '--json');
  expect([damaged.code, json(damaged)]).toMatchObject([4, { backup: manifest.backup, tables: [], error: { code: 'CHUNK_DAMAGED' } }]);
  expect((await sluice('show', 'repo@2019')).code).toBe(1);
});

it('sluice verify ends with 0 when all is whole, and with 4 and names when it is not', async () => {
  const whole = await sluice('verify', 'repo');
  expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining('Everything that was looked at is whole.')]);
  expect((await sluice('verify', 'repo', '--not-since', '1d', '--percent', '50%', '--json')).code).toBe(0);
  flipBit(root, chunkObject(manifest.schema!.preData.chunks[0]), 50);
  const damaged = await sluice('verify', `repo@${manifest.backup}`);
  expect(damaged.code).toBe(4);
  expect(damaged.stdout).toContain(`needed by ${manifest.backup}: the schema before the data`);
  expect(damaged.stderr).toContain('VERIFICATION_FAILED');
  expect(json(await sluice('verify', 'repo', '--json'))).toMatchObject({ job: 'verify', status: 'failed', ok: false, problems: [{ code: 'CHUNK_DAMAGED' }], error: { code: 'VERIFICATION_FAILED' } });
  const recorded = json(await sluice('runs', 'list', '--json')) as { runs: { job: string; status: string }[] };
  expect(recorded.runs.map(({ job, status }) => `${job} ${status}`)).toEqual(['verify failed', 'verify failed', 'verify done', 'verify done']);
  for (const wrong of [['--percent', '0'], ['--percent', 'x'], ['--not-since', 'yesterday']]) expect((await sluice('verify', 'repo', ...wrong)).code).toBe(2);
});
