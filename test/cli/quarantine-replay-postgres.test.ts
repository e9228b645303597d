/** Rejected rows of real imports and restores, corrected and replayed into PostgreSQL. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Receipt } from '../../src/jobs/receipt.ts';
import { Workbench } from '../faults/command-line.ts';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import type { CliResult } from './run-cli.ts';

// Each test starts the command line several times, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let bench: Workbench;
let url: string;
beforeEach(async () => {
  bench = new Workbench();
  url = await createDatabase();
  await runSql(url, `CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, price numeric(8,2) CHECK (price >= 0));
    CREATE TABLE log (day date, text text)`);
});
afterEach(() => bench.remove());

/** The password is in no recipe: it comes from the environment, as the documents say. */
const sluice = (...args: string[]): Promise<CliResult> => bench.sluice(args, { env: { PGPASSWORD: new URL(url).password } });
const receiptOf = ({ stdout, stderr }: CliResult): Receipt & { receipts?: Receipt[] } => {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Receipt;
};
const rows = (sql: string): Promise<unknown[][]> => runSql(url, sql);
const put = (name: string, text: string): void => writeFileSync(bench.path(name), text);

/** An import or restore with rejected rows; gives its id. */
async function rejecting(...args: string[]): Promise<string> {
  const result = await sluice(...args, '--to', url, '--on-error', 'quarantine', '--json');
  expect(result.code, result.stderr).toBe(3);
  return receiptOf(result).run!;
}

async function restoreWithBadParents(): Promise<string> {
  mkdirSync(bench.path('backup'));
  // By name the child comes first.
  put('backup/a_orders.ndjson', '{"id":1,"customerId":1,"price":1}\n{"id":2,"customerId":2,"price":2}\n{"id":3,"customerId":1,"price":-3}\n');
  put('backup/customers.ndjson', '{"id":1,"name":"Ann"}\n{"id":2,"name":null}\n');
  return rejecting('restore', 'backup', '--map-table', 'a_orders=orders');
}

