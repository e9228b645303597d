/**
 * Loads the database with every case of the checklist: the numbered files, in their order, by psql. The others are for databases of their own:
 * `sql-ascii` and `sql-ascii-names` (in a database with that encoding), `tablespace`, and `large-values` for long runs (half a minute).
 */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgres } from '../../helpers/postgres-binaries.ts';

type OtherCase = 'sql-ascii' | 'sql-ascii-names' | 'tablespace' | 'large-values';

/** What no restore keeps as it was, so that the dump of a copy differs. */
const NOT_KEPT = '08-not-kept.sql';

/** @param isExact only what a copy must have exactly as it was */
export async function loadChecklist(url: string, isExact = false): Promise<void> {
  const files = (await readdir(import.meta.dirname)).filter((name) => /^\d\d-.*\.sql$/.test(name) && !(isExact && name === NOT_KEPT));
  for (const name of files.toSorted()) await runSqlFile(url, join(import.meta.dirname, name));
}

/** A second and a third database of odd cases, made by other hands. */
export async function loadOddities(url: string, which: 'oddities' | 'strange' = 'oddities'): Promise<void> {
  const folder = join(import.meta.dirname, '..', which);
  for (const name of (await readdir(folder)).toSorted()) await runSqlFile(url, join(folder, name));
}

export function loadOtherCase(url: string, name: OtherCase): Promise<void> {
  return runSqlFile(url, join(import.meta.dirname, `${name}.sql`));
}

/** By psql, ending at the first error. */
export async function runSqlFile(url: string, file: string): Promise<void> {
  const psql = join(await findPostgres('debian'), 'bin/psql');
  const options = ['-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', url, '-f', file];
  await promisify(execFile)(psql, options, { env: { ...process.env, PGOPTIONS: '-c client_min_messages=warning' }, maxBuffer: 2 ** 26 });
}
