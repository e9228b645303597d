import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { CarefulPart, PartCounts } from '../../rows/part.ts';
import type { RecordPlace, Rejection } from '../../rows/rejection.ts';
import { COPY_TEXT } from '../../rows/row-encoding.ts';
import { carefulText } from '../careful-text.ts';
import type { TableBinding, TablePart } from '../format.ts';
import { KeptChunks, releasedPart, slices } from '../kept-chunks.ts';
import { LeftOut, REJECTION_BYTES, type RecordProblem } from '../left-out.ts';
import { cancelled, type RecordSpan } from './byte-window.ts';
import { copyTextToCsv } from './copy-text-to-csv.ts';

/** What a record costs besides its text: where it was in the source (a line number, an offset and a length). */
const PLACE_BYTES = 20;
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
  #lengths = new Uint32Array(256);
  /** Also those that were left out. */
  records = 0;
  readonly leftOut = new LeftOut();

  constructor(binding: TableBinding, index: number, firstRow: number, builder: CopyTextBuilder) {
    this.binding = binding;
    this.index = index;
    this.firstRow = firstRow;
    this.builder = builder;
  }

  /** Bytes that the part holds in memory. */
  get size(): number {
    return this.builder.length + this.records * PLACE_BYTES + this.leftOut.rejections.length * REJECTION_BYTES;
  }

  /** The next record is at this place in the source. */
  place({ byte, line, length }: RecordSpan): void {
    const at = this.records++;
    if (at >= this.#lines.length) {
      this.#offsets = grown(this.#offsets);
      this.#lines = grown(this.#lines);
      const lengths = new Uint32Array(this.#lengths.length * 2);
      lengths.set(this.#lengths);
      this.#lengths = lengths;
    }
    this.#offsets[at] = byte;
    this.#lines[at] = line;
    this.#lengths[at] = length;
  }

  /** The record that was placed last is not in the builder. */
  leaveOut(problem: RecordProblem): void {
    this.leftOut.add(this.records, problem);
  }

  /** By index, from 0; also after the builder was given back. */
  placeOf(index: number): Readonly<RecordSpan> {
    return { byte: this.#offsets[index], line: this.#lines[index], length: this.#lengths[index] };
  }
}

/**
 * Part buffers: those that fill up (several, when a dump mixes its tables) and those that consumers have (until their bytes are pulled, or released). All that fill up together
 * hold at most `partBytes` and one record, so that there are never more than `jobs` + 1 parts' worth of rows in memory.
 */
export class PartRoom {
  readonly #jobs: number;
  readonly #signal: AbortSignal;
  readonly #free: CopyTextBuilder[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  readonly #replayable: boolean;

  constructor(jobs: number, signal: AbortSignal, replayable: boolean) {
    this.#jobs = jobs;
    this.#replayable = replayable;
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
  hand(open: OpenPart, source: DumpPlace): TablePart {
    this.#taken++;
    return new SqlPart(open, source, this.#replayable, () => {
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
  readonly replayable: boolean;
  readonly chunks: KeptChunks;
  readonly #counts: PartCounts;
  readonly #open: OpenPart;
  readonly #source: DumpPlace;

  constructor(open: OpenPart, source: DumpPlace, replayable: boolean, release: () => void) {
    const { binding, builder, index, firstRow, records } = open;
    this.table = binding.table;
    this.encoding = binding.encoding;
    this.firstRow = firstRow;
    this.part = { index, interval: { kind: 'rows', start: firstRow - 1, end: firstRow - 1 + records } };
    this.replayable = replayable;
    this.#counts = { read: records, skipped: 0, bytes: open.sourceBytes };
    this.#open = open;
    this.#source = source;
    this.chunks = new KeptChunks(() => (binding.encoding.kind === 'csv' ? copyTextToCsv(builder.view(), CHUNK_BYTES) : slices(builder.view(), CHUNK_BYTES)), replayable, release);
  }

  counts(): PartCounts {
    return this.#counts;
  }

  get leftOut(): readonly Rejection[] {
    return this.#open.leftOut.rejections;
  }

  release(): void {
    this.chunks.release();
  }

  locate(line: number): Promise<RecordPlace> {
    const record = this.#open.leftOut.recordOf(line);
    if (line < 1 || record > this.#counts.read) return Promise.resolve({ file: this.#source.name });
    const { endByte: _, ...place } = this.#placeOf(record);
    return Promise.resolve(place);
  }

  careful(): CarefulPart {
    const { binding, builder } = this.#open;
    const bytes = (): Uint8Array => {
      if (this.chunks.released) throw releasedPart();
      return builder.view();
    };
    return carefulText({ bytes, encoding: COPY_TEXT, fields: binding.fields.length, isUncounted: true, leftOut: this.leftOut, source: this.#source.name, table: this.table });
  }

  async *places(records: readonly number[]): AsyncGenerator<RecordPlace, void, undefined> {
    for (const record of records) yield this.#placeOf(record);
  }

  #placeOf(record: number): RecordPlace {
    const { byte, line, length } = this.#open.placeOf(record - 1);
    return { file: this.#source.name, row: this.firstRow + record - 1, line, ...(this.#source.exactOffsets ? { byte, endByte: byte + length } : {}) };
  }
}

interface DumpPlace {
  readonly name: string;
  readonly exactOffsets: boolean;
}

function grown(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
