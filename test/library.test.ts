import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyTables, exitCodeOf, exportTable, importFile, SluiceError } from '../src/index.ts';

let folder: string;
let workspace: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-library-'));
  workspace = join(folder, '.sluice');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the library', () => {
  it('says at once when a connection or a table makes no sense', () => {
    expect(() => importFile({ source: 'a.csv', to: 'nowhere', workspace })).toThrow(SluiceError);
    expect(() => importFile({ source: 'a.csv', to: 'duckdb#t', table: 'u', workspace })).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => exportTable({ from: 'nowhere', to: 'a.csv', workspace })).toThrow(expect.objectContaining({ code: 'CONNECTION_UNKNOWN' }));
    expect(() => copyTables({ from: 'duckdb', to: 'nowhere', workspace })).toThrow(expect.objectContaining({ code: 'CONNECTION_UNKNOWN' }));
  });

  it('rejects the receipt of a run that failed, and tells the same by events and outcome', async () => {
    const run = importFile({ source: join(folder, 'missing.csv'), workspace });
    await expect(run.receipt).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND', retryable: false });
    const events: string[] = [];
    for await (const event of run.events) events.push(event.type);
    expect(events[0]).toBe('run-started');
    expect(events.at(-1)).toBe('run-ended');
    const { receipt } = await run.outcome;
    expect(receipt).toMatchObject({ run: run.id, status: 'failed' });
    expect(exitCodeOf(receipt)).toBe(1);
  });

  it('cancels by a signal', async () => {
    await writeFile(join(folder, 'a.csv'), 'a\n1\n');
    const run = importFile({ source: join(folder, 'a.csv'), workspace, signal: AbortSignal.abort() });
    await expect(run.receipt).rejects.toMatchObject({ code: 'CANCELLED', exitCode: 130 });
  });
});
