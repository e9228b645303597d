/** A streaming replica of a test server, which must be Debian's: pg_basebackup comes with that. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { give, reachableTemporaryFolder, serverAccount } from './postgres-account.ts';
import { findPostgres } from './postgres-binaries.ts';
import { freePort, type PostgresServer } from './postgres-server.ts';

export interface PostgresReplica {
  /** Of a database of the primary. */
  urlOf(primary: string): string;
  /** Until it has everything that the primary has written by now. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplica(primary: PostgresServer, settings: Readonly<Record<string, string>> = {}): Promise<PostgresReplica> {
  const account = await serverAccount();
  const bin = join(await findPostgres('debian'), 'bin');
  const folder = await mkdtemp(join(await reachableTemporaryFolder(account), 'sluice-replica-'));
  await give(folder, account);
  const dataDir = join(folder, 'data');
  const env = { ...process.env, ...primary.psqlEnv, LC_ALL: 'C' };
  await promisify(execFile)(join(bin, 'pg_basebackup'), ['-D', dataDir, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'], { cwd: folder, env, ...account });
  await appendFile(join(dataDir, 'postgresql.conf'), Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`).join(''));
  const port = await freePort();
  const child = spawn(join(bin, 'postgres'), ['-D', dataDir, '-p', String(port)], { cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, stdio: 'ignore', ...account });
  const urlOf = (url: string): string => Object.assign(new URL(url), { port: String(port) }).href;
  const ask = async (url: string, sql: string): Promise<string> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return String((await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows[0][0]);
    } finally {
      await client.end();
    }
  };
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (const deadline = Date.now() + 30_000; !await isSo().catch(() => false);) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error('the replica does not come up');
      await sleep(50);
    }
  };
  await until(async () => await ask(urlOf(primary.url), 'SELECT pg_is_in_recovery()') === 'true');
  return {
    urlOf,
    caughtUp: async () => {
      const at = await ask(primary.url, 'SELECT pg_current_wal_insert_lsn()');
      await until(async () => await ask(urlOf(primary.url), `SELECT pg_last_wal_replay_lsn() >= '${at}'`) === 'true');
    },
    stop: async () => {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGQUIT');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
