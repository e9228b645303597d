import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import type { ErrorCode } from '../../src/errors/error-codes.ts';

/** A folder of the test's own, removed after it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-io-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** All bytes, copied chunk by chunk. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Uint8Array[] = [];
  for await (const chunk of chunks) copies.push(new Uint8Array(chunk));
  return Buffer.concat(copies);
}

export async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const count = Math.min(size, bytes.length - at);
    reused.set(bytes.subarray(at, at + count));
    yield reused.subarray(0, count);
    await Promise.resolve();
    reused.fill(0xee);
  }
}

/** The coded error that a promise is rejected with; anything else fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<SluiceError> {
  const error: unknown = await promise.then(
    () => new Error('it was fulfilled'),
    (reason: unknown) => reason,
  );
  if (error instanceof SluiceError) return error;
  throw error;
}

export async function rejectionCode(promise: Promise<unknown>): Promise<ErrorCode> {
  return (await rejection(promise)).code;
}

/** How many descriptors of this process lead into a folder. */
export async function openDescriptorsIn(folder: string): Promise<number> {
  const { readlink } = await import('node:fs/promises');
  const targets = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(folder)).length;
}

/** Bytes that compress a little and repeat nowhere at a power of two. */
export function sampleBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = (state >>> 24) & 0x1f;
  }
  return bytes;
}
