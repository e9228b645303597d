import type { Transform } from 'node:stream';

/** What a zlib stream of Node is to us. Gzip, Gunzip, ZstdCompress and ZstdDecompress all are one. */
export type ZlibStream = Transform & { readonly bytesWritten: number };

/**
 * Gives bytes to a zlib stream and waits until it has consumed them, so that their memory can be reused. Answers false when the
 * stream did not take all: it was destroyed, or it came to the end of its data before the end of these bytes.
 */
export function feed(stream: ZlibStream, bytes: Uint8Array): Promise<boolean> {
  if (stream.destroyed || stream.readableEnded) return Promise.resolve(false);
  const before = stream.bytesWritten; // counts what zlib has consumed; the callback of a write comes also when it has refused the rest
  return new Promise((resolve) => {
    const stopped = (): void => settle(false);
    const settle = (taken: boolean): void => {
      stream.off('close', stopped).off('end', stopped);
      resolve(taken);
    };
    stream.once('close', stopped).once('end', stopped);
    stream.write(bytes, (error) => settle(error == null && stream.bytesWritten - before === bytes.length));
  });
}

/**
 * Gives the memory of an output chunk back at once instead of at the next garbage collection. Native memory does not press on the
 * collector hard enough: at several hundred MB/s a process would otherwise grow by tens of megabytes. Only for chunks that own their
 * ArrayBuffer together with chunks that were consumed before.
 */
export function releaseMemory(buffer: ArrayBufferLike | undefined): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
