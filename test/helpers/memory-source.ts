import type { ByteSource } from '../../src/io/byte-source.ts';

export interface MemorySourceOptions {
  readonly name?: string;
  /** Bytes of a chunk; 1 cuts everywhere. Default 64 KiB. */
  readonly chunkBytes?: number;
  /** Default true; false behaves like standard input: one `read()`, no ranges, no size. */
  readonly repeatable?: boolean;
  /** Default as `repeatable`. */
  readonly seekable?: boolean;
}

/**
 * A ByteSource over bytes in memory. It holds the contract as hard as it can: each chunk is overwritten at the next pull, and a source that
 * is not repeatable refuses its second `read()`.
 */
export function memorySource(content: Uint8Array | string, options: MemorySourceOptions = {}): ByteSource {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const name = options.name ?? 'memory.txt';
  const base = name.split('/').at(-1)!;
  const dot = base.lastIndexOf('.');
  const repeatable = options.repeatable ?? true;
  const seekable = options.seekable ?? repeatable;
  let reads = 0;
  return {
    name,
    stem: dot < 0 ? base : base.slice(0, dot),
    extension: dot < 0 ? '' : base.slice(dot + 1).toLowerCase(),
    compression: 'none',
    ...(repeatable ? { storedBytes: bytes.length, bytes: bytes.length } : {}),
    seekable,
    repeatable,
    async *read({ start = 0, end = bytes.length, chunkBytes = options.chunkBytes ?? 64 * 1024, signal } = {}) {
      if (!repeatable && ++reads > 1) throw new Error('the source can be read once only');
      if (!seekable && (start !== 0 || end !== bytes.length)) throw new Error('the source is not seekable');
      const size = Math.min(chunkBytes, options.chunkBytes ?? chunkBytes);
      const chunk = new Uint8Array(size);
      for (let at = start; at < Math.min(end, bytes.length); at += size) {
        signal?.throwIfAborted();
        const part = bytes.subarray(at, Math.min(at + size, end, bytes.length));
        chunk.fill(0xff);
        chunk.set(part);
        yield chunk.subarray(0, part.length);
      }
    },
    head: async (count) => bytes.subarray(0, count),
    close: async () => {},
  };
}
