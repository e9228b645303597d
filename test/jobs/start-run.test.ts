import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { exitCodeOf } from '../../src/jobs/receipt.ts';
import { RunStore } from '../../src/jobs/run-store.ts';
import { startRun, type Prepare, type RunHandle, type StartRunOptions } from '../../src/jobs/start-run.ts';
import type { RunContext } from '../../src/pipeline/run-context.ts';
import { FakeTransfer, PLAN, tableReceipt, untilAborted } from './fake-transfer.ts';

let root: string;
let workspace: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-run-'));
  workspace = join(root, '.sluice');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const start = (prepare: Prepare, options: Partial<StartRunOptions> = {}): RunHandle => startRun('import', prepare, { workspace, ...options });
const done = (): FakeTransfer => new FakeTransfer(async () => ({ tables: [tableReceipt()], warnings: ['mind the gap'] }));

async function stored(run: string) {
  const store = await RunStore.open(workspace);
  try {
    return store.show(run);
  } finally {
    store.close();
  }
}

describe('startRun', () => {
  it('runs, accounts and records', async () => {
    const transfer = done();
    const run = start(async () => transfer);
    const receipt = await run.receipt;
    expect(receipt).toMatchObject({
      run: run.id, job: 'import', status: 'done', tables: [tableReceipt()],
      totals: { read: 10, written: 10, rejected: 0, duplicate: 0, skipped: 0, bytes: 100 },
      quarantine: null, targets: [{ name: 'seconds', wanted: 60, met: true }, { name: 'peakRssBytes', wanted: 150_000_000 }], warnings: ['mind the gap'],
    });
    expect(Object.keys(receipt)).toEqual(['run', 'job', 'status', 'tables', 'totals', 'seconds', 'peakRssBytes', 'quarantine', 'targets', 'plan', 'warnings']);
    expect(receipt.seconds).toBeGreaterThanOrEqual(0);
    expect(receipt.peakRssBytes).toBeGreaterThan(10_000_000);
    expect(exitCodeOf(receipt)).toBe(0);
    expect(transfer.closed).toBe(1);
    expect(await run.plan).toBe(PLAN);
    expect(await stored(run.id)).toMatchObject({ status: 'done', rows: 10, receipt: { run: run.id }, owner: { pid: process.pid } });
  });

  it('gives the transfer what it needs', async () => {
    let seen: RunContext | undefined;
    const run = start(async (context) => {
      seen = context;
      return done();
    }, { jobs: 3, partBytes: 1234, engineMemoryBytes: 5678, env: { A: 'b' } });
    await run.receipt;
    expect(seen).toMatchObject({ run: run.id, jobs: 3, partBytes: 1234, engineMemoryBytes: 5678, env: { A: 'b' }, workspace });
    expect(seen!.stdout).toBe(process.stdout);
  });

  it('tells events from start to end', async () => {
    const heard: string[] = [];
    const run = start(async (context) => new FakeTransfer(async () => {
      context.progress({ type: 'table-started', table: 't', expected: { exact: true }, at: 1 });
      context.progress({ type: 'table-done', table: 't', rows: 10, bytes: 100, at: 2 });
      return { tables: [tableReceipt()], warnings: [] };
    }), { onProgress: (event) => heard.push(event.type) });
    const events: string[] = [];
    for await (const event of run.events) events.push(event.type);
    expect(events).toEqual(['run-started', 'table-started', 'table-done', 'run-ended']);
    expect(heard).toEqual(events);
  });

  it('stores and returns no password', async () => {
    const run = start(async () => new FakeTransfer(async () => {
      throw new SluiceError('CONNECTION_LOST', { address: 'postgres://me:topsecret@h/d', reason: 'password=topsecret' });
    }));
    const { receipt } = await run.outcome;
    expect(JSON.stringify(receipt)).not.toContain('topsecret');
    for (const file of ['runs.sqlite', 'runs.sqlite-wal']) {
      expect(await readFile(join(workspace, file)).catch(() => Buffer.alloc(0))).not.toContain('topsecret');
    }
    expect(JSON.stringify(await stored(run.id))).toContain('postgres://me@h/d');
  });
});

