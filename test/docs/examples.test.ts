/** The commands of the documents, run as they are written by somebody who has a server with their databases: `me`, `world` and `shop`. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILE_CACHE, MAIN } from '../cli/run-cli.ts';
import { runSql } from '../faults/databases.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The commands of the document's shell blocks, in order, without comments. */
function commandsOf(file: string): string[] {
  const blocks = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```(?:sh)?\n([^`]*?)^```$/gm)].map(([, text]) => text);
  return blocks.flatMap((text) => text.split('\n')).map((line) => line.replace(/\s+#\s.*$/, '').trim())
    .filter((line) => /^(?:[a-z]+ .*\| *)?(?:bin\/)?sluice /.test(line) || /^(?:jq|\$EDITOR) /.test(line));
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let server: PostgresServer;
let cwd: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  server = await startPostgres();
  await runSql(server.url, `CREATE ROLE me LOGIN SUPERUSER PASSWORD 'mine'`);
  await server.createDatabase('world');
  await server.createDatabase('shop');
  cwd = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
  symlinkSync(join(ROOT, 'examples'), join(cwd, 'examples'));
  mkdirSync(join(cwd, 'bin'));
  writeFileSync(join(cwd, 'bin/sluice'), `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' "$@"\n`);
  chmodSync(join(cwd, 'bin/sluice'), 0o755);
  env = { ...COMPILE_CACHE, PATH: `${join(cwd, 'bin')}:${process.env.PATH ?? ''}`, HOME: cwd, PGPORT: String(server.port), PGPASSWORD: 'mine', EDITOR: `sed -i -e s/;7;/;1;/ -e s/n.a/5/ -e s/31.12.2025/2025-12-31/` };
});
afterAll(async () => {
  await server?.stop();
  rmSync(cwd, { recursive: true, force: true });
});

function run(command: string): Promise<Ran> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd, env, encoding: 'utf8' }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
  });
}

/** Runs each and expects its exit code; the id of the run stands for the one of the document. */
async function expectAll(commands: readonly string[], exits: (command: string) => number, id: () => string): Promise<void> {
  for (const command of commands) {
    const ran = await run(command.replace(/\bRUN\b|1jd4kz2q8xk2f7/g, id));
    expect({ command, code: ran.code, stderr: ran.code === exits(command) ? '' : ran.stderr }).toEqual({ command, code: exits(command), stderr: '' });
    expect(ran.stderr).not.toMatch(/INTERNAL|Unhandled/);
  }
}

const url = (database: string): string => server.url.replace(/\/postgres(?=$|\?)/, `/${database}`);

async function latestQuarantine(): Promise<string> {
  const { stdout } = await run('sluice quarantine list --json');
  return (JSON.parse(stdout) as { quarantines: { run: string }[] }).quarantines[0].run;
}

/** A backup of the shop; `bad` rows have a price that is none. */
function writeShop(bad: boolean): void {
  mkdirSync(join(cwd, 'backups/2026-11-21'), { recursive: true });
  writeFileSync(join(cwd, 'backups/2026-11-21/customers.json'), '[{"id":1,"name":"Ann"}]');
  const orders = Array.from({ length: 300 }, (_, i) => ({ id: i + 1, customerId: 1, price: bad && i === 7 ? '' : '1.50' }));
  writeFileSync(join(cwd, 'backups/2026-11-21/orders.json'), JSON.stringify(orders));
}

describe('the commands of', () => {
  it('README.md', { timeout: 240_000 }, async () => {
    await runSql(url('shop'), 'CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, price numeric)');
    writeShop(true);
    const commands = commandsOf('README.md');
    expect(commands.length).toBeGreaterThan(15);
    const [before, after] = [commands.slice(0, commands.findIndex((command) => command.includes('quarantine list'))), commands.slice(commands.findIndex((command) => command.includes('quarantine list')))];
    await expectAll(before, (command) => (command.includes('--on-error quarantine') ? 3 : 0), () => 'none');
    expect(await runSql(url('shop'), 'SELECT count(*)::int FROM orders')).toEqual([[299]]);
    const id = await latestQuarantine();
    // Nothing was interrupted: there is nothing to resume, and that is said.
    await expectAll(after, (command) => (command.endsWith('runs resume') ? 1 : 0), () => id);
    expect(await runSql(url('shop'), 'SELECT count(*)::int, count(price)::int FROM orders')).toEqual([[300, 299]]);
  });

  it('docs/restore.md', { timeout: 120_000 }, async () => {
    writeShop(false);
    // Those of whole databases are tested in test/backup/restore.
    const commands = commandsOf('docs/restore.md').filter((command) => command.includes(' backups/'));
    expect(commands).toHaveLength(2);
    await expectAll(commands, () => 0, () => 'none');
    expect(await runSql(url('shop'), 'SELECT count(price)::int FROM orders')).toEqual([[300]]);
  });

  it('docs/quarantine.md', { timeout: 240_000 }, async () => {
    await runSql(url('shop'), `DROP TABLE IF EXISTS orders, customers; CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'Ann');
      CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, price numeric, placed date)`);
    const load = async (): Promise<string> => {
      writeFileSync(join(cwd, 'orders-in.csv'), 'id;customer_id;price;placed\n1;1;2;2026-01-01\n2;7;3;2026-01-01\n');
      await run('sluice import orders-in.csv --to postgres://me@localhost/shop --table orders --mode replace --on-error quarantine');
      return latestQuarantine();
    };
    const rules = async (): Promise<string> => {
      writeFileSync(join(cwd, 'orders-in.csv'), 'id;customer_id;price;placed\n1;1;2;01.01.2026\n2;1;n/a;31.12.2025\n');
      await run('sluice import orders-in.csv --to postgres://me@localhost/shop --table orders --mode replace --type placed=date --on-error quarantine');
      return latestQuarantine();
    };
    const commands = commandsOf('docs/quarantine.md').filter((command) => !/--to FILE|\[--|^jq/.test(command) && !/replay RUN {2}/.test(command) && !/^sluice quarantine (?:list|replay RUN)/.test(command));
    expect(commands.map((command) => command.split(' ').slice(0, 3).join(' '))).toEqual(['sluice quarantine replay', 'sluice quarantine export', '$EDITOR orders.csv', 'sluice quarantine replay', 'sluice quarantine replay']);
    const [byCode, records, edit, from, set] = commands;
    const parquet = /`(sluice quarantine export RUN --to rejected\.parquet)`/.exec(readFileSync(join(ROOT, 'docs/quarantine.md'), 'utf8'))![1];
    const first = await load();
    await expectAll([parquet], () => 0, () => first);
    await runSql(url('shop'), `INSERT INTO customers VALUES (7, 'Bo')`);
    await expectAll([byCode], () => 0, () => first);
    expect(await runSql(url('shop'), 'SELECT count(*)::int FROM orders')).toEqual([[2]]);
    await runSql(url('shop'), 'DELETE FROM orders; DELETE FROM customers WHERE id = 7');
    const second = await load();
    await expectAll([records, edit, from], () => 0, () => second);
    expect(await runSql(url('shop'), 'SELECT id, customer_id FROM orders ORDER BY id')).toEqual([[1, 1], [2, 1]]);
    const third = await rules();
    await expectAll([set], () => 0, () => third);
    expect(await runSql(url('shop'), 'SELECT id, price, placed::text FROM orders ORDER BY id')).toEqual([[1, '2', '2026-01-01'], [2, null, '2025-12-31']]);
  });
});
