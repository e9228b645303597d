/** Every readable file of parquet-testing into both databases, compared with what the engine itself says; none of bad_data may end the process. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importFile, SluiceError } from '../../src/index.ts';
import { createDatabase } from '../helpers/postgres-server.ts';

const SUITE = join(process.env.SLUICE_DATA!, 'parquet-testing');
let folder: string;
let engine: DuckDBConnection;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-parquet-'));
  engine = await (await DuckDBInstance.create(':memory:')).connect();
});
afterAll(() => {
  engine.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

const parquetFiles = (name: string): string[] => readdirSync(join(SUITE, name)).filter((file) => file.endsWith('.parquet')).map((file) => join(SUITE, name, file));

/** Rows as the engine reads them, or undefined when it cannot read the file. */
async function rowsOf(file: string): Promise<number | undefined> {
  try {
    const reader = await engine.runAndReadAll(`SELECT count(*) FROM (SELECT * FROM read_parquet('${file}') OFFSET 0)`);
    await engine.run(`COPY (SELECT * FROM read_parquet('${file}')) TO '/dev/null' (FORMAT csv)`);
    return Number(reader.getRows()[0][0]);
  } catch {
    return undefined;
  }
}

/** Files that the engine can read and that yet cannot arrive: they must be refused with these codes. */
const REFUSED: Record<string, { code: string; why: string }> = {
  'large_string_map.brotli.parquet': { code: 'PARQUET_UNREADABLE', why: 'one value of 2 GiB: the engine runs out of the memory that it is given' },
};

async function importOne(file: string, to: string): Promise<number | SluiceError> {
  const run = importFile({ source: file, to, table: 'rows', workspace: join(folder, 'workspace') });
  return run.receipt.then((receipt) => receipt.totals.written, (error: unknown) => {
    expect(error, file).toBeInstanceOf(SluiceError);
    return error as SluiceError;
  });
}

test.each(['postgres', 'duckdb'])('the readable files into %s', async (kind) => {
  let read = 0;
  const refused: string[] = [];
  for (const file of parquetFiles('data')) {
    const expected = await rowsOf(file);
    const to = kind === 'postgres' ? await createDatabase() : `duckdb:${join(folder, `${read}-${refused.length}.duckdb`)}`;
    const outcome = await importOne(file, to);
    if (outcome instanceof SluiceError) {
      refused.push(`${file.slice(SUITE.length + 1)}: ${outcome.code} ${outcome.message}`);
      expect(outcome.code, file).not.toBe('INTERNAL');
      const excuse = REFUSED[basename(file)];
      const excused = excuse !== undefined && excuse.code === outcome.code;
      if (expected !== undefined && !excused) expect.soft(outcome.message, `${file} is readable`).toBe('');
      continue;
    }
    expect(outcome, file).toBe(expected);
    if (kind === 'postgres') {
      const client = new pg.Client({ connectionString: to });
      await client.connect();
      const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM rows');
      await client.end();
      expect(Number(rows[0].count), file).toBe(expected);
    }
    read++;
  }
  console.log(`${kind}: ${read} files read; refused:\n${refused.join('\n')}`);
  expect(read).toBeGreaterThan(40);
});

test('bad_data ends in coded errors, never in a crash', async () => {
  const codes: string[] = [];
  for (const file of parquetFiles('bad_data')) {
    const outcome = await importOne(file, `duckdb:${join(folder, 'bad.duckdb')}`);
    if (outcome instanceof SluiceError) codes.push(outcome.code);
  }
  expect(codes).not.toContain('INTERNAL');
});