describe('a replay into PostgreSQL', () => {
  it('of an edited CSV file, in its dialect', async () => {
    await runSql(url, `INSERT INTO customers VALUES (1, 'Ann')`);
    put('orders.csv', 'Id;customer_id;Price\n1;1;"1,50"\n2;1;2.50\n3;7;3\n4;1;-4\n');
    const run = await rejecting('import', 'orders.csv', '--table', 'orders', '--map', 'Id=id', '--map', 'Price=price');
    await sluice('quarantine', 'export', run, '--records', '--to', 'fix.csv');
    expect(readFileSync(bench.path('fix.csv'), 'utf8')).toBe('"Id";"customer_id";"Price"\n1;1;"1,50"\n3;7;3\n4;1;-4\n');
    put('fix.csv', 'Id;customer_id;Price\n1;1;1.50\n3;1;3\n4;1;4\n');
    expect(receiptOf(await sluice('quarantine', 'replay', run, '--from', 'fix.csv', '--json'))).toMatchObject({ status: 'done', totals: { read: 3, written: 3, rejected: 0 } });
    expect(await rows('SELECT id, price FROM orders ORDER BY id')).toEqual([[1, '1.50'], [2, '2.50'], [3, '3.00'], [4, '4.00']]);
  });

  it('of an edited NDJSON file, with rows that are still bad: they have a quarantine of their own, which is replayed in turn', async () => {
    put('customers.ndjson', '{"id":1,"name":"Ann"}\n{"id":"two","name":"Bo"}\n{"id":3,"name":null}\n{"id":"four","name":"Di"}\n');
    const run = await rejecting('import', 'customers.ndjson', '--table', 'customers');
    await sluice('quarantine', 'export', run, '--records', '--to', 'fix.ndjson');
    put('fix.ndjson', readFileSync(bench.path('fix.ndjson'), 'utf8').replace('"two"', '2'));
    const stopped = await sluice('quarantine', 'replay', run, '--from', 'fix.ndjson', '--json');
    expect(receiptOf(stopped)).toMatchObject({ status: 'failed', totals: { written: 0 } });
    const limited = await sluice('quarantine', 'replay', run, '--from', 'fix.ndjson', '--max-errors', '1', '--json');
    expect([limited.code, receiptOf(limited).error?.code]).toEqual([1, 'TOO_MANY_REJECTED']);
    expect(await rows('SELECT count(*)::int FROM customers')).toEqual([[1]]);

    const second = await sluice('quarantine', 'replay', run, '--from', 'fix.ndjson', '--on-error', 'quarantine', '--json');
    expect([second.code, receiptOf(second).totals]).toMatchObject([3, { read: 3, written: 1, rejected: 2 }]);
    expect(await rows('SELECT id FROM customers ORDER BY id')).toEqual([[1], [2]]);

    const third = await sluice('quarantine', 'replay', receiptOf(second).run!, '--set', "id=replace(id, 'four', '4')", '--set', "name=coalesce(name, 'unknown')", '--json');
    expect(receiptOf(third), third.stderr).toMatchObject({ status: 'done', totals: { read: 2, written: 2 } });
    expect(await rows('SELECT id, name FROM customers ORDER BY id')).toEqual([[1, 'Ann'], [2, 'Bo'], [3, 'unknown'], [4, 'Di']]);
  });

  it('computes fields, and a second time doubles nothing unless it is told to', async () => {
    put('log.csv', 'day,text\n2026-01-01,fine\n31.12.2025,old\n30.12.2025,older\n');
    const run = await rejecting('import', 'log.csv', '--table', 'log', '--type', 'day=date');
    const replay = ['quarantine', 'replay', run, '--set', "day=strftime(strptime(day, '%d.%m.%Y'), '%Y-%m-%d')", '--json'];
    expect(receiptOf(await sluice(...replay, '--dry-run'))).toMatchObject({ status: 'planned' });
    const first = receiptOf(await sluice(...replay));
    expect(first).toMatchObject({ status: 'done', totals: { written: 2 } });
    for (const more of [[], ['--on-error', 'quarantine'], ['--code', 'VALUE_INVALID']]) {
      const again = await sluice(...replay, ...more);
      expect([again.code, receiptOf(again).error]).toMatchObject([1, { code: 'REPLAYED_ALREADY', message: expect.stringContaining(`${first.run}, which is done`) }]);
    }
    // A table without a key, written in another way: the same place.
    expect(receiptOf(await sluice(...replay, '--to', url)).error?.code).toBe('REPLAYED_ALREADY');
    expect(await rows('SELECT day::text, text FROM log ORDER BY day')).toEqual([['2025-12-30', 'older'], ['2025-12-31', 'old'], ['2026-01-01', 'fine']]);
    const elsewhere = await createDatabase();
    await runSql(elsewhere, 'CREATE TABLE log (day date, text text)');
    expect(receiptOf(await sluice(...replay, '--to', elsewhere))).toMatchObject({ totals: { written: 2 } });
    expect(receiptOf(await sluice(...replay, '--again'))).toMatchObject({ totals: { written: 2 } });
    expect(await rows('SELECT count(*)::int FROM log')).toEqual([[5]]);
  });

  it('loads parents before their children, in whatever order the files were', async () => {
    const run = await restoreWithBadParents();
    expect(await rows('SELECT id FROM orders')).toEqual([[1]]);
    await sluice('quarantine', 'export', run, '--to', 'rows.ndjson');
    put('rows.ndjson', readFileSync(bench.path('rows.ndjson'), 'utf8').replace('\\"name\\":null', '\\"name\\":\\"Bo\\"').replace('\\"price\\":-3', '\\"price\\":3').trimEnd().split('\n').toReversed().join('\n'));
    const result = await sluice('quarantine', 'replay', run, '--from', 'rows.ndjson', '--json');
    expect(receiptOf(result), result.stderr).toMatchObject({ status: 'done', tables: [{ name: 'customers', written: 1 }, { name: 'orders', written: 2 }] });
    expect(await rows('SELECT id, customer_id, price FROM orders ORDER BY id')).toEqual([[1, 1, '1.00'], [2, 2, '2.00'], [3, 1, '3.00']]);
  });

  it('goes on after a partial failure with what is left', async () => {
    const run = await restoreWithBadParents();
    await sluice('quarantine', 'export', run, '--to', 'rows.ndjson');
    put('rows.ndjson', readFileSync(bench.path('rows.ndjson'), 'utf8').replace('\\"name\\":null', '\\"name\\":\\"Bo\\"'));
    const failed = await sluice('quarantine', 'replay', run, '--from', 'rows.ndjson', '--json');
    expect([failed.code, receiptOf(failed).receipts?.map(({ status }) => status)]).toEqual([1, ['done', 'failed']]);
    expect(await rows('SELECT id, name FROM customers ORDER BY id')).toEqual([[1, 'Ann'], [2, 'Bo']]);
    expect(await rows('SELECT id FROM orders')).toEqual([[1]]);

    put('rows.ndjson', readFileSync(bench.path('rows.ndjson'), 'utf8').replace('\\"price\\":-3', '\\"price\\":3'));
    const rest = await sluice('quarantine', 'replay', run, '--from', 'rows.ndjson', '--json');
    expect(rest.stderr).toContain('left out: The rejected rows of customers were replayed already');
    expect(receiptOf(rest)).toMatchObject({ status: 'done', tables: [{ name: 'orders', written: 2 }] });
    expect(await rows('SELECT id, customer_id, price FROM orders ORDER BY id')).toEqual([[1, 1, '1.00'], [2, 2, '2.00'], [3, 1, '3.00']]);
    expect(receiptOf(await sluice('quarantine', 'replay', run, '--from', 'rows.ndjson', '--json')).error?.code).toBe('REPLAYED_ALREADY');
  });
});
