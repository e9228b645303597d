/** Whatever fails, on either side and at any moment, both sides end. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineConnection } from '../../src/engine/engine-connection.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { feed } from '../../src/engine/feed.ts';
import { readColumns, readParts, type ReadPartsRequest } from '../../src/engine/read-parts.ts';
import { textRelation } from '../../src/engine/text-relation.ts';
import { VARCHAR } from '../../src/engine/engine-type.ts';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { createFifo } from '../../src/io/fifo.ts';
import type { PartStream } from '../../src/rows/part.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../src/rows/row-encoding.ts';
import { collect, MEMORY, memoryEngine, never, textOfPart } from './support.ts';

let engine: Engine;
let connection: EngineConnection;
beforeAll(async () => {
  ({ engine, connection } = await memoryEngine());
  await connection.run('CREATE TABLE target (a VARCHAR, b VARCHAR)');
});
afterAll(() => engine.close());

const reading = async (select: string, overrides: Partial<ReadPartsRequest> = {}): Promise<ReadPartsRequest> => ({
  connection, columns: readColumns(await connection.columns(select)), relation: `(${select})`, encoding: COPY_TEXT, arrays: 'json', partBytes: 1000,
  signal: never, openPipe: createFifo, table: 't', context: { table: 't' }, ...overrides,
});

const statement = (path: string): string => {
  const { relation, expressions } = textRelation(path, CANONICAL_CSV, [VARCHAR, VARCHAR], MEMORY);
  return `INSERT INTO target SELECT ${expressions.join(', ')} FROM ${relation}`;
};
async function* lines(count: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let i = 0; i < count; i++) yield Buffer.from(`${i},${'x'.repeat(500)}\n`);
}
const usable = async (): Promise<void> => { expect(await connection.value('SELECT 7')).toBe('7'); };

test('reading: an error in the middle of the rows', async () => {
  const request = await reading("SELECT range AS a, CASE WHEN range = 400000 THEN error('broken') ELSE 'x' END AS b FROM range(500000)");
  await expect(collect(readParts(request))).rejects.toMatchObject({ code: 'ENGINE_ERROR', message: expect.stringContaining('broken') });
  await usable();
});

test('reading: a statement that fails at once', async () => {
  const request = await reading('SELECT 1 AS a', { relation: 'nowhere' });
  await expect(collect(readParts(request))).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
  await usable();
});

test('reading: the consumer leaves after the first part', async () => {
  for await (const part of readParts(await reading('SELECT range AS a FROM range(100000000)'))) {
    expect((await textOfPart(part)).startsWith('0\n1\n')).toBe(true);
    break;
  }
  await usable();
});

test('reading: cancelled before and while rows flow', async () => {
  const stop = new AbortController();
  const parts = readParts(await reading('SELECT range AS a FROM range(100000000)', { signal: stop.signal }));
  await parts.next();
  stop.abort(new SluiceError('CANCELLED'));
  await expect(collect(parts)).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(collect(readParts(await reading('SELECT 1 AS a', { signal: stop.signal })))).rejects.toMatchObject({ code: 'CANCELLED' });
  await usable();
});

test('reading: nothing at all', async () => {
  expect(await collect(readParts(await reading('SELECT 1 AS a LIMIT 0')))).toMatchObject({ text: '', rows: 0, parts: [] });
});

test('reading: parts held at the same time keep their bytes', async () => {
  const parts = readParts(await reading('SELECT range AS a FROM range(100000)', { partBytes: 100 }));
  const held: PartStream[] = [];
  for await (const part of parts) held.push(part);
  expect(held.length).toBeGreaterThan(3);
  const texts = [];
  for (const part of held) texts.push(await textOfPart(part));
  expect(texts.join('')).toBe(Array.from({ length: 100000 }, (_, i) => `${i}\n`).join(''));
  expect(held.map((part) => part.firstRow)).toEqual(held.map((_, i) => 1 + held.slice(0, i).reduce((sum, part) => sum + part.counts().read, 0)));
});

const feeding = (chunks: AsyncIterable<Uint8Array>, sql = statement, signal = never): Promise<number> =>
  feed({ connection, statement: sql, chunks, openPipe: createFifo, signal, context: { table: 'target' } });

test('writing: all goes well', async () => {
  let bytes = 0;
  expect(await feed({ connection, statement, chunks: lines(5000), openPipe: createFifo, signal: never, context: {}, progress: (count) => { bytes += count; } })).toBe(5000);
  expect(bytes).toBeGreaterThan(2_500_000);
  expect(await feeding(lines(0))).toBe(0);
});

test('writing: the statement fails before it opens the pipe', async () => {
  await expect(feeding(lines(100_000), () => 'INSERT INTO nowhere SELECT 1')).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
  await usable();
});

test('writing: the statement fails in the middle', async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* lines(200_000);
    yield Buffer.from('only one field\n');
    yield* lines(200_000);
  }
  await expect(feeding(broken())).rejects.toMatchObject({ code: 'CSV_FIELD_COUNT', at: { line: 200_001 } });
  await usable();
});

test.each([0, 1, 1000])('writing: the source fails after %i chunks', async (count) => {
  await connection.run('BEGIN');
  async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* lines(count);
    throw new SluiceError('COMPRESSION_CORRUPT', { source: 's', reason: 'r' });
  }
  await expect(feeding(failing())).rejects.toMatchObject({ code: 'COMPRESSION_CORRUPT' });
  await connection.run('ROLLBACK').catch(() => undefined);
  await usable();
});

test.each(['before', 'while the source waits', 'while rows flow'])('writing: cancelled %s', async (when) => {
  const stop = new AbortController();
  async function* slow(): AsyncGenerator<Uint8Array, void, undefined> {
    if (when === 'while the source waits') {
      yield Buffer.from('1,2\n');
      await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
    }
    for (;;) yield* lines(1000);
  }
  if (when === 'before') stop.abort();
  else setTimeout(() => stop.abort(), 100);
  await expect(feeding(slow(), statement, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  await usable();
});
