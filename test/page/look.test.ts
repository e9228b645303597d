/** Every place of the page by axe, in light and dark, on a phone and wide: nothing serious, nothing that is wider than the screen. With SLUICE_SHOTS=FOLDER, a picture of each is kept. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { keepPicture, seriousIn } from './appearance.ts';
import { openBrowser, PageServer, visit } from './page-server.ts';
import { SlowFile } from './slow-file.ts';

const SIZES = [{ width: 390, height: 844 }, { width: 1280, height: 800 }, { width: 1920, height: 1080 }];
const THEMES = ['light', 'dark'] as const;

let browser: Browser;
let server: PageServer;
let postgres: PostgresServer;
let places: readonly (readonly [name: string, path: string])[];
beforeAll(async () => {
  postgres = await startPostgres({ version: 'debian' });
  const database = await postgres.createDatabase();
  await runSql(database, `CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, total numeric(10,2) NOT NULL); INSERT INTO orders SELECT i, 'customer ' || i % 50, i * 1.5 FROM generate_series(1, 20000) i`);
  server = await PageServer.start({ shop: database });
  const examples = join(import.meta.dirname, '../../examples/airports');
  await server.sluice('import', examples);
  writeFileSync(join(server.files, 'more.csv'), `id,customer,total\n${Array.from({ length: 40 }, (_, index) => `${30_000 + index},new customer,${index % 9 === 0 ? 'free' : index}\n`).join('')}`);
  const rejected = JSON.parse(await server.sluice('import', join(server.files, 'more.csv'), '--to', 'shop', '--table', 'orders', '--on-error', 'quarantine', '--json')) as { run: string };
  await server.sluice('backup', 'shop', '--to', join(server.files, 'backups'), '--quiet');
  const done = JSON.parse(await server.sluice('runs', 'list', '--json')) as { runs: { run: string; job: string; status: string }[] };
  browser = await openBrowser();
  places = [
    ['overview', '/'], ['import', '/import'], ['import-server', '/import?from=server'], ['import-connection', '/import?from=connection'], ['data', '/data/duckdb'], ['grid', '/data/duckdb/navaids'], ['runs', '/runs'],
    ['run', `/runs/${done.runs.find(({ job, status }) => job === 'import' && status === 'done')!.run}`], ['quarantine', `/runs/${rejected.run}`], ['backups', '/backups'], ['repository', '/backups/backups'], ['restore', '/backups/backups/newest'],
    ['performance', '/performance'], ['connections', '/connections'], ['settings', '/settings'], ['nowhere', '/runs/nothing'],
  ];
}, 180_000);
afterAll(async () => {
  await browser.close();
  await server.end();
  await postgres.stop();
});

describe.each(SIZES.flatMap((size) => THEMES.map((theme) => ({ ...size, theme }))))('at $width px, $theme', ({ width, height, theme }) => {
  it('every place is without serious faults, and no wider than the screen', { timeout: 240_000 }, async () => {
    const { page, context, troubles } = await visit(browser, server, { viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce' });
    if (places.length === 16 && !places.some(([name]) => name === 'sign-in')) {
      await page.evaluate(async () => { await fetch('/api/v1/repositories', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'backups', path: 'backups' }) }); });
    }
    const faults: string[] = [];
    for (const [name, path] of places) {
      await page.goto(server.url + path);
      await page.locator('main').waitFor();
      await page.waitForLoadState('load');
      await page.waitForFunction(() => document.querySelector('[aria-label=Loading]') === null, undefined, { timeout: 10_000 }).catch(() => faults.push(`${name}: still loading`));
      await page.waitForTimeout(250);
      faults.push(...(await seriousIn(page)).map((fault) => `${name}: ${fault}`));
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) faults.push(`${name}: wider than the screen`);
      await keepPicture(page, `${name}-${width}-${theme}`);
    }
    expect(faults).toEqual([]);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('what is on its way', () => {
  it.each([{ width: 390, height: 844, theme: 'dark' }, { width: 1280, height: 800, theme: 'light' }, { width: 1920, height: 1080, theme: 'dark' }] as const)('a look at a file, dialogs and a run under way are without serious faults ($width px)', { timeout: 120_000 }, async ({ width, height, theme }) => {
    const { page, context, troubles } = await visit(browser, server, { viewport: { width, height }, colorScheme: theme });
    const line = (id: number): string => `${id},"name of the row number ${id}",${(id * 7) % 1000},2026-0${1 + (id % 9)}-11 10:00:00\n`;
    const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_, index) => line(from + index)).join('');
    const slow = new SlowFile(`id,name,size,made\n${lines(0, 400_000)}`, lines(400_000, 400_010));
    const url = await slow.listen();
    const faults: string[] = [];
    const look = async (name: string): Promise<void> => {
      await page.waitForTimeout(400);
      faults.push(...(await seriousIn(page)).map((fault) => `${name}: ${fault}`));
      await keepPicture(page, `${name}-${width}-${theme}`);
    };
    try {
      await page.goto(`${server.url}/import?from=url`);
      await page.getByLabel('Address of a file').fill(url);
      await page.getByRole('button', { name: 'Look at it' }).click();
      await page.getByRole('region', { name: 'First rows of slow' }).waitFor();
      await look('preview');
      await page.getByLabel('Database').selectOption('shop');
      await page.getByLabel('Table', { exact: true }).fill(`slow_${width}`);
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByText('Moving rows').waitFor();
      await page.waitForTimeout(3500);
      await look('running');
      await page.goto(server.url);
      await page.getByRole('progressbar').first().waitFor();
      await look('overview-running');
      await page.goto(`${server.url}/data/duckdb/navaids`);
      await page.getByRole('button', { name: 'Export' }).click();
      await look('export');
      await page.getByRole('button', { name: 'Download' }).click();
      await page.getByText('navaids is downloaded whole').waitFor();
      await look('downloaded');
      slow.release();
    } finally {
      slow.close();
    }
    expect(faults).toEqual([]);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('signed out', () => {
  it.each(THEMES)('the page to sign in is without serious faults (%s)', async (colorScheme) => {
    const page = await (await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 } })).newPage();
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await keepPicture(page, `sign-in-1280-${colorScheme}`);
    await page.context().close();
  });
});
