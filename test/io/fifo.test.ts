import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { createFifo, type Fifo } from '../../src/io/fifo.ts';
import { chunksOf, gather, openDescriptorsIn, rejection, rejectionCode, sampleBytes, temporaryFolder } from './support.ts';

const bytes = sampleBytes(1_000_000);

async function fifo(signal?: AbortSignal): Promise<Fifo> {
  const pipe = await createFifo(signal);
  onTestFinished(() => pipe.close());
  return pipe;
}

/** A foreign program that opens the pipe as an engine does: blocking. */
function foreign(command: string, path: string): ChildProcess {
  const child = spawn('sh', ['-c', command, 'sh', path], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

const ended = async (child: ChildProcess): Promise<number | null> => (child.exitCode !== null || child.signalCode !== null ? child.exitCode : ((await once(child, 'exit'))[0] as number | null));

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield bytes;
}

test('the pipe is private to the user and leaves nothing behind', async () => {
  const pipe = await fifo();
  expect(statSync(pipe.path).isFIFO()).toBe(true);
  expect(statSync(pipe.path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(pipe.path)).mode & 0o777).toBe(0o700);
  await pipe.close();
  await pipe.close();
  expect(existsSync(dirname(pipe.path))).toBe(false);
});

describe('reading what another writes', () => {
  test('a program', async () => {
    const file = join(await temporaryFolder(), 'data');
    await writeFile(file, bytes);
    const pipe = await fifo();
    const writer = spawn('sh', ['-c', 'exec cat "$1" > "$2"', 'sh', file, pipe.path]);
    expect((await gather(pipe.readChunks())).equals(bytes)).toBe(true);
    expect(await ended(writer)).toBe(0);
    await pipe.close();
    expect(await openDescriptorsIn(dirname(pipe.path))).toBe(0);
  });

  test('this process, with a writer that blocks a thread', async () => {
    const pipe = await fifo();
    const writer = createWriteStream(pipe.path);
    const written = once(writer, 'close');
    writer.end(bytes);
    expect((await gather(pipe.readChunks())).equals(bytes)).toBe(true);
    await written;
  });

  test('chunks share one memory, and stay until the next pull', async () => {
    const pipe = await fifo();
    createWriteStream(pipe.path).end(bytes);
    const memories = new Set<ArrayBufferLike>();
    let at = 0;
    for await (const chunk of pipe.readChunks()) {
      memories.add(chunk.buffer);
      await new Promise((resolve) => setImmediate(resolve));
      expect(bytes.subarray(at, at + chunk.length).equals(chunk)).toBe(true);
      at += chunk.length;
    }
    expect([at, memories.size]).toEqual([bytes.length, 1]);
  });

  test('a writer that writes nothing', async () => {
    const pipe = await fifo();
    foreign(': > "$1"', pipe.path);
    expect(await gather(pipe.readChunks())).toHaveLength(0);
  });

  test('a writer that dies half way looks like an end', async () => {
    const pipe = await fifo();
    foreign('{ printf half; kill -9 $$; } > "$1"', pipe.path);
    expect((await gather(pipe.readChunks())).toString()).toBe('half');
  });

  test('a writer that never comes: close ends the read, with the reason', async () => {
    const pipe = await fifo();
    const reading = gather(pipe.readChunks());
    setTimeout(() => void pipe.close(new SluiceError('ENGINE_ERROR', { reason: 'no such table' })), 20);
    expect(await rejection(reading)).toMatchObject({ code: 'ENGINE_ERROR', facts: { reason: 'no such table' } });
  });

  test('a reader that leaves breaks the pipe of the writer', async () => {
    const pipe = await fifo();
    const writer = foreign('exec cat /dev/zero > "$1"', pipe.path);
    for await (const chunk of pipe.readChunks()) if (chunk.length > 0) break;
    await pipe.close();
    expect(await ended(writer)).not.toBe(0);
  });

  test('a writer that waits in open for a reader that never reads is freed by close', async () => {
    const pipe = await fifo();
    const writer = foreign('exec cat /dev/zero > "$1"', pipe.path);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await pipe.close();
    expect(await ended(writer)).not.toBe(0);
  });

  test('writers in this process that hold all threads of libuv are freed by close', async () => {
    const pipes = await Promise.all(Array.from({ length: 8 }, () => fifo()));
    const closed = pipes.map((pipe) => {
      const writer = createWriteStream(pipe.path).on('error', () => undefined);
      writer.end(bytes);
      return new Promise<void>((resolve) => {
        writer.on('close', resolve);
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await Promise.all(pipes.map((pipe) => pipe.close()));
    await Promise.all(closed);
    expect(await readFile(import.meta.filename)).not.toHaveLength(0); // by one of those threads
  });

  test('pipes are opened although all threads of libuv wait for that', async () => {
    const pipes = await Promise.all(Array.from({ length: 4 }, () => fifo()));
    const readers = pipes.map((pipe) => gather(createReadStream(pipe.path) as AsyncIterable<Buffer>));
    await Promise.all(pipes.map((pipe) => pipe.writeChunks(chunksOf(bytes, 50_000))));
    expect((await Promise.all(readers)).every((read) => read.equals(bytes))).toBe(true);
  });
});

describe('writing what another reads', () => {
  test('a program', async () => {
    const pipe = await fifo();
    const { stdout } = promisify(execFile)('sha256sum', [pipe.path]).child;
    const sum = stdout!.setEncoding('utf8').toArray() as Promise<string[]>;
    await pipe.writeChunks(chunksOf(bytes, 30_000));
    const { createHash } = await import('node:crypto');
    expect((await sum).join('').slice(0, 64)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('this process, with a reader that blocks a thread', async () => {
    const pipe = await fifo();
    const reading = gather(createReadStream(pipe.path) as AsyncIterable<Buffer>);
    await pipe.writeChunks(chunksOf(bytes, 100_000));
    expect((await reading).equals(bytes)).toBe(true);
    await pipe.close();
    expect(await openDescriptorsIn(dirname(pipe.path))).toBe(0);
  });

  test('a reader that comes late, and no chunks at all', async () => {
    const pipe = await fifo();
    const writing = pipe.writeChunks(chunksOf(Buffer.alloc(0), 1));
    await new Promise((resolve) => setTimeout(resolve, 60));
    const reader = foreign('test -z "$(cat "$1")"', pipe.path);
    await writing;
    expect(await ended(reader)).toBe(0);
  });

  test('a reader that never comes: close ends the write, and the producer is closed', async () => {
    const pipe = await fifo();
    const writing = pipe.writeChunks(endless());
    setTimeout(() => void pipe.close(), 20);
    expect(await rejectionCode(writing)).toBe('CANCELLED');
  });

  test('a reader that leaves half way', async () => {
    const pipe = await fifo();
    let closed = false;
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* endless();
      } finally {
        closed = true;
      }
    };
    foreign('exec head -c 100000 "$1"', pipe.path);
    expect(await rejectionCode(pipe.writeChunks(chunks()))).toBe('OUTPUT_CLOSED');
    expect(closed).toBe(true);
  });

  test('a reader that stops reading: close ends the write', async () => {
    const pipe = await fifo();
    foreign('exec sleep 60 < "$1"', pipe.path);
    const writing = pipe.writeChunks(endless());
    setTimeout(() => void pipe.close(), 100);
    expect(await rejectionCode(writing)).toBe('CANCELLED');
  });

  test('a producer that is stuck: close ends the write and gives the reader its end', async () => {
    const pipe = await fifo();
    const reader = foreign('exec cat "$1"', pipe.path);
    const stuck = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 10);
      await new Promise(() => undefined);
    };
    const writing = pipe.writeChunks(stuck());
    setTimeout(() => void pipe.close(), 50);
    expect(await rejectionCode(writing)).toBe('CANCELLED');
    expect(await ended(reader)).toBe(0);
  });

  test('a producer that fails: its error comes out, the reader gets an end', async () => {
    const pipe = await fifo();
    const reader = foreign('exec cat "$1"', pipe.path);
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new SluiceError('SOURCE_CHANGED', { source: 'x' });
    };
    expect(await rejectionCode(pipe.writeChunks(failing()))).toBe('SOURCE_CHANGED');
    expect(await ended(reader)).toBe(0);
  });

  test('a reader that waits in open for a writer that never writes is freed by close', async () => {
    const pipe = await fifo();
    const reader = foreign('exec cat "$1"', pipe.path);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await pipe.close();
    expect(await ended(reader)).toBe(0);
  });
});

test('a program that opens the pipe after close finds nothing', async () => {
  const pipe = await fifo();
  await pipe.close();
  expect(await ended(foreign('exec cat "$1"', pipe.path))).not.toBe(0);
  expect(await ended(foreign('exec echo > "$1"', pipe.path))).not.toBe(0);
});

test('the signal of the run ends both directions', async () => {
  const stop = new AbortController();
  const [reads, writes] = [await fifo(stop.signal), await fifo(stop.signal)];
  const pending = [gather(reads.readChunks()), writes.writeChunks(endless())];
  setTimeout(() => stop.abort(), 20);
  expect(await Promise.all(pending.map(rejectionCode))).toEqual(['CANCELLED', 'CANCELLED']);
  await expect(createFifo(stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
});
