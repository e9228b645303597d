/** One part of a CSV source on its way: its bytes as they are, or taken apart and written anew. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CarefulPart, Part, PartCounts } from '../../rows/part.ts';
import type { RecordPlace, Rejection } from '../../rows/rejection.ts';
import { COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import type { ReadingPoint, TableBinding, TablePart } from '../format.ts';
import { releasedPart } from '../kept-chunks.ts';
import { LeftOut, problemOf, type RecordProblem } from '../left-out.ts';
import type { CsvInput } from './inspected-csv.ts';
import { locateLine, placesOf, type SourcePlace } from './locate.ts';
import type { PartBlocks } from './part-blocks.ts';
import type { RecordRange } from './range-cutter.ts';
import type { RecordCursor } from './record-cursor.ts';
import { RecordEncoder } from './record-encoder.ts';
import { surpriseOf, type ValueGuard } from './value-guard.ts';

/** What all parts of one reading share. */
export interface PartContext {
  readonly input: CsvInput;
  readonly binding: TableBinding;
  /** The binding asks for the bytes as they are. */
  readonly raw: boolean;
  readonly guard: ValueGuard;
  readonly signal: AbortSignal;
  readonly replayable: boolean;
  readonly tolerant: boolean;
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

export class CsvPart implements TablePart {
  readonly table: string;
  readonly part: Part;
  readonly encoding: RowEncoding;
  readonly firstRow: number;
  readonly replayable: boolean;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly point?: ReadingPoint;
  readonly #context: PartContext;
  readonly #range: RecordRange;
  readonly #blocks: PartBlocks | undefined;
  readonly #leftOut = new LeftOut();

