/** Data in, watched, looked at, corrected and out again; also when the page, the server or the data do not behave. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { PageTests, visit } from './page-server.ts';
import { SlowFile } from './slow-file.ts';

const AIRPORTS = join(import.meta.dirname, '../../examples/airports');

let database: string;
const tests = new PageTests(async () => {
  database = await createDatabase();
  return { shop: database };
});

/** Rows as lines, and lines as long as a part needs. */
function csv(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `${from + index},name of number ${from + index},${((from + index) * 7) % 1000}\n`).join('');
}

/** From an address, by hand; until rows move. */
async function importFrom(page: Page, url: string, table: string): Promise<void> {
  await page.goto(`${tests.server.url}/import?from=url`);
  await page.getByLabel('Address of a file').fill(url);
  await page.getByRole('button', { name: 'Look at it' }).click();
  await page.getByRole('region', { name: 'First rows of slow' }).waitFor();
  await page.getByLabel('Table', { exact: true }).fill(table);
  await page.getByLabel('Database').selectOption('shop');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('Moving rows').waitFor();
}

/** A file of the server, looked at in the page. */
async function openServerFile(page: Page, name: string): Promise<void> {
  await page.goto(`${tests.server.url}/import?from=server`);
  await page.getByRole('button', { name: /^Open .*files/ }).click();
  await page.getByRole('button', { name: `Look at it: ${name}` }).click();
}

