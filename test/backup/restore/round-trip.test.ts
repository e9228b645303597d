import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { temporaryFolder } from '../../io/support.ts';
import { loadChecklist, loadOtherCase } from '../checklist/load.ts';
import { ask } from '../../helpers/ask.ts';
import { backUp, described, dump, program, restore } from './support.ts';

let server: PostgresServer, checklist: string, byPgRestore: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian' });
  checklist = await server.createDatabase();
  await loadChecklist(checklist);
});
afterAll(() => server.stop());

it('every case of the checklist comes back from a repository and from archives of pg_dump as pg_restore brings it back', async () => {
  const folder = await temporaryFolder();
  const archive = await dump(checklist, join(folder, 'shop.dump'), '-Fc'), directory = await dump(checklist, join(folder, 'shop'), '-Fd', '-j2');
  const reference = await server.createDatabase();
  await program('pg_restore', ['-d', reference, archive]);
  byPgRestore = await described(reference);
  for (const source of [archive, directory, await backUp(checklist, folder)]) {
    const target = await server.createDatabase();
    const receipt = await restore(source, target, folder);
    expect(receipt.status).toBe('done');
    expect(receipt.totals.read).toBe(receipt.totals.written);
    expect(receipt.steps!.map(({ name }) => name)).toEqual(['definitions', 'rows', 'indexes and constraints', 'privileges', 'materialized views', 'analyze']);
    expect(await described(target)).toBe(byPgRestore);
    // Everything is counted in, and nothing of ours stays.
    expect(await ask(target, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'")).toEqual([]);
    expect(await ask(target, "SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1")).toEqual(await ask(checklist, "SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1"));
    expect(await ask(target, 'SELECT count(*) > 20 FROM pg_statistic WHERE starelid > 16384')).toEqual([['t']]);
  }
}, 120_000);

it('so do databases in SQL_ASCII', async () => {
  const folder = await temporaryFolder();
  const at = async (name: string): Promise<string> => {
    await ask(server.url, `CREATE DATABASE ${name} ENCODING 'SQL_ASCII' TEMPLATE template0`);
    return Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
  };
  const source = await at('bytes');
  await loadOtherCase(source, 'sql-ascii');
  for (const [i, backup] of [await dump(source, join(folder, 'bytes.dump'), '-Fc'), await backUp(source, folder)].entries()) {
    const target = await at(`bytes_${i}`);
    await restore(backup, target, folder);
    expect(await ask(target, "SELECT encode(convert_to(t, 'SQL_ASCII'), 'hex') FROM raw_bytes ORDER BY 1")).toEqual(await ask(source, "SELECT encode(convert_to(t, 'SQL_ASCII'), 'hex') FROM raw_bytes ORDER BY 1"));
  }
});
