import type { ByteSource } from '../../io/byte-source.ts';

/** How much of a source that can be read only once may be looked at in advance, at most: it stays in memory until it is read. */
const HEAD_LIMIT = 16 * 1024 * 1024;

class HeadExhausted extends Error {}

/** Thrown where more of the head was wanted than may be held. Never leaves this folder. */
export const HEAD_EXHAUSTED: Error = new HeadExhausted('the head of the source is exhausted');

/** The beginning of a source that must not be consumed: more and more of its head, as long as it is pulled. Ends only where the source ends. */
export async function* headChunks(source: ByteSource, firstBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let seen = 0;
  for (let bytes = firstBytes; bytes <= HEAD_LIMIT; bytes *= 2) {
    const head = await source.head(bytes);
    if (head.length > seen) yield head.subarray(seen);
    seen = head.length;
    if (seen < bytes) return;
  }
  throw HEAD_EXHAUSTED;
}
