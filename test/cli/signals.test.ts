import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunStore } from '../../src/jobs/run-store.ts';
import { runCli, runScript } from './run-cli.ts';

const SLOW_JOB = fileURLToPath(new URL('slow-job.ts', import.meta.url));

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'sluice-signals-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

/** Does something when the child has said the word on standard error. */
const whenSaid = (word: string, act: (child: ChildProcess) => void) => (child: ChildProcess): void => {
  let said = '';
  let acted = false;
  child.stderr!.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (acted || !said.includes(word)) return;
    acted = true;
    act(child);
  });
};

async function statuses(): Promise<string[]> {
  const store = await RunStore.open(join(cwd, '.sluice'));
  const found = store.list().map(({ status }) => status);
  store.close();
  return found;
}

describe('a running job', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is cancelled by %s, with a receipt and exit code 130', async (signal) => {
    const { code, stdout, stderr } = await runScript(SLOW_JOB, ['obedient', '--json'], { cwd, during: whenSaid('moving', (child) => child.kill(signal)) });
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
    expect(stderr).toContain('Cancelling');
    expect(await statuses()).toEqual(['cancelled']);
  });

  it('ends at once on a second Ctrl-C, even when it does not listen', async () => {
    const { code, signal } = await runScript(SLOW_JOB, ['deaf'], {
      cwd,
      during: (child) => {
        whenSaid('moving', () => child.kill('SIGINT'))(child);
        whenSaid('Cancelling', () => child.kill('SIGINT'))(child);
      },
    });
    // What a shell reports as 130.
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGINT' });
    expect(await statuses()).toEqual(['interrupted']);
  });

  it('is interrupted when it is killed', async () => {
    const { signal } = await runScript(SLOW_JOB, ['obedient'], { cwd, during: whenSaid('moving', (child) => child.kill('SIGKILL')) });
    expect(signal).toBe('SIGKILL');
    expect(await statuses()).toEqual(['interrupted']);
  });

  it('is cancelled by `sluice runs cancel` in another process', async () => {
    const cancelled = Promise.withResolvers<Awaited<ReturnType<typeof runCli>>>();
    const { code } = await runScript(SLOW_JOB, ['obedient', '--quiet'], {
      cwd,
      during: whenSaid('moving', () => void runCli(['runs', 'cancel', '--json'], { cwd }).then(cancelled.resolve, cancelled.reject)),
    });
    expect(code).toBe(130);
    expect(JSON.parse((await cancelled.promise).stdout)).toMatchObject({ job: 'import', status: 'cancelled', receipt: { error: { code: 'CANCELLED' } } });
  });
});
