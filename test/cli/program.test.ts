import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isJob, runProgram } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { versionText } from '../../src/io/version.ts';

// In this process, because each case is a fraction of a millisecond and a process of its own half a second.
let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'sluice-program-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const run = (args: string): Promise<number> => {
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr, env: {}, cwd };
  return runProgram(args === '' ? [] : args.split(' '), terminal);
};

describe('runProgram', () => {
  it.each([
    ['', 'No command was given'],
    ['imprt', 'Did you mean import?'],
    ['import --tabel x f.csv', 'Did you mean --table?'],
    ['import', "Missing required argument 'source'"],
    ['export --table t', "Required option '--to <target>' not specified"],
    ['export a b --to x.csv', 'Too many arguments'],
    ['import f.csv --jobs 0', '--jobs: "0"'],
    ['import f.csv --part-size 8XB', '--part-size: "8XB"'],
    ['import f.csv --mode merge', '--mode: "merge"'],
    ['import f.csv --delimiter ab', '--delimiter: "ab"'],
    ['import f.csv --type a=money', '--type: "money"'],
    ['import f.csv --map a', '--map: "a"'],
    ['import f.csv --to nowhere', '"nowhere" is neither a connection URL nor a named connection'],
    ['import f.csv --to duckdb#t --table u', 'named twice'],
    ['export duckdb#t --table u --to x.csv', 'named twice'],
    ['export --query x --table u --to x.csv', '--query'],
    ['export --to - --json', 'both need standard output'],
    ['export --to x.csv --compress lzma', '--compress: "lzma"'],
    ['copy duckdb', "Required option '--to <connection>' not specified"],
    ['runs restart x', "Unknown command 'restart'"],
    ['runs', 'No command was given'],
    ['runs list --limit 0', '--limit'],
    ['runs cancel --on-error x', "Unknown option '--on-error'"],
    ['import f.csv --config none.json', 'no such file'],
  ])('refuses `%s`, and leaves nothing behind', async (args, message) => {
    await expect(run(args)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
    expect(await readdir(cwd)).toEqual([]);
  });

  it('knows which commands have receipts', () => {
    expect(['import', 'export', 'copy', 'runs', 'doctor', undefined].filter(isJob)).toEqual(['import', 'export', 'copy']);
  });

  it('knows its version', () => {
    expect(versionText()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('refuses a wrong compression of the configuration, and says where it is', async () => {
    await writeFile(join(cwd, 'sluice.config.json'), '{"export":{"compress":"lzma"}}');
    await expect(run('export --to folder/')).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('export.compress') });
  });
});
