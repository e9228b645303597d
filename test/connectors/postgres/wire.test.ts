import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CopyBuffers } from '../../../src/connectors/postgres/copy-buffers.ts';
import type { OpenSocket, ReceiveListener } from '../../../src/connectors/postgres/socket.ts';
import { Wire } from '../../../src/connectors/postgres/wire.ts';

/** A socket that delivers what the test says, into memory that is used again. */
class ScriptedSocket extends EventEmitter implements OpenSocket {
  readonly encrypted = false;
  readonly socket = this as unknown as OpenSocket['socket'];
  readonly #memory = Buffer.alloc(1 << 20);
  #listener: ReceiveListener | undefined;
  #waiting: Buffer[] = [];
  #isPaused = false;

  receive(listener: ReceiveListener): void {
    this.#listener = listener;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => this.#deliver());
  }

  bring(pieces: readonly Buffer[]): void {
    this.#waiting.push(...pieces);
    this.#deliver();
  }

  #deliver(): void {
    while (!this.#isPaused && this.#waiting.length > 0) {
      const piece = this.#waiting.shift() as Buffer;
      this.#memory.fill(0xee);
      piece.copy(this.#memory);
      this.#listener?.(this.#memory, piece.length);
    }
  }
}

function message(type: string, body: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

interface Outcome {
  readonly rows: Buffer;
  readonly messages: number;
  readonly passed: Buffer;
}

/** What comes out of the wire when these pieces go in. */
async function run(pieces: readonly Buffer[], expectedRows: number): Promise<Outcome> {
  const socket = new ScriptedSocket();
  const wire = new Wire(socket);
  const passed: Buffer[] = [];
  wire.on('data', (bytes: Buffer) => passed.push(bytes));
  const buffers = new CopyBuffers(() => wire.resume());
  buffers.restart();
  wire.divertCopyData(buffers);
  const rows: Buffer[] = [];
  const consumer = (async (): Promise<void> => {
    const { signal } = new AbortController();
    for (let chunk = await buffers.next(signal); chunk !== undefined; chunk = await buffers.next(signal)) rows.push(Buffer.from(chunk));
  })();
  socket.bring(pieces);
  // The end is known by the last message that is not a row.
  while (!Buffer.concat(passed).toString().endsWith('END')) await new Promise((resolve) => setImmediate(resolve));
  expect(buffers.messages).toBe(expectedRows);
  buffers.end();
  await consumer;
  return { rows: Buffer.concat(rows), messages: buffers.messages, passed: Buffer.concat(passed) };
}

describe('rows and messages are told apart', () => {
  const bodies = ['', 'a', 'ab\n', 'x'.repeat(300), 'd'.repeat(9), 'C\0\0\0\rCOPY 5'].map((text) => Buffer.from(text));
  const stream = Buffer.concat([message('H', Buffer.from([0, 0, 0])), ...bodies.map((body) => message('d', body)), message('N', Buffer.from('notice')), message('d', Buffer.from('last')), message('c', Buffer.alloc(0)), message('C', Buffer.from('END'))]);
  const rows = Buffer.concat([...bodies, Buffer.from('last')]);
  const others = Buffer.concat([message('H', Buffer.from([0, 0, 0])), message('N', Buffer.from('notice')), message('c', Buffer.alloc(0)), message('C', Buffer.from('END'))]);

  test('cut at every byte', async () => {
    for (let at = 0; at <= stream.length; at++) {
      const outcome = await run(cut(stream, [at]), bodies.length + 1);
      expect(outcome.rows.equals(rows)).toBe(true);
      expect(outcome.passed.equals(others)).toBe(true);
    }
  });

  test('byte by byte', async () => {
    const outcome = await run([...stream].map((byte) => Buffer.from([byte])), bodies.length + 1);
    expect(outcome.rows.equals(rows)).toBe(true);
    expect(outcome.passed.equals(others)).toBe(true);
  });
});

test('any rows, any cuts, also rows larger than the buffers', async () => {
  const row = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.nat(700_000).map((length) => new Uint8Array(length).fill(length % 251)));
  await fc.assert(fc.asyncProperty(fc.array(row, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 8 }), async (bodies, positions) => {
    const stream = Buffer.concat([...bodies.map((body) => message('d', body)), message('C', Buffer.from('END'))]);
    // No piece may be larger than the socket's memory.
    const edges = [...positions.map((position) => position % stream.length), ...Array.from({ length: Math.floor(stream.length / (1 << 20)) }, (_, i) => (i + 1) << 20)];
    const outcome = await run(cut(stream, edges), bodies.length);
    expect(outcome.rows.equals(Buffer.concat(bodies))).toBe(true);
  }), { numRuns: 60 });
});

test('rows that nobody wants are dropped, and the messages behind them still pass', async () => {
  const socket = new ScriptedSocket();
  const wire = new Wire(socket);
  const passed: Buffer[] = [];
  wire.on('data', (bytes: Buffer) => passed.push(bytes));
  socket.bring([Buffer.concat([message('d', Buffer.alloc(1000)), message('d', Buffer.alloc(3)), message('Z', Buffer.from('I'))])]);
  expect(Buffer.concat(passed)).toEqual(message('Z', Buffer.from('I')));
});
