/**
 * Cuts the rows of a table, which an archive has as one stream, into parts that several jobs can load at once. Each part is in memory as a whole, in a buffer that the next one uses again; only a part with a row
 * longer than that passes as it is read, and nothing else meanwhile. The same archive gives the same parts each time.
 */
import { untilAborted } from '../../io/cancellation.ts';
import type { SourcePart } from './restore-source.ts';

const PART_BYTES = 2 * 1024 * 1024;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Buffers of parts that are done, for those that come: of all tables of an archive, since most tables are small. */
export class PartBuffers {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
  }

  give(buffer: Buffer): void {
    this.#spare.push(buffer);
  }
}

/** @param open gives lines of COPY text, each with its line feed */
export async function* rowParts(open: () => AsyncGenerator<Buffer, void, undefined>, buffers: PartBuffers, signal: AbortSignal): AsyncGenerator<SourcePart, void, undefined> {
  const pieces = open();
  let buffer = buffers.take();
  try {
    let used = 0, index = 0;
    for await (let piece of pieces) {
      while (piece.length > 0) {
        const count = Math.min(piece.length, PART_BYTES - used);
        piece.copy(buffer, used, 0, count);
        used += count;
        piece = piece.subarray(count);
        if (used < PART_BYTES) continue;
        const end = buffer.lastIndexOf(LF) + 1;
        if (end === 0) {
          // One row that does not end here: it goes on as it is read, to the end of its line.
          const long = new LongPart(index++, buffer, piece, pieces);
          yield long;
          piece = await untilAborted(long.ended, signal);
          used = 0;
          continue;
        }
        const full = buffer;
        buffer = buffers.take();
        used = full.copy(buffer, 0, end, PART_BYTES);
        yield bufferedPart(index++, full, end, buffers);
      }
    }
    if (used > 0) {
      const last = buffer;
      buffer = EMPTY;
      yield bufferedPart(index, last, used, buffers);
    }
  } finally {
    if (buffer !== EMPTY) buffers.give(buffer);
    await pieces.return();
  }
}

function placeOf(index: number): string {
  return `part ${index} (from about byte ${index * PART_BYTES} on)`;
}

function bufferedPart(index: number, buffer: Buffer, bytes: number, buffers: PartBuffers): SourcePart {
  const rows = buffer.subarray(0, bytes);
  let counted: number | undefined, isGiven = false;
  const release = (): void => {
    if (!isGiven) buffers.give(buffer);
    isGiven = true;
  };
  return {
    index, place: placeOf(index),
    chunks: (async function* () {
      try {
        counted = countLines(rows);
        yield rows;
      } finally {
        release();
      }
    })(),
    counts: () => ({ rows: counted ?? 0, bytes }),
    skip: async () => release(),
  };
}

/** A part with a row longer than a buffer: what the buffer holds, and then the stream itself up to the end of the line. */
class LongPart implements SourcePart {
  readonly index: number;
  readonly place: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  #rows = 0;
  #bytes = 0;
  readonly #end = Promise.withResolvers<Buffer>();

  constructor(index: number, head: Buffer, piece: Buffer, pieces: AsyncGenerator<Buffer, void, undefined>) {
    this.index = index;
    this.place = placeOf(index);
    this.chunks = this.#read(head, piece, pieces);
    this.#end.promise.catch(() => undefined);
  }

  counts(): { rows: number; bytes: number } {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  /** What is left of the piece in which the line ended. */
  get ended(): Promise<Buffer> {
    return this.#end.promise;
  }

  async skip(): Promise<void> {
    for await (const _ of this.chunks) continue;
  }

  async *#read(head: Buffer, first: Buffer, pieces: AsyncGenerator<Buffer, void, undefined>): AsyncGenerator<Buffer, void, undefined> {
    this.#bytes = head.length;
    let piece: Buffer | undefined = first;
    try {
      yield head;
      for (; piece !== undefined; piece = await nextOf(pieces)) {
        const end = piece.indexOf(LF) + 1;
        const own = end === 0 ? piece : piece.subarray(0, end);
        this.#bytes += own.length;
        if (own.length > 0) yield own;
        if (end === 0) continue;
        this.#rows = 1;
        break;
      }
    } finally {
      // Also of a row that was refused before its end: the parts behind it are there all the same.
      let end = piece === undefined ? 0 : piece.indexOf(LF) + 1;
      for (; piece !== undefined && end === 0; end = piece === undefined ? 0 : piece.indexOf(LF) + 1) piece = await nextOf(pieces);
      this.#end.resolve(piece === undefined ? EMPTY : piece.subarray(end));
    }
  }
}

async function nextOf(pieces: AsyncGenerator<Buffer, void, undefined>): Promise<Buffer | undefined> {
  const next = await pieces.next();
  return next.done === true ? undefined : next.value;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}
