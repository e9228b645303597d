/**
 * Gathers a stream of encoded records into parts that end at record boundaries, and counts the records. The one pass over the
 * bytes looks for line ends, and in CSV for quotes: a line end inside quotes is part of a value, and a doubled quote toggles twice.
 */
const LF = 0x0a;

/** A buffer of whole records. */
export interface CutPart {
  readonly bytes: Uint8Array;
  readonly records: number;
}

export class RecordCutter {
  readonly #partBytes: number;
  /** -1: no quoting. */
  readonly #quote: number;
  readonly #spare: Uint8Array[] = [];
  #buffer: Uint8Array;
  #length = 0;
  #records = 0;
  /** End of the last whole record in the buffer. */
  #boundary = 0;
  #quoted = false;

  constructor(partBytes: number, quote: string | undefined) {
    this.#partBytes = partBytes;
    this.#quote = quote === undefined ? -1 : quote.charCodeAt(0);
    this.#buffer = new Uint8Array(0);
  }

  /** Takes the bytes; a part when one is full. */
  add(chunk: Uint8Array): CutPart | undefined {
    this.#reserve(chunk.length);
    this.#buffer.set(chunk, this.#length);
    this.#scan(chunk);
    this.#length += chunk.length;
    return this.#length >= this.#partBytes && this.#boundary > 0 ? this.#cut() : undefined;
  }

  /** What is left: the last part. The engine ends every record with LF, so nothing follows the boundary. */
  end(): CutPart | undefined {
    return this.#boundary === 0 ? undefined : this.#cut();
  }

  /** Gives back the memory of a part that nobody looks at any more. */
  recycle(part: CutPart): void {
    this.#spare.push(new Uint8Array(part.bytes.buffer as ArrayBuffer));
  }

  #scan(chunk: Uint8Array): void {
    const base = this.#length;
    const quote = this.#quote;
    let quoted = this.#quoted;
    let records = 0;
    let boundary = -1;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF) {
        if (!quoted) {
          records++;
          boundary = i;
        }
      } else if (byte === quote) quoted = !quoted;
    }
    this.#quoted = quoted;
    this.#records += records;
    if (boundary >= 0) this.#boundary = base + boundary + 1;
  }

  #cut(): CutPart {
    const part = { bytes: this.#buffer.subarray(0, this.#boundary), records: this.#records };
    const rest = this.#buffer.subarray(this.#boundary, this.#length);
    this.#buffer = this.#spare.pop() ?? new Uint8Array(0);
    this.#length = 0;
    this.#records = 0;
    this.#boundary = 0;
    this.#reserve(rest.length);
    this.#buffer.set(rest);
    this.#length = rest.length;
    return part;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    // A part is its aim and a chunk; only a record that is larger makes it grow further.
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, Math.min(this.#partBytes + count, needed * 4)));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
