import { SluiceError } from '../../errors/sluice-error.ts';

const LF = 0x0a, CR = 0x0d;

/**
 * Before version 18 the server takes a line of CSV that is only `\.` for the end of the data, and drops everything behind it without a
 * word. Such a line is refused. Costs a search for two bytes per chunk.
 */
export class EndMarkerGuard {
  readonly #table: string;
  /** The last bytes before this chunk, which may hold the beginning of such a line. */
  #tail: Uint8Array = Uint8Array.of(LF);

  constructor(table: string) {
    this.#table = table;
  }

  /** @throws SluiceError ROW_INVALID */
  readonly inspect = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return;
    // The line may be cut anywhere: line end, backslash, dot, line end.
    const seam = joined(this.#tail, chunk.subarray(0, 3));
    this.#search(seam);
    this.#search(chunk);
    this.#tail = chunk.length >= 3 ? chunk.slice(-3) : joined(this.#tail, chunk).slice(-3);
  };

  /** The last line may lack its end. @throws SluiceError ROW_INVALID */
  finish(): void {
    this.#search(joined(this.#tail, Uint8Array.of(LF)));
  }

  #search(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = buffer.indexOf('\\.'); at >= 0; at = buffer.indexOf('\\.', at + 2)) {
      if (isLineEnd(buffer[at - 1]) && isLineEnd(buffer[at + 2])) {
        throw new SluiceError('ROW_INVALID', { table: this.#table, reason: 'a line that is only "\\." ends the data for PostgreSQL before 18; write it as "\\." in quotes' }, { table: this.#table });
      }
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

