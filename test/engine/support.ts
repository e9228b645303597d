import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { EngineConnection } from '../../src/engine/engine-connection.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/engine.ts';
import type { PartStream } from '../../src/rows/part.ts';
import type { RowEncoding } from '../../src/rows/row-encoding.ts';

export const MEMORY = 300 * 1024 * 1024;
export const never = new AbortController().signal;

/** A folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function memoryEngine(): Promise<{ engine: Engine; connection: EngineConnection }> {
  const engine = await openEngine({ path: ':memory:', memoryLimitBytes: MEMORY, threads: 2 });
  return { engine, connection: await engine.connect() };
}

/** A part over bytes, handed over in chunks of `chunkBytes` whose memory is reused. */
export function partOf(text: string | Uint8Array, encoding: RowEncoding, options: { chunkBytes?: number; firstRow?: number; rows?: number } = {}): PartStream {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const size = options.chunkBytes ?? 64 * 1024;
  return {
    part: { index: 0, interval: { kind: 'whole' } },
    encoding,
    ...(options.firstRow === undefined ? {} : { firstRow: options.firstRow }),
    chunks: reusedChunks(bytes, size),
    counts: () => ({ read: options.rows ?? 0, skipped: 0, bytes: bytes.length }),
  };
}

async function* reusedChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    chunk.fill(0xff);
    chunk.set(piece);
    yield chunk.subarray(0, piece.length);
  }
}

export async function textOfPart(part: PartStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** The text and counts of all parts, in order. */
export async function collect(parts: AsyncIterable<PartStream>): Promise<{ text: string; rows: number; parts: PartStream[] }> {
  let text = '';
  let rows = 0;
  const seen: PartStream[] = [];
  for await (const part of parts) {
    text += await textOfPart(part);
    rows += part.counts().read;
    seen.push(part);
  }
  return { text, rows, parts: seen };
}
