import fc from 'fast-check';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { runOrdered, type OrderedTask } from '../../src/pipeline/ordered-pipeline.ts';

/** Tasks that yield their chunks with the given numbers of event-loop turns in between, so that they finish in any order. */
function recorder(tasks: readonly { chunks: readonly string[]; turns: number }[]) {
  const log: string[] = [];
  let encoding = 0;
  let mostEncoding = 0;
  async function* source(): AsyncGenerator<OrderedTask, void, undefined> {
    for (const [index, { chunks, turns }] of tasks.entries()) {
      yield {
        async *encode() {
          mostEncoding = Math.max(mostEncoding, ++encoding);
          const reused = new Uint8Array(64);
          for (const chunk of chunks) {
            for (let i = 0; i < turns; i++) await turn();
            const bytes = Buffer.from(chunk);
            reused.set(bytes);
            yield reused.subarray(0, bytes.length);
            reused.fill(0x21);
          }
          encoding--;
        },
        write: async (chunk, first) => {
          await turn();
          log.push(`${first ? `${index}:` : ''}${Buffer.from(chunk).toString()}`);
        },
        done: async () => { log.push(`|${index}`); },
      };
    }
  }
  return { source, log, mostEncoding: () => mostEncoding };
}

const signal = new AbortController().signal;

describe('ordered pipeline', () => {
  test('writes the bytes in task order for any timing, buffer size and number of jobs', async () => {
    const task = fc.record({ chunks: fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 5 }), turns: fc.nat(4) });
    await fc.assert(fc.asyncProperty(fc.array(task, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 40 }), async (tasks, jobs, bufferBytes) => {
      const { source, log } = recorder(tasks);
      await runOrdered(source(), jobs, bufferBytes, signal);
      const expected = tasks.map(({ chunks }, index) => `${chunks.length > 0 ? `${index}:` : ''}${chunks.join('')}|${index}`).join('');
      expect(log.join('')).toBe(expected);
    }), { numRuns: 200 });
  });

  test('encodes as many tasks at once as there are jobs', async () => {
    const { source, mostEncoding } = recorder(Array.from({ length: 8 }, () => ({ chunks: ['a', 'b'], turns: 3 })));
    await runOrdered(source(), 3, 100, signal);
    expect(mostEncoding()).toBe(3);
  });

  test('reports the failure, and releases the source', async () => {
    let released = false;
    async function* source(): AsyncGenerator<OrderedTask, void, undefined> {
      try {
        for (let index = 0; ; index++) {
          yield {
            async *encode() {
              await turn();
              if (index === 3) throw new SluiceError('DATABASE_ERROR', { connection: 'x', reason: 'broken' });
              yield new Uint8Array(10);
            },
            write: async () => undefined,
            done: async () => undefined,
          };
        }
      } finally {
        released = true;
      }
    }
    await expect(runOrdered(source(), 2, 4, signal)).rejects.toMatchObject({ code: 'DATABASE_ERROR' });
    expect(released).toBe(true);
  });

  test('a failing write ends the run although other tasks wait for their turn', async () => {
    const { source } = recorder(Array.from({ length: 9 }, () => ({ chunks: ['abcdef', 'ghijkl'], turns: 1 })));
    async function* failing(): AsyncGenerator<OrderedTask, void, undefined> {
      for await (const task of source()) {
        yield { ...task, write: async () => { throw new SluiceError('DISK_FULL', { path: 'x' }); } };
      }
    }
    await expect(runOrdered(failing(), 3, 6, signal)).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('cancel ends it while workers wait for their turn', async () => {
    const controller = new AbortController();
    async function* source(): AsyncGenerator<OrderedTask, void, undefined> {
      for (let index = 0; index < 4; index++) {
        yield {
          async *encode() {
            // The first task never ends by itself; the others wait for it.
            while (index === 0 && !controller.signal.aborted) await sleep(1);
            yield new Uint8Array(100);
          },
          write: async () => undefined,
          done: async () => undefined,
        };
      }
    }
    const run = runOrdered(source(), 2, 10, controller.signal);
    await sleep(10);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
