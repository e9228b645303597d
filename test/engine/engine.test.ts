import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEngine } from '../../src/engine/engine.ts';
import { MEMORY, memoryEngine, temporaryFolder } from './support.ts';

const folder = temporaryFolder();
const options = { memoryLimitBytes: MEMORY, threads: 2 };

test('limits are set, extensions stay local, spilled data has a folder that goes away', async () => {
  const temp = join(folder, 'spill');
  mkdirSync(temp);
  const engine = await openEngine({ path: ':memory:', ...options, tempFolder: temp });
  const connection = await engine.connect();
  const settings = new Map((await connection.rows('SELECT name, value FROM duckdb_settings()')).map(([name, value]) => [name, value]));
  expect(settings.get('memory_limit')).toBe('200.0 MiB');
  expect(settings.get('threads')).toBe('2');
  expect(settings.get('autoinstall_known_extensions')).toBe('false');
  expect(settings.get('autoload_known_extensions')).toBe('false');
  expect(settings.get('preserve_insertion_order')).toBe('true');
  expect(settings.get('TimeZone')).toBe('UTC');
  expect(settings.get('enable_progress_bar_print')).toBe('false');
  expect(readdirSync(temp)).toHaveLength(1);
  await engine.close();
  expect(readdirSync(temp)).toEqual([]);
});

test('a file is created only on request, and found by any name', async () => {
  const path = join(folder, 'new.duckdb');
  await expect(openEngine({ path, ...options })).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  expect(existsSync(path)).toBe(false);
  const engine = await openEngine({ path, ...options, create: true });
  expect(engine.created).toBe(true);
  const again = await openEngine({ path: join(folder, '.', 'x', '..', 'new.duckdb'), ...options });
  const [first, second] = [await engine.connect(), await again.connect()];
  await first.run('CREATE TABLE t (a INTEGER)');
  expect(await second.value('SELECT count(*) FROM t')).toBe('0');
  await engine.close();
  await second.run('INSERT INTO t VALUES (1)');
  await again.close();
});

test('what is opened for reading cannot be opened for writing beside it', async () => {
  const path = join(folder, 'reading.duckdb');
  await (await openEngine({ path, ...options, create: true })).close();
  const reading = await openEngine({ path, ...options, readOnly: true });
  const connection = await reading.connect();
  await expect(connection.run('CREATE TABLE t (a INTEGER)')).rejects.toMatchObject({ code: 'ENGINE_ERROR' });
  await expect(openEngine({ path, ...options })).rejects.toMatchObject({ code: 'OPTION_UNSUPPORTED' });
  await reading.close();
});

test('a file held by another process is locked', async () => {
  const path = join(folder, 'held.duckdb');
  const holder = spawn(process.execPath, ['--input-type=module', '-e', `
    import { openEngine } from ${JSON.stringify(new URL('../../src/engine/engine.ts', import.meta.url).href)};
    await openEngine({ path: ${JSON.stringify(path)}, memoryLimitBytes: 1e8, threads: 1, create: true, tempFolder: ${JSON.stringify(folder)} });
    console.log('open'); setInterval(() => {}, 1000);`], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(holder.stdout, 'data');
    await expect(openEngine({ path, ...options })).rejects.toMatchObject({ code: 'DATABASE_LOCKED', retryable: true });
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
});

test.each([
  ['no database', 'x'.repeat(5000), 'ENGINE_ERROR'],
  ['empty', '', 'ENGINE_ERROR'],
])('a file that is %s', async (name, content, code) => {
  const path = join(folder, `${name}.duckdb`);
  writeFileSync(path, content);
  await expect(openEngine({ path, ...options })).rejects.toMatchObject({ code, at: { file: path } });
});

test('places where nothing can be created', async () => {
  await expect(openEngine({ path: join(folder, 'absent', 'a.duckdb'), ...options, create: true })).rejects.toMatchObject({ code: 'TARGET_UNWRITABLE' });
  await expect(openEngine({ path: folder, ...options, create: true })).rejects.toMatchObject({ code: 'ENGINE_ERROR' });
});

test('an abort ends a running statement, also one that is only waiting, and the connection stays usable', async () => {
  const { engine, connection } = await memoryEngine();
  const stop = new AbortController();
  const endless = connection.run('SELECT count(*) FROM range(100000000000) a', { signal: stop.signal });
  const waiting = connection.run('SELECT 1', { signal: stop.signal });
  setTimeout(() => stop.abort(), 30);
  await expect(endless).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await connection.value('SELECT 7')).toBe('7');
  await engine.close();
});

test('closing ends what runs', async () => {
  const { engine, connection } = await memoryEngine();
  const endless = connection.run('SELECT count(*) FROM range(100000000000) a');
  const [ended] = await Promise.allSettled([endless, engine.close()]);
  expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
  await engine.close();
});

test('progress is a share, and unknown while nothing runs', async () => {
  const { engine, connection } = await memoryEngine();
  await connection.run('CREATE TABLE t AS SELECT range AS a FROM range(500000)');
  const seen: number[] = [];
  const running = connection.run('SELECT sum(hash(a::VARCHAR || x)) FROM t, range(20) r(x)');
  const timer = setInterval(() => seen.push(connection.progress ?? -1), 5);
  await running;
  clearInterval(timer);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every((share) => share === -1 || (share >= 0 && share <= 1))).toBe(true);
  await engine.close();
});

test('one query is told apart from several statements and from changes', async () => {
  const { engine, connection } = await memoryEngine();
  expect(await connection.isSingleQuery('WITH a AS (SELECT 1) SELECT * FROM a -- ; no')).toBe(true);
  expect(await connection.isSingleQuery("SELECT ';'")).toBe(true);
  expect(await connection.isSingleQuery('SELECT 1; SELECT 2')).toBe(false);
  expect(await connection.isSingleQuery('CREATE TABLE t (a INTEGER)')).toBe(false);
  await expect(connection.isSingleQuery('SELEC 1')).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  await engine.close();
});
