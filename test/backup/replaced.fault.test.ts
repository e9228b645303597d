import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { discardLoad, startRestore } from '../../src/jobs/start-transfer.ts';
import { runCli } from '../cli/run-cli.ts';
import { findPostgres } from '../helpers/postgres-binaries.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres-server.ts';
import { temporaryFolder } from '../io/support.ts';
import { ask } from '../helpers/ask.ts';
import { loadChecklist } from './checklist/load.ts';
import { compareDumps } from './dump-comparison.ts';

let server: PostgresServer, pgDump: string;
beforeAll(async () => {
  server = await startPostgres({ version: 'debian', settings: { wal_level: 'logical' } });
  pgDump = join(await findPostgres('debian'), 'bin/pg_dump');
});
afterAll(() => server.stop());

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

it('a database of every kind of object is replaced by its backup with --clean, and comes back whole when that is given up midway', { timeout: 240_000 }, async () => {
  const cwd = await temporaryFolder();
  const copy = await server.createDatabase(), before = await server.createDatabase();
  await loadChecklist(copy, true);
  const repository = join(cwd, 'repository'), workspace = join(cwd, 'workspace');
  expect(await runCli(['backup', copy, '--to', repository, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  expect(await runCli(['restore', repository, '--to', before, '--quiet'], { cwd })).toMatchObject({ code: 0 });
  const differing = (folder: string): Promise<string[]> => compareDumps({ pgDump, env: server.psqlEnv }, [nameOf(before), nameOf(copy)], join(cwd, folder));
  const stop = new AbortController();
  const handle = startRestore({ source: repository, to: copy, mode: 'replace', read: {} }, { workspace, jobs: 2, signal: stop.signal, onProgress: (event) => {
    if (event.type === 'phase' && event.detail === 'indexes and constraints') stop.abort();
  } });
  await handle.outcome;
  expect((await discardLoad(handle.id, 'restore', copy, { workspace }).outcome).error).toMatchObject({ code: 'CANCELLED' });
  expect(await differing('given-up')).toEqual([]);
  // They would hold for what is made: the receipt says so.
  await ask(copy, 'ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM checklist_reader');
  expect(await runCli(['restore', repository, '--clean', '--to', copy, '--quiet'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  expect(await differing('replaced')).toEqual([]);
  expect(await ask(copy, `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sluice%'`)).toEqual([]);
});
