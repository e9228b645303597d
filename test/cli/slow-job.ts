// A job that moves nothing and ends only when it is told to, run as the commands run theirs. Argument 1: `obedient`, or `deaf` to being cancelled;
// the others are flags. Says "moving" on standard error once it is under way.
import { commandScope } from '../../src/cli/common-options.ts';
import { runJob } from '../../src/cli/run-job.ts';
import { startRun } from '../../src/jobs/start-run.ts';
import { FakeTransfer, untilAborted } from '../jobs/fake-transfer.ts';

const [kind, ...flags] = process.argv.slice(2);
const terminal = { stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() };
const waiting = setInterval(() => {}, 1_000);
const options = { json: flags.includes('--json'), quiet: flags.includes('--quiet') };
process.exitCode = await runJob({
  terminal,
  flags: options,
  scope: await commandScope(options, terminal),
  start: (run) => startRun('import', async (context) => new FakeTransfer(() => {
    process.stderr.write('moving\n');
    return kind === 'deaf' ? new Promise(() => {}) : untilAborted(context);
  }), run),
});
clearInterval(waiting);
