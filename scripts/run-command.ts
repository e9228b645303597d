import { spawn, type ChildProcess } from 'node:child_process';

export interface Finished {
  /** The exit code, or 128 and the signal's number as shells count it. */
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

const SIGNAL_CODES: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGKILL: 137, SIGTERM: 143 };
const running = new Set<ChildProcess>();

/** Runs a command to its end. Its output is shown as it comes (`show`), or gathered for later. */
export function runCommand(command: string, args: readonly string[], { show = true, env = {} } = {}): Promise<Finished> {
  const started = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', ...(show ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const))],
    env: { ...process.env, ...env },
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code: code ?? SIGNAL_CODES[signal ?? ''] ?? 1, output: Buffer.concat(chunks).toString(), seconds });
    });
  });
}

/**
 * On Ctrl-C or SIGTERM: passes the signal on to the commands that run, once, and leaves with the shell's code for it
 * when they have ended. Without this, whoever ends npm would leave the tests running.
 */
export function endWithCommands(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.exitCode = SIGNAL_CODES[signal] ?? 1;
      for (const child of running) {
        child.on('close', () => running.size === 0 && process.exit());
        child.kill(signal);
      }
      if (running.size === 0) process.exit();
      setTimeout(() => {
        for (const child of running) child.kill('SIGKILL');
      }, 15_000).unref();
    });
  }
}
