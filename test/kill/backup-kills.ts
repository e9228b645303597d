/** Sluice as a process that is killed while it backs up and restores, and what must be true afterwards. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MARKER } from '../../src/backup/repository/object-names.ts';
import { readLocks } from '../../src/backup/repository/lock.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import { verifyRepository } from '../../src/backup/repository/verify.ts';
import { LocalStorage } from '../../src/backup/storage/local-storage.ts';
import { RunStore, type RunListing } from '../../src/jobs/run-store.ts';
import { ask } from '../helpers/ask.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class KilledSluice {
  readonly workspace: string;
  /** Kills that hit a process which was still at work. */
  kills = 0;

  constructor(workspace: string) {
    this.workspace = workspace;
  }

  forget(): void {
    rmSync(this.workspace, { recursive: true, force: true });
    mkdirSync(this.workspace, { recursive: true });
  }

  /** @param killAfter milliseconds; undefined: it may come to its end */
  async run(args: readonly string[], killAfter?: number): Promise<Ended> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--json', '--quiet'], { env: { ...process.env, SLUICE_HOME: this.workspace }, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = outcome(child);
    if (killAfter !== undefined) {
      await Promise.race([ended, sleep(killAfter)]);
      child.kill('SIGKILL');
    }
    const end = await ended;
    if (end.signal === 'SIGKILL') this.kills++;
    return end;
  }

  /** The newest run, once it is known to have ended. */
  async newest(): Promise<RunListing | undefined> {
    const store = await RunStore.openExisting(this.workspace);
    try {
      return store?.list(1)[0];
    } finally {
      store?.close();
    }
  }
}

async function outcome(child: ChildProcess): Promise<Ended> {
  let stdout = '', stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = await once(child, 'close') as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

export function assertDone(ended: Ended, what: string): void {
  if (ended.code !== 0) throw new Error(`${what} ended with ${ended.code ?? ended.signal}: ${ended.stderr.trim() || ended.stdout.slice(0, 2000)}`);
}

/** Every listed backup whole, every lock that is left stale. @returns how many backups are listed */
export async function assertValid(folder: string): Promise<number> {
  if (!existsSync(join(folder, MARKER))) return 0;
  const repository = await Repository.open((await LocalStorage.open(folder))!);
  const { problems, backups } = await verifyRepository(repository);
  if (problems.length > 0) throw new Error(`the repository is broken: ${JSON.stringify(problems).slice(0, 2000)}`);
  for (const lock of await readLocks(repository.storage)) if (!lock.stale) throw new Error(`a lock of process ${lock.pid} is not stale`);
  return backups;
}

/** Whoever writes needs a transaction id: when none was given, nobody wrote. */
export async function nextTransaction(url: string): Promise<string> {
  return (await ask(url, 'SELECT pg_snapshot_xmax(pg_current_snapshot())'))[0][0];
}

/** Sessions of a killed process end when the server notices. */
export async function sessionsGone(url: string): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const [[count]] = await ask(url, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sluice%'");
    if (count === '0') return;
    await sleep(20);
  }
  throw new Error('sessions of the killed process are still there after 10 s');
}
