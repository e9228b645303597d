// `npm run test:page`: the tests in test/page/, in a real Chromium, on the page as it is built. Arguments go to vitest. SLUICE_SHOTS=FOLDER keeps pictures of every place of the page.
import { endWithCommands, runCommand } from './run-command.ts';

endWithCommands();
const { code } = await runCommand('sh', ['scripts/setup.sh', '--browser']);
process.exitCode ??= code === 0 ? (await runCommand('vitest', ['run', '--config', 'vitest.page.config.ts', ...process.argv.slice(2)])).code : code;
