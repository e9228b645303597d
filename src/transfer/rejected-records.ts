/**
 * Finds rejected records again in their sources, for their places and their bytes as they were. A run only remembers the number of part and record of
 * what was rejected; when all is loaded, the sources are read once more as they were read before (same binding, same parts), from the points nearest to the parts with
 * rejections; only these are looked into, and only the bytes of their records are copied. Sources that cannot be read again give nothing.
 */
import { SluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource, ReadingPoint } from '../formats/format.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { PartStream } from '../rows/part.ts';
import type { RecordPlace } from '../rows/rejection.ts';
import { byteRangesOf, type ByteRanges } from './byte-ranges.ts';
import type { SourceParts } from './source-parts.ts';

export interface FoundRecord {
  readonly place: RecordPlace;
  readonly raw?: Uint8Array;
}

/** Reads the parts of a table from a source again, replayable, in order: all, or those from a point on, perhaps not to the last. */
export type ReadAgain = (inspected: InspectedSource, table: string, from?: ReadingPoint) => AsyncGenerator<PartStream, void, undefined>;

interface OpenPass {
  readonly table: string;
  readonly source: SourceParts;
  readonly parts: AsyncGenerator<PartStream, void, undefined>;
  readonly fromPoint: boolean;
  /** Number of the part that comes next. */
  next: number;
  current: PartStream | undefined;
}

export class RejectedRecords {
  readonly #sources: ReadonlyMap<string, readonly SourceParts[]>;
  readonly #readAgain: ReadAgain;
  readonly #signal: AbortSignal;
  #open: OpenPass | undefined;
  #bytes: { source: ByteSource; ranges: ByteRanges } | undefined;

  /** @param sources by table, in the order in which they were read */
  constructor(sources: ReadonlyMap<string, readonly SourceParts[]>, readAgain: ReadAgain, signal: AbortSignal) {
    this.#sources = sources;
    this.#readAgain = readAgain;
    this.#signal = signal;
  }

  /** One for each record, in order. Cheapest when parts are asked for in ascending order. */
  async *fetch(table: string, part: number, records: readonly number[]): AsyncGenerator<FoundRecord, void, undefined> {
    const source = this.#sources.get(table)?.find((parts) => parts.has(part));
    if (source === undefined || !source.inspected.source.repeatable) {
      const file = source?.inspected.source.name;
      for (const _ of records) yield { place: file === undefined ? {} : { file } };
      return;
    }
    const stream = await this.#partOf(table, source, part);
    let found = 0;
    for await (const place of stream.places?.(records) ?? []) {
      found++;
      yield { place, ...await this.#rawOf(source.inspected.source, place) };
    }
    for (; found < records.length; found++) yield { place: { file: source.inspected.source.name } };
  }

  async close(): Promise<void> {
    await this.#closePass();
    await this.#bytes?.ranges.close();
    this.#bytes = undefined;
  }

  /** A part is kept until another one is asked for: a part with many rejections is asked for them in batches. */
  async #partOf(table: string, source: SourceParts, part: number): Promise<PartStream> {
    let open = this.#open;
    if (open?.table === table && open.source === source && open.next === part + 1 && open.current !== undefined) return open.current;
    const nearest = source.nearest(part);
    if (open?.table !== table || open.source !== source || open.next > part || open.next < nearest.part) open = await this.#startPass(table, source, nearest);
    for (;;) {
      open.current?.release?.();
      open.current = undefined;
      const { value, done } = await open.parts.next();
      if (done === true && open.fromPoint) {
        open = await this.#startPass(table, source, { part: source.first });
        continue;
      }
      if (done === true) throw new SluiceError('SOURCE_CHANGED', { source: source.inspected.source.name }, { file: source.inspected.source.name, table, part });
      open.current = value;
      if (open.next++ === part) return value;
    }
  }

  async #startPass(table: string, source: SourceParts, { part, point }: { part: number; point?: ReadingPoint }): Promise<OpenPass> {
    await this.#closePass();
    this.#open = { table, source, parts: this.#readAgain(source.inspected, table, point), next: part, fromPoint: point !== undefined, current: undefined };
    return this.#open;
  }

  async #closePass(): Promise<void> {
    this.#open?.current?.release?.();
    await this.#open?.parts.return(undefined);
    this.#open = undefined;
  }

  async #rawOf(source: ByteSource, { byte, endByte }: RecordPlace): Promise<{ raw?: Uint8Array }> {
    if (byte === undefined || endByte === undefined) return {};
    if (this.#bytes?.source !== source) {
      await this.#bytes?.ranges.close();
      this.#bytes = { source, ranges: byteRangesOf(source, this.#signal) };
    }
    const raw = await this.#bytes.ranges.read(byte, endByte);
    return raw === undefined ? {} : { raw };
  }
}
