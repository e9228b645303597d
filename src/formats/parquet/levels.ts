/**
 * Definition levels of a page: which rows have a value. One bit a row, kept only from the first NULL of the page on; and the packing of small
 * numbers that levels and dictionary positions share (runs of equal ones, or packed bits, lowest first).
 */

const FIRST_BYTES = 128;

export class DefinitionLevels {
  rows = 0;
  nulls = 0;
  #bits = new Uint8Array(FIRST_BYTES);

  /** The rows of a batch by the lengths of their fields. */
  append(lengths: Int32Array, first: number, rows: number): void {
    const last = first + rows;
    let at = first;
    if (this.nulls === 0) {
      while (at < last && lengths[at] >= 0) at++;
      this.rows += at - first;
      if (at === last) return;
      this.#reserve(last - at);
      this.#bits.fill(0xff, 0, this.rows >> 3);
      this.#bits[this.rows >> 3] = (1 << (this.rows & 7)) - 1;
      this.#bits.fill(0, (this.rows >> 3) + 1);
    }
    this.#reserve(last - at);
    let row = this.rows;
    for (; at < last; at++, row++) {
      if (lengths[at] >= 0) this.#bits[row >> 3] |= 1 << (row & 7);
      else this.nulls++;
    }
    this.rows = row;
  }

  /** As they stand in a page: their length in four bytes, then one run. */
  encoded(): Buffer {
    const same = this.nulls === 0 || this.nulls === this.rows;
    const run = same ? [...varint(this.rows * 2), this.nulls === 0 ? 1 : 0] : varint(this.#groups * 2 + 1);
    const bits = same ? this.#bits.subarray(0, 0) : this.#bits.subarray(0, this.#groups);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(run.length + bits.length);
    return Buffer.concat([length, Uint8Array.from(run), bits]);
  }

  clear(): void {
    this.rows = 0;
    this.nulls = 0;
  }

  get #groups(): number {
    return (this.rows + 7) >> 3;
  }

  #reserve(rows: number): void {
    const needed = ((this.rows + rows) >> 3) + 1;
    if (needed <= this.#bits.length) return;
    const larger = new Uint8Array(needed * 2);
    larger.set(this.#bits);
    this.#bits = larger;
  }
}

/** Positions in a dictionary of `entries`, as they stand in a page: the width in one byte, then one run of packed bits. */
export function packedPositions(positions: Uint16Array, count: number, entries: number): Buffer {
  const width = Math.max(1, 32 - Math.clz32(entries - 1));
  const groups = (count + 7) >> 3;
  const run = varint(groups * 2 + 1);
  const out = Buffer.alloc(1 + run.length + groups * width);
  out[0] = width;
  out.set(run, 1);
  let at = 1 + run.length;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < count; i++) {
    held |= positions[i] << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      out[at++] = held & 0xff;
      held >>>= 8;
    }
  }
  if (bits > 0) out[at] = held;
  return out;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 128);
  bytes.push(rest);
  return bytes;
}
