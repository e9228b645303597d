import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { LoadTablePlan, PartWriter, TableLoad } from '../../src/connectors/connector.ts';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { loadParts, type LoadingPart, type LoadingTable } from '../../src/pipeline/load-pipeline.ts';
import { TableMeter } from '../../src/pipeline/table-meter.ts';
import { COPY_TEXT } from '../../src/rows/row-encoding.ts';

const signal = new AbortController().signal;

interface Behaviour {
  delay?: number;
  fail?: SluiceError;
  lose?: number;
}

function table(behaviours: readonly Behaviour[]): { table: LoadingTable; written: number[]; closed: () => number } {
  const written: number[] = [];
  let closed = 0;
  const writer = (): PartWriter => ({
    async write(part) {
      const { delay = 0, fail, lose = 0 } = behaviours[part.part.index] ?? {};
      for await (const chunk of part.chunks) if (chunk.length === 0) throw new Error('empty chunk');
      await sleep(delay);
      if (fail !== undefined) throw fail;
      written.push(part.part.index);
      return { written: part.counts().read - part.counts().skipped - lose };
    },
    async close() { closed++; },
  });
  const plan: LoadTablePlan = { table: 't', name: { name: 't' }, mode: 'append', creates: true, publication: 'direct', columns: [], key: [], statements: [], maxWriters: 9, accepts: ['csv', 'copy-text'] };
  const load: TableLoad = { plan, arrays: 'json', accepts: () => true, openWriter: async () => writer() };
  return { table: { load, meter: new TableMeter('t', { exact: false }, () => undefined), read: 0, skipped: 0, written: 0, rejected: 0, bytes: 0, onPart: () => undefined }, written, closed: () => closed };
}

async function* parts(target: LoadingTable, count: number, stopped?: () => void): AsyncGenerator<LoadingPart, void, undefined> {
  try {
    for (let index = 0; index < count; index++) {
      yield {
        table: target,
        stream: {
          part: { index, interval: { kind: 'whole' } },
          encoding: COPY_TEXT,
          chunks: (async function* chunks() { yield Buffer.from('a\n'); })(),
          counts: () => ({ read: 3, skipped: 1, bytes: 2 }),
          locate: async (line) => ({ row: index * 10 + line, file: 'f.csv' }),
        },
      };
    }
  } finally {
    stopped?.();
  }
}

const invalid = (line: number): SluiceError => new SluiceError('VALUE_INVALID', { column: 'c', table: 't', reason: 'bad' }, { column: 'c', line });

describe('load pipeline', () => {
  test('counts what was read, skipped and written, and closes every writer', async () => {
    const t = table([]);
    await loadParts(parts(t.table, 7), 3, signal, () => undefined);
    expect(t.table).toMatchObject({ read: 21, skipped: 7, written: 14, bytes: 14 });
    expect([...t.written].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(t.closed()).toBe(3);
  });

  test('reports the earliest failing part, whatever fails first in time, with its place in the source', async () => {
    const t = table([{ delay: 30, fail: invalid(2) }, { delay: 1, fail: invalid(5) }]);
    await expect(loadParts(parts(t.table, 5), 2, signal, () => undefined)).rejects.toMatchObject({
      code: 'VALUE_INVALID', at: { row: 2, file: 'f.csv', column: 'c', table: 't' },
    });
    expect(t.written).toEqual([]);
  });

  test('hands out no part after a failure, and releases the source', async () => {
    let released = false;
    const t = table([{ fail: invalid(1) }]);
    await expect(loadParts(parts(t.table, 100, () => { released = true; }), 1, signal, () => undefined)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    expect(t.written).toEqual([]);
    expect(released).toBe(true);
  });

  test('a target that counts other than the source is an unbalanced receipt', async () => {
    const t = table([{}, { lose: 1 }]);
    await expect(loadParts(parts(t.table, 2), 1, signal, () => undefined)).rejects.toMatchObject({ code: 'RECEIPT_UNBALANCED', exitCode: 4, at: { table: 't', part: 1 } });
  });

  test('ends a source that waits for room which a failed part will never make', async () => {
    const t = table([{ fail: invalid(1) }]);
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => { stop = resolve; });
    async function* waiting(): AsyncGenerator<LoadingPart, void, undefined> {
      yield* parts(t.table, 1);
      await stopped;
      throw new SluiceError('CANCELLED');
    }
    await expect(loadParts(waiting(), 2, signal, stop)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
  });

  test('cancel is reported as such', async () => {
    const controller = new AbortController();
    const t = table([{ delay: 5 }, { delay: 5 }]);
    const run = loadParts(parts(t.table, 1000), 1, controller.signal, () => undefined);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED', exitCode: 130 });
  });
});
