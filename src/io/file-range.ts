/**
 * Reads a range of a regular file with one chunk of read-ahead: two buffers take turns, so that the kernel copies the next chunk
 * in a thread while the consumer works on this one.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { SluiceError } from '../errors/sluice-error.ts';
import type { ByteChunks } from './byte-chunks.ts';
import { throwIfCancelled } from './cancellation.ts';
import { sourceError } from './system-errors.ts';

export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly chunkBytes: number;
  /** What the file must still be before and after (see `fingerprintOf`). */
  readonly fingerprint: string;
  readonly signal?: AbortSignal | undefined;
}

/** Size and modification time: what changes when somebody writes to a file. */
export function fingerprintOf(stat: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stat.size}-${stat.mtimeNs}`;
}

/**
 * Buffers for reads, used again by the next read of any source: a file that is read in a thousand parts, or a folder of a thousand files, would otherwise leave
 * a thousand pairs to the garbage collector. Only buffers whose consumer has provably moved on come back.
 */
class ReadBuffers {
  readonly #free: Buffer[] = [];

  /** At least so many bytes, but not many times as many: those are for larger reads. */
  take(bytes: number): Buffer {
    const at = this.#free.findLastIndex((buffer) => buffer.length >= bytes && buffer.length <= 4 * Math.max(bytes, 64 * 1024));
    return at < 0 ? Buffer.allocUnsafeSlow(bytes) : this.#free.splice(at, 1)[0];
  }

  giveBack(buffer: Buffer | undefined): void {
    if (buffer === undefined) return;
    if (this.#free.length === 8) this.#free.shift(); // of a size that is not asked for any more, perhaps
    this.#free.push(buffer);
  }
}

const buffers = new ReadBuffers();

/** @throws SluiceError SOURCE_CHANGED, SOURCE_NOT_FOUND, SOURCE_UNREADABLE, CANCELLED */
export async function* readFileRange(range: FileRange): ByteChunks {
  throwIfCancelled(range.signal);
  const { path, start, end } = range;
  const chunkBytes = Math.min(range.chunkBytes, Math.max(end - start, 1));
  const file = await open(path, 'r').catch((error: unknown) => {
    throw sourceError(error, path);
  });
  let ahead: Promise<number> | undefined;
  try {
    await refuseChange(file, range);
    let current = buffers.take(chunkBytes);
    let spare: Buffer | undefined;
    let position = start;
    if (position < end) ahead = fill(file, current.subarray(0, chunkBytes), position, end);
    while (position < end) {
      const count = await ahead!;
      if (count === 0) throw changed(path, position);
      throwIfCancelled(range.signal);
      const chunk = current.subarray(0, count);
      position += count;
      if (position < end) {
        spare ??= buffers.take(chunkBytes);
        ahead = fill(file, spare.subarray(0, chunkBytes), position, end);
      }
      yield chunk;
      [current, spare] = [spare ?? current, current];
    }
    await refuseChange(file, range);
    buffers.giveBack(current);
    if (spare !== current) buffers.giveBack(spare);
  } catch (error) {
    throw sourceError(error, path);
  } finally {
    // A read that is under way must end first: its descriptor could be given to another file.
    await ahead?.catch(() => undefined);
    await file.close();
  }
}

function fill(file: FileHandle, buffer: Buffer, position: number, end: number): Promise<number> {
  const reading = file.read(buffer, 0, Math.min(buffer.length, end - position), position).then((result) => result.bytesRead);
  reading.catch(() => undefined); // it is awaited at the next pull, which may come late or never
  return reading;
}

async function refuseChange(file: FileHandle, range: FileRange): Promise<void> {
  if (fingerprintOf(await file.stat({ bigint: true })) !== range.fingerprint) throw changed(range.path);
}

function changed(path: string, byte?: number): SluiceError {
  return new SluiceError('SOURCE_CHANGED', { source: path }, byte === undefined ? { file: path } : { file: path, byte });
}
