/**
 * One LZ4 block: sequences of a token (four bits for the number of literals, four for the length of the match less 4; 15 says that more bytes follow), the literals, and two bytes that say how
 * far back the match begins. The last sequence has literals only.
 */
import { CompressedDataError } from './zstd-frames.ts';

const SHORTEST_MATCH = 4;
const MORE_FOLLOWS = 15;
/** From here on the engine's own copy is quicker than a loop. */
const LONG_COPY = 64;

/**
 * Writes the block's content into `output` from `start`; what is before it is the window that matches may refer to. Gives the end of the content.
 * @param limit no content is written at it or behind it
 * @throws CompressedDataError
 */
export function decodeLz4Block(input: Uint8Array, output: Uint8Array, start: number, limit: number): number {
  const inputEnd = input.length;
  let from = 0;
  let to = start;
  while (from < inputEnd) {
    const token = input[from++];
    let literals = token >> 4;
    if (literals === MORE_FOLLOWS) {
      let more = 255;
      for (; more === 255 && from < inputEnd; literals += more) more = input[from++];
    }
    if (literals > inputEnd - from) throw new CompressedDataError('a block has fewer literals than it says');
    if (literals > limit - to) throw tooLong();
    if (literals > LONG_COPY) {
      output.set(input.subarray(from, from + literals), to);
      from += literals;
      to += literals;
    } else {
      for (const end = to + literals; to < end; ) output[to++] = input[from++];
    }
    if (from === inputEnd) return to;

    if (inputEnd - from < 2) break;
    const distance = input[from] | (input[from + 1] << 8);
    from += 2;
    if (distance === 0 || distance > to) throw new CompressedDataError('a match begins before the content');
    let length = (token & 15) + SHORTEST_MATCH;
    if (length === MORE_FOLLOWS + SHORTEST_MATCH) {
      let more = 255;
      for (; more === 255 && from < inputEnd; length += more) more = input[from++];
    }
    if (length > limit - to) throw tooLong();
    if (length > LONG_COPY) {
      copyLongMatch(output, to, distance, length);
      to += length;
    } else {
      for (let at = to - distance, end = to + length; to < end; ) output[to++] = output[at++];
    }
  }
  throw new CompressedDataError('a block ends in the middle of a sequence');
}

/** A match may overlap with what it makes: then its bytes repeat. */
function copyLongMatch(output: Uint8Array, to: number, distance: number, length: number): void {
  for (let done = 0, step = distance; done < length; step *= 2) {
    const count = Math.min(step, length - done);
    output.copyWithin(to + done, to - distance, to - distance + count);
    done += count;
  }
}

function tooLong(): CompressedDataError {
  return new CompressedDataError('a block has more content than its frame allows');
}
