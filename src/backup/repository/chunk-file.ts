/**
 * The bytes of a chunk's object: a zstd skippable frame of 32 bytes that says what follows, and one zstd frame with the content. Decompressors pass over skippable frames, so
 * `zstd -d` alone gives the content back, except where a filter was applied (docs/backup-format.md, "Chunks" and "Filters").
 *
 *    0  u32 LE  0x184D2A5C, skippable frame   16  u32 LE  CRC-32 of everything behind it
 *    4  u32 LE  24, bytes that follow         20  u32 LE  bytes of the zstd frame
 *    8  'SLCK'                                24  u64 LE  bytes of the content
 *   12  version 1, filter, 0, 0               32  the zstd frame, with content size and checksum
 *
 * The CRC finds flipped bits that a decompressor would not mind. That the content is the right one only its SHA-256 proves, which is the chunk's name.
 */
import { constants, crc32, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { releaseMemory } from '../../io/zlib-feed.ts';
import { applyFilter, filterById, removeFilter, type Filter } from './filter.ts';
import { rawFrame } from './raw-frame.ts';

export const HEADER_BYTES = 32;
const SKIPPABLE_MAGIC = 0x184d2a5c;
const KIND = Buffer.from('SLCK');
const VERSION = 1;
const CRC_COVERS_FROM = 20;

/** No content is longer, so that a damaged length cannot make a reader ask for more memory. */
export const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

const SHARED_MEMORY_BYTES = 64 * 1024;

/** Of what zstd gives: each is a turn of the event loop. */
const DECOMPRESSED_PIECE_BYTES = 256 * 1024;
/** What Node asks for. */
const LEAST_PIECE_BYTES = 64;

/** Says for people what is wrong with a chunk; the caller knows which it is. */
export class ChunkDamage extends Error {
  override readonly name = 'ChunkDamage';
}

export interface ChunkHeader {
  readonly filter: number;
  readonly crc: number;
  readonly frameBytes: number;
  readonly contentBytes: number;
}

/** How zstd's output comes: pieces of it are used up, and what lies ready to be written is not much more than there is. A buffer for the longest output would press on the collector three times as hard. */
const PIECE_BYTES = 256 * 1024;

/**
 * Header, and the frame in pieces, all to be stored one after the other. Those that are large have memory of their own (`releaseLarge`).
 * @param level of zstd, 1 to 22; 0: the content as it is, without compression and filter
 */
export async function encodeChunk(content: Uint8Array, level: number, filter: Filter | undefined): Promise<readonly [header: Buffer, ...frame: Buffer[]]> {
  if (level === 0) {
    const frame = rawFrame(content);
    return [headerOf([frame], content.length, 0), frame];
  }
  const filtered = applyFilter(content, filter);
  const frame = await compressed(filtered.bytes, level);
  if (filtered.bytes !== content) releaseMemory(filtered.bytes.buffer);
  return [headerOf(frame, content.length, filtered.id), ...frame];
}

/**
 * Level 1 with a window that stays in the processor's cache, and longer matches: rows repeat what is in the rows just before them. Measured on COPY streams of ordinary rows, binary and text: a tenth less time than
 * zstd's own level 1, and 1% less bytes.
 */
const QUICKEST = { [constants.ZSTD_c_windowLog]: 17, [constants.ZSTD_c_hashLog]: 13, [constants.ZSTD_c_minMatch]: 6 };

/** By a stream, which gives its own memory away: the function for it copies what it has, and leaves the rest to the collector. */
async function compressed(bytes: Uint8Array, level: number): Promise<Buffer[]> {
  const stream = createZstdCompress({
    chunkSize: Math.min(PIECE_BYTES, compressBound(bytes.length)), pledgedSrcSize: bytes.length, params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1, ...(level === 1 ? QUICKEST : {}) },
  });
  stream.end(bytes);
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  return pieces;
}