describe('a run that fails', () => {
  it('rejects the receipt, and has one all the same', async () => {
    const transfer = new FakeTransfer(async () => {
      throw new SluiceError('CSV_MALFORMED', { source: 'a.csv', reason: 'x' }, { file: 'a.csv', line: 3 });
    });
    const run = start(async () => transfer);
    await expect(run.receipt).rejects.toMatchObject({ code: 'CSV_MALFORMED' });
    const { receipt, error } = await run.outcome;
    expect(error).toMatchObject({ at: { file: 'a.csv', line: 3 } });
    expect(receipt).toMatchObject({ status: 'failed', tables: [], totals: { read: 0 }, plan: { job: 'import' }, error: { code: 'CSV_MALFORMED', at: { file: 'a.csv', line: 3 } } });
    expect(exitCodeOf(receipt)).toBe(1);
    expect(transfer.closed).toBe(1);
    expect(await stored(run.id)).toMatchObject({ status: 'failed', receipt: { error: { code: 'CSV_MALFORMED' } } });
  });

  it('has no plan when it cannot be prepared', async () => {
    const run = start(async () => {
      throw new SluiceError('SOURCE_NOT_FOUND', { path: 'a.csv' });
    });
    await expect(run.plan).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    expect((await run.outcome).receipt).toMatchObject({ status: 'failed', plan: null });
    expect(await stored(run.id)).toMatchObject({ status: 'failed', plan: null });
  });

  it('is a defect when what was thrown has no code', async () => {
    const run = start(async () => {
      throw new TypeError('x is not a function');
    });
    expect((await run.outcome).error).toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('x is not a function'), cause: expect.any(TypeError) });
  });

  it.each([
    { read: 11 }, { written: 9 }, { rejected: 1 }, { duplicate: 1 }, { skipped: 1 }, { read: 12, rejected: 1 },
  ])('when its receipt does not balance: %j', async (counts) => {
    const run = start(async () => new FakeTransfer(async () => ({ tables: [tableReceipt({ name: 'fine' }), tableReceipt(counts)], warnings: [] })));
    const { receipt } = await run.outcome;
    expect(receipt).toMatchObject({ status: 'failed', error: { code: 'RECEIPT_UNBALANCED', at: { table: 't' } } });
    expect(receipt.tables).toHaveLength(2);
    expect(exitCodeOf(receipt)).toBe(4);
  });

  it('accepts every receipt that balances, and says with its code that rows were rejected', async () => {
    const run = start(async () => new FakeTransfer(async () => ({ tables: [tableReceipt({ read: 16, rejected: 1, duplicate: 2, skipped: 3 })], warnings: [] })));
    const { receipt } = await run.outcome;
    expect(receipt.status).toBe('done');
    expect(exitCodeOf(receipt)).toBe(3);
  });

  it('stays done when only closing fails', async () => {
    const transfer = done();
    transfer.close = async () => {
      throw new Error('socket');
    };
    const receipt = await start(async () => transfer).receipt;
    expect(receipt).toMatchObject({ status: 'done', warnings: ['mind the gap', expect.stringContaining('socket')] });
  });
});

describe('cancelling a run', () => {
  const moving = (began: () => void): Prepare => async (context) => new FakeTransfer(() => {
    began();
    return untilAborted(context);
  });

  it('ends it as cancelled, whatever the workers said', async () => {
    const began = Promise.withResolvers<void>();
    const run = start(moving(began.resolve));
    await began.promise;
    await run.cancel();
    const { receipt, error } = await run.outcome;
    expect(receipt.status).toBe('cancelled');
    expect(error).toMatchObject({ code: 'CANCELLED', exitCode: 130 });
    expect(exitCodeOf(receipt)).toBe(130);
    expect(await stored(run.id)).toMatchObject({ status: 'cancelled' });
    await run.cancel();
  });

  it('works through the store, from another process', async () => {
    const began = Promise.withResolvers<void>();
    const run = start(moving(began.resolve));
    await began.promise;
    const store = await RunStore.open(workspace);
    store.requestCancel(run.id);
    store.close();
    expect((await run.outcome).receipt.status).toBe('cancelled');
  });

  it('works through a signal, also one that has fired before', async () => {
    const controller = new AbortController();
    const began = Promise.withResolvers<void>();
    const run = start(moving(began.resolve), { signal: controller.signal });
    await began.promise;
    controller.abort();
    expect((await run.outcome).receipt.status).toBe('cancelled');
    let prepared = false;
    const late = start(async () => {
      prepared = true;
      return done();
    }, { signal: AbortSignal.abort() });
    expect((await late.outcome).receipt.status).toBe('cancelled');
    expect(prepared).toBe(false);
  });

  it('changes nothing once everything is published', async () => {
    const run: RunHandle = start(async () => new FakeTransfer(async () => {
      void run.cancel();
      return { tables: [tableReceipt()], warnings: [] };
    }));
    expect((await run.outcome).receipt.status).toBe('done');
  });

  it('happens when the plan is not approved, before anything moves', async () => {
    let moved = false;
    const transfer = new FakeTransfer(async () => {
      moved = true;
      return { tables: [], warnings: [] };
    });
    const run = start(async () => transfer, { approve: async (plan) => plan.job !== 'import' });
    expect((await run.outcome).receipt.status).toBe('cancelled');
    expect(moved).toBe(false);
    expect(transfer.closed).toBe(1);
  });

  it('does not wait for an answer that never comes', async () => {
    const asked = Promise.withResolvers<void>();
    const run = start(async () => done(), {
      approve: () => {
        asked.resolve();
        return new Promise<boolean>(() => {});
      },
    });
    await asked.promise;
    await run.cancel();
    expect((await run.outcome).receipt.status).toBe('cancelled');
  });
});

describe('a dry run', () => {
  it('plans, closes, and leaves no trace', async () => {
    const transfer = new FakeTransfer(async () => {
      throw new Error('must not run');
    });
    const run = start(async () => transfer, { dryRun: true });
    expect(await run.receipt).toMatchObject({ status: 'planned', tables: [], plan: { from: 'a.csv', to: 'postgres://me@h/d' } });
    expect(transfer.closed).toBe(1);
    expect(await RunStore.openExisting(workspace)).toBeUndefined();
  });
});

describe('the record of a run', () => {
  it('is a condition: without a workspace nothing begins', async () => {
    await writeFile(join(root, 'file'), '');
    let prepared = false;
    const run = start(async () => {
      prepared = true;
      return done();
    }, { workspace: join(root, 'file', 'x') });
    expect((await run.outcome).error).toMatchObject({ code: 'WORKSPACE_UNUSABLE', hint: expect.stringContaining('SLUICE_HOME') });
    expect(prepared).toBe(false);
  });

  it('is no condition for the end: rows that are published stay done', async () => {
    const run: RunHandle = start(async () => new FakeTransfer(async () => {
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(join(workspace, 'runs.sqlite'));
      database.exec('DROP TABLE runs');
      database.close();
      return { tables: [tableReceipt()], warnings: [] };
    }));
    expect(await run.receipt).toMatchObject({ status: 'done', warnings: [expect.stringContaining('could not be recorded')] });
  });
});
