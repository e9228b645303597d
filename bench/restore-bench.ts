/** Who takes part in the restore benchmark: the same 24 tables, by Sluice from JSON and by psql from CSV, into tables that are there with all their keys. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { badRowsOf, generateBackup, type GeneratedBackup } from './backup-tables.ts';
import { type Contender, psql, sluice, type Stage } from './contenders.ts';
import { TABLES } from './restore-tables.ts';


/** Sluice first; with `bad` also Sluice with these bad rows (`10`, `1%`), which are put aside. */
export function restoreContenders(stage: Stage, rows: number, bad: string | undefined): [Contender, ...Contender[]] {
  const clean = generated(stage, rows, undefined);
  return [
    restoring(stage, 'sluice restore', clean, []),
    ...(bad === undefined ? [] : [restoring(stage, `sluice restore, ${bad} bad`, generated(stage, rows, bad), ['--on-error', 'quarantine'])]),
    psqlCopies(stage, clean),
  ];
}

function generated(stage: Stage, rows: number, bad: string | undefined): GeneratedBackup {
  const folder = join(stage.folder, `restore-${rows}-${bad ?? 'clean'}`);
  process.stderr.write(`generating ${folder}\n`);
  return generateBackup(folder, { rows, bad: badRowsOf(bad, rows), csv: bad === undefined });
}

function restoring(stage: Stage, name: string, { backup, schema }: GeneratedBackup, options: readonly string[]): Contender {
  return {
    name,
    reset: () => void psql(stage, `SET client_min_messages = warning; ${readFileSync(schema, 'utf8')}`),
    command: {
      file: sluice, args: ['restore', backup, '--to', stage.postgresUrl, '--jobs', String(stage.jobs), '--quiet', ...options],
      env: { SLUICE_HOME: join(stage.folder, 'workspace') }, accepts: options.length > 0 ? [3] : [],
    },
  };
}

/** One transaction, as the restore has it; what refers in a circle is checked at its end. */
function psqlCopies(stage: Stage, { csv, schema }: GeneratedBackup): Contender {
  const script = join(csv, 'load.sql');
  const copies = TABLES.map(({ name, columns }) => `\\copy ${name} (${columns.map(([column]) => column).join(', ')}) from '${join(csv, `${name}.csv`)}' csv header`);
  writeFileSync(script, ['BEGIN;', ...copies, 'COMMIT;', ''].join('\n'));
  return {
    name: 'psql \\copy in foreign-key order',
    reset: () => void psql(stage, `SET client_min_messages = warning; ${readFileSync(schema, 'utf8')}`),
    command: { file: 'psql', args: ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', script], env: stage.psqlEnv },
  };
}