/** @throws ChunkDamage */
export function decodeHeader(bytes: Buffer): ChunkHeader {
  if (bytes.length < HEADER_BYTES) throw new ChunkDamage('it is cut off in its header');
  if (bytes.readUInt32LE(0) !== SKIPPABLE_MAGIC || bytes.readUInt32LE(4) !== HEADER_BYTES - 8 || !bytes.subarray(8, 12).equals(KIND)) throw new ChunkDamage('its header is not that of a chunk');
  if (bytes[12] !== VERSION || bytes[14] !== 0 || bytes[15] !== 0) throw new ChunkDamage(`its header has version ${bytes[12]}, which is unknown`);
  if (filterById(bytes[13]) === undefined) throw new ChunkDamage(`its header names filter ${bytes[13]}, which is unknown`);
  const contentBytes = Number(bytes.readBigUInt64LE(24));
  if (contentBytes > MAX_CONTENT_BYTES) throw new ChunkDamage(`its header says ${contentBytes} bytes, more than a chunk can have`);
  return { filter: bytes[13], crc: bytes.readUInt32LE(16), frameBytes: bytes.readUInt32LE(20), contentBytes };
}

/** The content; that it is the right one is still to be checked. @throws ChunkDamage */
export async function decodeChunk(bytes: Buffer): Promise<Buffer> {
  const header = decodeHeader(bytes);
  if (bytes.length !== HEADER_BYTES + header.frameBytes) throw new ChunkDamage(`it has ${bytes.length} bytes, and its header says ${HEADER_BYTES + header.frameBytes}`);
  if (crcOf(bytes.subarray(0, HEADER_BYTES), [bytes.subarray(HEADER_BYTES)]) !== header.crc) throw new ChunkDamage('its CRC-32 is another');
  // A filter adds at most 8 bytes to a run of 64 or more, and a head.
  const most = header.filter === 0 ? header.contentBytes : header.contentBytes + Math.ceil(header.contentBytes / 4) + 64;
  const filtered = await decompressed(bytes.subarray(HEADER_BYTES), most);
  const content = removeFilter(filtered, header.filter, header.contentBytes);
  if (content?.length !== header.contentBytes) throw new ChunkDamage('its content has another length than its header says');
  if (content !== filtered) releaseLarge(filtered);
  return content;
}

/**
 * By a stream, piece by piece into memory that is asked for once: the function for it makes a second buffer whenever the first is just long enough, and leaves both to the collector,
 * which native memory does not press on. @throws ChunkDamage
 */
async function decompressed(frame: Buffer, most: number): Promise<Buffer> {
  const stream = createZstdDecompress({ chunkSize: Math.min(DECOMPRESSED_PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, most)) });
  stream.end(frame);
  const bytes = Buffer.allocUnsafeSlow(most);
  let used = 0;
  let previous: Buffer | undefined;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (used + piece.length > most) throw new Error('it is longer than its header says');
      piece.copy(bytes, used);
      used += piece.length;
      if (previous !== undefined && piece.buffer !== previous.buffer) releaseLarge(previous);
      previous = piece;
    }
    if (previous !== undefined) releaseLarge(previous);
    return bytes.subarray(0, used);
  } catch (error) {
    releaseMemory(bytes.buffer);
    throw new ChunkDamage(`it does not decompress: ${(error as Error).message}`);
  }
}

/** Gives memory back that is no longer used; small buffers may share theirs with others (Buffer.poolSize). */
export function releaseLarge({ buffer }: Buffer): void {
  if (buffer.byteLength > SHARED_MEMORY_BYTES) releaseMemory(buffer);
}

function headerOf(frame: readonly Buffer[], contentBytes: number, filter: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  header.writeUInt32LE(HEADER_BYTES - 8, 4);
  KIND.copy(header, 8);
  header[12] = VERSION;
  header[13] = filter;
  header.writeUInt32LE(frame.reduce((sum, piece) => sum + piece.length, 0), 20);
  header.writeBigUInt64LE(BigInt(contentBytes), 24);
  header.writeUInt32LE(crcOf(header, frame), 16);
  return header;
}

function crcOf(header: Buffer, frame: readonly Buffer[]): number {
  const ofHeader = crc32(header.subarray(CRC_COVERS_FROM), crc32(header.subarray(8, 16)));
  return frame.reduce((crc, piece) => crc32(piece, crc), ofHeader);
}

/** What zstd needs at most. */
function compressBound(bytes: number): number {
  return Math.max(64, bytes + (bytes >> 8) + (bytes < 131072 ? (131072 - bytes) >> 11 : 0));
}
