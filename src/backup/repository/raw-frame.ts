/** A zstd frame that holds its content as it is: what `zstd -d` reads without anything having been compressed. */

const FRAME_MAGIC = 0xfd2fb528;
/** The content's size in 4 bytes, one segment, no checksum: the chunk's own CRC covers the frame. */
const DESCRIPTOR = 0xa0;
const HEAD_BYTES = 9;
/** The longest block that the format allows. */
const BLOCK_BYTES = 128 * 1024;
const BLOCK_HEAD_BYTES = 3;

export function rawFrame(content: Uint8Array): Buffer {
  const blocks = Math.max(1, Math.ceil(content.length / BLOCK_BYTES));
  const frame = Buffer.allocUnsafeSlow(HEAD_BYTES + blocks * BLOCK_HEAD_BYTES + content.length);
  frame.writeUInt32LE(FRAME_MAGIC, 0);
  frame[4] = DESCRIPTOR;
  frame.writeUInt32LE(content.length, 5);
  let at = HEAD_BYTES;
  for (let block = 0; block < blocks; block++) {
    const bytes = content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    // The last one has bit 0; bits 1 and 2 are the kind: 0, as it is.
    frame.writeUIntLE(bytes.length * 8 + (block === blocks - 1 ? 1 : 0), at, BLOCK_HEAD_BYTES);
    frame.set(bytes, at + BLOCK_HEAD_BYTES);
    at += BLOCK_HEAD_BYTES + bytes.length;
  }
  return frame;
}
