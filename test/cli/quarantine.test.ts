import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { QuarantineLog } from '../../src/quarantine/quarantine-log.ts';
import type { QuarantinedRow } from '../../src/quarantine/quarantined-row.ts';
import type { ReplayRecipe, ReplaySource } from '../../src/quarantine/replay-recipe.ts';
import type { Receipt } from '../../src/jobs/receipt.ts';
import type { Rejection } from '../../src/rows/rejection.ts';
import { readRows, withConnection, type Row } from '../conformance/database-under-test.ts';
import { makeWorkspace, RUN } from '../quarantine/support.ts';
import { runCli, type CliResult } from './run-cli.ts';

// Each test starts the command line several times, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: { path: string; remove: () => void };
beforeEach(() => {
  folder = makeWorkspace();
});
afterEach(() => folder.remove());

const sluice = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: folder.path });
const path = (name: string): string => join(folder.path, name);

const SEMICOLONS = { delimiter: ';', quote: '"', escape: '"', nullText: '' } as const;
const ORDERS: ReplaySource = { name: 'orders.csv', format: 'csv', fields: ['Id', 'Price', 'note'], map: { Id: 'id', Price: 'price' }, csv: SEMICOLONS, charset: 'windows-1252' };

interface Rejected extends Rejection {
  readonly raw?: Uint8Array;
}

/** A run whose parts had these rejections, and that ended in order. */
async function quarantineOf(tables: Readonly<Record<string, readonly Rejected[]>>, recipe: Partial<ReplayRecipe> = {}, seal = true): Promise<void> {
  const full: ReplayRecipe = { version: 1, to: 'duckdb', tables: [{ table: 'orders', mode: 'replace', columns: ['id', 'price', 'note'], sources: [ORDERS] }], ...recipe };
  const log = await QuarantineLog.open({ workspace: path('.sluice'), run: RUN, job: 'import', recipe: () => full });
  for (const [table, rejections] of Object.entries(tables)) await log.put({ table, part: 0 }, rejections.map(({ raw: _raw, ...rest }) => rest));
  if (!seal) return;
  await log.seal({
    tables: Object.keys(tables),
    async *fetch(table, _part, records) {
      for (const record of records) {
        const raw = tables[table].find((one) => one.record === record)?.raw;
        yield { place: { file: full.tables.find((one) => one.table === table)?.sources[0].name ?? table, row: record, line: record + 1, byte: record * 10 }, ...(raw === undefined ? {} : { raw }) };
      }
    },
  });
}

const bad = (record: number, raw: string | Uint8Array | undefined, more: Partial<Rejection> = {}): Rejected => ({
  record, code: 'VALUE_INVALID', column: 'price', message: 'no number', ...more, ...(raw === undefined ? {} : { raw: typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw }),
});

const TWO = { orders: [bad(2, '1;n/a;"a;b"'), bad(5, '2;;caf\xe9', { code: 'NOT_NULL_VIOLATED' })] };

async function createOrders(): Promise<void> {
  writeFileSync(path('orders.csv'), 'id,price,note\n100,1.5,old\n');
  await sluice('import', 'orders.csv', '--type', 'id=bigint', '--type', 'price=numeric(10,2)', '--quiet');
}

