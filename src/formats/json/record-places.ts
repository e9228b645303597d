/**
 * Where each record of a part began in the source, for places in errors that the target finds later: two bytes a record for its length, and an entry only
 * where the number of lines of a record changes. Plain memory of the part, not reused: a part may be asked long after its bytes are gone.
 */
const LONG = 0xffff;

export class RecordPlaces {
  #count = 0;
  /** Bytes from the start of each record to the start of the next; LONG: the next element of `#long` has them. */
  #lengths: Uint16Array;
  readonly #long: number[] = [];
  /** Pairs: from this record on, so many lines lie between the start of a record and the next. */
  readonly #lineRuns: number[] = [];
  #firstByte = 0;
  #firstLine = 1;
  #lastByte = 0;
  #lastLine = 1;

  /** @param expected records, a guess */
  constructor(expected: number) {
    this.#lengths = new Uint16Array(Math.max(64, expected));
  }

  get count(): number {
    return this.#count;
  }

  /** A record begins here; records come in order. */
  add(byte: number, line: number): void {
    if (this.#count === 0) {
      this.#firstByte = byte;
      this.#firstLine = line;
    } else {
      this.#measure(byte - this.#lastByte, line - this.#lastLine);
    }
    this.#lastByte = byte;
    this.#lastLine = line;
    this.#count++;
  }

  /** The place of the record with this index, from 0. */
  at(index: number): { byte: number; line: number } {
    let byte = this.#firstByte;
    let long = 0;
    for (let record = 0; record < index; record++) {
      const length = this.#lengths[record];
      byte += length === LONG ? this.#long[long++] : length;
    }
    let line = this.#firstLine;
    for (let run = 0; run < this.#lineRuns.length; run += 2) {
      const from = this.#lineRuns[run];
      const to = Math.min(index, this.#lineRuns[run + 2] ?? index);
      if (to > from) line += (to - from) * this.#lineRuns[run + 1];
    }
    return { byte, line };
  }

  #measure(length: number, lines: number): void {
    const record = this.#count - 1;
    if (record === this.#lengths.length) {
      const grown = new Uint16Array(this.#lengths.length * 2);
      grown.set(this.#lengths);
      this.#lengths = grown;
    }
    this.#lengths[record] = length < LONG ? length : LONG;
    if (length >= LONG) this.#long.push(length);
    if (this.#lineRuns.length === 0 || this.#lineRuns.at(-1) !== lines) this.#lineRuns.push(record, lines);
  }
}
