import type { ByteSource } from '../../src/io/byte-source.ts';

/** A seekable source of any size that repeats one line after a head; nothing of it is stored. For positions beyond 32 bits. */
export function hugeSource(name: string, head: string, line: string, size: number): ByteSource {
  const first = Buffer.from(head);
  const block = Buffer.from(line.repeat(Math.ceil(65_536 / line.length)));
  const lineBytes = Buffer.byteLength(line);
  const lines = Math.floor((size - first.length) / lineBytes);
  const bytes = first.length + lines * lineBytes;
  const dot = name.lastIndexOf('.');
  const source: ByteSource = {
    name, stem: name.slice(0, dot), extension: name.slice(dot + 1), compression: 'none', storedBytes: bytes, bytes, seekable: true, repeatable: true,
    async *read({ start = 0, end = bytes, chunkBytes = 65_536, signal } = {}) {
      if (start < 0 || end > bytes || !Number.isSafeInteger(start)) throw new RangeError(`read from ${start} to ${end}`);
      for (let at = start; at < end;) {
        signal?.throwIfAborted();
        const from = at < first.length ? first : block;
        const offset = at < first.length ? at : (at - first.length) % lineBytes;
        const chunk = from.subarray(offset, Math.min(from.length, offset + chunkBytes, offset + end - at));
        yield new Uint8Array(chunk);
        at += chunk.length;
      }
    },
    async head(count) {
      const pieces: Uint8Array[] = [];
      for await (const piece of source.read({ end: Math.min(count, bytes) })) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    close: async () => {},
  };
  return source;
}
