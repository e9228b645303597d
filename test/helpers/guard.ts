import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

/**
 * A small process that waits for the end of its standard input. That comes when this process is gone, however it went
 * (Ctrl-C, SIGKILL, a crash); it then ends the server and removes the folder.
 */
export function startGuard(folder: string, dataDir: string): ChildProcess {
  const guard = spawn('sh', ['-c', GUARD, 'sluice-test-guard', folder, dataDir], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref(): void } | null)?.unref();
  return guard;
}

const GUARD = `
trap '' INT TERM HUP
read -r order
[ "$order" = done ] && exit 0
# The process id in the file may be an old one that another program has by now: only ours has this data directory.
running() { pid=$(head -n 1 "$2/postmaster.pid" 2>/dev/null) && ps -o args= -p "$pid" 2>/dev/null | grep -qF -- "$2"; }
tries=0
while running "$@" && [ "$tries" -lt 50 ]; do
  [ "$tries" -eq 0 ] && kill -INT "$pid"
  tries=$((tries + 1))
  sleep 0.1
done
running "$@" && kill -KILL "$pid"
rm -rf "$1"
`;

/** Removes the folder while the guard still watches, then tells the guard that it is not needed. */
export async function dismissGuard(guard: ChildProcess, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  if (guard.exitCode !== null || guard.signalCode !== null) return;
  guard.ref();
  const exit = once(guard, 'exit');
  guard.stdin?.end('done\n');
  await exit;
}
