import { SluiceError, type ErrorPlace } from '../../errors/sluice-error.ts';

const LF = 0x0a;
const INITIAL_BYTES = 512 * 1024;
/** A single turn of the event loop must not be held longer than this. */
const BREATH_MS = 40;

export interface WindowOptions {
  readonly source: string;
  readonly signal: AbortSignal;
  /** The most that may have to be seen at once: a record, or a statement of the schema. */
  readonly limit: number;
  /** False when the chunks are a translation of the source: offsets then mean nothing to people. */
  readonly exactOffsets: boolean;
}

/** Where a record is in the source. */
export interface RecordSpan {
  byte: number;
  line: number;
  /** Bytes of the record, without what ends or follows it. */
  length: number;
}

/**
 * The part of a source that is being looked at: bytes[start, end). The scanners work on it synchronously and, where it ends within
 * something, ask for `more` and begin that something again. Every `more` at least doubles what is unread, so that beginning again costs at
 * most as much as reading once: linear, whatever the size of a record.
 */
export class ByteWindow {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  start = 0;
  end = 0;
  /** The source has no bytes after `end`. */
  ended = false;
  /** Line (from 1) of `start`. */
  line = 1;
  readonly source: string;
  /** No line end is in [start, #lineEnd): what was searched once is not searched again. */
  #lineEnd = 0;
  /** Offset in the source of bytes[0]. */
  #base = 0;
  #breath = Date.now();
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #options: WindowOptions;

  constructor(chunks: AsyncGenerator<Uint8Array, void, undefined>, options: WindowOptions) {
    this.#chunks = chunks;
    this.#options = options;
    this.source = options.source;
  }

  /** Positions before the call are void after it, except relative to `start`. @returns false when there is nothing more */
  async more(): Promise<boolean> {
    if (this.ended) return false;
    const unread = this.end - this.start;
    if (unread >= this.#options.limit) {
      throw this.#tooLarge();
    }
    do {
      await this.#breathe();
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.ended = true;
        break;
      }
      this.#append(next.value);
    } while (this.end - this.start <= unread || this.end - this.start < unread * 2);
    return this.end - this.start > unread;
  }

  /** Everything before `to` is dealt with. */
  consume(to: number): void {
    let lines = 0;
    while (this.#lineEnd < to && this.#findLineEnd(to)) {
      lines++;
      this.#lineEnd++;
    }
    this.line += lines;
    this.start = to;
  }

  /** As `consume`, for callers that counted the line ends themselves. */
  consumeLines(to: number, lines: number): void {
    this.line += lines;
    this.#lineEnd = to;
    this.start = to;
  }

  offset(pos: number): number {
    return this.#base + pos;
  }

  readonly #span: RecordSpan = { byte: 0, line: 0, length: 0 };

  /** The record in [start, to), in an object that is reused: valid until the next call. */
  span(to: number): RecordSpan {
    const span = this.#span;
    span.byte = this.offset(this.start);
    span.line = this.line;
    span.length = to - this.start;
    return span;
  }

  place(pos: number): ErrorPlace {
    let { line } = this;
    for (let i = this.start; i < pos; i++) if (this.bytes[i] === LF) line++;
    return { file: this.source, line, ...(this.#options.exactOffsets ? { byte: this.offset(pos) } : {}) };
  }

  /** RECORD_TOO_LARGE when the record in [start, to) is. */
  checkRecord(to: number): void {
    if (to - this.start > this.#options.limit) throw this.#tooLarge();
  }

  /** SQL_MALFORMED at a position of the window. */
  malformed(reason: string, pos: number, table?: string): SluiceError {
    return new SluiceError('SQL_MALFORMED', { source: this.source, reason }, { ...this.place(pos), ...(table === undefined ? {} : { table }) });
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  #tooLarge(): SluiceError {
    return new SluiceError('RECORD_TOO_LARGE', { source: this.source, limit: this.#options.limit }, this.place(this.start));
  }

  #append(chunk: Uint8Array): void {
    if (this.bytes.length - this.end < chunk.length) this.#makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  #makeRoom(count: number): void {
    const unread = this.end - this.start;
    const target = unread + count <= this.bytes.length ? this.bytes : new Uint8Array(Math.max(unread + count, this.bytes.length * 2));
    if (target === this.bytes) target.copyWithin(0, this.start, this.end);
    else target.set(this.bytes.subarray(this.start, this.end));
    this.#base += this.start;
    this.#lineEnd -= this.start;
    this.bytes = target;
    this.start = 0;
    this.end = unread;
  }

  /** Moves `#lineEnd` to the next line end; false when that is not before `to`. */
  #findLineEnd(to: number): boolean {
    const found = this.bytes.indexOf(LF, this.#lineEnd);
    this.#lineEnd = found === -1 || found > this.end ? this.end : found;
    return this.#lineEnd < to;
  }

  /** Sources that answer from memory never leave the microtask queue: let timers and signals have their turn. */
  async #breathe(): Promise<void> {
    if (Date.now() - this.#breath > BREATH_MS) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#breath = Date.now();
    }
    if (this.#options.signal.aborted) throw cancelled(this.#options.signal);
  }
}

export function cancelled(signal: AbortSignal): SluiceError {
  return signal.reason instanceof SluiceError ? signal.reason : new SluiceError('CANCELLED');
}
