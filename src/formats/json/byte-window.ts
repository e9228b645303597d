/**
 * A contiguous view of the bytes of a source that is being parsed. Parsers read `bytes[pos … end)` and commit progress by moving `pos`; when they run
 * out of bytes in the middle of something they throw NEED_MORE, the caller awaits `more()`, and the something is parsed again from `pos`.
 *
 * The byte after the last is always 0, which no token contains: inner loops stop there without comparing positions. SLACK bytes can be read (not used)
 * behind it, so that loops may take four bytes at once. When something does not fit, the window
 * doubles before it is tried again, so the work done twice is at most proportional to its size: linear also for chunks of one byte.
 * Memory: `WINDOW_BYTES`, and for a record that is larger, at most twice the record; given back afterwards.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';

/** Bytes of a window behind `end` that exist, the first of them 0. */
export const SLACK = 8;
export const WINDOW_BYTES = 128 * 1024;
/** After so many milliseconds of parsing without a real wait, timers and sockets get their turn. */
const TURN_MS = 25;
const NOTHING = new Uint8Array(0);

/** Windows of the usual size that nobody needs any more: a folder of a thousand files would otherwise leave a thousand to the garbage collector. */
const SPARE: Uint8Array[] = [];
const MOST_SPARE = 4;

class NeedMoreBytes extends Error {}

/** Thrown by parsers that ran out of bytes; one object, so that it costs no stack trace. Never leaves this folder. */
export const NEED_MORE: Error = new NeedMoreBytes('more bytes are needed');

/** What a lexer needs of a window. */
export interface LexerWindow {
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly view: DataView;
  pos: number;
  readonly end: number;
  readonly eof: boolean;
  readonly options: { readonly sourceName: string };
  offset(at: number): number;
}

export interface WindowOptions {
  readonly sourceName: string;
  readonly signal: AbortSignal;
  /** Largest record (or other unit that is parsed in one go). */
  readonly maxRecordBytes: number;
  /** Offset in the source of the first byte of `chunks`. */
  readonly base?: number;
  readonly windowBytes?: number;
}

export class ByteWindow implements LexerWindow {
  bytes: Uint8Array;
  view: DataView;
  pos = 0;
  end = 0;
  /** True when no byte comes after `end`. */
  eof = false;
  /** Offset in the source of bytes[0]. */
  base: number;
  readonly options: WindowOptions;
  readonly #chunks: AsyncIterator<Uint8Array, unknown, undefined>;
  readonly #usual: number;
  #pending: Uint8Array = NOTHING;
  #turnStarted = performance.now();

  constructor(chunks: AsyncIterable<Uint8Array>, options: WindowOptions) {
    this.#chunks = chunks[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, unknown, undefined>;
    this.options = options;
    this.base = options.base ?? 0;
    this.#usual = options.windowBytes ?? WINDOW_BYTES;
    this.bytes = (this.#usual === WINDOW_BYTES ? SPARE.pop() : undefined) ?? new Uint8Array(this.#usual + SLACK);
    this.bytes[0] = 0;
    this.view = new DataView(this.bytes.buffer);
  }

  /** Offset in the source of `bytes[at]`. */
  offset(at: number): number {
    return this.base + at;
  }

  /**
   * Drops what is before `pos` and reads on, until the window is full or the source ends. With `least`, until that many unread bytes are there.
   * @throws SluiceError RECORD_TOO_LARGE when a whole window was not enough and is at the limit; errors of the source
   */
  async more(least = 0): Promise<void> {
    const unread = this.end - this.pos;
    if (unread >= this.options.maxRecordBytes && least === 0) this.#refuseSize();
    this.#makeRoom(Math.max(this.#usual, least, Math.min(unread * 2, this.options.maxRecordBytes)));
    const capacity = this.bytes.length - SLACK;
    while (this.end < capacity && !this.eof) {
      if (this.#pending.length === 0) await this.#pull();
      const taken = Math.min(this.#pending.length, capacity - this.end);
      this.bytes.set(this.#pending.subarray(0, taken), this.end);
      this.#pending = this.#pending.subarray(taken);
      this.end += taken;
    }
    this.bytes[this.end] = 0;
    await this.#takeTurns();
  }

  /** Ends the source's iteration. The window must not be read any more. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
    if (this.bytes.length === WINDOW_BYTES + SLACK && SPARE.length < MOST_SPARE) SPARE.push(this.bytes);
    this.bytes = NOTHING;
  }

  async #pull(): Promise<void> {
    throwIfCancelled(this.options.signal);
    const next = await this.#chunks.next();
    // At the end, too: the producer has taken back (perhaps released) the memory of its last chunk.
    this.#pending = next.done === true ? NOTHING : next.value;
    this.eof = next.done === true;
  }

  #makeRoom(capacity: number): void {
    const unread = this.bytes.subarray(this.pos, this.end);
    const length = this.bytes.length - SLACK;
    const shrinks = length > 4 * this.#usual && capacity <= 2 * this.#usual;
    if (capacity > length || shrinks) {
      const moved = new Uint8Array(capacity + SLACK);
      moved.set(unread);
      this.bytes = moved;
      this.view = new DataView(moved.buffer);
    } else if (this.pos > 0) {
      this.bytes.copyWithin(0, this.pos, this.end);
    }
    this.base += this.pos;
    this.end -= this.pos;
    this.pos = 0;
  }

  async #takeTurns(): Promise<void> {
    if (performance.now() - this.#turnStarted < TURN_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    throwIfCancelled(this.options.signal);
    this.#turnStarted = performance.now();
  }

  #refuseSize(): never {
    const { sourceName, maxRecordBytes } = this.options;
    throw new SluiceError('RECORD_TOO_LARGE', { source: sourceName, limit: maxRecordBytes }, { file: sourceName, byte: this.offset(this.pos) });
  }
}
