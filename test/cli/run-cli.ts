import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The entry of the command line, run as it is: there is no build that could be older than the sources. */
export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/**
 * For the environment of processes that run TypeScript: Node keeps there what it has compiled, by content. Stripping the types anew takes more than
 * half of the time and a third of the memory of a short command, which no user pays.
 */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/sluice-tests', import.meta.url)) };

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** `during` writes to standard input itself, and ends it. */
  readonly stdin?: 'pipe';
  /** A descriptor that takes standard output, which is then '' in the result. */
  readonly stdout?: number;
  /** Called with the process once it runs. */
  readonly during?: (child: ChildProcess) => void;
}

/** Runs the command line in a process of its own, as its users do. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return runScript(MAIN, args, options);
}

export function runScript(script: string, args: readonly string[], { cwd, env, input, stdin, stdout: descriptor, during }: CliOptions): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      cwd, env: { PATH: process.env.PATH, HOME: cwd, ...COMPILE_CACHE, ...env }, stdio: [input === undefined ? (stdin ?? 'ignore') : 'pipe', descriptor ?? 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    if (input !== undefined) child.stdin!.end(input);
    during?.(child);
  });
}
