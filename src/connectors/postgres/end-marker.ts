const LF = 0x0a, CR = 0x0d;

/**
 * Before version 18 the server takes a line of CSV that is only `\.`, outside of quotes, for the end of the data, and drops everything behind
 * it without a word. This notices such lines, in quotes or not: one search for two bytes per chunk. Whether rows were dropped is then
 * a matter of comparing counts, so that the same line inside of quotes does no harm.
 */
export class EndMarkerWatch {
  seen = false;
  /** The last bytes before this chunk: the line may be cut anywhere. */
  #tail: Uint8Array = Uint8Array.of(LF);

  readonly inspect = (chunk: Uint8Array): void => {
    if (this.seen || chunk.length === 0) return;
    this.#search(joined(this.#tail, chunk.subarray(0, 3)));
    this.#search(chunk);
    this.#tail = chunk.length >= 3 ? chunk.slice(-3) : joined(this.#tail, chunk).slice(-3);
  };

  /** The last line may lack its end. */
  finish(): void {
    this.#search(joined(this.#tail, Uint8Array.of(LF)));
  }

  #search(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = buffer.indexOf('\\.'); at >= 0 && !this.seen; at = buffer.indexOf('\\.', at + 2)) {
      this.seen = isLineEnd(buffer[at - 1]) && isLineEnd(buffer[at + 2]);
    }
  }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
