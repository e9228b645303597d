import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/configuration.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function load(content: unknown, env: NodeJS.ProcessEnv = {}) {
  await writeFile(join(folder, 'sluice.config.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfiguration({ cwd: folder, env });
}

describe('loadConfiguration', () => {
  it('is empty without a file', async () => {
    expect(await loadConfiguration({ cwd: folder, env: {} })).toEqual({ settings: {}, folder });
  });

  it('reads every setting', async () => {
    const { settings, file } = await load({
      $schema: 'x',
      connections: { shop: 'postgres://h/${DB}', 'a.b-c_1': { url: 'duckdb:x.duckdb' } },
      workspace: 'w', jobs: 3, partSize: '8MiB', engineMemory: 300_000_000, maxRecordSize: '1GB',
      import: { mode: 'upsert' }, export: { format: 'ndjson', compress: 'zstd:3', overwrite: true },
    });
    expect(file).toBe(join(folder, 'sluice.config.json'));
    expect(settings).toEqual({
      connections: { shop: 'postgres://h/${DB}', 'a.b-c_1': 'duckdb:x.duckdb' },
      workspace: 'w', jobs: 3, partSize: 8_388_608, engineMemory: 300_000_000, maxRecordSize: 1_000_000_000,
      import: { mode: 'upsert' }, export: { format: 'ndjson', compress: 'zstd:3', overwrite: true },
    });
  });

  it('reads a file with a byte order mark', async () => {
    expect((await load('\uFEFF{"jobs":2}')).settings).toEqual({ jobs: 2 });
  });

  it.each([
    [{ jobs: 0 }, 'jobs must be at least 1'],
    [{ jobs: 1.5 }, 'jobs must be a whole number'],
    [{ jobs: 'two' }, 'jobs must be a number'],
    [{ partSize: '8XB' }, 'partSize must be a size'],
    [{ colour: 1 }, 'has no setting "colour"'],
    [{ import: { mode: 'merge' } }, 'import.mode must be one of "append", "replace", "upsert"'],
    [{ import: { modes: 'append' } }, 'import has no setting "modes"'],
    [{ connections: { shop: 5 } }, 'connections.shop must be a URL'],
    [{ connections: { 'a b': 'x' } }, 'connections.a b must begin with a letter'],
    [{ connections: { duckdb: 'x' } }, 'connections.duckdb is taken'],
    [[], 'must be an object'],
  ])('refuses %j', async (content, message) => {
    await expect(load(content)).rejects.toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2, message: expect.stringContaining(message) });
  });

  it('says the line of broken JSON and never its text, which may be a password', async () => {
    const failure = load('{\n"connections": {\n"shop": "postgres://u:topsecret@h/d" oops\n}}');
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID', at: { line: 3 } });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('topsecret') });
  });

  it('wants the file that was named, by option before SLUICE_CONFIG', async () => {
    await writeFile(join(folder, 'a.json'), '{"jobs":5}');
    expect((await loadConfiguration({ path: 'a.json', cwd: folder, env: { SLUICE_CONFIG: 'b.json' } })).settings.jobs).toBe(5);
    expect((await loadConfiguration({ cwd: folder, env: { SLUICE_CONFIG: 'a.json' } })).settings.jobs).toBe(5);
    await expect(loadConfiguration({ path: 'b.json', cwd: folder, env: {} })).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('no such file') });
    await expect(loadConfiguration({ path: '.', cwd: folder, env: {} })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
