/** Ways to look at, keep and cut a stream of chunks whose memory the producer reuses. */

import { throwIfCancelled } from './cancellation.ts';

export type ByteChunks = AsyncGenerator<Uint8Array, void, undefined>;

export const DEFAULT_CHUNK_BYTES = 256 * 1024;

/** A copy, whatever the chunk is: `slice` of a Buffer shares its memory, of a Uint8Array it does not. */
export function copyOf(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk);
}

/**
 * The same chunks; `release` is called when the iteration ends, also early, before the chunks are closed. By hand and not by `yield*` or
 * `for await`, which close first: that would wait for a pull of the layers below which only `release` can end. When `signal` was aborted
 * meanwhile, an end is no end: the chunks may have been closed from the side.
 */
export async function* releasing(chunks: ByteChunks, signal: AbortSignal, release: () => void): ByteChunks {
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    throwIfCancelled(signal);
  } finally {
    release();
    await chunks.return();
  }
}

/** The same bytes in chunks of at most `limit`. */
export async function* limitChunks(chunks: ByteChunks, limit: number): ByteChunks {
  for await (const chunk of chunks) {
    if (chunk.length <= limit) yield chunk;
    else for (let at = 0; at < chunk.length; at += limit) yield chunk.subarray(at, at + limit);
  }
}

/**
 * Looks at the beginning of a stream that can be read only once. What was looked at is copied, kept, and yielded again by `rest`.
 * `peek` and `rest` are called one after the other, never at the same time.
 */
export class PeekableBytes {
  readonly #chunks: ByteChunks;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #ended = false;

  constructor(chunks: ByteChunks) {
    this.#chunks = chunks;
  }

  /** Up to `bytes` from the start; fewer only when the stream has fewer. */
  async peek(bytes: number): Promise<Uint8Array> {
    while (this.#keptBytes < bytes && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#ended = true;
      } else {
        this.#kept.push(copyOf(next.value));
        this.#keptBytes += next.value.length;
      }
    }
    if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept)];
    return copyOf((this.#kept[0] ?? new Uint8Array(0)).subarray(0, bytes));
  }

  /** Everything from the start; ends the use of this object. */
  async *rest(): ByteChunks {
    try {
      for (let chunk = this.#kept.shift(); chunk !== undefined; chunk = this.#kept.shift()) yield chunk;
      if (!this.#ended) yield* this.#chunks;
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#kept = [];
    this.#keptBytes = 0;
    this.#ended = true;
    await this.#chunks.return();
  }
}
