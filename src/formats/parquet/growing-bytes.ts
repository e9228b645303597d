/** Bytes that are appended to, with the views that tight loops write through. Callers reserve, write at `used`, and move `used` on. */

/** A buffer that one huge value made this large is not kept. */
const LARGEST_KEPT_BYTES = 1024 * 1024;

export class GrowingBytes {
  bytes: Buffer;
  view: DataView;
  used = 0;
  readonly #firstBytes: number;

  constructor(firstBytes: number) {
    this.#firstBytes = firstBytes;
    this.bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.view = viewOf(this.bytes);
  }

  reserve(count: number): void {
    const needed = this.used + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  filled(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  clear(): void {
    this.used = 0;
    if (this.bytes.length <= LARGEST_KEPT_BYTES) return;
    this.bytes = Buffer.allocUnsafeSlow(this.#firstBytes);
    this.view = viewOf(this.bytes);
  }
}

/** Gives the memory of a buffer back at once instead of when it is collected: pages come faster than collections. Only for buffers that are nobody else's. */
export function release(bytes: Buffer): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
