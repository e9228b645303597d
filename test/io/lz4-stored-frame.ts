import { XxHash32 } from '../../src/io/xxhash32.ts';

/** A frame with the content in stored blocks of 64 KiB, and all checksums. */
export function storedFrame(content: Buffer): Buffer {
  const descriptor = Buffer.from([0x74, 0x40]);
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return bytes;
  };
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length; at += 65_536) {
    const block = content.subarray(at, at + 65_536);
    blocks.push(word(0x80000000 + block.length), block, word(new XxHash32().update(block).digest()));
  }
  const check = Buffer.from([(new XxHash32().update(descriptor).digest() >>> 8) & 0xff]);
  return Buffer.concat([word(0x184d2204), descriptor, check, ...blocks, word(0), word(new XxHash32().update(content).digest())]);
}
