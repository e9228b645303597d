/**
 * Columns of texts and bytes. Each row group begins with a dictionary and goes on without as soon as it does not pay: pages that are complete keep
 * referring to it, the one in hand is written out, the rest is plain.
 */
import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../../errors/sluice-error.ts';
import { ColumnEncoder, type ColumnPlace, type ValueRange } from './column-encoder.ts';
import { packedPositions } from './levels.ts';
import type { PageCodec } from './page-codec.ts';
import type { RowBatches } from './row-batch.ts';
import type { StoredType } from './stored-type.ts';
import { ValueDictionary } from './value-dictionary.ts';

/** Positions have 16 bits. */
const MOST_ENTRIES = 65_536;
const LARGEST_DICTIONARY_BYTES = 512 * 1024;
/** So many values are looked at before a dictionary is judged; it pays while values come at least twice. */
const JUDGED_VALUES = 2048;
const FIRST_POSITIONS = 4096;
/** What a position counts as in the page in hand, so that not too much is written out where the dictionary ends: 32,768 values. */
const PENDING_BYTES = 8;
/** From this length on a native copy is quicker than a loop. */
const LONG_BYTES = 64;
const NOT_ASCII = 0x8080_8080 | 0;
/** Longer values are no bounds for anybody who skips row groups. */
const LONGEST_BOUND_BYTES = 64;

export interface TextKind {
  /** Must be UTF-8. */
  readonly isText: boolean;
  /** Bytes before the value: jsonb has its version there. */
  readonly prefixBytes: number;
}

