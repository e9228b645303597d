/**
 * The encoded bytes of a part in pieces of whole records, for several COPY statements in one transaction: a server that ended a statement for its time or its memory may
 * take a smaller one. Cut where a line ends outside of quotes; a record larger than a piece is a piece, and where no line end is known (a CR alone) the rest is one.
 */
import type { RowEncoding } from '../../rows/row-encoding.ts';

const LF = 0x0a;
const BACKSLASH = 0x5c;

export class CopyPieces {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #pieceBytes: number;
  readonly #lines: LineEnds;
  /** Of the chunk that was pulled last; its memory is ours until the next pull. */
  #rest: Uint8Array | undefined;
  #isOver = false;

  constructor(chunks: AsyncIterable<Uint8Array>, encoding: RowEncoding, pieceBytes: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#pieceBytes = pieceBytes;
    this.#lines = new LineEnds(encoding);
  }

  /** Binary has no lines. */
  static fits(encoding: RowEncoding): boolean {
    return encoding.kind === 'csv' || encoding.kind === 'copy-text';
  }

  /** Line ends in the pieces before the one that is under way. */
  linesBefore = 0;

  /** Each must be iterated to its end before the next is asked for. Undefined when there is none; there is always a first, also of nothing. */
  async *[Symbol.asyncIterator](): AsyncGenerator<AsyncIterable<Uint8Array>, void, undefined> {
    do {
      yield this.#piece();
      // Whether there is more shows when more is asked for.
      this.linesBefore = this.#lines.count;
      if (this.#rest === undefined && !this.#isOver) await this.#pull();
    } while (this.#rest !== undefined);
  }

  /** Releases the source when it is left before its end. */
  async close(): Promise<void> {
    if (!this.#isOver) await this.#chunks.return?.();
    this.#isOver = true;
  }

  async *#piece(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = 0; ;) {
      if (this.#rest === undefined) await this.#pull();
      const chunk = this.#rest;
      if (chunk === undefined) return;
      const end = this.#lines.advance(chunk, Math.max(0, this.#pieceBytes - bytes));
      if (end < 0) {
        this.#rest = undefined;
        bytes += chunk.length;
        yield chunk;
      } else {
        this.#rest = end < chunk.length ? chunk.subarray(end) : undefined;
        yield chunk.subarray(0, end);
        return;
      }
    }
  }

  async #pull(): Promise<void> {
    if (this.#isOver) return;
    const next = await this.#chunks.next();
    if (next.done === true) this.#isOver = true;
    else this.#rest = next.value;
  }
}

/** Where lines end, as COPY sees it, over chunks that are cut anywhere. */
class LineEnds {
  count = 0;
  readonly #quote: number;
  readonly #escape: number;
  #inQuotes = false;
  #isEscaped = false;

  constructor(encoding: RowEncoding) {
    const isCsv = encoding.kind === 'csv';
    this.#quote = isCsv ? encoding.quote.charCodeAt(0) : -1;
    // A doubled quote toggles twice; in the text format a backslash before a line end makes it data.
    this.#escape = isCsv ? (encoding.escape === encoding.quote ? -1 : encoding.escape.charCodeAt(0)) : BACKSLASH;
  }

  /** @returns the end of the first line that ends at `from` or later; -1 when none does, and the chunk is behind us */
  advance(chunk: Uint8Array, from: number): number {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF) this.count++;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === this.#escape && (this.#quote < 0 || this.#inQuotes)) this.#isEscaped = true;
      else if (byte === this.#quote) this.#inQuotes = !this.#inQuotes;
      else if (byte === LF && !this.#inQuotes && i + 1 >= from) return i + 1;
    }
    return -1;
  }
}
