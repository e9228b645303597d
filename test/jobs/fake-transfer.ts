import type { TableReceipt } from '../../src/pipeline/receipt.ts';
import type { RunContext } from '../../src/pipeline/run-context.ts';
import type { Transfer, TransferPlan, TransferResult } from '../../src/pipeline/transfer.ts';

export const PLAN: TransferPlan = { version: 1, job: 'import', from: 'a.csv', to: 'postgres://me:topsecret@h/d', jobs: 2, tables: [], notes: [] };

export function tableReceipt(counts: Partial<TableReceipt> = {}): TableReceipt {
  return { name: 't', read: 10, written: 10, rejected: 0, duplicate: 0, skipped: 0, bytes: 100, ...counts };
}

/** A transfer whose run is the given function; `closed` tells whether the runner closed it. */
export class FakeTransfer implements Transfer {
  readonly plan = PLAN;
  closed = 0;
  readonly #run: () => Promise<TransferResult>;

  constructor(run: () => Promise<TransferResult>) {
    this.#run = run;
  }

  run(): Promise<TransferResult> {
    return this.#run();
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

/** Rejects when the run's signal fires, like everything that waits inside a run. */
export function untilAborted({ signal }: RunContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('a worker stopped in the middle')), { once: true });
  });
}
