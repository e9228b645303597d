/**
 * Gathers a stream of encoded records into parts that end at record boundaries, and counts the records. The one pass over the
 * bytes looks for line ends, and in CSV for quotes: a line end inside quotes is part of a value, and a doubled quote toggles twice.
 *
 * A part ends with the first record that reaches its aim, wherever the chunks were cut: what a pipe yields at once is a matter of timing, and documents
 * that are written part by part must not depend on it.
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

  /** Takes the bytes; yields each part that they make full. The chunk must stay valid until the last one is taken. */
  *add(chunk: Uint8Array): Generator<CutPart, void, undefined> {
    for (let from = 0; from < chunk.length;) {
      const end = this.#scan(chunk, from);
      this.#append(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
      from = end;
      if (this.#boundary >= this.#partBytes) yield this.#cut();
    }
  }

  /** What is left: the last part. The engine ends every record with LF, so nothing follows the boundary. */
  end(): CutPart | undefined {
    return this.#boundary === 0 ? undefined : this.#cut();
  }

  /** Gives back the memory of a part that nobody looks at any more. */
  recycle(part: CutPart): void {
    this.#spare.push(new Uint8Array(part.bytes.buffer as ArrayBuffer));
  }

  /** Up to the end of the chunk, or of the record that makes the part full; returns the position after it. */
  #scan(chunk: Uint8Array, from: number): number {
    const base = this.#length - from;
    const quote = this.#quote;
    const fullAt = this.#partBytes - base;
    let quoted = this.#quoted;
    let records = 0;
    let boundary = -1;
    let i = from;
    while (i < chunk.length) {
      const byte = chunk[i++];
      if (byte === LF) {
        if (quoted) continue;
        records++;
        boundary = i;
        if (i >= fullAt) break;
      } else if (byte === quote) quoted = !quoted;
    }
    this.#quoted = quoted;
    this.#records += records;
    if (boundary >= 0) this.#boundary = base + boundary;
    return i;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The buffer ends with a record here. */
  #cut(): CutPart {
    const part = { bytes: this.#buffer.subarray(0, this.#boundary), records: this.#records };
    this.#buffer = this.#spare.pop() ?? new Uint8Array(0);
    this.#length = 0;
    this.#records = 0;
    this.#boundary = 0;
    return part;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    // A part is its aim and a record; only a record that is larger than a chunk makes it grow further.
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, Math.min(this.#partBytes + count, needed * 4)));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
