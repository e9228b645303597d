/** Cuts the whole of a CSV source into ranges of records, in one pass over its bytes. */
import type { ReadRequest } from '../format.ts';
import type { CsvInput } from './inspected-csv.ts';
import type { PartBlocks } from './part-blocks.ts';
import { OVERLONG, RangeCutter, type RecordRange } from './range-cutter.ts';
import { standIns } from './raw-encoding.ts';

function cutterFor(input: CsvInput, { partBytes, tolerant = false, from }: RangeRequest): RangeCutter {
  const { dataStart, dataLine } = input.details;
  return new RangeCutter({
    scanner: input.scanner(standIns(input)), partBytes, maxRecordBytes: input.maxRecordBytes, file: input.source.name,
    start: from?.byte ?? dataStart, line: from?.line ?? dataLine, bytesKnown: input.bytesKnown, tolerant,
    ...(from === undefined ? {} : { before: { rows: from.rows, ranges: from.part } }),
  });
}

type RangeRequest = Pick<ReadRequest, 'partBytes' | 'tolerant' | 'signal' | 'from'>;

interface Bystanders {
  /** Where the bytes of the range that is being cut are kept. */
  readonly keep?: () => PartBlocks;
}

/** The ranges of the whole source (or from a point of it), one after the other. */
export async function* ranges(input: CsvInput, request: RangeRequest, { keep }: Bystanders = {}): AsyncGenerator<RecordRange, void, undefined> {
  const cutter = cutterFor(input, request);
  const start = request.from?.byte ?? input.details.dataStart;
  let base = start;
  for await (const bytes of input.read(start, undefined, request.signal)) {
    const chunk = asBuffer(bytes);
    for (let from = 0, end = 0; end >= 0; from = end) {
      end = cutter.advance(chunk, from, base);
      if (!cutter.overlong) keep?.().append(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end >= 0) yield cutter.take(base + end);
      if (end !== OVERLONG) continue;
      const before = cutter.takeBefore();
      keep?.().truncate(before === undefined ? 0 : before.end - before.start);
      if (before !== undefined) yield before;
    }
    base += chunk.length;
  }
  const last = cutter.finish(base);
  if (last !== undefined) yield last;
}

export function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}
