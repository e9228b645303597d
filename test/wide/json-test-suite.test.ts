/** JSONTestSuite through the whole import: y_ is read (or refused as valid JSON without records), n_ is refused as malformed with its place, i_ never crashes. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importFile, SluiceError } from '../../src/index.ts';
import { createDatabase } from '../helpers/postgres-server.ts';

const CASES = join(process.env.SLUICE_DATA!, 'json-test-suite/test_parsing');
let folder: string;
let database: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-json-'));
  database = await createDatabase();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function importCase(file: string, to: string): Promise<string> {
  const run = importFile({ source: join(CASES, file), to, table: 'rows', mode: 'replace', format: 'json', workspace: join(folder, 'workspace') });
  return run.receipt.then(() => 'read', (error: unknown) => {
    expect(error, file).toBeInstanceOf(SluiceError);
    const { code, at } = error as SluiceError;
    if (code === 'JSON_MALFORMED') expect(at, file).toMatchObject({ byte: expect.any(Number), line: expect.any(Number) });
    return code;
  });
}

test.each(['postgres', 'duckdb'])('every case of JSONTestSuite into %s', async (kind) => {
  const files = readdirSync(CASES);
  expect(files.length).toBe(318);
  const outcomes: Record<string, number> = {};
  for (const [index, file] of files.entries()) {
    const to = kind === 'postgres' ? database : `duckdb:${join(folder, `${index}.duckdb`)}`;
    const outcome = await importCase(file, to);
    const family = file.slice(0, 1);
    outcomes[`${family} ${outcome}`] = (outcomes[`${family} ${outcome}`] ?? 0) + 1;
    if (family === 'y') expect(['read', 'JSON_NOT_RECORDS', 'SOURCE_EMPTY'], `${file}: ${outcome}`).toContain(outcome);
    // An empty file is no JSON document either; that it is empty says more.
    if (family === 'n') expect(['JSON_MALFORMED', 'SOURCE_EMPTY'], `${file}: ${outcome}`).toContain(outcome);
    expect(outcome, file).not.toBe('INTERNAL');
  }
  console.log(kind, outcomes);
});
