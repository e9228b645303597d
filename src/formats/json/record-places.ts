/**
 * Where each record of a part was in the source, for places in errors that the target finds later: two bytes a record for its length, and an entry only
 * where the number of lines of a record, or of the bytes between two records, changes. Plain memory of the part, not reused: a part may be asked long after its bytes are gone.
 */
const LONG = 0xffff;

export interface RecordSpan {
  readonly byte: number;
  readonly line: number;
  /** Exclusive. */
  readonly end: number;
}

export class RecordPlaces {
  #count = 0;
  /** Bytes from the start of each record to the start of the next; LONG: the next element of `#long` has them. */
  #lengths: Uint16Array;
  readonly #long: number[] = [];
  /** Pairs: from this record on, so many lines lie between the start of a record and the next. */
  readonly #lineRuns: number[] = [];
  /** Pairs: from this record on, so many bytes lie between the end of a record and the start of the next. */
  readonly #gapRuns: number[] = [];
  #firstByte = 0;
  #firstLine = 1;
  #lastByte = 0;
  #lastLine = 1;
  #lastEnd = 0;

  /** @param expected records, a guess */
  constructor(expected: number) {
    this.#lengths = new Uint16Array(Math.max(64, expected));
  }

  get count(): number {
    return this.#count;
  }

  /** A record is at [byte, end); records come in order. */
  add(byte: number, line: number, end: number): void {
    if (this.#count === 0) {
      this.#firstByte = byte;
      this.#firstLine = line;
    } else {
      this.#measure(byte - this.#lastByte, line - this.#lastLine, byte - this.#lastEnd);
    }
    this.#lastEnd = end;
    this.#lastByte = byte;
    this.#lastLine = line;
    this.#count++;
  }

  /** The place of the record with this index, from 0. */
  at(index: number): RecordSpan {
    const [place] = this.walk([index]);
    return place;
  }

  /** The places of the records with these indexes, ascending, in one pass. */
  *walk(indexes: Iterable<number>): Generator<RecordSpan, void, undefined> {
    let byte = this.#firstByte;
    let line = this.#firstLine;
    let record = 0;
    let long = 0;
    let run = 0;
    let gap = 0;
    for (const index of indexes) {
      for (; record < index; record++) {
        byte += this.#lengths[record] === LONG ? this.#long[long++] : this.#lengths[record];
        while (run + 2 < this.#lineRuns.length && this.#lineRuns[run + 2] <= record) run += 2;
        line += this.#lineRuns[run + 1];
      }
      while (gap + 2 < this.#gapRuns.length && this.#gapRuns[gap + 2] <= index) gap += 2;
      const length = this.#lengths[index] === LONG ? this.#long[long] : this.#lengths[index];
      yield { byte, line, end: index === this.#count - 1 ? this.#lastEnd : byte + length - this.#gapRuns[gap + 1] };
    }
  }

  #measure(length: number, lines: number, gap: number): void {
    const record = this.#count - 1;
    if (record === this.#lengths.length) {
      const grown = new Uint16Array(this.#lengths.length * 2);
      grown.set(this.#lengths);
      this.#lengths = grown;
    }
    this.#lengths[record] = length < LONG ? length : LONG;
    if (length >= LONG) this.#long.push(length);
    if (this.#gapRuns.length === 0 || this.#gapRuns.at(-1) !== gap) this.#gapRuns.push(record, gap);
    if (this.#lineRuns.length === 0 || this.#lineRuns.at(-1) !== lines) this.#lineRuns.push(record, lines);
  }
}
