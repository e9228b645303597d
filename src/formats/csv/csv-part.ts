/** One part of a CSV source on its way: its bytes as they are, or taken apart and written anew. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { NativeFile, Part, PartCounts } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { TableBinding, TablePart } from '../format.ts';
import type { CsvInput } from './inspected-csv.ts';
import { locateLine, locateRow, type SourcePlace } from './locate.ts';
import type { PartBlocks } from './part-blocks.ts';
import type { RecordRange } from './range-cutter.ts';
import { RecordEncoder } from './record-encoder.ts';
import type { ValueGuard } from './value-guard.ts';

/** What all parts of one reading share. */
export interface PartContext {
  readonly input: CsvInput;
  readonly binding: TableBinding;
  /** The binding asks for the bytes as they are. */
  readonly raw: boolean;
  readonly guard: ValueGuard;
  readonly signal: AbortSignal;
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

export class CsvPart implements TablePart {
  readonly table: string;
  readonly part: Part;
  readonly encoding: RowEncoding;
  readonly firstRow: number;
  readonly chunks: Chunks;
  readonly #context: PartContext;
  readonly #range: RecordRange;
  readonly #blocks: PartBlocks | undefined;

  /** `blocks`: the bytes, where the source cannot be read again at the range. */
  constructor(context: PartContext, range: RecordRange, blocks?: PartBlocks) {
    const { input, binding } = context;
    this.table = binding.table;
    this.encoding = binding.encoding;
    this.firstRow = range.row;
    this.part = { index: range.index, interval: input.seekable ? { kind: 'bytes', start: range.start, end: range.end } : { kind: 'rows', start: range.row - 1, end: range.row - 1 + range.records } };
    this.#context = context;
    this.#range = range;
    this.#blocks = blocks;
    this.chunks = this.#chunks();
  }

  counts(): PartCounts {
    return { read: this.#range.records, skipped: 0, bytes: this.#range.end - this.#range.start };
  }

  async locate(line: number): Promise<SourcePlace> {
    const { input, binding, signal } = this.#context;
    const readable = input.source.repeatable;
    const bytes = readable ? input.read(this.#range.start, this.#range.end, signal) : undefined;
    return locateLine({ input, range: this.#range, fields: binding.fields, encoding: this.#passes ? 'raw' : binding.encoding.kind, bytes }, line);
  }

  get #passes(): boolean {
    return this.#context.raw && this.#range.regular;
  }

  async *#chunks(): Chunks {
    try {
      if (!this.#passes) yield* encoded(this.#context, this.#range, this.#bytes());
      else if (this.#context.guard.idle) yield* this.#bytes();
      else yield* guarded(this.#context, this.#range, this.#bytes());
    } finally {
      this.#blocks?.release();
    }
  }

  async *#bytes(): Chunks {
    const { input, signal } = this.#context;
    const { start, end } = this.#range;
    if (this.#blocks !== undefined) {
      yield* this.#blocks.views();
      return;
    }
    let read = 0;
    for await (const chunk of input.read(start, end, signal)) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== end - start) throw new SluiceError('SOURCE_CHANGED', { source: input.source.name }, { file: input.source.name, byte: start + read });
  }
}

/** The bytes as they are, their values compared with the types found by sampling. */
async function* guarded({ input, guard }: PartContext, range: RecordRange, bytes: Chunks): Chunks {
  const cursor = input.cursor(range.start, range.row, range.line);
  for await (const chunk of bytes) {
    cursor.push(chunk);
    guard.check(cursor, false);
    yield chunk;
  }
  guard.check(cursor, true);
}

async function* encoded({ input, binding }: PartContext, range: RecordRange, bytes: Chunks): Chunks {
  const cursor = input.cursor(range.start, range.row, range.line);
  const encoder = new RecordEncoder({
    columns: input.columns.map((column) => column.name), fields: binding.fields, encoding: binding.encoding,
    charset: input.bytesKnown ? input.details.charset : 'utf-8', file: input.source.name, table: binding.table,
  });
  for await (const chunk of bytes) {
    cursor.push(chunk);
    const out = encoder.encode(cursor, false);
    if (out.length > 0) yield out;
  }
  cursor.push(new Uint8Array(0));
  const rest = encoder.encode(cursor, true);
  if (rest.length > 0) yield rest;
}

/** A part that the target's engine reads by itself: nothing passes, but the records are counted (and guarded) here, independently. */
export class NativePart implements TablePart {
  readonly table: string;
  readonly part: Part = { index: 0, interval: { kind: 'whole' } };
  readonly encoding: RowEncoding;
  readonly firstRow = 1;
  readonly file: NativeFile;
  readonly chunks: Chunks;
  #counts: PartCounts = { read: 0, skipped: 0, bytes: 0 };
  readonly #context: PartContext;

  constructor(context: PartContext, file: NativeFile, count: () => AsyncGenerator<RecordRange, void, undefined>) {
    this.table = context.binding.table;
    this.encoding = context.binding.encoding;
    this.file = file;
    this.#context = context;
    this.chunks = this.#count(count);
  }

  counts(): PartCounts {
    return this.#counts;
  }

  /** `line`: of the file, as the engine counts. */
  async locate(line: number): Promise<SourcePlace> {
    const { input, binding, signal } = this.#context;
    const { dataStart, dataLine } = input.details;
    const range: RecordRange = { index: 0, start: dataStart, end: Infinity, row: 1, line: dataLine, records: this.#counts.read, lines: 0, regular: true, lineEnds: 0 };
    return locateLine({ input, range, fields: binding.fields, encoding: 'file', bytes: input.read(dataStart, undefined, signal) }, line);
  }

  locateRow(row: number): Promise<SourcePlace> {
    const { input, signal } = this.#context;
    return locateRow(input, row, signal);
  }

  // oxlint-disable-next-line require-yield -- the contract of the `file` encoding: iterated to its end, yields nothing
  async *#count(count: () => AsyncGenerator<RecordRange, void, undefined>): Chunks {
    const { input } = this.#context;
    for await (const range of count()) {
      this.#counts = { read: this.#counts.read + range.records, skipped: 0, bytes: this.#counts.bytes + range.end - range.start };
      if (!range.regular) {
        const place = { file: input.source.name, row: range.row, line: range.line, byte: range.start };
        throw new SluiceError('CSV_IRREGULAR', { source: input.source.name }, place);
      }
    }
  }
}
