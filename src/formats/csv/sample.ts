import type { ByteSource } from '../../io/byte-source.ts';
import { findBom, isUtf16, utf16ToUtf8, type Charset } from './charset.ts';
import type { RecordParser } from './record-parser.ts';
import { INCOMPLETE, MALFORMED } from './record-parser.ts';

const HEAD_BYTES = 256 * 1024;
/** Of a source without windows more of the head is looked at. */
const LONG_HEAD_BYTES = 1024 * 1024;
const WINDOWS = 16;
const WINDOW_BYTES = 64 * 1024;

/** A piece of a source. `start`: absolute position of bytes[0]; 0 is the head. `last`: the source ends here. */
export interface Sample {
  readonly bytes: Buffer;
  readonly start: number;
  readonly last: boolean;
}

/**
 * The head of the source and, where any place can be read, windows spread evenly over the whole, the end included. A source that is not much larger
 * is taken whole.
 */
export async function takeSamples(source: ByteSource, signal: AbortSignal): Promise<Sample[]> {
  const size = source.bytes;
  if (!source.seekable || size === undefined || size <= LONG_HEAD_BYTES) return [await takeHead(source, LONG_HEAD_BYTES)];
  const samples = [await takeHead(source, HEAD_BYTES)];
  for (let i = 1; i <= WINDOWS; i++) {
    const position = HEAD_BYTES + Math.floor(((size - HEAD_BYTES - WINDOW_BYTES) * i) / WINDOWS);
    const start = position - position % 2; // not `& ~1`, which takes 32 bits only
    const pieces: Buffer[] = [];
    for await (const chunk of source.read({ start, end: Math.min(size, start + WINDOW_BYTES + 1), signal })) pieces.push(Buffer.from(chunk));
    const bytes = Buffer.concat(pieces);
    samples.push({ bytes, start, last: start + bytes.length >= size });
  }
  return samples;
}

/** The first `bytes` of the source, copied; `last` when it has no more. */
export async function takeHead(source: ByteSource, bytes: number): Promise<Sample> {
  const head = Buffer.from(await source.head(bytes + 1));
  return { bytes: head.subarray(0, bytes), start: 0, last: head.length <= bytes };
}

/** The samples as records are parsed in: without byte order mark, UTF-16 as UTF-8. What a cut made invalid at the ends of a sample becomes a replacement character. */
export async function decodeSamples(samples: readonly Sample[], charset: Charset, file: string): Promise<{ samples: Sample[]; bomBytes: number }> {
  const bomBytes = findBom(samples[0].bytes, charset)?.length ?? 0;
  const decoded: Sample[] = [];
  for (const sample of samples) {
    const bytes = sample.start === 0 ? sample.bytes.subarray(bomBytes) : sample.bytes;
    if (isUtf16(charset)) decoded.push({ ...sample, bytes: await decodeUtf16(bytes, sample, charset, bomBytes, file) });
    else decoded.push({ ...sample, bytes });
  }
  return { samples: decoded, bomBytes };
}

async function decodeUtf16(bytes: Buffer, sample: Sample, charset: 'utf-16le' | 'utf-16be', bomBytes: number, file: string): Promise<Buffer> {
  const even = sample.last ? bytes : bytes.subarray(0, bytes.length & ~1);
  if (!sample.last || sample.start > 0) return Buffer.from(new TextDecoder(charset, { ignoreBOM: true }).decode(even));
  const pieces: Buffer[] = [];
  for await (const chunk of utf16ToUtf8([even] as unknown as AsyncIterable<Uint8Array>, charset, bomBytes, file)) pieces.push(Buffer.from(chunk));
  return Buffer.concat(pieces);
}

/** What a look at the records of a sample counts. */
export interface Counts {
  records: number;
  malformed: number;
}

/**
 * Calls `each` for every complete record (empty lines are none). A malformed record is counted, and the next line is taken for a record's start again: a
 * look at a sample has to survive the wrong dialect. `bytes.length` may cut a record only when `last` is false.
 */
export function eachRecord(parser: RecordParser, bytes: Buffer, last: boolean, each: (from: number, next: number) => boolean | void): Counts {
  const counts: Counts = { records: 0, malformed: 0 };
  for (let at = 0; at < bytes.length;) {
    const next = parser.parse(bytes, at, bytes.length, last);
    if (next === INCOMPLETE && (bytes.length - at < bytes.length / 2 || parser.dialect.quote < 0 || !openQuote(bytes, at, parser.dialect.quote))) break;
    if (next === MALFORMED || next === INCOMPLETE) {
      counts.malformed++;
      const lineEnd = bytes.indexOf(0x0a, at);
      if (lineEnd < 0) break;
      at = lineEnd + 1;
      continue;
    }
    if (parser.count > 0) {
      counts.records++;
      if (each(at, next) === false) break;
    }
    at = next;
  }
  return counts;
}

/** Most of the sample in one record that has several lines: a quote that does not mean what the dialect says. */
function openQuote(bytes: Buffer, at: number, quote: number): boolean {
  return bytes.indexOf(0x0a, at) >= 0 && bytes.indexOf(quote, at) >= 0;
}

/**
 * Where records begin in a window that starts anywhere: both guesses (the start is outside quotes, or inside) are tried, and the one after which more
 * records have `columns` fields is taken. Undefined when neither makes sense of it.
 */
export function alignWindow(parser: RecordParser, bytes: Buffer, columns: number): Buffer | undefined {
  const outside = afterLineEnd(bytes, 0);
  const candidates = [outside];
  if (parser.dialect.quote >= 0) {
    // Inside quotes: the first quote closes the field; the record goes on to the line end after it.
    const quote = bytes.indexOf(parser.dialect.quote);
    if (quote >= 0) candidates.push(afterLineEnd(bytes, quote));
  }
  let best: { bytes: Buffer; share: number } | undefined;
  for (const start of candidates) {
    if (start < 0) continue;
    const piece = bytes.subarray(start);
    let fitting = 0;
    const { records, malformed } = eachRecord(parser, piece, false, () => {
      if (parser.count === columns) fitting++;
    });
    const share = fitting / Math.max(1, records + malformed);
    if (best === undefined || share > best.share) best = { bytes: piece, share };
  }
  return best !== undefined && best.share >= 0.8 ? best.bytes : undefined;
}

function afterLineEnd(bytes: Buffer, from: number): number {
  for (let i = from; i + 1 < bytes.length; i++) {
    if (bytes[i] === 0x0a) return i + 1;
    if (bytes[i] === 0x0d) return bytes[i + 1] === 0x0a ? i + 2 : i + 1;
  }
  return -1;
}
