/** pgbouncer before a test server; a Debian package (scripts/setup.sh --test-tools). */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { give, reachableTemporaryFolder, serverAccount } from './postgres-account.ts';
import { freePort, type PostgresServer } from './postgres-server.ts';

export interface Pgbouncer {
  urlOf(direct: string): string;
  stop(): Promise<void>;
}

const PROGRAM = '/usr/sbin/pgbouncer';

/** Why there is none here; undefined where it can be started. */
export function noPgbouncer(): string | undefined {
  try {
    execFileSync(PROGRAM, ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'pgbouncer is not installed (apt-get install pgbouncer)';
  }
}

export async function startPgbouncer(server: PostgresServer, mode: 'transaction' | 'session', poolSize: number): Promise<Pgbouncer> {
  const account = await serverAccount();
  const folder = await mkdtemp(join(await reachableTemporaryFolder(account), 'sluice-pgbouncer-'));
  const port = await freePort();
  const settings = {
    listen_addr: '127.0.0.1', listen_port: port, unix_socket_dir: '', auth_type: 'plain', auth_file: join(folder, 'users'), pool_mode: mode, default_pool_size: poolSize, max_client_conn: 100,
  };
  await writeFile(join(folder, 'users'), `"${server.user}" "${server.password}"\n`);
  await writeFile(join(folder, 'ini'), `[databases]\n* = host=${server.host} port=${server.port}\n[pgbouncer]\n${Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join('')}`);
  await give(folder, account);
  const child = spawn(PROGRAM, [join(folder, 'ini')], { cwd: folder, stdio: 'ignore', ...account });
  const urlOf = (direct: string): string => Object.assign(new URL(direct), { port: String(port) }).href;
  for (const deadline = Date.now() + 10_000; !await answers(urlOf(server.url));) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error('pgbouncer does not come up');
    await sleep(50);
  }
  return {
    urlOf,
    stop: async () => {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}
