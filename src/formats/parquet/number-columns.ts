/**
 * Columns of numbers whose binary form needs its bytes turned around and nothing else: booleans, integers, floats, dates, times, timestamps, UUIDs.
 * PostgreSQL counts days and microseconds from 2000, Parquet from 1970.
 */
import type { PageCodec } from './page-codec.ts';
import { ColumnEncoder, type ColumnPlace, type ValueRange } from './column-encoder.ts';
import type { RowBatches } from './row-batch.ts';
import { PHYSICAL, type StoredType } from './stored-type.ts';

const HIGH_UNIT = 2 ** 32;
const MOST_HIGH = 0x7fff_ffff;
const LEAST_HIGH = -0x8000_0000;

/** One bit a value, lowest first. */
export class BooleanColumn extends ColumnEncoder {
  #count = 0;

  protected appendValues({ bytes, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve(((last - first) >> 3) + 2);
    let count = this.#count;
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      if (lengths[i] !== 1) this.wrongLength(lengths[i]);
      const at = count >> 3;
      if ((count & 7) === 0) values.bytes[at] = 0;
      if (bytes[starts[i]] !== 0) values.bytes[at] |= 1 << (count & 7);
      count++;
    }
    this.#count = count;
    values.used = (count + 7) >> 3;
  }

  protected override clearPage(): void {
    super.clearPage();
    this.#count = 0;
  }

  protected range(): undefined { /* two values tell no reader anything */ }
  protected restartRange(): void { /* none */ }
}

