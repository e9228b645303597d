/**
 * Walks the frames of a zstd file without decompressing (RFC 8878 §3.1), to cut the input where a frame ends.
 *
 * Needed because zlib's decoder stops at the end of a frame and silently leaves the rest of that input unread, while files of many
 * frames are common (parallel compressors, appended logs). Frames are fed one by one, so that one decoder reads all of them;
 * skippable frames are left out; a cut-off last frame and bytes behind it that are no frame are errors with their place.
 */

type Phase = 'magic' | 'descriptor' | 'header' | 'block-header' | 'body' | 'checksum' | 'skip-size' | 'skip';

const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** True for the first bytes of a frame, skippable ones included (parallel compressors start with those). */
export function startsZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  if (head[0] === 0x28) return head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  return (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
}

/** Thrown with a text for people; the caller knows the file and makes a coded error of it. */
export class CompressedDataError extends Error {
  override readonly name = 'CompressedDataError';
}

export class ZstdFrames {
  #phase: Phase = 'magic';
  /** Bytes of the current small field seen so far; little endian, as everything in zstd. */
  readonly #field = new Uint8Array(4);
  #fieldBytes = 0;
  /** Bytes left of the current header, body, checksum or skippable frame. */
  #left = 0;
  #lastBlock = false;
  #hasChecksum = false;
  #offset = 0;

  /** The parts of this input that belong to frames, each within one frame and in order. They share the input's memory. */
  *pieces(input: Uint8Array): Generator<Uint8Array, void, undefined> {
    let start = 0;
    let at = 0;
    while (at < input.length) {
      const wasSkipping = this.#skipping;
      at = this.#advance(input, at);
      if (this.#skipping || wasSkipping) {
        start = at;
      } else if (this.#phase === 'magic' && this.#fieldBytes === 0) {
        yield input.subarray(start, at);
        start = at;
      }
    }
    this.#offset += input.length;
    if (start < input.length) yield input.subarray(start);
  }

  /** @throws CompressedDataError when the input ended inside a frame */
  end(): void {
    if (this.#phase !== 'magic' || this.#fieldBytes > 0) throw new CompressedDataError('it ends in the middle of a frame');
  }

  get #skipping(): boolean {
    return this.#phase === 'skip' || this.#phase === 'skip-size' || (this.#phase === 'magic' && this.#fieldBytes > 0 && this.#field[0] !== 0x28);
  }

  /** Consumes one field or one run of bytes, as far as this input has it. */
  #advance(input: Uint8Array, at: number): number {
    const inRun = this.#phase === 'header' || this.#phase === 'body' || this.#phase === 'checksum' || this.#phase === 'skip';
    return inRun ? this.#passOver(input, at) : this.#readField(input, at);
  }

  #passOver(input: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, input.length - at);
    this.#left -= taken;
    if (this.#left === 0) this.#afterRun();
    return at + taken;
  }

  #afterRun(): void {
    if (this.#phase === 'header') this.#phase = 'block-header';
    else if (this.#phase !== 'body') this.#phase = 'magic';
    else if (!this.#lastBlock) this.#phase = 'block-header';
    else if (this.#hasChecksum) this.#enter('checksum', 4);
    else this.#phase = 'magic';
  }

  #enter(phase: Phase, bytes: number): void {
    this.#phase = phase;
    this.#left = bytes;
    if (bytes === 0) this.#afterRun();
  }

  #readField(input: Uint8Array, at: number): number {
    const needed = this.#phase === 'descriptor' ? 1 : this.#phase === 'block-header' ? 3 : 4;
    this.#field[this.#fieldBytes++] = input[at];
    if (this.#phase === 'magic' && this.#fieldBytes === 1) this.#refuseStranger(at);
    if (this.#fieldBytes === needed) {
      this.#fieldBytes = 0;
      this.#afterField(at);
    }
    return at + 1;
  }

  #afterField(at: number): void {
    const [b0, b1, b2, b3] = this.#field;
    if (this.#phase === 'magic') {
      if (!startsZstd(this.#field)) throw new CompressedDataError(`bytes that are no zstd frame end at byte ${this.#offset + at}`);
      this.#phase = b0 === 0x28 ? 'descriptor' : 'skip-size';
    } else if (this.#phase === 'descriptor') {
      const singleSegment = (b0 & 0x20) !== 0;
      this.#hasChecksum = (b0 & 0x04) !== 0;
      const contentSize = b0 >> 6 === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[b0 >> 6];
      this.#enter('header', (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[b0 & 0x03] + contentSize);
    } else if (this.#phase === 'block-header') {
      this.#lastBlock = (b0 & 0x01) !== 0;
      const kind = (b0 >> 1) & 0x03;
      if (kind === 3) throw new CompressedDataError(`a block of an unknown kind at byte ${this.#offset + at - 2}`);
      this.#enter('body', kind === 1 ? 1 : (b0 >> 3) | (b1 << 5) | (b2 << 13));
    } else {
      this.#enter('skip', (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0);
    }
  }

  #refuseStranger(at: number): void {
    const first = this.#field[0];
    if (first !== 0x28 && (first & 0xf0) !== 0x50) throw new CompressedDataError(`bytes that are no zstd frame at byte ${this.#offset + at}`);
  }
}
