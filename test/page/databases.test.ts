/** Connections, copies, backups with the restore wizard, tokens and settings. */
import { afterAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { PageTests } from './page-server.ts';

let postgres: PostgresServer;
let source: string;
let target: string;
const tests = new PageTests(async () => {
  // Whose pg_dump is installed beside it.
  postgres = await startPostgres({ version: 'debian' });
  [source, target] = [await postgres.createDatabase(), await postgres.createDatabase()];
  await runSql(source, `CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, total numeric(10,2)); INSERT INTO orders SELECT i, 'customer ' || i % 50, i * 1.5 FROM generate_series(1, 5000) i`);
  await runSql(source, 'CREATE TABLE notes (body text)');
  return { shop: source };
});
afterAll(() => postgres.stop());

async function go(name: string): Promise<void> {
  await tests.here.page.getByRole('navigation', { name: 'Main' }).first().getByRole('link', { name, exact: true }).click();
}

describe('connections', () => {
  it('are tested before they are added, tested, browsed and removed; a wrong one says why', async () => {
    const { page } = tests.here;
    await go('Connections');
    await page.getByRole('button', { name: 'Add a connection' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a connection' });
    await dialog.getByLabel('Name').fill('copy');
    await dialog.getByLabel('Address').fill('postgres://nobody:wrong@127.0.0.1:1/none');
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Address').fill(target);
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('It answers').waitFor();
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    const card = page.getByRole('listitem').filter({ hasText: 'copy' });
    await card.getByRole('button', { name: 'Test' }).click();
    await card.getByText('It answers').waitFor();
    await page.getByRole('listitem').filter({ hasText: 'shop' }).getByRole('link', { name: 'Browse' }).click();
    await page.getByRole('link', { name: 'orders' }).click();
    await page.getByRole('gridcell', { name: 'customer 1', exact: true }).first().waitFor();
    await page.getByText('ordered by id').waitFor();
  });
});

describe('a copy', () => {
  it('shows its plan, and copies the tables that were chosen', async () => {
    const { page } = tests.here;
    await page.goto(`${tests.server.url}/import?from=connection`);
    await page.getByLabel('From', { exact: true }).selectOption('shop');
    await page.getByLabel('To', { exact: true }).selectOption('duckdb');
    await page.getByLabel(/^orders/).check();
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByRole('heading', { name: 'What would be done' }).waitFor();
    await page.getByRole('button', { name: 'Copy 1 table' }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor();
    await page.getByText('5,000 read = 5,000 written').waitFor();
  });
});

describe('backups', () => {
  it('are made into a repository, and restored by a wizard that shows the plan first', { timeout: 180_000 }, async () => {
    const { page } = tests.here;
    await go('Backups');
    await page.getByRole('button', { name: 'Add a repository' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
    const card = page.getByRole('listitem').filter({ hasText: 'No backups yet' });
    await card.getByRole('button', { name: 'Back up' }).click();
    const dialog = page.getByRole('dialog', { name: 'Back up into backups' });
    await dialog.getByLabel('Database').selectOption('shop');
    await dialog.getByRole('button', { name: 'Show the plan' }).click();
    await dialog.getByRole('button', { name: 'Back up', exact: true }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor({ timeout: 60_000 });
    await go('Backups');
    await page.getByRole('heading', { name: 'backups', exact: true }).getByRole('link').click();
    await page.getByRole('link', { name: 'Restore' }).first().click();
    await page.getByText('orders').first().waitFor();
    await page.getByRole('button', { name: 'Next: where to' }).click();
    await page.getByLabel('Database').selectOption('copy');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByText('Nothing has been changed yet').waitFor();
    expect(await runSql(target, `SELECT to_regclass('orders') IS NULL`)).toEqual([[true]]);
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor({ timeout: 60_000 });
    expect(await runSql(target, 'SELECT count(*)::int, sum(total)::text FROM orders')).toEqual(await runSql(source, 'SELECT count(*)::int, sum(total)::text FROM orders'));
  });
});

describe('settings', () => {
  it('makes a token that is shown once and works, revokes it, and changes a limit', async () => {
    const { page } = tests.here;
    await go('Settings');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What is it for?').fill('nightly');
    await dialog.getByLabel('Role').selectOption('viewer');
    await dialog.getByRole('button', { name: 'Make it' }).click();
    const token = await dialog.locator('code').innerText();
    await dialog.getByRole('button', { name: 'I have it' }).click();
    const ask = async (): Promise<number> => (await fetch(`${tests.server.url}/api/v1/runs`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    await page.getByRole('row').filter({ hasText: 'nightly' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('revoked').waitFor();
    expect(await ask()).toBe(401);
    await page.getByLabel('Runs at once').fill('5');
    await page.getByRole('button', { name: 'Save' }).first().click();
    await page.getByText('Saved').waitFor();
    expect(await page.getByLabel('Runs at once').inputValue()).toBe('5');
  });
});
