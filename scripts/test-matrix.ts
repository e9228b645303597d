// `npm run test:matrix`: what speaks to PostgreSQL, against other versions of it than the one of `npm test`. Versions
// can be named: npm run test:matrix -- 14 debian. Then backups of each version of them (and of 15 and 18) restored into each other (test/versions/).
import { globSync } from 'node:fs';
import { endWithCommands, runCommand } from './run-command.ts';

const FILES = ['test/helpers/postgres-server.test.ts', 'test/conformance/**/*postgres*.test.ts', 'test/connectors/postgres/**/*.test.ts'];
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['14', '15', '16', '17'];
const files = globSync(FILES);

endWithCommands();
const failed: string[] = [];
for (const version of versions) {
  console.log(`\nPostgreSQL ${version}: ${files.length} test files`);
  const { code } = await runCommand('vitest', ['run', ...files], { env: { SLUICE_TEST_POSTGRES_VERSION: version } });
  if (code !== 0) failed.push(version);
}
const across = [...new Set([...versions.filter((version) => /^(?:14|16|17)$/.test(version)), '18'])].join(',');
console.log(`\nFrom one version to another: 15, ${across}`);
const { code } = await runCommand('vitest', ['run', '--config', 'vitest.versions.config.ts'], { env: { SLUICE_TEST_VERSIONS: across } });
if (code !== 0) failed.push(`15, ${across} to each other`);
console.log(failed.length === 0 ? `\nPassed on PostgreSQL ${versions.join(', ')}` : `\nFAILED on PostgreSQL ${failed.join(', ')}`);
process.exitCode ??= failed.length === 0 ? 0 : 1;
