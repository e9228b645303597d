/** The bytes of single records of a source, as they are in it. */
import type { ByteSource } from '../io/byte-source.ts';

export interface ByteRanges {
  /** In memory of its own. Undefined when the source ends before. Cheapest when ranges are asked for in ascending order. @throws SluiceError of the source */
  read(start: number, end: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

export function byteRangesOf(source: ByteSource, signal: AbortSignal): ByteRanges {
  return source.seekable ? new SeekingRanges(source, signal) : new PassingRanges(source, signal);
}

/** How far apart records may lie that are read together. Opening the file for each would take longer than everything else about it. */
const WINDOW_BYTES = 256 * 1024;

class SeekingRanges implements ByteRanges {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #windowEnd = 0;
  #lastEnd: number | undefined;

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  async read(start: number, end: number): Promise<Uint8Array | undefined> {
    const isNear = this.#lastEnd !== undefined && start >= this.#lastEnd && start - this.#lastEnd < WINDOW_BYTES;
    this.#lastEnd = end;
    const isInWindow = (): boolean => start >= this.#windowStart && end <= this.#windowEnd;
    if (!isInWindow() && isNear && end - start < WINDOW_BYTES) await this.#fill(start);
    const bytes = isInWindow() ? Buffer.from(this.#window.subarray(start - this.#windowStart, end - this.#windowStart)) : await this.#exactly(start, end);
    return bytes.length === end - start ? bytes : undefined;
  }

  async close(): Promise<void> { /* nothing is open between two ranges */ }

  async #fill(start: number): Promise<void> {
    if (this.#window.length === 0) this.#window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
    this.#windowStart = this.#windowEnd = start;
    for await (const chunk of this.#source.read({ start, end: Math.min(start + WINDOW_BYTES, this.#source.bytes ?? start), signal: this.#signal })) {
      this.#window.set(chunk, this.#windowEnd - start);
      this.#windowEnd += chunk.length;
    }
  }

  async #exactly(start: number, end: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const chunk of this.#source.read({ start, end, signal: this.#signal })) pieces.push(Buffer.from(chunk));
    return Buffer.concat(pieces);
  }
}

/** Ranges of a source that can only be read from its start: ascending ones in one pass. */
class PassingRanges implements ByteRanges {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal;
  #chunks: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Offset of the chunk in the source. */
  #base = 0;

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  async read(start: number, end: number): Promise<Uint8Array | undefined> {
    if (this.#chunks === undefined || start < this.#base) await this.#restart();
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end;) {
      if (at >= this.#base + this.#chunk.length) {
        if (!(await this.#next())) return undefined;
        continue;
      }
      const piece = this.#chunk.subarray(at - this.#base, end - this.#base);
      bytes.set(piece, at - start);
      at += piece.length;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
    this.#chunks = undefined;
  }

  async #restart(): Promise<void> {
    await this.close();
    this.#chunks = this.#source.read({ signal: this.#signal });
    this.#chunk = new Uint8Array(0);
    this.#base = 0;
  }

  async #next(): Promise<boolean> {
    this.#base += this.#chunk.length;
    this.#chunk = new Uint8Array(0);
    const { value, done } = await this.#chunks!.next();
    if (done === true) return false;
    this.#chunk = value;
    return true;
  }
}
