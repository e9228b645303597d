/**
 * `npm start -- --once`: a first look at the command line. Imports the sample that comes with the repository into the embedded database of a fresh workspace, shows the
 * receipts, exports a part of it again, and says what to try next. Everything is done by the command line itself, as a person would. Then it ends.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const sluice = join(root, 'bin/sluice');
// A workspace of its own: a second look begins afresh and never touches the person's `.sluice`, nor what the page of the demo shows.
const workspace = join(root, '.sluice-demo/once');
const env = { ...process.env, SLUICE_HOME: workspace };

rmSync(workspace, { recursive: true, force: true });
mkdirSync(workspace, { mode: 0o700 });

say('Three CSV files (countries, regions, navigation aids of the world) go into the embedded database:');
run('import', 'examples/airports');
say('… and the Swiss ones come out again, as JSON lines:');
run('export', 'duckdb', '--table', 'navaids', '--where', "iso_country = 'CH'", '--columns', 'ident,name,type,frequency_khz', '--format', 'ndjson', '--to', '-');
say('What ran so far:');
run('runs', 'list');

const shown = relative(process.cwd(), sluice) || sluice;
say(`Try next:
  ${shown} import YOUR.csv                                     into the embedded database of this folder (.sluice/)
  ${shown} import YOUR.csv --to postgres://user@host/db        into PostgreSQL
  ${shown} import YOUR.csv --to postgres://user@host/db --dry-run   what would be done
  ${shown} export postgres://user@host/db --to backup/         every table as CSV, one consistent state
  ${shown} copy postgres://user@host/db --to duckdb:copy.duckdb
  ${shown} --help`);

function run(...args: string[]): void {
  process.stdout.write(`\n$ sluice ${args.map((arg) => (/[ ']/.test(arg) ? `"${arg}"` : arg)).join(' ')}\n`);
  const done = spawnSync(sluice, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function say(text: string): void {
  process.stdout.write(`\n${text}\n`);
}
