/**
 * Exact decimals. PostgreSQL sends a numeric in groups of four decimal digits, with the weight of the first group (as a power of 10,000), a sign, and the
 * digits that it shows after the point. Parquet stores the number without its point as a binary integer of 4, 8 or 16 bytes.
 */
import { ColumnEncoder, type ColumnPlace, type ValueRange } from './column-encoder.ts';
import { Int64Range } from './number-columns.ts';
import type { PageCodec } from './page-codec.ts';
import type { RowBatches } from './row-batch.ts';
import { DECIMAL_BYTES, PHYSICAL, type StoredType } from './stored-type.ts';

const GROUP_DIGITS = 4;
const GROUP = 10_000;
/** Count of groups, weight, sign, scale. */
const HEAD_BYTES = 8;
const NEGATIVE = 0x4000;
const SPECIAL: Readonly<Record<number, string>> = { 0xc000: 'NaN', 0xd000: 'Infinity', 0xf000: '-Infinity' };

/** Digits of every integer that a double holds exactly. */
const DOUBLE_DIGITS = 15;
const LIMB = 2 ** 32;

export class DecimalColumn extends ColumnEncoder {
  readonly #isWide: boolean;
  readonly #bytes: number;
  /** Whole groups after the point, and digits of one more. */
  readonly #fullGroups: number;
  readonly #restUnit: number;
  readonly #restFactor: number;
  /** Weight up to which a double holds the number. */
  readonly #doubleWeight: number;
  /** 10 ^ precision in four limbs, lowest first: what no value reaches. */
  readonly #limit: readonly number[];
  readonly #doubleLimit: number;
  readonly #type: StoredType;
  #range = new Int64Range();
  /** The number in hand, lowest first. */
  readonly #limbs = [0, 0, 0, 0];

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec) {
    super(place, type, codec);
    const { precision, scale } = type.decimal!;
    const rest = scale % GROUP_DIGITS;
    this.#type = type;
    this.#isWide = type.physical === PHYSICAL.fixed;
    this.#bytes = this.#isWide ? DECIMAL_BYTES : type.physical === PHYSICAL.int64 ? 8 : 4;
    this.#fullGroups = (scale - rest) / GROUP_DIGITS;
    this.#restFactor = 10 ** rest;
    this.#restUnit = GROUP / this.#restFactor;
    this.#doubleWeight = Math.floor((DOUBLE_DIGITS - scale) / GROUP_DIGITS) - 1;
    this.#doubleLimit = 10 ** Math.min(precision, DOUBLE_DIGITS + 1);
    const limit = 10n ** BigInt(precision);
    this.#limit = [0n, 32n, 64n, 96n].map((bits) => Number(BigInt.asUintN(32, limit >> bits)));
  }

  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    values.reserve((last - first) * this.#bytes);
    const limbs = this.#limbs;
    const before = values.used;
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      const at = starts[i];
      const count = view.getUint16(at);
      const weight = view.getInt16(at + 2);
      const sign = view.getUint16(at + 4);
      if (lengths[i] !== HEAD_BYTES + count * 2) this.wrongLength(lengths[i]);
      if (sign !== 0 && sign !== NEGATIVE) this.#refuseAt(view, at);
      if (weight <= this.#doubleWeight) {
        const number = this.#asDouble(view, at, count, weight);
        this.#storeDouble(sign === NEGATIVE ? -number : number);
      } else {
        this.#asLimbs(view, at, count, weight);
        if (sign === NEGATIVE) negate(limbs);
        this.#storeLimbs(limbs);
      }
    }
    if (this.#bytes === 8) this.#range.include(values.view, before, values.used);
  }

  protected range(): ValueRange | undefined {
    return this.#bytes === 8 ? this.#range.stored() : undefined;
  }

  protected restartRange(): void {
    this.#range = new Int64Range();
  }

  #asDouble(view: DataView, at: number, count: number, weight: number): number {
    const digits = at + HEAD_BYTES;
    const whole = weight + 1 + this.#fullGroups;
    let number = 0;
    for (let group = 0; group < whole; group++) number = number * GROUP + (group < count ? view.getUint16(digits + group * 2) : 0);
    number = number * this.#restFactor + this.#rest(view, at, count, whole);
    if (number >= this.#doubleLimit) this.#refuseAt(view, at);
    return number;
  }

  /** Multiplication by hand in limbs of 32 bits: products stay below 2^53. */
  #asLimbs(view: DataView, at: number, count: number, weight: number): void {
    const limbs = this.#limbs;
    const digits = at + HEAD_BYTES;
    const whole = weight + 1 + this.#fullGroups;
    limbs.fill(0);
    for (let group = 0; group < whole; group++) {
      if (multiplyAdd(limbs, GROUP, group < count ? view.getUint16(digits + group * 2) : 0)) this.#refuseAt(view, at);
    }
    if (multiplyAdd(limbs, this.#restFactor, this.#rest(view, at, count, whole))) this.#refuseAt(view, at);
    for (let i = 3; i >= 0; i--) {
      if (limbs[i] < this.#limit[i]) return;
      if (limbs[i] > this.#limit[i]) break;
    }
    this.#refuseAt(view, at);
  }

  /** Of the group in which the scale ends, the digits within it; digits behind it would be lost. */
  #rest(view: DataView, at: number, count: number, group: number): number {
    const used = this.#restFactor === 1 ? group : group + 1;
    if (count > Math.max(0, used)) this.#refuseAt(view, at);
    if (this.#restFactor === 1 || group < 0 || group >= count) return 0;
    const digits = view.getUint16(at + HEAD_BYTES + group * 2);
    if (digits % this.#restUnit !== 0) this.#refuseAt(view, at);
    return digits / this.#restUnit;
  }

  /** The operators cut and round as two's complement wants it. */
  #storeDouble(number: number): void {
    const { values } = this;
    const out = values.view;
    const at = values.used;
    const high = Math.floor(number / LIMB);
    if (this.#isWide) {
      const sign = high < 0 ? -1 : 0;
      out.setInt32(at, sign);
      out.setInt32(at + 4, sign);
      out.setInt32(at + 8, high);
      out.setInt32(at + 12, number | 0);
    } else {
      out.setInt32(at, number | 0, true);
      if (this.#bytes === 8) out.setInt32(at + 4, high, true);
    }
    values.used += this.#bytes;
  }

  #storeLimbs(limbs: readonly number[]): void {
    const { values } = this;
    const out = values.view;
    const at = values.used;
    if (this.#isWide) {
      for (let i = 0; i < 4; i++) out.setUint32(at + 12 - i * 4, limbs[i]);
    } else {
      out.setUint32(at, limbs[0], true);
      if (this.#bytes === 8) out.setUint32(at + 4, limbs[1], true);
    }
    values.used += this.#bytes;
  }

  #refuseAt(view: DataView, at: number): never {
    const { precision, scale } = this.#type.decimal!;
    return this.refuse(numericText(view, at), `DECIMAL(${precision},${scale})`);
  }
}

/** True when the number has no room. */
function multiplyAdd(limbs: number[], factor: number, addend: number): boolean {
  let carry = addend;
  for (let i = 0; i < 4; i++) {
    const product = limbs[i] * factor + carry;
    limbs[i] = product >>> 0;
    carry = (product - limbs[i]) / LIMB;
  }
  return carry > 0;
}

function negate(limbs: number[]): void {
  let carry = 1;
  for (let i = 0; i < 4; i++) {
    const sum = (~limbs[i] >>> 0) + carry;
    limbs[i] = sum >>> 0;
    carry = sum >= LIMB ? 1 : 0;
  }
}

/** As the server writes it. */
export function numericText(view: DataView, at: number): string {
  const count = view.getUint16(at);
  const weight = view.getInt16(at + 2);
  const sign = view.getUint16(at + 4);
  if (sign !== 0 && sign !== NEGATIVE) return SPECIAL[sign] ?? '?';
  const scale = view.getUint16(at + 6);
  const group = (i: number): string => String(i >= 0 && i < count ? view.getUint16(at + HEAD_BYTES + i * 2) : 0).padStart(GROUP_DIGITS, '0');
  let whole = '';
  for (let i = 0; i <= weight; i++) whole += group(i);
  let fraction = '';
  for (let i = weight + 1; fraction.length < scale; i++) fraction += group(i);
  const text = whole.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === NEGATIVE ? '-' : ''}${text}${scale === 0 ? '' : `.${fraction.slice(0, scale)}`}`;
}
