/**
 * Careful parts carry the number of each record as their last field: what is wrong is then known by record, whatever order the server
 * works in. In copy-text every LF ends a record.
 */
import type { CarefulPart } from '../../rows/part.ts';

const LF = 0x0a;
const TAB = 0x09;
/** A tab and sixteen digits. */
const LONGEST_NUMBER = 17;

/** The chunks with `TAB number` before each LF. Numbers of records that were left out are not given. A chunk is valid until the next pull. */
export async function* numberRecords(part: CarefulPart): AsyncGenerator<Uint8Array, void, undefined> {
  let output = Buffer.alloc(0);
  let record = 0;
  let leftOut = 0;
  for await (const chunk of part.chunks) {
    const needed = chunk.length + countLines(chunk) * LONGEST_NUMBER;
    if (output.length < needed) output = Buffer.allocUnsafe(needed);
    let used = 0;
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      record++;
      while (part.leftOut[leftOut]?.record === record) {
        leftOut++;
        record++;
      }
      output.set(chunk.subarray(start, end), used);
      used += end - start;
      output[used++] = TAB;
      used += output.write(String(record), used, 'latin1');
      output[used++] = LF;
      start = end + 1;
    }
    output.set(chunk.subarray(start), used);
    used += chunk.length - start;
    yield output.subarray(0, used);
  }
}

function countLines(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) count++;
  return count;
}
