import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readLocks } from '../../src/backup/repository/lock.ts';
import { verifyRepository } from '../../src/backup/repository/verify.ts';
import { temporaryFolder } from '../io/support.ts';
import { lines, openOrCreate, writeBackup } from './support.ts';

const WRITER = join(import.meta.dirname, 'killed-writer.ts');

function run(root: string, env: NodeJS.ProcessEnv): Promise<{ stdout: string; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', WRITER, root], { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.on('error', reject);
    child.on('close', (_, signal) => resolve({ stdout, signal }));
  });
}

it('killed at any operation, a backup leaves a valid repository, and the next one succeeds', async () => {
  const folder = await temporaryFolder();
  const operations = Number((await run(join(folder, 'whole'), {})).stdout);
  expect(operations).toBeGreaterThan(50);
  // Before an operation is after the one before it. A process for each takes its time: all of them with SLUICE_TEST_EVERY_KILL=1, else every seventh and those around the manifest.
  const moments = [...Array.from({ length: operations }, (_, i) => ({ at: i + 1, when: 'before' })), { at: operations, when: 'after' }]
    .filter(({ at }) => process.env.SLUICE_TEST_EVERY_KILL === '1' || at % 7 === 0 || at > operations - 10);
  let complete = 0;
  const work = async (): Promise<void> => {
    for (let moment = moments.pop(); moment !== undefined; moment = moments.pop()) {
      const label = `killed ${moment.when} operation ${moment.at}`;
      const root = join(folder, `${moment.when}-${moment.at}`);
      const { signal } = await run(root, { SLUICE_KILL_AT: String(moment.at), SLUICE_KILL_WHEN: moment.when });
      expect(signal, label).toBe('SIGKILL');
      const existed = existsSync(root);
      const repository = await openOrCreate(root);
      // What is listed is whole: every list, every chunk.
      const listed = await repository.backupNames();
      expect(await verifyRepository(repository), label).toMatchObject({ backups: listed.length, problems: [] });
      complete += listed.length;
      expect((await readLocks(repository.storage)).every(({ stale }) => stale), label).toBe(true);
      await writeBackup(repository, { cities: [lines('1\tRome', '2\tOslo'), lines('3\tLima')] });
      expect(await verifyRepository(repository), label).toMatchObject({ backups: listed.length + 1, problems: [] });
      expect(existed || listed.length === 0, label).toBe(true);
      expect(await readLocks(repository.storage), label).toEqual([]);
    }
  };
  await Promise.all([work(), work()]);
  // Behind the manifest's name there is little left to do.
  expect(complete).toBeGreaterThan(0);
  expect(complete).toBeLessThan(10);
}, 240_000);