  /** `blocks`: the bytes, where the source cannot be read again at the range. */
  constructor(context: PartContext, range: RecordRange, blocks?: PartBlocks) {
    const { input, binding, replayable } = context;
    this.table = binding.table;
    this.encoding = binding.encoding;
    this.firstRow = range.row;
    this.part = { index: range.index, interval: input.seekable ? { kind: 'bytes', start: range.start, end: range.end } : { kind: 'rows', start: range.row - 1, end: range.row - 1 + range.records } };
    if (input.seekable) this.point = { byte: range.start, line: range.line, rows: range.row - 1, part: range.index };
    this.replayable = replayable;
    this.#context = context;
    this.#range = range;
    this.#blocks = blocks;
    this.chunks = replayable ? { [Symbol.asyncIterator]: () => this.#fast() } : this.#once();
  }

  counts(): PartCounts {
    return { read: this.#range.records, skipped: 0, bytes: this.#range.end - this.#range.start };
  }

  get leftOut(): readonly Rejection[] {
    return this.#leftOut.rejections;
  }

  release(): void {
    this.#blocks?.release();
  }

  async locate(line: number): Promise<SourcePlace> {
    const { input, binding, tolerant } = this.#context;
    const { rejections } = this.#leftOut;
    return locateLine({
      input, range: this.#range, fields: binding.fields, encoding: this.#passes ? 'raw' : binding.encoding.kind, bytes: this.#readable ? this.#bytes() : undefined,
      ...(tolerant ? { leftOut: this.#passes ? [] : rejections } : {}),
    }, line);
  }

  careful(): CarefulPart {
    const leftOut = new LeftOut();
    const binding = { ...this.#context.binding, encoding: COPY_TEXT };
    return { chunks: { [Symbol.asyncIterator]: () => this.#fit(binding, leftOut) }, leftOut: leftOut.rejections };
  }

  async *places(records: readonly number[]): AsyncGenerator<RecordPlace, void, undefined> {
    const { input } = this.#context;
    const range = this.#range;
    if (this.#readable) yield* placesOf(input, range, records, () => this.#bytes());
    else for (const record of records) yield { file: input.source.name, row: range.row + record - 1 };
  }

  get #passes(): boolean {
    return this.#context.raw && this.#range.regular;
  }

  /** The range's bytes can be had now. */
  get #readable(): boolean {
    const { input, replayable } = this.#context;
    return this.#blocks?.released === false || (input.source.repeatable && !(replayable && this.#blocks !== undefined));
  }

  async *#once(): Chunks {
    try {
      yield* this.#fast();
    } finally {
      this.release();
    }
  }

  async *#fast(): Chunks {
    const { guard, tolerant, binding } = this.#context;
    if (tolerant && (!this.#passes || this.#range.tooLarge === true)) yield* this.#fit(binding, this.#leftOut);
    else if (!this.#passes) yield* encoded(this.#context, this.#range, this.#bytes());
    else if (guard.idle) yield* this.#bytes();
    else yield* guarded(this.#context, this.#range, this.#bytes());
  }

  /** The records that are some, written anew. */
  async *#fit(binding: TableBinding, leftOut: LeftOut): Chunks {
    const { input } = this.#context;
    const range = this.#range;
    if (range.tooLarge === true) leftOut.add(1, problemOf('RECORD_TOO_LARGE', { source: input.source.name, limit: input.maxRecordBytes }));
    else yield* encoded({ input, binding, guard: this.#context.guard }, range, this.#bytes(), leftOut);
  }

  async *#bytes(): Chunks {
    const { input, signal, replayable } = this.#context;
    const { start, end } = this.#range;
    const blocks = this.#blocks;
    if (blocks !== undefined && !blocks.released) {
      yield* blocks.views();
      return;
    }
    if (blocks !== undefined && replayable) throw releasedPart();
    let read = 0;
    for await (const chunk of input.read(start, end, signal)) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== end - start) throw new SluiceError('SOURCE_CHANGED', { source: input.source.name }, { file: input.source.name, byte: start + read });
  }
}

/** The bytes as they are, their values compared with the types found by sampling. */
async function* guarded({ input, guard, tolerant }: PartContext, range: RecordRange, bytes: Chunks): Chunks {
  const cursor = input.cursor(range.start, range.row, range.line, tolerant);
  for await (const chunk of bytes) {
    cursor.push(chunk);
    guard.check(cursor, false);
    yield chunk;
  }
  guard.check(cursor, true);
}

/** With `leftOut`, records that are none, and those whose values do not fit the types found by sampling, go there; without it they are errors. */
async function* encoded({ input, binding, guard }: Pick<PartContext, 'input' | 'binding' | 'guard'>, range: RecordRange, bytes: Chunks, leftOut?: LeftOut): Chunks {
  const cursor = input.cursor(range.start, range.row, range.line, leftOut !== undefined);
  const encoder = new RecordEncoder({
    columns: input.columns.map((column) => column.name), fields: binding.fields, encoding: binding.encoding,
    charset: input.bytesKnown ? input.details.charset : 'utf-8', file: input.source.name, table: binding.table,
    ...(guard.idle ? {} : { misfit: leftOut === undefined ? (record: RecordCursor) => guard.checkRecord(record) : (record: RecordCursor) => misfitOf(guard, record, input.source.name) }),
  });
  const encode = (final: boolean): Uint8Array => (leftOut === undefined
    ? encoder.encode(cursor, final)
    : encoder.encodeFit(cursor, final, (problem) => leftOut.add(cursor.row - range.row + 1, problem)));
  for await (const chunk of bytes) {
    cursor.push(chunk);
    const out = encode(false);
    if (out.length > 0) yield out;
  }
  cursor.push(new Uint8Array(0));
  const rest = encode(true);
  if (rest.length > 0) yield rest;
}

function misfitOf(guard: ValueGuard, record: RecordCursor, file: string): RecordProblem | undefined {
  const column = guard.misfit(record);
  return column === undefined ? undefined : { ...problemOf('SCHEMA_SURPRISE', surpriseOf(column, file)), column: column.name };
}
