import { SluiceError } from '../../errors/sluice-error.ts';
import type { NativeFile, Part, PartCounts } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { TablePart } from '../format.ts';
import type { PartContext } from './csv-part.ts';
import { locateLine, locateRow, type SourcePlace } from './locate.ts';
import type { RecordRange } from './range-cutter.ts';

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

/** A part that the target's engine reads by itself: nothing passes, but the records are counted (and guarded) here, independently. */
export class NativePart implements TablePart {
  readonly table: string;
  readonly part: Part = { index: 0, interval: { kind: 'whole' } };
  readonly encoding: RowEncoding;
  readonly firstRow = 1;
  readonly file: NativeFile;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly replayable: boolean;
  #counts: PartCounts = { read: 0, skipped: 0, bytes: 0 };
  readonly #context: PartContext;

  constructor(context: PartContext, file: NativeFile, count: () => AsyncGenerator<RecordRange, void, undefined>) {
    this.table = context.binding.table;
    this.encoding = context.binding.encoding;
    this.file = file;
    this.#context = context;
    this.replayable = context.replayable;
    this.chunks = context.replayable ? { [Symbol.asyncIterator]: () => this.#count(count) } : this.#count(count);
  }

  /** Holds nothing. */
  release(): void {}

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
    this.#counts = { read: 0, skipped: 0, bytes: 0 };
    for await (const range of count()) {
      this.#counts = { read: this.#counts.read + range.records, skipped: 0, bytes: this.#counts.bytes + range.end - range.start };
      if (!range.regular) {
        const place = { file: input.source.name, row: range.row, line: range.line, byte: range.start };
        throw new SluiceError('CSV_IRREGULAR', { source: input.source.name }, place);
      }
    }
  }
}