export class TextColumn extends ColumnEncoder {
  readonly #kind: TextKind;
  readonly #dictionary = new ValueDictionary();
  #usesDictionary = true;
  #positions = new Uint16Array(FIRST_POSITIONS);
  #count = 0;
  /** Since the row group began. */
  #looked = 0;
  #wasPlain = false;

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec, kind: TextKind) {
    super(place, type, codec);
    this.#kind = kind;
  }

  override get heldBytes(): number {
    return super.heldBytes + this.#dictionary.values.used;
  }

  protected appendValues(batch: RowBatches, first: number, last: number): void {
    if (this.#usesDictionary && this.#dictionary.count + (last - first) > MOST_ENTRIES) this.#goPlain();
    if (this.#usesDictionary) this.#appendPositions(batch, first, last);
    else this.#appendPlain(batch, first, last);
  }

  protected override pendingBytes(): number {
    return this.#usesDictionary ? this.#count * PENDING_BYTES : this.values.used;
  }

  protected override pageValues(): { bytes: Uint8Array; isDictionary: boolean } {
    if (!this.#usesDictionary) return super.pageValues();
    return { bytes: packedPositions(this.#positions, this.#count, this.#dictionary.count), isDictionary: true };
  }

  protected override clearPage(): void {
    super.clearPage();
    this.#count = 0;
  }

  protected override dictionary(): { bytes: Uint8Array; count: number } {
    return { bytes: this.#dictionary.values.filled(), count: this.#dictionary.count };
  }

  /** Known only when every value is in the dictionary. */
  protected range(): ValueRange | undefined {
    if (this.#wasPlain) return undefined;
    const dictionary = this.#dictionary;
    let range: ValueRange | undefined;
    for (let position = 0; position < dictionary.count; position++) {
      const length = dictionary.lengthOf(position);
      if (length > LONGEST_BOUND_BYTES) return undefined;
      const value = dictionary.values.bytes.subarray(dictionary.startOf(position), dictionary.startOf(position) + length);
      range = range === undefined ? { least: value, greatest: value } : {
        least: value.compare(range.least) < 0 ? value : range.least,
        greatest: value.compare(range.greatest) > 0 ? value : range.greatest,
      };
    }
    return range;
  }

  protected restartRange(): void {
    this.#dictionary.clear();
    this.#usesDictionary = true;
    this.#looked = 0;
    this.#wasPlain = false;
  }

  #appendPositions({ bytes, view, starts, lengths }: RowBatches, first: number, last: number): void {
    const dictionary = this.#dictionary;
    const prefix = this.#kind.prefixBytes;
    this.#reservePositions(last - first);
    const positions = this.#positions;
    let count = this.#count;
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      const [start, length] = [starts[i] + prefix, lengths[i] - prefix];
      const known = dictionary.count;
      const position = dictionary.positionOf(bytes, view, start, length);
      if (position === known && this.#kind.isText) this.#checkText(bytes, start, length);
      positions[count++] = position;
    }
    this.#looked += count - this.#count;
    this.#count = count;
    const pays = this.#looked < JUDGED_VALUES || dictionary.count * 2 <= this.#looked;
    if (!pays || dictionary.values.used > LARGEST_DICTIONARY_BYTES) this.#goPlain();
  }

  #appendPlain({ bytes, view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    const { prefixBytes: prefix, isText } = this.#kind;
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      const [start, length] = [starts[i] + prefix, lengths[i] - prefix];
      values.reserve(length + 4);
      values.view.setUint32(values.used, length, true);
      let at = values.used + 4;
      if (length >= LONG_BYTES) {
        bytes.copy(values.bytes, at, start, start + length);
        if (isText) this.#checkText(bytes, start, length);
      } else {
        const out = values.bytes;
        const to = values.view;
        const end = start + length;
        let from = start;
        let words = 0;
        let all = 0;
        for (; from + 4 <= end; from += 4, at += 4) {
          const word = view.getInt32(from);
          to.setInt32(at, word);
          words |= word;
        }
        for (; from < end; from++) {
          const byte = bytes[from];
          out[at++] = byte;
          all |= byte;
        }
        if (((words & NOT_ASCII) !== 0 || all >= 0x80) && isText) this.#checkText(bytes, start, length);
      }
      values.used += length + 4;
    }
  }

  /** Writes the page in hand out. */
  #goPlain(): void {
    this.#usesDictionary = false;
    this.#wasPlain = true;
    const { values } = this;
    const dictionary = this.#dictionary;
    for (let i = 0; i < this.#count; i++) {
      const start = dictionary.startOf(this.#positions[i]) - 4;
      const length = dictionary.lengthOf(this.#positions[i]) + 4;
      values.reserve(length);
      dictionary.values.bytes.copy(values.bytes, values.used, start, start + length);
      values.used += length;
    }
    this.#count = 0;
  }

  #reservePositions(count: number): void {
    const needed = this.#count + count;
    if (needed <= this.#positions.length) return;
    const larger = new Uint16Array(needed * 2);
    larger.set(this.#positions);
    this.#positions = larger;
  }

  /** A database without an encoding of its own (SQL_ASCII) may hold anything. */
  #checkText(bytes: Buffer, start: number, length: number): void {
    if (isUtf8(bytes.subarray(start, start + length))) return;
    const { table, column } = this.place;
    throw new SluiceError('ENCODING_INVALID', { source: table, encoding: 'utf-8' }, { table, column });
  }
}

/** Values whose text has to be made. */
export class RenderedColumn extends ColumnEncoder {
  readonly #render: (view: DataView, start: number) => string;

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec, render: (view: DataView, start: number) => string) {
    super(place, type, codec);
    this.#render = render;
  }

  protected appendValues({ view, starts, lengths }: RowBatches, first: number, last: number): void {
    const { values } = this;
    for (let i = first; i < last; i++) {
      if (lengths[i] < 0) continue;
      const text = this.#render(view, starts[i]);
      values.reserve(text.length + 4);
      values.view.setUint32(values.used, text.length, true);
      values.bytes.write(text, values.used + 4, 'latin1');
      values.used += text.length + 4;
    }
  }

  protected range(): undefined { /* of texts that stand for something else */ }
  protected restartRange(): void { /* none */ }
}