describe('an import', () => {
  it('by drop: is looked at, loaded, watched, and its rows are there; then it is exported', async () => {
    const { page } = tests.here;
    const bytes = readFileSync(join(AIRPORTS, 'navaids.csv'), 'base64');
    const data = await page.evaluateHandle((encoded) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], 'navaids.csv', { type: 'text/csv' }));
      return transfer;
    }, bytes);
    await page.dispatchEvent('text=Drop a file here', 'drop', { dataTransfer: data });
    await page.getByRole('region', { name: 'First rows of navaids' }).waitFor();
    await page.getByText('separated by commas').waitFor();
    expect(await page.getByLabel('Type of id', { exact: true }).inputValue()).toMatch(/int/);
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor();
    await page.getByText('done', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Look at the rows' }).click();
    await page.getByRole('grid', { name: 'Rows of navaids' }).waitFor();
    await page.getByText('of 11,010').or(page.getByText(/of [\d,]+$/)).first().waitFor();
    const first = readFileSync(join(AIRPORTS, 'navaids.csv'), 'utf8').split('\n')[1].split(',')[0];
    await page.getByRole('gridcell', { name: first, exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    await page.getByText('navaids is downloaded whole: ').waitFor();
    const file = await (await download).path();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').length;
    expect(lines).toBe(readFileSync(join(AIRPORTS, 'navaids.csv'), 'utf8').trimEnd().split('\n').length);
  });

  it('of a file of the server, in another way than it was detected', async () => {
    writeFileSync(join(tests.server.files, 'odd.csv'), 'a;b\n1;x\n2;y\n');
    const { page } = tests.here;
    await openServerFile(page, 'odd.csv');
    await page.getByText('separated by semicolons').waitFor();
    await page.getByText('Read it otherwise').click();
    await page.getByLabel('First line').selectOption('false');
    await page.getByText('no names').waitFor();
    await page.getByLabel('First line').selectOption('');
    await page.getByText('names in the first line').waitFor();
    await page.getByLabel('Table', { exact: true }).fill('odd_one');
    await page.getByLabel('Database').selectOption('shop');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor();
    expect(await runSql(database, 'SELECT a::int, b FROM odd_one ORDER BY 1')).toEqual([[1, 'x'], [2, 'y']]);
  });

  it('that fails says with which code, where, and what to do; the table is as it was', async () => {
    await runSql(database, 'CREATE TABLE strict (id int PRIMARY KEY, price numeric NOT NULL)');
    writeFileSync(join(tests.server.files, 'strict.csv'), 'id,price\n1,10\n2,cheap\n3,30\n');
    const { page } = tests.here;
    await openServerFile(page, 'strict.csv');
    await page.getByLabel('Database').selectOption('shop');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'The run failed' });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/VALUE_INVALID/);
    expect(await alert.innerText()).toMatch(/price/);
    expect(await runSql(database, 'SELECT count(*)::int FROM strict')).toEqual([[0]]);
  });

  it('puts bad rows aside; they are corrected in the page and loaded again', async () => {
    await runSql(database, 'CREATE TABLE priced (id int PRIMARY KEY, price numeric NOT NULL)');
    writeFileSync(join(tests.server.files, 'priced.csv'), 'id,price\n1,10\n2,cheap\n3,30\n4,dear\n');
    const { page } = tests.here;
    await openServerFile(page, 'priced.csv');
    await page.getByLabel('Database').selectOption('shop');
    await page.getByLabel('Put bad rows aside and go on').check();
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('done, rows rejected', { exact: true }).waitFor();
    await page.getByText('2 rejected rows').waitFor();
    await page.getByRole('button', { name: 'Correct' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Correct this row' });
    const price = dialog.getByLabel(/^price/);
    if (await price.count() > 0) await price.fill('20');
    else await dialog.getByRole('textbox').fill('2,20');
    await dialog.getByRole('button', { name: 'Keep the correction' }).click();
    await page.getByRole('button', { name: 'Load 1 corrected row again' }).click();
    await page.getByRole('link', { name: 'see that run' }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor();
    expect(await runSql(database, 'SELECT id, price::int FROM priced ORDER BY id')).toEqual([[1, 10], [2, 20], [3, 30]]);
  });
});

describe('a run that is under way', () => {
  it('goes on when the page is loaded anew, and shows its end', async () => {
    const slow = new SlowFile(`id,name,size\n${csv(0, 60_000)}`, csv(60_000, 120_000));
    const url = await slow.listen();
    const { page } = tests.here;
    try {
      await importFrom(page, url, 'slow');
      const before = page.url();
      await page.reload();
      await page.getByText('Moving rows').waitFor();
      expect(page.url()).toBe(before);
      await page.getByText('Memory of the server').first().waitFor();
      // A shorter run has no curves.
      await page.waitForTimeout(3000);
      slow.release();
      await page.getByRole('heading', { name: 'Receipt' }).waitFor();
      expect(await runSql(database, 'SELECT count(*)::int FROM slow')).toEqual([[120_000]]);
      // In a browser that has seen nothing of it, after the server has forgotten it, its curves are there from beginning to end.
      await tests.server.stop();
      await tests.server.run();
      const other = await visit(tests.browser, tests.server);
      await other.page.goto(before);
      for (const name of ['Rows per second', 'Bytes per second', 'Memory of the server']) await other.page.getByRole('heading', { name }).waitFor();
      await other.context.close();
    } finally {
      slow.close();
    }
  });

  it('that sends a file from the page ends with the page, which asks first; the table is as it was', async () => {
    const { page, context } = tests.here;
    let asked = 0;
    page.on('dialog', (dialog) => {
      asked++;
      void dialog.accept();
    });
    await page.getByLabel('choose one').setInputFiles({ name: 'left.csv', mimeType: 'text/csv', buffer: Buffer.from(`id,name,size\n${csv(0, 250_000)}`) });
    await page.getByRole('region', { name: 'First rows of left' }).waitFor();
    await page.getByLabel('Database').selectOption('shop');
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 600_000 });
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('keep it open until the run is done').waitFor();
    await page.reload();
    expect(asked).toBe(1);
    await page.getByText(/^(?:cancelled|failed)$/).waitFor();
    expect(await runSql(database, `SELECT to_regclass('"left"') IS NULL`)).toEqual([[true]]);
  });

  it('is cancelled from the page', async () => {
    const slow = new SlowFile(`id,name,size\n${csv(0, 60_000)}`, csv(60_000, 61_000));
    const url = await slow.listen();
    const { page } = tests.here;
    try {
      await importFrom(page, url, 'never');
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      await page.getByRole('button', { name: 'Cancel the run' }).click();
      await page.getByText('The run was cancelled').waitFor();
      expect(await runSql(database, `SELECT to_regclass('never') IS NULL`)).toEqual([[true]]);
    } finally {
      slow.close();
    }
  });

  it('is interrupted when the server is killed; the page says so, comes back by itself, and the run goes on', async () => {
    const slow = new SlowFile(`id,name,size\n${csv(0, 200_000)}`, csv(200_000, 260_000));
    const url = await slow.listen();
    const { page } = tests.here;
    try {
      await importFrom(page, url, 'again');
      await page.waitForTimeout(1500);
      await tests.server.stop('SIGKILL');
      await page.getByText('The connection to the server is lost').waitFor();
      await tests.server.run();
      await page.getByText('The connection to the server is lost').waitFor({ state: 'detached', timeout: 20_000 });
      await page.getByRole('heading', { name: 'This run was interrupted' }).waitFor({ timeout: 45_000 });
      slow.release();
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByRole('heading', { name: 'Receipt' }).waitFor({ timeout: 30_000 });
      expect(await runSql(database, 'SELECT count(*)::int, count(DISTINCT id)::int FROM again')).toEqual([[260_000, 260_000]]);
    } finally {
      slow.close();
    }
  });

  it('is told of again after the server was stopped in order and started anew', async () => {
    const { page } = tests.here;
    await tests.server.stop('SIGTERM');
    await page.getByText('The connection to the server is lost').waitFor();
    await tests.server.run();
    await page.getByText('The connection to the server is lost').waitFor({ state: 'detached', timeout: 20_000 });
    await tests.server.sluice('import', join(AIRPORTS, 'regions.csv'), '--to', 'shop', '--table', 'regions_again');
    await page.getByRole('navigation', { name: 'Main' }).first().getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByText('regions.csv').first().waitFor();
  });
});
