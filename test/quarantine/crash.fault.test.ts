import { spawn } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQuarantine } from '../../src/quarantine/quarantine-reader.ts';
import { COMPILE_CACHE } from '../cli/run-cli.ts';
import { fetchNumbers, makeWorkspace, openLog, reject, RECIPE_OF_CRASHES, rowsOf, RUN } from './support.ts';

const KILLER = fileURLToPath(new URL('./kill-at-operation.ts', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./crash-script.ts', import.meta.url));

/** Runs the script until its nth operation. @returns how many there were when it got to its end */
function runUntil(workspace: string, step: 'write' | 'seal', killAt: number): Promise<number | undefined> {
  return new Promise((resolve, reject_) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', KILLER, SCRIPT, workspace, step], {
      env: { PATH: process.env.PATH, ...COMPILE_CACHE, KILL_AT: String(killAt) }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    let told = '';
    child.stdio[3]!.on('data', (chunk: Buffer) => (told += chunk.toString()));
    child.on('error', reject_);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(Number(told));
      else reject_(new Error(`the script ended with ${code}`));
    });
  });
}

const before = makeWorkspace();
beforeAll(async () => {
  const log = await openLog(before.path, RUN, RECIPE_OF_CRASHES);
  await log.put({ table: 't', part: 1 }, [reject(1), reject(2), reject(3)]);
  await log.put({ table: 't', part: 2 }, [reject(7)]);
  await log.put({ table: 'big', part: 0 }, [reject(1)]);
});
afterAll(() => before.remove());

/** Runs the step once for each operation, killed before it, on a copy of the same folder; then without a kill. */
async function atEveryOperation(step: 'write' | 'seal', look: (workspace: string, killedAt: number | undefined) => Promise<void>): Promise<number> {
  for (let operation = 1; ; operation++) {
    const own = makeWorkspace();
    try {
      cpSync(before.path, own.path, { recursive: true });
      const operations = await runUntil(own.path, step, operation);
      await look(own.path, operations === undefined ? operation : undefined);
      if (operations !== undefined) return operations;
    } finally {
      own.remove();
    }
  }
}

const recordsOf = async (workspace: string): Promise<string[]> => (await rowsOf(workspace)).map(({ table, part, record }) => `${table}${part}:${record}`);

describe('killed before any operation on files', () => {
  it('has of each segment the old or the new, and never half of one', { timeout: 400_000 }, async () => {
    const seen = new Set<string>();
    const operations = await atEveryOperation('write', async (workspace) => {
      const records = await recordsOf(workspace);
      seen.add(records.join(' '));
      const log = await openLog(workspace);
      expect(log.count()).toBe(records.length);
      expect(readdirSync(join(log.folder, 'segments')).filter((name) => name.endsWith('.partial'))).toEqual([]);
    });
    expect(operations).toBeGreaterThan(10);
    expect([...seen]).toEqual([
      'big0:1 t1:1 t1:2 t1:3 t2:7',
      'big0:1 t1:4 t1:6 t2:7',
      'big0:1 t1:4 t1:6',
      'big0:1 new0:1 t1:4 t1:6',
    ]);
  });

  it('seals to the same in the end', { timeout: 400_000 }, async () => {
    const expected: string[] = [];
    const operations = await atEveryOperation('seal', async (workspace, killedAt) => {
      // Whatever there is can be read, and all of it.
      expect((await recordsOf(workspace)).toSorted()).toEqual(['big0:1', 't1:1', 't1:2', 't1:3', 't2:7']);
      const log = await openLog(workspace, RUN, RECIPE_OF_CRASHES);
      expect(log.count()).toBe(5);
      if (killedAt !== undefined) {
        await log.seal({
          tables: ['t', 'big'],
          async *fetch(table, part, records) {
            if (table === 'big') yield { place: { file: 'big.csv', row: 1 }, raw: Buffer.alloc(1_500_000, 0x62) };
            else yield* fetchNumbers(table, part, records);
          },
        });
      }
      expected.push(contentOf(workspace));
      expect((await openQuarantine(workspace, RUN)).summary).toMatchObject({ sealed: true, rows: 5, recipe: RECIPE_OF_CRASHES });
    });
    expect(operations).toBeGreaterThan(10);
    expect(new Set(expected).size).toBe(1);
    expect(expected[0]).toContain('records');
  });
});

/** Names and contents of everything that a seal leaves. */
function contentOf(workspace: string): string {
  const folder = join(workspace, 'quarantine');
  return readdirSync(folder, { recursive: true }).map(String).toSorted()
    .map((name) => `${name}\n${statSync(join(folder, name)).isFile() ? readFileSync(join(folder, name), 'utf8') : ''}`).join('\n');
}