async function ordersNow(table = 'orders'): Promise<Row[]> {
  const rows = await withConnection(`duckdb:${path('.sluice/data.duckdb')}`, (connection) => readRows(connection, table), { create: false });
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const errorOf = (result: CliResult): { code: string } => (JSON.parse(result.stdout) as { error: { code: string } }).error;

describe('sluice quarantine list and show', () => {
  it('says when there is nothing', async () => {
    expect(await sluice('quarantine', 'list')).toMatchObject({ code: 0, stdout: 'No run has rejected rows.\n' });
    expect(JSON.parse((await sluice('quarantine', 'list', '--json')).stdout)).toEqual({ quarantines: [] });
    expect(errorOf(await sluice('quarantine', 'show', RUN, '--json')).code).toBe('RUN_UNKNOWN');
    expect(errorOf(await sluice('quarantine', 'show', '../..', '--json')).code).toBe('RUN_UNKNOWN');
    await createOrders();
    const [{ run }] = (JSON.parse((await sluice('runs', 'list', '--json')).stdout) as { runs: { run: string }[] }).runs;
    expect(errorOf(await sluice('quarantine', 'show', run, '--json')).code).toBe('QUARANTINE_EMPTY');
  });

  it('prints tables, codes, places and records', async () => {
    await quarantineOf({ ...TWO, 'public.t\u001b[31m': [bad(1, Uint8Array.of(0xff, 0x41))] });
    expect((await sluice('quarantine', 'list')).stdout).toBe([
      'run             table             rows  codes',
      '1jd4kz2q8xk2f7  orders               2  NOT_NULL_VIOLATED 1, VALUE_INVALID 1',
      '                public.t\\x1b[31m     1  VALUE_INVALID 1',
      '',
    ].join('\n'));
    expect((await sluice('quarantine', 'show', RUN, '--table', 'orders')).stdout).toBe([
      'table   place         code               column  message    record',
      'orders  orders.csv:3  VALUE_INVALID      price   no number  1;n/a;"a;b"',
      'orders  orders.csv:6  NOT_NULL_VIOLATED  price   no number  2;;caf\u00e9',
      '',
    ].join('\n'));
    const listed = JSON.parse((await sluice('quarantine', 'list', '--json')).stdout) as unknown;
    expect(listed).toMatchObject({ quarantines: [{ run: RUN, job: 'import', sealed: true, rows: 3, tables: [{ table: 'orders', rows: 2, codes: { VALUE_INVALID: 1 } }, {}] }] });
  });

  it('filters and pages', async () => {
    await quarantineOf(TWO);
    const shown = async (...args: string[]): Promise<number[]> => (JSON.parse((await sluice('quarantine', 'show', RUN, '--json', ...args)).stdout) as { shown: QuarantinedRow[] }).shown.map(({ record }) => record);
    expect(await shown()).toEqual([2, 5]);
    expect(await shown('--code', 'NOT_NULL_VIOLATED')).toEqual([5]);
    expect(await shown('--offset', '1')).toEqual([5]);
    expect(await shown('--limit', '1')).toEqual([2]);
    expect(await shown('--table', 'none')).toEqual([]);
    expect((await sluice('quarantine', 'show', RUN, '--limit', '1')).stdout).toContain('1 of 2 rows');
    expect(await sluice('quarantine', 'show', RUN, '--code', 'NOPE')).toMatchObject({ code: 2 });
    expect(await sluice('quarantine', 'show', RUN, '--limit', 'x')).toMatchObject({ code: 2 });
  });

  it('shows what a run left that died', async () => {
    await quarantineOf({ orders: [bad(2, undefined, { values: ['1', 'n/a', null] })] }, {}, false);
    expect((await sluice('quarantine', 'list')).stdout).toContain('(not complete)');
    const { stdout } = await sluice('quarantine', 'show', RUN);
    expect(stdout).toContain('part 0, record 2');
    expect(stdout).toContain('["1","n/a",null]');
    expect(stdout).toContain('not ended in order');
  });
});

describe('sluice quarantine export', () => {
  it.each(['ndjson', 'json', 'csv', 'parquet'])('writes %s', async (ending) => {
    await quarantineOf(TWO);
    const result = await sluice('quarantine', 'export', RUN, '--to', `out.${ending}`, '--json');
    expect(JSON.parse(result.stdout)).toEqual({ run: RUN, file: `out.${ending}`, rows: 2 });
    expect((await sluice('import', `out.${ending}`, '--table', 'q', '--quiet')).code).toBe(0);
    const rows = await ordersNow('q');
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).toContain('orders.csv');
    expect(await sluice('quarantine', 'export', RUN, '--to', `out.${ending}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('TARGET_EXISTS') });
  });

  it('writes to standard output, and only what was asked for', async () => {
    await quarantineOf(TWO);
    const { stdout } = await sluice('quarantine', 'export', RUN, '--to', '-', '--code', 'NOT_NULL_VIOLATED');
    expect(JSON.parse(stdout)).toMatchObject({ record: 5, rawEncoding: 'base64', raw: Buffer.from('2;;caf\xe9', 'latin1').toString('base64') });
    expect((await sluice('quarantine', 'export', RUN, '--to', 'x.sql')).stderr).toContain('OPTION_UNSUPPORTED');
  });

  it('writes the records as their source had them', async () => {
    await quarantineOf(TWO);
    await sluice('quarantine', 'export', RUN, '--records', '--to', 'fix.csv');
    expect(readFileSync(path('fix.csv'), 'latin1')).toBe('"Id";"Price";"note"\n1;n/a;"a;b"\n2;;caf\xe9\n');
  });
});

describe('sluice quarantine replay', () => {
  const receiptOf = (result: CliResult): Receipt => JSON.parse(result.stdout) as Receipt;

  it('loads corrected records into the same table, and leaves nothing behind', async () => {
    await createOrders();
    await quarantineOf(TWO);
    await sluice('quarantine', 'export', RUN, '--records', '--to', 'fix.csv');
    writeFileSync(path('fix.csv'), readFileSync(path('fix.csv'), 'latin1').replace('n/a', '7.25').replace('2;;', '2;8;'), 'latin1');
    const result = await sluice('quarantine', 'replay', RUN, '--from', 'fix.csv', '--json');
    expect(receiptOf(result), result.stderr).toMatchObject({ job: 'import', status: 'done', totals: { read: 2, written: 2, rejected: 0 } });
    expect(receiptOf(result).run).not.toBe(RUN);
    expect(await ordersNow()).toEqual([['1', '7.25', 'a;b'], ['100', '1.50', 'old'], ['2', '8.00', 'café']]);
    expect(readdirSync(path(`.sluice/quarantine/${RUN}`)).sort()).toEqual(['replays.ndjson', 'rows.ndjson', 'summary.json']);
  });

  it('takes a file that another program has saved', async () => {
    await createOrders();
    await quarantineOf(TWO);
    writeFileSync(path('fix.csv'), 'Id,note,Price\r\n1,"a;b",7.25\r\n2,café,8\r\n');
    expect((await sluice('quarantine', 'replay', RUN, '--from', 'fix.csv')).code).toBe(0);
    expect(await ordersNow()).toEqual([['1', '7.25', 'a;b'], ['100', '1.50', 'old'], ['2', '8.00', 'café']]);
  });

  it.each(['ndjson', 'csv', 'json', 'parquet'])('takes an edited export of the rows (%s)', async (ending) => {
    await createOrders();
    await quarantineOf({ orders: [bad(2, '1;n/a;"a;b"'), bad(5, '2;n/a;"x\ny"')] });
    if (ending === 'parquet') {
      await sluice('quarantine', 'export', RUN, '--to', 'rows.parquet');
      const result = await sluice('quarantine', 'replay', RUN, '--from', 'rows.parquet', '--set', 'Price=3', '--json');
      expect(receiptOf(result), result.stderr).toMatchObject({ totals: { written: 2 } });
      return;
    }
    await sluice('quarantine', 'export', RUN, '--to', `rows.${ending}`);
    writeFileSync(path(`rows.${ending}`), readFileSync(path(`rows.${ending}`), 'utf8').replaceAll(';n/a;', ';3;'));
    const result = await sluice('quarantine', 'replay', RUN, '--from', `rows.${ending}`, '--json');
    expect(receiptOf(result), result.stdout + result.stderr).toMatchObject({ totals: { written: 2 } });
    expect(await ordersNow()).toEqual([['1', '3.00', 'a;b'], ['100', '1.50', 'old'], ['2', '3.00', 'x\ny']]);
  });

  it('computes fields', async () => {
    await createOrders();
    await quarantineOf(TWO);
    const result = await sluice('quarantine', 'replay', RUN, '--set', "Price=coalesce(try_cast(Price AS decimal(10,2)), 0) + 1", '--set', "note=upper(note) || '!'", '--json');
    expect(receiptOf(result), result.stderr).toMatchObject({ totals: { written: 2 } });
    expect(await ordersNow()).toEqual([['1', '1.00', 'A;B!'], ['100', '1.50', 'old'], ['2', '1.00', 'CAFÉ!']]);
  });

  it('keeps NULL and the empty text apart when fields are computed', async () => {
    await createOrders();
    await quarantineOf({ orders: [bad(1, '1;2;""'), bad(2, '2;2;')] });
    expect((await sluice('quarantine', 'replay', RUN, '--set', 'Price=4')).code).toBe(0);
    expect(await ordersNow()).toEqual([['1', '4.00', ''], ['100', '1.50', 'old'], ['2', '4.00', null]]);
  });

  it.each([
    ['does not compile', 'Price=nullif(Price'],
    ['has no such field', 'Price=nope + 1'],
    ['fails for a value', 'Price=CAST(note AS integer)'],
    ['is two', 'Price=1) AS a, (2'],
    ['gives another number of rows', 'Price=unnest([1, 2])'],
    ['reads a file', "Price=(SELECT content FROM read_text('/etc/hostname'))"],
  ])('refuses an expression that %s', async (_what, expression) => {
    await createOrders();
    await quarantineOf(TWO);
    const result = await sluice('quarantine', 'replay', RUN, '--set', expression, '--json');
    expect([result.code, errorOf(result).code], result.stderr).toEqual([1, 'EXPRESSION_INVALID']);
    expect(await ordersNow()).toHaveLength(1);
  });

  it('loads some of the rows, and says which were not corrected', async () => {
    await createOrders();
    await quarantineOf({ orders: [bad(1, '1;2;a', { code: 'UNIQUE_VIOLATED' }), bad(2, '"2;2', { code: 'CSV_MALFORMED' })] });
    expect(errorOf(await sluice('quarantine', 'replay', RUN, '--json')).code).toBe('REPLAY_IMPOSSIBLE');
    expect((await sluice('quarantine', 'replay', RUN, '--code', 'UNIQUE_VIOLATED')).code).toBe(0);
    expect(await ordersNow()).toHaveLength(2);
    expect(await sluice('quarantine', 'replay', RUN, '--table', 'none')).toMatchObject({ code: 2 });
  });

  it('writes records from their values where their bytes are not known', async () => {
    await createOrders();
    await quarantineOf({ orders: [bad(1, undefined, { values: ['1', '2', 'é;"'] }), bad(2, '2;2;z')] });
    expect((await sluice('quarantine', 'replay', RUN)).code).toBe(0);
    expect(await ordersNow()).toEqual([['1', '2.00', 'é;"'], ['100', '1.50', 'old'], ['2', '2.00', 'z']]);
  });

  it('says when the run did not record how its rows were read', async () => {
    await quarantineOf(TWO, { tables: [] });
    expect(errorOf(await sluice('quarantine', 'replay', RUN, '--json')).code).toBe('REPLAY_IMPOSSIBLE');
  });

  it('replays JSON, SQL and Parquet sources of several tables in runs of their own', async () => {
    await createOrders();
    writeFileSync(path('j.ndjson'), '{"id":1,"bigNumber":12345678901234567890,"tags":["a"],"price":1.50}\n');
    await sluice('import', 'j.ndjson', '--map', 'bigNumber=big_number', '--type', 'id=bigint', '--type', 'price=numeric(10,2)', '--quiet');
    await quarantineOf({
      j: [bad(1, '{"id": 2,\n "bigNumber": 98765432109876543210,\n "tags": ["x", "}"], "price": "?"}'), bad(2, '{"id":3,"price":null}')],
      orders: [bad(1, "(9, NULL, 'x')", { values: ['9', null, "it's"] })],
    }, {
      tables: [
        { table: 'j', mode: 'append', columns: ['id', 'big_number', 'tags', 'price'], sources: [{ name: 'j.json', format: 'json', fields: ['id', 'bigNumber', 'tags', 'price'], map: { bigNumber: 'big_number' } }] },
        { table: 'orders', mode: 'append', columns: ['id', 'price', 'note'], sources: [{ name: 'dump.sql', format: 'sql', fields: ['id', 'price', 'note'] }] },
      ],
    });
    const result = await sluice('quarantine', 'replay', RUN, '--set', "price='2.25'", '--json');
    const receipt = receiptOf(result) as Receipt & { receipts: Receipt[] };
    expect(receipt, result.stderr).toMatchObject({ status: 'done', totals: { written: 3 }, tables: [{ name: 'j' }, { name: 'orders' }] });
    expect(receipt.receipts).toHaveLength(2);
    expect((await ordersNow('j')).map((row) => row.slice(0, 2))).toEqual([['1', '12345678901234567890'], ['2', '98765432109876543210'], ['3', null]]);
    expect(await ordersNow()).toEqual([['100', '1.50', 'old'], ['9', '2.25', "it's"]]);
    // Rows of two tables are two files.
    expect(await sluice('quarantine', 'export', RUN, '--records', '--to', 'x.ndjson')).toMatchObject({ code: 2 });
    await sluice('quarantine', 'export', RUN, '--records', '--table', 'j', '--to', 'x.ndjson');
    expect(readFileSync(path('x.ndjson'), 'utf8')).toContain('"bigNumber": 98765432109876543210,');
    expect(statSync(path('.sluice/quarantine')).mode & 0o777).toBe(0o700);
  });
});
