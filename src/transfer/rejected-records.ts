/**
 * Finds rejected records again in their sources, for their places and their bytes as they were. A run only remembers the number of part and record of
 * what was rejected; when all is loaded, the sources are read once more as they were read before (same binding, same parts), from the points nearest to the parts with
 * rejections; only these are looked into, and only the bytes of their records are copied. Where a format can, records are counted off from the point of their part instead. Sources that cannot be read again give nothing.
 */
import { SluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource, ReadingPoint, RecordLocator } from '../formats/format.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { PartStream } from '../rows/part.ts';
import type { RecordPlace } from '../rows/rejection.ts';
import { byteRangesOf, type ByteRanges } from './byte-ranges.ts';
import type { SourceParts } from './source-parts.ts';

export interface FoundRecord {
  readonly place: RecordPlace;
  readonly raw?: Uint8Array;
}

export interface Rereading {
  /** Reads the parts of a table from a source again, replayable, in order: all, or those from a point on, perhaps not to the last. */
  again(inspected: InspectedSource, table: string, from?: ReadingPoint): AsyncGenerator<PartStream, void, undefined>;
  /** Finds records of the part at this point; undefined where the format reads the part again. */
  locator(inspected: InspectedSource, point: ReadingPoint): Promise<RecordLocator | undefined>;
}

/** Records of one part are being counted off. */
interface OpenLocator {
  readonly table: string;
  readonly part: number;
  readonly locator: RecordLocator;
  last: number;
}

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
  readonly #rereading: Rereading;
  readonly #signal: AbortSignal;
  #open: OpenPass | undefined;
  #located: OpenLocator | undefined;
  #bytes: { source: ByteSource; ranges: ByteRanges } | undefined;

  /** @param sources by table, in the order in which they were read */
  constructor(sources: ReadonlyMap<string, readonly SourceParts[]>, rereading: Rereading, signal: AbortSignal) {
    this.#sources = sources;
    this.#rereading = rereading;
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
    const located = await this.#locatorOf(table, source, part, records[0]);
    if (located !== undefined) {
      for (const record of records) {
        const place = await located.locator.find(record);
        if (place === undefined) throw new SluiceError('SOURCE_CHANGED', { source: source.inspected.source.name }, { file: source.inspected.source.name, table, part });
        located.last = record;
        yield { place, ...await this.#rawOf(source.inspected.source, place) };
      }
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
    await this.#closeLocator();
    await this.#closePass();
    await this.#bytes?.ranges.close();
    this.#bytes = undefined;
  }

  /** Goes on where it was: a part with many rejections is asked for them in batches. */
  async #locatorOf(table: string, source: SourceParts, part: number, first: number): Promise<OpenLocator | undefined> {
    const open = this.#located;
    if (open?.table === table && open.part === part && open.last <= first) return open;
    await this.#closeLocator();
    const { part: at, point } = source.nearest(part);
    if (at !== part || point === undefined) return undefined;
    const locator = await this.#rereading.locator(source.inspected, point);
    this.#located = locator === undefined ? undefined : { table, part, locator, last: 0 };
    return this.#located;
  }

  async #closeLocator(): Promise<void> {
    const open = this.#located;
    this.#located = undefined;
    await open?.locator.close();
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
    this.#open = { table, source, parts: this.#rereading.again(source.inspected, table, point), next: part, fromPoint: point !== undefined, current: undefined };
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
