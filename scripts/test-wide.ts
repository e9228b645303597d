// `npm run test:wide`: the tests in test/wide/, on real data sets that are not part of the project.
import { existsSync, globSync } from 'node:fs';
import { resolve } from 'node:path';
import { endWithCommands, runCommand } from './run-command.ts';

const data = resolve(process.env.SLUICE_DATA ?? '../shared/data');
if (!existsSync(data)) {
  console.log(`Wide tests not run: there is no folder ${data}. Set SLUICE_DATA to the folder with the data sets.`);
} else if (globSync('test/wide/**/*.test.ts').length === 0) {
  console.log('Wide tests not run: there are none in test/wide/.');
} else {
  endWithCommands();
  const vitest = ['run', '--config', 'vitest.wide.config.ts', ...process.argv.slice(2)];
  const { code } = await runCommand('vitest', vitest, { env: { SLUICE_DATA: data } });
  const samples = await runCommand(process.execPath, ['scripts/test-restore-samples.ts'], { env: { SLUICE_DATA: data } });
  process.exitCode ??= code === 0 ? samples.code : code;
}
