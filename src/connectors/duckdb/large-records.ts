/** Takes records out of copy-text that the engine's reader would refuse for their size, so that they do not cost the rest of their part. */
import { copyTextBlocks } from '../../rows/copy-text-reader.ts';

const LF = 0x0a;

export class LargeRecords {
  readonly #limit: number;
  /** Numbers (from 1) among the records that came. */
  readonly #found: number[] = [];
  #records = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async *without(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const block of copyTextBlocks(chunks)) {
      let from = 0;
      for (let at = 0; at < block.length;) {
        const end = block.indexOf(LF, at) + 1;
        this.#records++;
        if (end - at > this.#limit) {
          this.#found.push(this.#records);
          if (at > from) yield block.subarray(from, at);
          from = end;
        }
        at = end;
      }
      if (from < block.length) yield block.subarray(from);
    }
  }

  /** Their numbers within the part, of which the records in `leftOut` (ascending) did not come. */
  among(leftOut: readonly number[]): number[] {
    let missing = 0;
    return this.#found.map((number) => {
      while (missing < leftOut.length && leftOut[missing] <= number + missing) missing++;
      return number + missing;
    });
  }
}
