import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

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
      cwd, env: { PATH: process.env.PATH, HOME: cwd, ...env }, stdio: [input === undefined ? (stdin ?? 'ignore') : 'pipe', descriptor ?? 'pipe', 'pipe'],
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
