import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { PartCounts } from '../../rows/part.ts';
import type { TableBinding, TablePart } from '../format.ts';
import { cancelled } from './byte-window.ts';
import { copyTextToCsv } from './copy-text-to-csv.ts';

/** What a record costs besides its text: where it was in the source (a line number and an offset). */
const PLACE_BYTES = 16;
const FIRST_BYTES = 4 * 1024;
/** A consumer gets a part in pieces of this size. */
const CHUNK_BYTES = 256 * 1024;

/** The rows of a table that are waiting to become a part. */
export class OpenPart {
  readonly builder: CopyTextBuilder;
  readonly binding: TableBinding;
  readonly index: number;
  readonly firstRow: number;
  sourceBytes = 0;
  #offsets = new Float64Array(256);
  #lines = new Float64Array(256);

  constructor(binding: TableBinding, index: number, firstRow: number, builder: CopyTextBuilder) {
    this.binding = binding;
    this.index = index;
    this.firstRow = firstRow;
    this.builder = builder;
  }

  /** Bytes that the part holds in memory. */
  get size(): number {
    return this.builder.length + this.builder.records * PLACE_BYTES;
  }

  /** The last record of the builder was at this place in the source. */
  place(offset: number, line: number): void {
    const at = this.builder.records - 1;
    if (at >= this.#lines.length) {
      this.#offsets = grown(this.#offsets);
      this.#lines = grown(this.#lines);
    }
    this.#offsets[at] = offset;
    this.#lines[at] = line;
  }

  /** Also after the builder was given back. */
  placeOf(record: number): { offset: number; line: number } {
    return { offset: this.#offsets[record], line: this.#lines[record] };
  }
}

/**
 * Part buffers: those that fill up (several, when a dump mixes its tables) and those that consumers have. All that fill up together
 * hold at most `partBytes` and one record, so that there are never more than `jobs` + 1 parts' worth of rows in memory.
 */
export class PartRoom {
  readonly #jobs: number;
  readonly #signal: AbortSignal;
  readonly #free: CopyTextBuilder[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  constructor(jobs: number, signal: AbortSignal) {
    this.#jobs = jobs;
    this.#signal = signal;
  }

  /** @param alone nothing else fills up: several at a time start small, so that they are not large together */
  builder(alone: boolean): CopyTextBuilder {
    return (alone ? this.#free.pop() : undefined) ?? new CopyTextBuilder(FIRST_BYTES);
  }

  /** Waits until a consumer is free. @throws SluiceError CANCELLED */
  async wait(): Promise<void> {
    while (this.#taken >= this.#jobs) {
      if (this.#signal.aborted) throw cancelled(this.#signal);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        this.#signal.addEventListener('abort', wake, { once: true });
      });
    }
    if (this.#signal.aborted) throw cancelled(this.#signal);
  }

  /** Hands a full part to a consumer. */
  hand(open: OpenPart, source: { readonly name: string; readonly exactOffsets: boolean }): TablePart {
    this.#taken++;
    return new SqlPart(open, source, () => {
      this.#taken--;
      open.builder.reset();
      if (this.#free.length <= this.#jobs) this.#free.push(open.builder);
      this.#wake?.();
    });
  }
}

class SqlPart implements TablePart {
  readonly table: string;
  readonly part: TablePart['part'];
  readonly encoding: TablePart['encoding'];
  readonly firstRow: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly #counts: PartCounts;
  readonly #open: OpenPart;
  readonly #records: number;
  readonly #source: { readonly name: string; readonly exactOffsets: boolean };

  constructor(open: OpenPart, source: { readonly name: string; readonly exactOffsets: boolean }, release: () => void) {
    const { binding, builder, index, firstRow } = open;
    this.table = binding.table;
    this.encoding = binding.encoding;
    this.firstRow = firstRow;
    this.part = { index, interval: { kind: 'rows', start: firstRow - 1, end: firstRow - 1 + builder.records } };
    this.#counts = { read: builder.records, skipped: 0, bytes: open.sourceBytes };
    this.#open = open;
    this.#source = source;
    this.#records = builder.records;
    const pieces = binding.encoding.kind === 'csv' ? copyTextToCsv(builder.view(), CHUNK_BYTES) : slices(builder.view());
    this.chunks = new PartChunks(pieces, release);
  }

  counts(): PartCounts {
    return this.#counts;
  }

  locate(line: number): Promise<{ row?: number; line?: number; byte?: number; file?: string }> {
    const file = this.#source.name;
    if (line < 1 || line > this.#records) return Promise.resolve({ file });
    const { offset, line: sourceLine } = this.#open.placeOf(line - 1);
    const byte = this.#source.exactOffsets ? { byte: offset } : {};
    return Promise.resolve({ file, row: this.firstRow + line - 1, line: sourceLine, ...byte });
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Can be iterated once; gives the buffer back at the end, and also when the consumer stops before, or before it began. */
class PartChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #pieces: Generator<Uint8Array, void, undefined>;
  #release: (() => void) | undefined;

  constructor(pieces: Generator<Uint8Array, void, undefined>, release: () => void) {
    this.#pieces = pieces;
    this.#release = release;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = this.#release === undefined ? { done: true as const, value: undefined } : this.#pieces.next();
    if (next.done !== true) return Promise.resolve({ done: false, value: next.value });
    return this.return();
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const release = this.#release;
    this.#release = undefined;
    release?.();
    return Promise.resolve({ done: true, value: undefined });
  }
}

function grown(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
