/** Rows by their position, for a grid: anywhere in a table, in a stable order, in the embedded database and in PostgreSQL. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

const ROWS = 300_000;
let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  await runSql(url, `CREATE TABLE keyed (part text, id int, v text, PRIMARY KEY (part, id)); INSERT INTO keyed SELECT chr(97 + g % 2), g, 'v' || g FROM generate_series(0, 9999) g;
    CREATE TABLE far (id bigint PRIMARY KEY, v text); INSERT INTO far SELECT g * 3, 'v' || g FROM generate_series(0, 599999) g;
    CREATE TABLE lying AS SELECT g AS id FROM generate_series(0, 599999) g; DELETE FROM lying WHERE id % 2 = 1 AND id < 300000; CREATE VIEW seen AS SELECT * FROM lying;
    CREATE TABLE unkeyed AS SELECT g AS id FROM generate_series(0, 999) g; ANALYZE`);
  server = await startTestServer({ shop: url });
  writeFileSync(join(server.files, 'grid.csv'), `id,name\n${Array.from({ length: ROWS }, (_, i) => `${i},n${i}\n`).join('')}`);
  await load();
});
afterAll(() => server.end());

async function load(mode = 'append'): Promise<void> {
  const { body } = await server.json<{ run: string }>('/api/v1/runs', { send: { job: 'import', sources: ['grid.csv'], to: 'duckdb', mode } });
  await until(async () => (await server.json<{ status: string }>(`/api/v1/runs/${body.run}`)).body.status === 'done');
}

interface Page { rows: string[][]; position: number | null; total: { rows: number; exact: boolean }; order: string; next: null; code?: string }
const page = async (table: string, query: string): Promise<Page> => (await server.json<Page>(`/api/v1/connections/${table}/rows?${query}`)).body;

describe('a table of the embedded database', () => {
  it.each([0, 1, 122_880, 250_001, ROWS - 1])('has its row %i there', async (position) => {
    const got = await page('duckdb/tables/grid', `position=${position}&limit=3`);
    const wanted = [0, 1, 2].map((i) => position + i).filter((i) => i < ROWS);
    expect(got).toMatchObject({ rows: wanted.map((i) => [`${i}`, `n${i}`]), position, total: { rows: ROWS, exact: true }, order: 'place', next: null });
  });

  it('has its last rows at negative positions, and none behind its end', async () => {
    expect(await page('duckdb/tables/grid', 'position=-2&limit=5')).toMatchObject({ rows: [[`${ROWS - 2}`, `n${ROWS - 2}`], [`${ROWS - 1}`, `n${ROWS - 1}`]], position: ROWS - 2 });
    expect(await page('duckdb/tables/grid', `position=${ROWS}`)).toMatchObject({ rows: [], total: { rows: ROWS, exact: true } });
  });

  it('that was loaded into again is counted anew', async () => {
    await load();
    expect(await page('duckdb/tables/grid', `position=${ROWS}&limit=1&columns=id`)).toMatchObject({ rows: [['0']], total: { rows: 2 * ROWS, exact: true } });
    await load('replace');
    expect(await page('duckdb/tables/grid', 'position=-1')).toMatchObject({ rows: [[`${ROWS - 1}`, `n${ROWS - 1}`]], position: ROWS - 1, total: { rows: ROWS } });
  });
});

describe('a table of PostgreSQL', () => {
  const at = (position: number): string[] => [position < 5000 ? 'a' : 'b', `${(position % 5000) * 2 + (position < 5000 ? 0 : 1)}`, `v${(position % 5000) * 2 + (position < 5000 ? 0 : 1)}`];

  it('with a key is in its order: forwards, backwards, near to and far from what was shown before', async () => {
    for (const position of [9000, 9100, 8999, 0, 4999, 5050, 9000]) {
      const got = await page('shop/tables/keyed', `position=${position}&limit=2`);
      expect(got).toMatchObject({ rows: [at(position), at(position + 1)], position, order: 'key' });
    }
    expect(await page('shop/tables/keyed', 'position=9999&limit=10')).toMatchObject({ rows: [at(9999)], total: { rows: 10_000, exact: true } });
    expect(await page('shop/tables/keyed', 'position=10000')).toMatchObject({ rows: [], total: { rows: 10_000, exact: false } });
    expect(await page('shop/tables/keyed', 'position=-2&limit=2')).toMatchObject({ rows: [at(9998), at(9999)], position: null });
    expect(await page('shop/tables/keyed', 'position=-100&limit=1')).toMatchObject({ rows: [at(9900)], position: null });
  });

  it('is reached far from everything that was shown, with a key and without: in the middle, at the end, and from the end', async () => {
    const lyingAt = (position: number): string => `${position < 150_000 ? position * 2 : position + 150_000}`;
    for (const position of [300_000, 599_998, 250_000, 599_990, 1]) {
      expect(await page('shop/tables/far', `position=${position}&limit=2`)).toMatchObject({ rows: [0, 1].map((i) => [`${(position + i) * 3}`, `v${position + i}`]), position });
    }
    for (const position of [225_000, 449_998, 149_999, 449_900, 1]) {
      expect(await page('shop/tables/lying', `position=${position}&limit=2`)).toMatchObject({ rows: [[lyingAt(position)], [lyingAt(position + 1)]], position, order: 'place' });
    }
    expect(await page('shop/tables/lying', 'position=-1')).toMatchObject({ rows: [['599999']], position: 449_999, total: { rows: 450_000, exact: true } });
    expect(await page('shop/tables/far', 'position=-300000&limit=1')).toMatchObject({ rows: [['900000', 'v300000']], position: 300_000 });
    expect((await server.json('/api/v1/connections/shop/tables/lying/count')).body).toEqual({ rows: 450_000, exact: true, reachable: 450_000 });
    expect((await server.json('/api/v1/connections/shop/tables/far/count')).body).toEqual({ rows: 600_000, exact: true, reachable: 600_000 });
    expect(await page('shop/tables/far', 'position=5000000')).toMatchObject({ rows: [], total: { rows: 600_000, exact: true } });
  });

  it('that changes while it is looked at is counted anew when that is asked for', async () => {
    await runSql(url, 'INSERT INTO unkeyed SELECT g FROM generate_series(1000, 1099) g');
    expect((await server.json('/api/v1/connections/shop/tables/unkeyed/count')).body).toEqual({ rows: 1100, exact: true, reachable: 1100 });
    expect(await page('shop/tables/unkeyed', 'position=-1')).toMatchObject({ rows: [['1099']] });
    await runSql(url, 'DELETE FROM unkeyed WHERE id >= 1000');
    expect(await page('shop/tables/unkeyed', 'position=1050')).toMatchObject({ rows: [] });
  });

  it('that is a view is counted through so far and no farther', async () => {
    expect((await server.json('/api/v1/connections/shop/tables/seen/count')).body).toEqual({ rows: 450_000, exact: true, reachable: 100_000 });
    expect((await page('shop/tables/seen', 'position=99000&limit=1')).rows).toHaveLength(1);
    expect((await page('shop/tables/seen', 'position=200000')).code).toBe('POSITION_UNREACHABLE');
    expect((await page('shop/tables/seen', 'position=-1')).code).toBe('POSITION_UNREACHABLE');
  });

  it('without a key is in the order in which it lies', async () => {
    expect(await page('shop/tables/unkeyed', 'position=990&limit=20')).toMatchObject({ rows: [990, 991, 992, 993, 994, 995, 996, 997, 998, 999].map((i) => [`${i}`]), total: { rows: 1000, exact: true } });
    expect(await page('shop/tables/unkeyed', 'position=200000')).toMatchObject({ rows: [] });
    expect((await page('shop/tables/unkeyed', 'position=1&cursor=e30')).code).toBe('REQUEST_INVALID');
  });
});
