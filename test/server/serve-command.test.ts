/** `sluice serve` as a process, and the commands of docs/http-api.md as they are written. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILE_CACHE, MAIN, runCli } from '../cli/run-cli.ts';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { until } from './support.ts';

let folder: string;
let database: string;
let env: NodeJS.ProcessEnv;
let server: ChildProcess;
let output = '';
let url = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-serve-'));
  database = await createDatabase();
  writeFileSync(join(folder, 'sluice.config.json'), JSON.stringify({ connections: { shop: database } }), { mode: 0o600 });
  writeFileSync(join(folder, 'cities.csv'), 'id,name\n1,Bern\n2,Basel\n');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'bin/sluice'), `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' "$@"\n`);
  chmodSync(join(folder, 'bin/sluice'), 0o755);
  env = { ...COMPILE_CACHE, PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, HOME: folder };
  server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'serve', '--port', '0', '--files', 'files'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  server.stdout!.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  await until(() => output.includes('sign-in'), 30_000);
  url = /http:\/\/\S+?:\d+/.exec(output)![0];
});
afterAll(async () => {
  if (server.exitCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('sluice serve', () => {
  it('prints a one-time link that works', async () => {
    const link = /http:\S+code=\S+/.exec(output)![0];
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(303);
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(401);
  });

  it('works as docs/http-api.md says', { timeout: 120_000 }, async () => {
    const blocks = [...readFileSync(join(import.meta.dirname, '../../docs/http-api.md'), 'utf8').matchAll(/^```sh\n([^`]*?)^```$/gm)].map(([, text]) => text);
    expect(blocks.length).toBeGreaterThan(3);
    const script = `set -e\n${blocks.join('\n').replaceAll('http://127.0.0.1:7420', url)}`;
    const ran = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile('sh', ['-c', script], { cwd: folder, env, encoding: 'utf8' }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr }));
    });
    expect({ code: ran.code, output: ran.code === 0 ? '' : ran.stdout + ran.stderr }).toEqual({ code: 0, output: '' });
    for (const table of ['cities', 'places', 'zipped', 'formed', 'again']) expect(await runSql(database, `SELECT count(*)::int FROM ${table}`)).toEqual([[2]]);
    expect(readFileSync(join(folder, 'places.csv'), 'utf8')).toBe('id,name\n1,Bern\n2,Basel\n');
    expect(JSON.parse(readFileSync(join(folder, 'all.json'), 'utf8'))).toHaveProperty('places');
    expect(statSync(join(folder, 'few.ndjson.zst')).size).toBeGreaterThan(10);
  });

  it('refuses a port that is taken, a folder that is not there, and wrong options', async () => {
    const tried = async (...args: string[]): Promise<[number | null, string]> => {
      const { code, stderr } = await runCli(['serve', ...args], { cwd: folder });
      return [code, stderr];
    };
    expect(await tried('--port', new URL(url).port)).toEqual([1, expect.stringContaining('LISTEN_FAILED') as string]);
    expect(await tried('--port', '0', '--files', 'nowhere')).toEqual([2, expect.stringContaining('USAGE') as string]);
    expect((await tried('--port', '70000'))[0]).toBe(2);
  });

  it('makes, lists and revokes tokens', async () => {
    const sluice = async (...args: string[]): Promise<string> => (await runCli(['token', ...args], { cwd: folder })).stdout.trim();
    const token = await sluice('create', '--role', 'viewer');
    const ask = async (): Promise<number> => (await fetch(`${url}/api/v1/runs`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    const id = token.split('_')[1];
    expect(await sluice('list')).toContain(id);
    await sluice('revoke', id);
    expect(await ask()).toBe(401);
    expect((await fetch(await sluice('link', '--url', url, '--role', 'viewer'), { redirect: 'manual' })).status).toBe(303);
  });

  it('keeps the web framework from other commands', async () => {
    const { code, stderr } = await runCli(['runs', 'list'], { cwd: folder, env: { NODE_DEBUG: 'esm,module' } });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/node_modules\/fastify/);
  });

  it('stops in order at SIGTERM', async () => {
    server.kill('SIGTERM');
    const [code] = await once(server, 'exit') as [number];
    expect(code).toBe(0);
  });
});
