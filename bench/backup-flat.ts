/**
 * Whether memory stays flat as a table grows: backup and restore of embeddings at several sizes of the table on disk, with the peak of the whole process tree. Of each size only one database is there at a time, so
 * that 10 GB need 15 GB of disk.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { fill, runPsql, type Psql } from './backup-data.ts';
import { sluice } from './contenders.ts';
import { measure, type Measurement } from './measure.ts';

/** Rows that are made one by one; the others are these again, under other numbers. */
const DISTINCT = 50_000;

interface FlatResult {
  readonly rows: number;
  readonly bytes: number;
  readonly backup: Measurement;
  readonly restore: Measurement;
}

/** @param gigabytes sizes of the table, heap and TOAST */
export async function runFlatBench(gigabytes: readonly number[], jobs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-flat-'));
  const server = await startPostgres({ version: 'debian', settings: { wal_level: 'minimal', max_wal_senders: '0', max_wal_size: '2GB', shared_buffers: '512MB', autovacuum: 'off' } });
  try {
    await measure({ file: sluice, args: ['--version'] });
    const lines = ['| table | rows | backup | peak RSS | restore | peak RSS |', '|--:|--:|--:|--:|--:|--:|'];
    for (const size of gigabytes) {
      const { rows, bytes, backup, restore } = await measureSize(server, folder, size * 1e9, jobs);
      lines.push(`| ${(bytes / 1e9).toFixed(2)} GB | ${rows} | ${backup.seconds.toFixed(1)} s | ${megabytes(backup)} | ${restore.seconds.toFixed(1)} s | ${megabytes(restore)} |`);
      process.stderr.write(`${lines.at(-1)}\n`);
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureSize(server: PostgresServer, folder: string, wanted: number, jobs: number): Promise<FlatResult> {
  const repository = join(folder, 'repository'), workspace = join(folder, 'workspace');
  mkdirSync(workspace, { recursive: true });
  const run = (...args: string[]): Promise<Measurement> => measure({ file: sluice, args: [...args, '--jobs', String(jobs), '--quiet'], env: { SLUICE_HOME: workspace } });
  const source = await server.createDatabase('flat_source'), copy = await server.createDatabase('flat_copy');
  try {
    const psql: Psql = { env: { ...server.psqlEnv, PGDATABASE: 'flat_source' } };
    const { rows, bytes } = await grow(psql, wanted);
    const backup = await run('backup', source, '--to', repository);
    await runPsql({ env: server.psqlEnv }, 'DROP DATABASE flat_source');
    const restore = await run('restore', repository, '--to', copy);
    const found = Number(await runPsql({ env: { ...server.psqlEnv, PGDATABASE: 'flat_copy' } }, 'SELECT count(*) FROM embeddings'));
    if (found !== rows) throw new Error(`${found} rows of ${rows} are restored`);
    return { rows, bytes, backup, restore };
  } finally {
    await runPsql({ env: server.psqlEnv }, 'DROP DATABASE IF EXISTS flat_source; DROP DATABASE IF EXISTS flat_copy');
    rmSync(repository, { recursive: true, force: true });
  }
}

async function grow(psql: Psql, wanted: number): Promise<{ rows: number; bytes: number }> {
  await fill(psql, 'embeddings', DISTINCT);
  const size = async (): Promise<number> => Number(await runPsql(psql, `SELECT pg_table_size('embeddings')`));
  const first = await size();
  const rows = Math.max(DISTINCT, Math.round(wanted / first * DISTINCT));
  for (let from = DISTINCT; from < rows; from += DISTINCT) {
    await runPsql(psql, `INSERT INTO embeddings SELECT id + ${from}, embedding FROM embeddings WHERE id <= ${Math.min(DISTINCT, rows - from)}`);
  }
  await runPsql(psql, 'VACUUM ANALYZE embeddings; CHECKPOINT');
  return { rows, bytes: await size() };
}

function megabytes({ peakRssBytes }: Measurement): string {
  return `${(peakRssBytes / 1e6).toFixed(0)} MB`;
}
