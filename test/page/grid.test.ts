/** The grid on 100 million rows: by wheel, by dragging the thumb, by keyboard and by number it shows the right rows; and how smooth it is. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, PageServer, visit, type Visit } from './page-server.ts';

const ROWS = 100_000_000;
const LEAST_FRAMES = 50;

let browser: Browser;
let server: PageServer;
let here: Visit;
let page: Page;
beforeAll(async () => {
  server = await PageServer.start();
  mkdirSync(server.workspace, { recursive: true });
  const instance = await DuckDBInstance.create(join(server.workspace, 'data.duckdb'));
  const connection = await instance.connect();
  // The value says the row: 1 in the first.
  await connection.run(`CREATE TABLE rows AS SELECT i + 1 AS number, (i * 7919) % 100000 AS mixed, i % 2 = 0 AS even FROM range(${ROWS}) r(i)`);
  connection.closeSync();
  instance.closeSync();
  browser = await openBrowser();
  here = await visit(browser, server);
  page = here.page;
  await page.goto(`${server.url}/data/duckdb/rows`);
  await page.getByText('100,000,000').first().waitFor({ timeout: 30_000 });
}, 300_000);
afterAll(async () => {
  await here.context.close();
  await browser.close();
  await server.end();
});

const grid = (): Locator => page.getByRole('grid');

/** Row numbers at the left and values of the first column of what is on screen; they have to say the same. */
async function shown(): Promise<number[]> {
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('[role=grid] [role=rowgroup] [role=row]')];
    return rows.length > 5 && rows.every((row) => row.querySelector('[data-cell$=":0"]')?.textContent !== '');
  }, undefined, { timeout: 20_000 });
  const rows = await page.evaluate(() => [...document.querySelectorAll('[role=grid] [role=rowgroup] [role=row]')].map((row) => [row.querySelector('[role=rowheader]')?.textContent, row.querySelector('[data-cell$=":0"]')?.textContent].map(Number)));
  for (const [number, value] of rows) expect(value).toBe(number);
  return rows.map(([number]) => number);
}

describe('the grid on 100,000,000 rows', () => {
  it('begins with the first row', async () => {
    expect((await shown())[0]).toBe(1);
    expect(await grid().getAttribute('aria-rowcount')).toBe(String(ROWS + 1));
  });

  it('moves row by row with the wheel, here and in the middle', async () => {
    await grid().hover();
    await page.mouse.wheel(0, 28 * 3);
    await expect.poll(async () => (await shown())[0]).toBe(4);
    await page.getByLabel('Go to row').fill('50,000,000');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await shown())[0]).toBe(50_000_000);
    await grid().hover();
    for (let step = 1; step <= 5; step++) {
      await page.mouse.wheel(0, 28);
      await expect.poll(async () => (await shown())[0]).toBe(50_000_000 + step);
    }
    // Also for longer than the scrollbar has pixels for.
    for (let step = 0; step < 40; step++) await page.mouse.wheel(0, 280);
    await expect.poll(async () => (await shown())[0]).toBe(50_000_005 + 400);
  });

  it('goes to the middle when the thumb is dragged there, and to the end', async () => {
    const dragTo = (share: number): Promise<void> => grid().evaluate((element, part) => { element.scrollTop = (element.scrollHeight - element.clientHeight) * part; }, share);
    await dragTo(0.25);
    await expect.poll(async () => Math.round((await shown())[0] / 1e6)).toBe(25);
    await dragTo(0.5);
    await expect.poll(async () => Math.round((await shown())[0] / 1e6)).toBe(50);
    await dragTo(1);
    await expect.poll(async () => (await shown()).at(-1)).toBe(ROWS);
    await dragTo(0);
    await expect.poll(async () => (await shown())[0]).toBe(1);
  });

  it('goes where the thumb is dragged also at the moment at which the scrollbar is put where it belongs', async () => {
    for (const [from, to] of [[0.3, 1], [0.6, 0], [0.4, 1]]) {
      // That moment is 140 ms after the last move. The page is busy until it has come, and the move is made in the same task: its event comes after the timer.
      await grid().evaluate(async (element, [before, after]) => {
        const room = element.scrollHeight - element.clientHeight;
        const heard = new Promise((resolve) => element.addEventListener('scroll', () => setTimeout(resolve, 130), { once: true }));
        element.scrollTop = room * before;
        await heard;
        const until = performance.now() + 20;
        while (performance.now() < until);
        element.scrollTop = room * after;
      }, [from, to]);
      await expect.poll(async () => (await shown()).at(to === 1 ? -1 : 0), { timeout: 5000 }).toBe(to === 1 ? ROWS : 1);
    }
  });

  it('obeys the keyboard, to the last row and back', async () => {
    await grid().focus();
    await page.keyboard.press('Control+End');
    await expect.poll(async () => (await shown()).at(-1)).toBe(ROWS);
    expect(await page.evaluate(() => document.querySelector('[aria-selected=true]')?.id)).toBe(`cell-${ROWS - 1}-2`);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('Control+Home');
    await expect.poll(async () => (await shown())[0]).toBe(1);
    await page.keyboard.press('PageDown');
    await expect.poll(async () => (await shown())[0]).toBeGreaterThan(1);
    await page.getByLabel('Go to row').fill('last');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await shown()).at(-1)).toBe(ROWS);
    await page.keyboard.press('Control+g');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Go to row');
  });

  it(`draws ${LEAST_FRAMES} frames a second while it scrolls (median)`, async () => {
    await page.getByLabel('Go to row').fill('70000000');
    await page.keyboard.press('Enter');
    await shown();
    // Of a machine that is busy with something else the best of some tries counts, and no more is asked than it draws of a page that stands still.
    const framesPerSecond = (step: number): Promise<number> => grid().evaluate(async (element, pixels) => {
      const times: number[] = [];
      let last = performance.now();
      for (let frame = 0; frame < 150; frame++) {
        element.scrollTop += pixels;
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        times.push(now - last);
        last = now;
      }
      return 1000 / times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)];
    }, step);
    let scrolling = 0;
    let still = 0;
    for (let tries = 0; tries < 4 && scrolling < LEAST_FRAMES; tries++) {
      still = await framesPerSecond(0);
      scrolling = Math.max(scrolling, await framesPerSecond(60));
    }
    console.info(`median ${scrolling.toFixed(0)} frames/s while scrolling, ${still.toFixed(0)} while it stands still`);
    expect(scrolling).toBeGreaterThan(Math.min(LEAST_FRAMES, still * 0.8));
    expect(here.troubles).toEqual([]);
  });
});
