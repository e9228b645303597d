/**
 * Who takes part: Sluice and every peer that is installed, each as the command that a person would type for the same job. A peer that
 * is missing is named in the report, never left out silently.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTableSql, COLUMNS } from './generate.ts';
import type { Command } from './measure.ts';

export interface Stage {
  /** Folder for inputs and outputs. */
  readonly folder: string;
  readonly psqlEnv: Readonly<Record<string, string>>;
  readonly postgresUrl: string;
  readonly jobs: number;
}

export interface Contender {
  readonly name: string;
  /** Undefined when it can run; else why not. */
  readonly missing?: string;
  /** Brings the target back to empty; not measured. */
  reset(): void;
  readonly command: Command;
}

export const sluice = join(import.meta.dirname, '../bin/sluice');

export function psql(stage: Stage, sql: string): string {
  const done = spawnSync('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql], { env: { ...process.env, ...stage.psqlEnv }, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`psql: ${done.stderr}`);
  return done.stdout.trim();
}

const missing = (program: string): { missing?: string } =>
  (spawnSync('which', [program]).status === 0 ? {} : { missing: `${program} is not installed` });

const workspaceEnv = (stage: Stage): Record<string, string> => ({ SLUICE_HOME: join(stage.folder, 'workspace') });

export function sluiceImport(stage: Stage, input: string, to: 'postgres' | 'duckdb'): Contender {
  const database = join(stage.folder, 'sluice.duckdb');
  const target = to === 'postgres' ? stage.postgresUrl : `duckdb:${database}`;
  return {
    name: 'sluice',
    reset: () => (to === 'postgres' ? void psql(stage, 'DROP TABLE IF EXISTS sluice_rows') : removeDatabase(database)),
    command: { file: sluice, args: ['import', input, '--to', target, '--table', 'sluice_rows', '--jobs', String(stage.jobs), '--quiet'], env: workspaceEnv(stage) },
  };
}

export function psqlCopyIn(stage: Stage, csv: string): Contender {
  return {
    name: 'psql \\copy',
    ...missing('psql'),
    reset: () => void psql(stage, `DROP TABLE IF EXISTS psql_rows; ${createTableSql('psql_rows')}`),
    command: { file: 'psql', args: ['-X', '-q', '-c', `\\copy psql_rows from '${csv}' csv header`], env: stage.psqlEnv },
  };
}

export function pgloader(stage: Stage, csv: string): Contender {
  const script = join(stage.folder, 'pgloader.load');
  const url = new URL(stage.postgresUrl);
  const columns = COLUMNS.map(([name]) => name).join(', ');
  writeFileSync(script, `LOAD CSV FROM '${csv}' (${columns})
    INTO postgresql://${url.username}:${url.password}@${url.hostname}:${url.port}${url.pathname} TARGET TABLE pgloader_rows (${columns})
    WITH skip header = 1, fields optionally enclosed by '"', fields escaped by double-quote, fields terminated by ','\n    SET client_encoding to 'utf8';\n`, { mode: 0o600 });
  return {
    name: 'pgloader',
    ...missing('pgloader'),
    reset: () => void psql(stage, `DROP TABLE IF EXISTS pgloader_rows; ${createTableSql('pgloader_rows')}`),
    command: { file: 'pgloader', args: ['--quiet', script] },
  };
}

export function duckdbImport(stage: Stage, csv: string): Contender {
  const database = join(stage.folder, 'peer.duckdb');
  const program = `const { DuckDBInstance } = require('@duckdb/node-api');
    (async () => { const i = await DuckDBInstance.create(${JSON.stringify(database)}, { threads: '${stage.jobs}' }); const c = await i.connect();
    await c.run("CREATE TABLE peer_rows AS SELECT * FROM read_csv('${csv}')"); await c.run('CHECKPOINT'); c.closeSync(); })()`;
  return {
    name: 'duckdb read_csv',
    reset: () => removeDatabase(database),
    command: { file: process.execPath, args: ['-e', program] },
  };
}

export function sqliteImport(stage: Stage, csv: string): Contender {
  const database = join(stage.folder, 'peer.sqlite');
  return {
    name: 'sqlite3 .import',
    ...missing('sqlite3'),
    reset: () => rmSync(database, { force: true }),
    command: { file: 'sqlite3', args: [database], input: `.mode csv\n${createTableSql('peer_rows')};\n.import --skip 1 ${csv} peer_rows\n` },
  };
}

export function sluiceExport(stage: Stage, format: string): Contender {
  const output = join(stage.folder, `sluice-export.${format}`);
  return {
    name: `sluice ${format}`,
    reset: () => rmSync(output, { force: true }),
    command: { file: sluice, args: ['export', stage.postgresUrl, '--table', 'bench_rows', '--to', output, '--jobs', String(stage.jobs), '--quiet'], env: workspaceEnv(stage) },
  };
}

export function psqlCopyOut(stage: Stage): Contender {
  const output = join(stage.folder, 'psql-export.csv');
  return {
    name: 'psql \\copy to csv',
    ...missing('psql'),
    reset: () => rmSync(output, { force: true }),
    command: { file: 'psql', args: ['-X', '-q', '-c', `\\copy bench_rows to '${output}' csv header`], env: stage.psqlEnv },
  };
}

function removeDatabase(path: string): void {
  rmSync(path, { force: true });
  rmSync(`${path}.wal`, { force: true });
}
