/**
 * Decompression of LZ4 frames (those of the lz4 program and of pg_dump) as a stream, in constant memory: one block as it is stored, and its content behind the 64 KiB before it, to which
 * matches may refer. All frames and nothing else must follow one another; all checksums that are there are checked. Neither Node nor a maintained library has this as a stream.
 */
import type { ByteChunks } from './byte-chunks.ts';
import { decodeLz4Block } from './lz4-block.ts';
import { XxHash32 } from './xxhash32.ts';
import { CompressedDataError } from './zstd-frames.ts';

const FRAME_MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const WINDOW_BYTES = 64 * 1024;
const STORED_AS_IT_IS = 0x80000000;

interface FrameHeader {
  readonly linked: boolean;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
  readonly contentBytes: bigint | undefined;
  readonly blockBytes: number;
}

/** Yields the content, valid until the next pull. Closes `input` at its end. @throws CompressedDataError, and whatever `input` throws */
export async function* decompressLz4(input: ByteChunks): ByteChunks {
  const bytes = new InputBytes(input);
  let content = new Uint8Array(0);
  try {
    while (await bytes.some()) {
      const header = await readFrameHeader(bytes);
      if (header === undefined) continue;
      if (content.length < WINDOW_BYTES + header.blockBytes) content = new Uint8Array(WINDOW_BYTES + header.blockBytes);
      yield* readBlocks(bytes, header, content);
    }
  } finally {
    await input.return();
  }
}

async function* readBlocks(bytes: InputBytes, header: FrameHeader, content: Uint8Array): ByteChunks {
  const hash = header.contentChecksum ? new XxHash32() : undefined;
  let total = 0n;
  let window = 0; // bytes at the beginning of `content` that matches may refer to
  for (;;) {
    const size = (await bytes.take(4)).readUInt32LE();
    if (size === 0) break;
    const stored = await takeBlock(bytes, size, header);
    if (window + header.blockBytes > content.length) {
      content.copyWithin(0, window - WINDOW_BYTES, window);
      window = WINDOW_BYTES;
    }
    const start = header.linked ? window : 0;
    const end = putBlock(stored, size, content, start, start + header.blockBytes);
    const block = content.subarray(start, end);
    total += BigInt(block.length);
    hash?.update(block);
    if (block.length > 0) yield block;
    window = header.linked ? end : 0;
  }
  if (hash !== undefined && (await bytes.take(4)).readUInt32LE() !== hash.digest()) throw new CompressedDataError('the checksum does not fit');
  if (header.contentBytes !== undefined && header.contentBytes !== total) throw new CompressedDataError('it has another length than it says');
}

async function takeBlock(bytes: InputBytes, size: number, header: FrameHeader): Promise<Buffer> {
  const length = size % STORED_AS_IT_IS;
  if (length > header.blockBytes) throw new CompressedDataError('a block is longer than its frame allows');
  const taken = await bytes.take(length + (header.blockChecksums ? 4 : 0));
  const stored = taken.subarray(0, length);
  if (header.blockChecksums && taken.readUInt32LE(length) !== new XxHash32().update(stored).digest()) throw new CompressedDataError('the checksum of a block does not fit');
  return stored;
}

function putBlock(stored: Buffer, size: number, content: Uint8Array, start: number, limit: number): number {
  if (size < STORED_AS_IT_IS) return decodeLz4Block(stored, content, start, limit);
  content.set(stored, start);
  return start + stored.length;
}

/** Undefined for a skippable frame, which is passed over. */
async function readFrameHeader(bytes: InputBytes): Promise<FrameHeader | undefined> {
  const magic = (await bytes.take(4)).readUInt32LE();
  if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) {
    await bytes.skip((await bytes.take(4)).readUInt32LE());
    return undefined;
  }
  if (magic !== FRAME_MAGIC) throw new CompressedDataError('bytes that are no LZ4 frame');
  const fixed = Buffer.from(await bytes.take(2));
  const [flags, sizes] = fixed;
  if (flags >> 6 !== 1 || (flags & 0x02) !== 0 || (sizes & 0x8f) !== 0 || sizes >> 4 < 4) throw new CompressedDataError('its frame is of an unknown kind');
  if ((flags & 0x01) !== 0) throw new CompressedDataError('it was compressed with a dictionary');
  const contentSize = (flags & 0x08) !== 0 ? Buffer.from(await bytes.take(8)) : Buffer.alloc(0);
  const expected = (new XxHash32().update(fixed).update(contentSize).digest() >>> 8) & 0xff;
  if ((await bytes.take(1))[0] !== expected) throw new CompressedDataError('the checksum of its header does not fit');
  return {
    linked: (flags & 0x20) === 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentBytes: contentSize.length > 0 ? contentSize.readBigUInt64LE() : undefined,
    contentChecksum: (flags & 0x04) !== 0,
    blockBytes: 1 << (2 * (sizes >> 4) + 8),
  };
}

/** A stream of chunks as exact numbers of bytes. */
class InputBytes {
  readonly #chunks: ByteChunks;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #gathered = Buffer.alloc(0);

  constructor(chunks: ByteChunks) {
    this.#chunks = chunks;
  }

  /** Whether there is another byte. */
  async some(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return true;
  }

  /** Valid until the next call. */
  async take(count: number): Promise<Buffer> {
    if (this.#chunk.length - this.#at >= count) return this.#part(count);
    if (this.#gathered.length < count) this.#gathered = Buffer.allocUnsafeSlow(count);
    for (let done = 0; done < count; ) {
      if (!(await this.some())) throw endsEarly();
      const part = this.#part(Math.min(count - done, this.#chunk.length - this.#at));
      part.copy(this.#gathered, done);
      done += part.length;
    }
    return this.#gathered.subarray(0, count);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      if (!(await this.some())) throw endsEarly();
      left -= this.#part(Math.min(left, this.#chunk.length - this.#at)).length;
    }
  }

  #part(count: number): Buffer {
    const start = this.#chunk.byteOffset + this.#at;
    this.#at += count;
    return Buffer.from(this.#chunk.buffer, start, count);
  }
}

function endsEarly(): CompressedDataError {
  return new CompressedDataError('it ends too early');
}
