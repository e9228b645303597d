/** Tables of PostgreSQL in the grid, far from their beginning; and exports from the page that go wrong: the browser says only that a download has failed; the page says why, and that the file is not whole. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { keepPicture, seriousIn } from './appearance.ts';
import { PageTests } from './page-server.ts';

const tests = new PageTests(async () => {
  const database = await createDatabase();
  await runSql(database, `CREATE TABLE sold (id int PRIMARY KEY, "a,b" int NOT NULL, "say ""so""" text NOT NULL)`);
  // Text that does not compress: the first bytes go out long before the last row is read.
  await runSql(database, `INSERT INTO sold SELECT g, g % 7, concat(md5(g::text), md5((-g)::text), md5((g / 2.0)::text), md5((g / 3.0)::text)) FROM generate_series(1, 400000) g`);
  await runSql(database, `CREATE TABLE lying AS SELECT g AS id, 'name ' || g AS name FROM generate_series(1, 700000) g`);
  return { shop: database };
});

async function openExport(page: Page): Promise<void> {
  await page.goto(`${tests.server.url}/data/shop/sold`);
  await page.getByRole('button', { name: 'Export' }).click();
}

describe('a table', () => {
  it('without a key has its rows in the middle and its last ones', async () => {
    const { page } = tests.here;
    await page.goto(`${tests.server.url}/data/shop/lying`);
    await page.getByText('of 700,000').waitFor();
    for (const [row, name] of [['350,000', 'name 350000'], ['last', 'name 700000'], ['1', 'name 1']]) {
      await page.getByLabel('Go to row').fill(row);
      await page.keyboard.press('Enter');
      await page.getByRole('gridcell', { name, exact: true }).waitFor();
    }
    await page.getByText('in the order of the table').waitFor();
  });
});

describe('a download', () => {
  it('that fails before its first byte is an error in the dialog, with its code; corrected there, it is downloaded', async () => {
    const { page } = tests.here;
    let downloads = 0;
    page.on('download', () => { downloads++; });
    await openExport(page);
    await page.getByLabel('Only rows where').fill('id <');
    await page.getByRole('button', { name: 'Download' }).click();
    const alert = page.getByRole('dialog').getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/syntax error[\s\S]*\b[A-Z]+_[A-Z_]+\b/);
    expect(downloads).toBe(0);
    await page.getByLabel('Only rows where').fill('id < 4');
    await page.getByRole('dialog').getByLabel('id', { exact: true }).uncheck();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    expect(readFileSync(await (await download).path(), 'utf8').split('\n').slice(0, 2)).toEqual(['"a,b","say ""so"""', expect.stringMatching(/^1,[0-9a-f]{128}$/)]);
    await page.getByText('sold is downloaded whole: 3 rows').waitFor();
  });

  it('that fails midway is told of: the file is not whole, why, and where to look', async () => {
    const { page } = tests.here;
    await openExport(page);
    await page.getByLabel('Only rows where').fill('10 / (399000 - id) IS NOT NULL');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const alert = page.getByRole('region', { name: 'Downloads' }).getByRole('alert');
    await alert.waitFor();
    expect(await (await download).failure()).not.toBeNull();
    expect(await alert.innerText()).toMatch(/sold has failed: the file is not whole[\s\S]*division by zero/);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await seriousIn(page)).toEqual([]);
    await keepPicture(page, 'download-failed-390');
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.reload();
    await alert.waitFor();
    await keepPicture(page, 'download-failed-1280');
    await alert.getByRole('link', { name: 'See the run' }).click();
    await page.getByRole('heading', { level: 1 }).filter({ hasText: 'Export' }).waitFor();
    await alert.getByRole('button', { name: 'Hide this' }).click();
    await alert.waitFor({ state: 'detached' });
  });

  it('that is begun when the session is over leads to the sign-in, and to no file', async () => {
    const { page, context } = tests.here;
    await openExport(page);
    let downloads = 0;
    page.on('download', () => { downloads++; });
    await page.getByLabel('Only rows where').waitFor();
    await context.clearCookies();
    // Whatever else asks first leads there as well, and takes the dialog away.
    await page.getByRole('button', { name: 'Download' }).click({ timeout: 3000 }).catch(() => undefined);
    await page.getByText('Your session has ended').waitFor();
    expect(downloads).toBe(0);
  });
});
