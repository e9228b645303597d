/**
 * Runs a command as a whole process tree and measures it from outside: wall time, processor time and peak resident memory of the client side.
 *
 * Memory and time are read from /proc every 20 ms: VmHWM is the kernel's own high-water mark of each process, so a sample can only miss
 * what a process gained in its last 20 ms. The marks of all processes that live at the same time are added: an upper bound for the tree.
 */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** File that becomes standard output; default: thrown away. */
  readonly stdout?: string;
  readonly input?: string;
  /** Exit codes besides 0 that are no failure. */
  readonly accepts?: readonly number[];
}

export interface Measurement {
  readonly seconds: number;
  /** User and system time of the process tree, without the server's. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

const SAMPLE_MS = 20;
const TICKS_PER_SECOND = 100;
const STDERR_KEPT = 4000;

export async function measure(command: Command): Promise<Measurement> {
  const started = process.hrtime.bigint();
  const child = spawn(command.file, [...command.args], { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, ...command.env } });
  child.stdin.end(command.input ?? '');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-STDERR_KEPT); });
  let exit: number | string | null | undefined;
  let seconds = 0;
  child.on('error', (error) => { exit = error.message; });
  child.on('close', (code, signal) => {
    seconds = Number(process.hrtime.bigint() - started) / 1e9;
    exit = code ?? signal;
  });
  let peakRssBytes = 0;
  const cpu = new Map<number, number>();
  while (exit === undefined) {
    peakRssBytes = Math.max(peakRssBytes, sum(processTree(child.pid!).map((pid) => sample(pid, cpu))));
    await sleep(SAMPLE_MS);
  }
  if (exit !== 0 && command.accepts?.includes(exit as number) !== true) throw new Error(`${command.file} ${command.args.join(' ')} ended with ${exit}:\n${stderr}`);
  return { seconds, cpuSeconds: sum(cpu.values()), peakRssBytes };
}

function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)?.[1]);
    if (Number.isInteger(parent)) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), pid]);
  }
  const tree: number[] = [];
  for (let waiting = [root]; waiting.length > 0;) {
    const pid = waiting.pop()!;
    tree.push(pid);
    waiting = waiting.concat(childrenOf.get(pid) ?? []);
  }
  return tree;
}

/** @returns its high-water mark */
function sample(pid: number, cpu: Map<number, number>): number {
  const fields = statFields(pid);
  if (fields !== undefined) cpu.set(pid, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND);
  const peak = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1];
  return peak === undefined ? 0 : Number(peak) * 1024;
}

/** The fields of /proc/PID/stat after the command's name: state, parent, … (the name may hold blanks). */
function statFields(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
