/** Rejected rows over HTTP with a real PostgreSQL: pages by table and code, rows corrected one by one, by expressions, and replayed as runs of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

let url: string;
let server: TestServer;
beforeAll(async () => {
  url = await createDatabase();
  await runSql(url, `CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, price numeric(8,2) CHECK (price >= 0))`);
  server = await startTestServer({ shop: url });
});
afterAll(() => server.end());

interface Row { table: string; part: number; record: number; code: string; raw: string; values?: (string | null)[] }
interface Page { items: Row[]; next: string | null; rows: number; sealed: boolean; to: string; tables: { table: string; rows: number; codes: Record<string, number>; columns: string[]; sources: { format: string; fields: string[] }[] }[] }
interface Replay { runs: { run: string; table: string; rows: number }[]; leftOut: { table: string }[]; code?: string }

async function ended(run: string): Promise<{ status: string; receipt: { totals: { written: number; rejected: number } } }> {
  let shown: { status: string; receipt: { totals: { written: number; rejected: number } } } | undefined;
  await until(async () => {
    shown = (await server.json<typeof shown & object>(`/api/v1/runs/${run}`)).body;
    return shown.status !== 'running' && shown.status !== undefined;
  });
  return shown!;
}

async function rejecting(job: Record<string, unknown>): Promise<string> {
  const { body } = await server.json<{ run: string }>('/api/v1/runs', { send: { ...job, onError: 'quarantine' } });
  expect((await ended(body.run)).receipt.totals.rejected).toBeGreaterThan(0);
  return body.run;
}

const replay = (run: string, send: object, as: 'operator' | 'viewer' = 'operator', headers: Record<string, string> = {}) => server.json<Replay>(`/api/v1/runs/${run}/quarantine/replay`, { as, send, headers });

describe('rejected rows', () => {
  let run: string;
  beforeAll(async () => {
    await runSql(url, `INSERT INTO customers VALUES (1, 'Ann')`);
    writeFileSync(join(server.files, 'orders.csv'), 'id;customer_id;price\n1;1;1.50\n2;7;2\n3;1;-3\n4;1;"1,5"\n5;1;"x;y"\n');
    run = await rejecting({ job: 'import', sources: ['orders.csv'], to: 'shop', table: 'orders' });
  });

  it('are shown page by page, by table and code, with what they were read as', async () => {
    const all = await server.json<Page>(`/api/v1/runs/${run}/quarantine?limit=3`, { as: 'viewer' });
    expect(all.body).toMatchObject({ rows: 4, sealed: true, to: 'shop', tables: [{ table: 'orders', columns: ['id', 'customer_id', 'price'], sources: [{ format: 'csv', fields: ['id', 'customer_id', 'price'] }] }] });
    const rest = await server.json<Page>(`/api/v1/runs/${run}/quarantine?limit=3&cursor=${all.body.next}`, { as: 'viewer' });
    expect([...all.body.items, ...rest.body.items].map(({ raw }) => raw)).toEqual(['2;7;2', '3;1;-3', '4;1;"1,5"', '5;1;"x;y"']);
    const bad = await server.json<Page>(`/api/v1/runs/${run}/quarantine?code=CHECK_VIOLATED&table=orders`, { as: 'viewer' });
    expect(bad.body.items.map(({ raw }) => raw)).toEqual(['3;1;-3']);
    expect((await server.json(`/api/v1/runs/${run}/quarantine?code=NONE`)).body.code).toBe('REQUEST_INVALID');
  });

  it('are replayed by operators only, into a connection that is known', async () => {
    expect((await replay(run, {}, 'viewer')).status).toBe(403);
    expect((await replay(run, { to: 'nowhere' })).body.code).toBe('CONNECTION_UNKNOWN');
    expect((await replay(run, { edits: [{ table: 'orders', part: 9, record: 9, raw: 'x' }] })).body.code).toBe('USAGE');
    expect((await replay(run, { edits: [{ table: 'orders', part: 0, record: 1 }] })).body.code).toBe('REQUEST_INVALID');
    expect((await replay('nothing', {})).body.code).toBe('RUN_UNKNOWN');
  });

  it('are corrected one by one; what was corrected is loaded once', async () => {
    const { body: { items } } = await server.json<Page>(`/api/v1/runs/${run}/quarantine`);
    const of = (raw: string): { table: string; part: number; record: number } => {
      const { table, part, record } = items.find((row) => row.raw === raw)!;
      return { table, part, record };
    };
    const edit = { edits: [{ ...of('3;1;-3'), raw: '3;1;3' }] };
    const first = await replay(run, edit);
    expect([first.status, first.body]).toEqual([202, { runs: [{ run: expect.any(String) as string, table: 'orders', rows: 1 }], leftOut: [] }]);
    expect((await ended(first.body.runs[0].run)).receipt.totals).toMatchObject({ read: 1, written: 1 });
    expect((await replay(run, edit)).body.code).toBe('REPLAYED_ALREADY');
    // Those that a constraint has refused have values by column.
    const foreign = await replay(run, { edits: [{ ...of('2;7;2'), values: { customer_id: '1' } }] }, 'operator', { 'idempotency-key': 'once' });
    if (foreign.status === 202) {
      expect((await ended(foreign.body.runs[0].run)).receipt.totals).toMatchObject({ written: 1 });
      expect((await replay(run, { edits: [{ ...of('2;7;2'), values: { customer_id: '1' } }] }, 'operator', { 'idempotency-key': 'once' })).body.runs[0].run).toBe(foreign.body.runs[0].run);
    } else {
      expect(foreign.body.code).toBe('REPLAY_IMPOSSIBLE');
      await ended((await replay(run, { edits: [{ ...of('2;7;2'), raw: '2;1;2' }] })).body.runs[0].run);
    }
    expect(await runSql(url, 'SELECT id, customer_id, price::text FROM orders ORDER BY id')).toEqual([[1, 1, '1.50'], [2, 1, '2.00'], [3, 1, '3.00']]);
  });

  it('are corrected by expressions, which see nothing of the machine; what is still bad has a quarantine of its own', async () => {
    expect((await replay(run, { set: { price: `(SELECT content FROM read_text('/etc/hostname'))` } })).body.code).toBe('EXPRESSION_INVALID');
    expect((await replay(run, { set: { price: '1) FROM (SELECT 1' } })).body.code).toBe('EXPRESSION_INVALID');
    const { body } = await replay(run, { set: { price: `replace(price, ',', '.')` }, onError: 'quarantine' });
    expect((await ended(body.runs[0].run)).receipt.totals).toMatchObject({ read: 2, written: 1, rejected: 1 });
    expect(await runSql(url, 'SELECT price::text FROM orders WHERE id = 4')).toEqual([['1.50']]);
    const again = await server.json<Page>(`/api/v1/runs/${body.runs[0].run}/quarantine`);
    expect([again.body.items.map(({ raw }) => raw), again.body.to]).toEqual([['"5","1","x;y"'], 'shop']);
    const last = await replay(body.runs[0].run, { edits: [{ table: 'orders', part: again.body.items[0].part, record: again.body.items[0].record, raw: '5,1,5' }] });
    expect((await ended(last.body.runs[0].run)).receipt.totals.written).toBe(1);
    expect((await replay(run, {})).body.code).toBe('REPLAYED_ALREADY');
  });

  it('of several tables are runs that follow each other, parents first', async () => {
    await runSql(url, 'TRUNCATE customers, orders');
    writeFileSync(join(server.files, 'both.json'), JSON.stringify({ orders: [{ id: 1, customer_id: 1, price: 1 }], customers: [{ id: 1, name: null }] }));
    const both = await rejecting({ job: 'restore', source: 'both.json', to: 'shop' });
    const { body: { items } } = await server.json<Page>(`/api/v1/runs/${both}/quarantine?table=customers`);
    const { body } = await replay(both, { only: 'all', edits: [{ table: 'customers', part: items[0].part, record: items[0].record, raw: '{"id":1,"name":"Ann"}' }] });
    expect(body.runs.map(({ table }) => table)).toEqual(['customers', 'orders']);
    for (const one of body.runs) expect((await ended(one.run)).status).toBe('done');
    expect(await runSql(url, 'SELECT count(*)::int FROM orders JOIN customers ON customers.id = customer_id')).toEqual([[1]]);
  });
});