/** smallint, integer, and dates. */
export class Int32Column extends ColumnEncoder {
  readonly #isDate: boolean;
  #least = MOST_HIGH;
  #greatest = LEAST_HIGH;

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec, isDate: boolean) {
    super(place, type, codec);
    this.#isDate = isDate;
  }

  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve((last - first) * 4);
    const out = values.view;
    const shift = this.#isDate ? DAYS_TO_2000 : 0;
    let [used, least, greatest] = [values.used, this.#least, this.#greatest];
    for (let i = first; i < last; i++) {
      const length = lengths[i];
      if (length < 0) continue;
      if (length !== 4 && length !== 2) this.wrongLength(length);
      const stored = length === 4 ? view.getInt32(starts[i]) : view.getInt16(starts[i]);
      if (shift !== 0 && (stored === MOST_HIGH || stored === LEAST_HIGH)) this.refuse(stored > 0 ? 'infinity' : '-infinity');
      const value = stored + shift;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
      out.setInt32(used, value, true);
      used += 4;
    }
    [values.used, this.#least, this.#greatest] = [used, least, greatest];
  }

  protected range(): ValueRange {
    return { least: int32(this.#least), greatest: int32(this.#greatest) };
  }

  protected restartRange(): void {
    this.#least = MOST_HIGH;
    this.#greatest = LEAST_HIGH;
  }
}

const DAYS_TO_2000 = 10_957;
const MICROSECONDS_TO_2000 = DAYS_TO_2000 * 86_400_000_000;
const EPOCH_HIGH = Math.floor(MICROSECONDS_TO_2000 / HIGH_UNIT);
const EPOCH_LOW = MICROSECONDS_TO_2000 % HIGH_UNIT;

/** The smallest and the largest of 64-bit numbers, each in two halves; the lower ones with their first bit turned, so that they compare as if they had no sign. */
export class Int64Range {
  #leastHigh = MOST_HIGH;
  #leastLow = MOST_HIGH;
  #greatestHigh = LEAST_HIGH;
  #greatestLow = LEAST_HIGH;

  /** The numbers that were written from `from` to `to`. */
  include(written: DataView, from: number, to: number): void {
    let [leastHigh, leastLow, greatestHigh, greatestLow] = [this.#leastHigh, this.#leastLow, this.#greatestHigh, this.#greatestLow];
    for (let at = from; at < to; at += 8) {
      const high = written.getInt32(at + 4, true);
      const low = written.getInt32(at, true) ^ LEAST_HIGH;
      if (high < leastHigh || (high === leastHigh && low < leastLow)) {
        leastHigh = high;
        leastLow = low;
      }
      if (high > greatestHigh || (high === greatestHigh && low > greatestLow)) {
        greatestHigh = high;
        greatestLow = low;
      }
    }
    [this.#leastHigh, this.#leastLow, this.#greatestHigh, this.#greatestLow] = [leastHigh, leastLow, greatestHigh, greatestLow];
  }

  stored(): ValueRange {
    return { least: int64(this.#leastHigh, this.#leastLow), greatest: int64(this.#greatestHigh, this.#greatestLow) };
  }
}

abstract class RangedInt64Column extends ColumnEncoder {
  #range = new Int64Range();

  /** The numbers that were written from `from` to `to`. */
  protected include(written: DataView, from: number, to: number): void {
    this.#range.include(written, from, to);
  }

  protected range(): ValueRange {
    return this.#range.stored();
  }

  protected restartRange(): void {
    this.#range = new Int64Range();
  }
}

/** bigint and times; oid, which has 32 bits and no sign. */
export class Int64Column extends RangedInt64Column {
  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve((last - first) * 8);
    const out = values.view;
    let used = values.used;
    for (let i = first; i < last; i++) {
      const length = lengths[i];
      if (length < 0) continue;
      if (length !== 8 && length !== 4) this.wrongLength(length);
      const high = length === 8 ? view.getInt32(starts[i]) : 0;
      const low = view.getInt32(starts[i] + length - 4);
      out.setInt32(used, low, true);
      out.setInt32(used + 4, high, true);
      used += 8;
    }
    this.include(out, values.used, used);
    values.used = used;
  }
}

export class TimestampColumn extends RangedInt64Column {
  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve((last - first) * 8);
    const out = values.view;
    let used = values.used;
    for (let i = first; i < last; i++) {
      const length = lengths[i];
      if (length < 0) continue;
      if (length !== 8) this.wrongLength(length);
      const stored = view.getInt32(starts[i]);
      const sum = view.getUint32(starts[i] + 4) + EPOCH_LOW;
      const high = stored + EPOCH_HIGH + (sum >= HIGH_UNIT ? 1 : 0);
      const low = sum | 0;
      // The largest and the smallest number are the infinities, here and in the engine; the last days of PostgreSQL's calendar lie beyond.
      if (high > MOST_HIGH || (high === MOST_HIGH && low === -1) || (stored === LEAST_HIGH && sum === EPOCH_LOW)) this.#refuseAt(view, starts[i]);
      out.setInt32(used, low, true);
      out.setInt32(used + 4, high, true);
      used += 8;
    }
    this.include(out, values.used, used);
    values.used = used;
  }

  #refuseAt(view: DataView, at: number): never {
    const [high, low] = [view.getInt32(at), view.getUint32(at + 4)];
    if (high === LEAST_HIGH && low === 0) this.refuse('-infinity');
    if (high === MOST_HIGH && low === HIGH_UNIT - 1) this.refuse('infinity');
    return this.refuse('a time after the year 294246');
  }
}

export class FloatColumn extends ColumnEncoder {
  readonly #bytes: 4 | 8;
  #least = Infinity;
  #greatest = -Infinity;
  #hasNaN = false;

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec) {
    super(place, type, codec);
    this.#bytes = type.physical === PHYSICAL.float ? 4 : 8;
  }

  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    const width = this.#bytes;
    values.reserve((last - first) * width);
    const out = values.view;
    let [used, least, greatest] = [values.used, this.#least, this.#greatest];
    for (let i = first; i < last; i++) {
      const length = lengths[i];
      if (length < 0) continue;
      if (length !== width) this.wrongLength(length);
      const value = width === 8 ? view.getFloat64(starts[i]) : view.getFloat32(starts[i]);
      if (value < least) least = value;
      if (value > greatest) greatest = value;
      if (value !== value) this.#hasNaN = true;
      // As bits, not as a number: a NaN keeps what it says.
      out.setInt32(used, view.getInt32(starts[i] + width - 4), true);
      if (width === 8) out.setInt32(used + 4, view.getInt32(starts[i]), true);
      used += width;
    }
    [values.used, this.#least, this.#greatest] = [used, least, greatest];
  }

  /** NaN is in no range. A zero may be either zero. */
  protected range(): ValueRange | undefined {
    if (this.#hasNaN) return undefined;
    return { least: this.#stored(this.#least === 0 ? -0 : this.#least), greatest: this.#stored(this.#greatest === 0 ? 0 : this.#greatest) };
  }

  protected restartRange(): void {
    this.#least = Infinity;
    this.#greatest = -Infinity;
    this.#hasNaN = false;
  }

  #stored(value: number): Uint8Array {
    const bytes = Buffer.alloc(this.#bytes);
    if (this.#bytes === 8) bytes.writeDoubleLE(value);
    else bytes.writeFloatLE(value);
    return bytes;
  }
}

export class UuidColumn extends ColumnEncoder {
  protected appendValues({ bytes, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve((last - first) * 16);
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      if (lengths[i] !== 16) this.wrongLength(lengths[i]);
      const start = starts[i];
      for (let at = 0; at < 16; at++) values.bytes[values.used + at] = bytes[start + at];
      values.used += 16;
    }
  }

  protected range(): undefined { /* of random numbers */ }
  protected restartRange(): void { /* none */ }
}

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(high: number, low: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(low ^ LEAST_HIGH);
  bytes.writeInt32LE(high, 4);
  return bytes;
}
