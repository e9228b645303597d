/** Runs the command line on something that must fail, and holds what every failure must be: coded, placed, complete, silent about secrets. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/errors/error-codes.ts';
import type { Receipt } from '../../src/jobs/receipt.ts';
import { runCli, type CliOptions, type CliResult } from '../cli/run-cli.ts';
import { readRows, tableNames, withConnection, type Row } from '../conformance/database-under-test.ts';

export interface Fault {
  readonly code: ErrorCode | readonly ErrorCode[];
  /** Facts of the place that are known exactly. */
  readonly at?: Readonly<Record<string, unknown>>;
}

export interface Failure {
  readonly receipt: Receipt;
  readonly error: NonNullable<Receipt['error']>;
  readonly result: CliResult;
}

/** A folder that a test works in; gone afterwards. */
export class Workbench {
  readonly cwd = mkdtempSync(join(tmpdir(), 'sluice-faults-'));

  path(name: string): string {
    return join(this.cwd, name);
  }

  /** Names in the folder besides the workspace, with files in subfolders. */
  files(): string[] {
    return readdirSync(this.cwd, { recursive: true }).map(String).filter((name) => !name.startsWith('.sluice')).sort();
  }

  remove(): void {
    rmSync(this.cwd, { recursive: true, force: true });
  }

  sluice(args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> {
    return runCli(args, { cwd: this.cwd, ...options });
  }

  /** Runs it with --json; everything but code and place is the same for all failures and is checked here. */
  async fails(args: readonly string[], fault: Fault, options: Partial<CliOptions> = {}): Promise<Failure> {
    const before = this.files();
    const failure = inspectFailure(await this.sluice([...args, '--json'], options));
    expectFault(failure, fault);
    expectNoSecrets(this, failure.result);
    expectSame(this.files(), before);
    return failure;
  }

  /** The runs of this folder as `runs list` shows them. */
  async runs(): Promise<{ run: string; job: string; status: string }[]> {
    const { stdout } = await this.sluice(['runs', 'list', '--json']);
    return (JSON.parse(stdout) as { runs: { run: string; job: string; status: string }[] }).runs;
  }
}

function expectFault({ error, receipt }: Failure, fault: Fault): void {
  const code = typeof fault.code === 'string' ? fault.code : expect.toBeOneOf([...fault.code]);
  expect({ code: error.code, message: error.message }).toEqual({ code, message: error.message });
  if (fault.at !== undefined) expect(error.at).toMatchObject(fault.at);
  expect(receipt.status).toBe(error.code === 'CANCELLED' ? 'cancelled' : 'failed');
  expect(receipt.tables).toEqual([]);
}

function expectSame(actual: readonly string[], expected: readonly string[]): void {
  expect(actual).toEqual(expected);
}

/** Passwords in none of the outputs, nor in what is recorded of the run. */
export function expectNoSecrets(bench: Workbench, { stdout, stderr }: CliResult): void {
  const recorded = readdirSync(bench.cwd, { recursive: true }).map((name) => join(bench.cwd, String(name)))
    .filter((path) => path.includes('.sluice') && !path.endsWith('.duckdb') && statSync(path).isFile()).map((path) => readFileSync(path, 'latin1'));
  for (const secret of SECRETS) for (const text of [stdout, stderr, ...recorded]) expect(text.includes(secret)).toBe(false);
}

/** The test server's own password, and one that is wrong. */
const SECRETS = ['sluice-test', 'not-the-password'];

/** What holds for every failure that is printed with --json. */
export function inspectFailure(result: CliResult): Failure {
  const { stdout, stderr, code } = result;
  expect(stdout.split('\n'), stderr).toHaveLength(2);
  const receipt = JSON.parse(stdout) as Receipt;
  const { error } = receipt;
  if (error === undefined) throw new Error(`it did not fail: ${stdout}`);
  expect({ code: error.code, exit: code }).toEqual({ code: error.code, exit: ERROR_CODES[error.code].exit });
  expect(error.hint.length).toBeGreaterThan(10);
  // A fact that was forgotten would show its name in braces.
  for (const text of [error.message, error.hint]) expect(text).not.toMatch(/\{\w+\}|undefined|\[object/);
  expect(stderr).toContain(error.code);
  expect(stdout + stderr).not.toMatch(/^\s+at .*[(:]\d+|node:internal|\.ts:\d+/m);
  expect(error.code).not.toBe('INTERNAL');
  return { receipt, error, result };
}

export async function tablesOf(url: string): Promise<string[]> {
  return withConnection(url, tableNames, { create: false });
}

export async function rowsOf(url: string, table: string): Promise<Row[]> {
  return withConnection(url, (connection) => readRows(connection, table), { create: false });
}
