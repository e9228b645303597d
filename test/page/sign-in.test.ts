/** Who gets in, what they load, and what happens when their time is over. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withCredentials } from '../server/support.ts';
import { openBrowser, PageServer, visit } from './page-server.ts';

const MOST_SCRIPT_BYTES = 250_000;

let browser: Browser;
let server: PageServer;
beforeAll(async () => {
  server = await PageServer.start();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.end();
});

describe('signing in', () => {
  it('takes the one-time link, once, and says so to whoever comes with it again', async () => {
    const link = await server.newLink();
    const page = await browser.newPage();
    await page.goto(link);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).toBe(`${server.url}/`);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    const other = await (await browser.newContext()).newPage();
    expect((await other.goto(link))?.status()).toBe(401);
    await other.getByText('This link was used already or has expired').waitFor();
    await other.context().close();
    await page.close();
  });

  it('takes a token, refuses a wrong one with its code, and signs out', async () => {
    const token = (await server.sluice('token', 'create', '--role', 'viewer', '--name', 'Ada')).trim();
    const page = await (await browser.newContext()).newPage();
    await page.goto(server.url);
    await page.getByLabel('Link or token').fill('slt_000000000000_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('SIGN_IN_NEEDED').waitFor();
    await page.getByLabel('Link or token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: /Ada/ }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();
    await page.context().close();
  });

  it('ends where a token was revoked: the page asks to sign in again', async () => {
    const token = (await server.sluice('token', 'create', '--role', 'operator', '--name', 'gone')).trim();
    const page = await (await browser.newContext()).newPage();
    await page.goto(server.url);
    await page.getByLabel('Link or token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await server.sluice('token', 'revoke', token.split('_')[1]);
    await page.getByRole('link', { name: 'Runs', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();
    await page.getByText('Your session has ended').waitFor();
    await page.context().close();
  });

  it('ends when a token has expired', async () => {
    // A token of the past cannot be made by hand: this one is good for a moment only.
    const token = await withCredentials(server.workspace, (credentials) => credentials.createToken('brief', 'viewer', 1, Date.now() - 86_400_000 + 4000).token);
    const page = await (await browser.newContext()).newPage();
    await page.goto(server.url);
    await page.getByLabel('Link or token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.waitForTimeout(4500);
    await page.getByRole('link', { name: 'Data', exact: true }).first().click();
    await page.getByText('Your session has ended').waitFor();
    await page.context().close();
  });
});

describe('what is loaded', () => {
  it(`is less than ${MOST_SCRIPT_BYTES / 1000} kB of script, all of it from the server, under its Content-Security-Policy`, async () => {
    const { page, context, troubles } = await visit(browser, server);
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    const scripts = new Map<string, number>();
    const ofScripts = new Set<string>();
    session.on('Network.responseReceived', ({ requestId, type }) => { if (type === 'Script') ofScripts.add(requestId); });
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => scripts.set(requestId, encodedDataLength));
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.waitForTimeout(500);
    const bytes = [...scripts].filter(([id]) => ofScripts.has(id)).reduce((sum, [, size]) => sum + size, 0);
    console.info(`script of the first load: ${bytes} bytes, compressed`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES);
    expect(troubles).toEqual([]);
    await context.close();
  });

  it('gives nothing but the page to whoever has no token', async () => {
    const index = readFileSync(join(import.meta.dirname, '../../dist/web/index.html'), 'utf8');
    const asset = /\/assets\/[^"]+\.js/.exec(index)![0];
    for (const path of ['/', '/runs/anything', '/data/a/b', '/settings', asset]) {
      const response = await fetch(server.url + path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'.*require-trusted-types-for 'script'/);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
    for (const path of ['/assets/..%2findex.html', '/assets/%2e%2e/cli/main.js', '/assets/nothing.js', '/assets/', '/..%2f..%2fpackage.json', '/index.html', '/nowhere', '/api/v1/runs', '/metrics']) {
      const response = await fetch(server.url + path);
      expect([path, [401, 404].includes(response.status)]).toEqual([path, true]);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
  });
});
