// `npm test`: the checks, then the tests on real servers, then a summary. Everything runs even when something fails, so
// that one run tells all. Arguments go to vitest: npm test -- test/rows
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithCommands, runCommand, type Finished } from './run-command.ts';

const CHECKS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  lint: ['oxlint'],
  imports: ['node', 'scripts/check-imports.ts'],
  typecheck: ['tsc'],
  'types of web': ['tsc', '-p', 'web'],
  knip: ['knip', '--no-progress'],
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

endWithCommands();
const report = mkdtempSync(join(tmpdir(), 'sluice-test-report-'));
process.on('exit', () => rmSync(report, { recursive: true, force: true }));

const results = new Map<string, Finished>();
// One after the other: each of them uses all cores.
for (const [name, [command, ...args]] of Object.entries(CHECKS)) {
  const result = await runCommand(command, args, { show: false });
  results.set(name, result);
  console.log(line(name, result));
  if (result.code !== 0) console.log(result.output);
}
const reportFile = join(report, 'vitest.json');
const vitest = ['run', '--reporter=default', '--reporter=./test/helpers/skipped-tests.ts', '--reporter=json', `--outputFile.json=${reportFile}`, ...process.argv.slice(2)];
results.set('tests', await runCommand('vitest', vitest));

console.log('\nSummary');
for (const [name, result] of results) console.log(line(name, result));
const counts = readCounts(reportFile);
console.log(counts === undefined ? 'vitest gave no report' : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode ??= [...results.values()].every(({ code }) => code === 0) && counts !== undefined ? 0 : 1;

function line(name: string, { code, seconds }: Finished): string {
  return `  ${name.padEnd(12)} ${code === 0 ? 'passed' : `FAILED (exit code ${code})`}  ${seconds.toFixed(1)} s`;
}

function readCounts(path: string): Counts | undefined {
  try {
    const json = JSON.parse(readFileSync(path, 'utf8')) as Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number>;
    return { passed: json.numPassedTests, failed: json.numFailedTests, skipped: json.numPendingTests + json.numTodoTests };
  } catch {
    return undefined;
  }
}
