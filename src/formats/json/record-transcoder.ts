/**
 * Turns one JSON object after the other into records of the wanted encoding (`copy-text` or `csv`), bytes to bytes.
 *
 * Fields are written in target order. A member whose turn it is goes straight into the part; one that comes early goes into a scratch buffer and is
 * copied when its turn comes or the record ends. An absent key is NULL. When a key that was already written comes again (the last one wins, as in
 * every JSON parser), the record is done once more with all members in the scratch buffer.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { TableBinding } from '../format.ts';
import { ByteBuffer } from './byte-buffer.ts';
import { KeyIndex } from './key-index.ts';
import { CLOSE_OBJECT, COMMA, LF, QUOTE, type JsonLexer } from './lexer.ts';
import { ValueTranscoder } from './value-transcoder.ts';

const NONE = -1;
const BACKSLASH = 0x5c, LETTER_NULL = 0x4e, TAB = 0x09;

export class RecordTranscoder {
  readonly #lexer: JsonLexer;
  readonly #binding: TableBinding;
  readonly #keys: KeyIndex;
  readonly #values: ValueTranscoder;
  readonly #fieldCount: number;
  readonly #csv: boolean;
  readonly #separator: number;
  /** By key: its first field, or NONE for a key that is left out. */
  readonly #fieldOfKey: Int32Array;
  /** By field: the next field with the same key, or NONE. */
  readonly #sameKey: Int32Array;
  readonly #expansion: number;

  /** Where records go; set by the caller before the first one. */
  out: ByteBuffer = new ByteBuffer(0);
  readonly #scratch = new ByteBuffer(0);
  /** Early fields of the current record: their bytes in the scratch buffer, valid where the stamp is the current record's. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #stamps: Int32Array;
  #stamp = 0;
  /** The first field that is not yet in `out`. */
  #next = 0;

  /** @param sampled by field: its type is the one that a sample of the source showed (value-transcoder.ts) */
  constructor(lexer: JsonLexer, binding: TableBinding, sampled: readonly boolean[]) {
    this.#lexer = lexer;
    this.#binding = binding;
    this.#fieldCount = binding.fields.length;
    this.#csv = binding.encoding.kind === 'csv';
    this.#separator = binding.encoding.kind === 'csv' ? binding.encoding.delimiter.charCodeAt(0) : TAB;
    this.#keys = new KeyIndex(lexer, [...binding.fields.filter((field) => field.absent !== true).map((field) => field.source), ...binding.ignored]);
    this.#values = new ValueTranscoder(lexer, binding, sampled, this.#scratch);
    this.#fieldOfKey = new Int32Array(this.#keys.size).fill(NONE);
    this.#sameKey = new Int32Array(this.#fieldCount).fill(NONE);
    this.#starts = new Int32Array(this.#fieldCount);
    this.#ends = new Int32Array(this.#fieldCount);
    this.#stamps = new Int32Array(this.#fieldCount);
    this.#expansion = 2 * this.#linkFields();
  }

  /** @returns how many fields take their value from the same key, at most */
  #linkFields(): number {
    const counts = new Map<number, number>();
    for (let field = this.#fieldCount - 1; field >= 0; field--) {
      if (this.#binding.fields[field].absent === true) continue;
      const key = this.#keys.indexOf(this.#binding.fields[field].source);
      this.#sameKey[field] = this.#fieldOfKey[key]!;
      this.#fieldOfKey[key] = field;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return Math.max(1, ...counts.values());
  }

  /**
   * Appends the record of the object at `i` (its `{`) to `out`; returns the position after the object. When it throws, `out` has part of a record:
   * the caller sets its length back.
   */
  record(i: number): number {
    const mark = this.out.length;
    // The rest of the window is the most that this record can be: no other check for room is needed (value-transcoder.ts).
    const room = (this.#lexer.window.end - i) * this.#expansion + this.#fieldCount * 4 + 64;
    this.out.reserve(room);
    let end = this.#members(i, false);
    if (end === NONE) {
      this.out.length = mark;
      end = this.#members(i, true);
    }
    this.#finish();
    return end;
  }

  /** @returns the position after the object; NONE when `allEarly` is needed because a key repeats one that is already in `out` */
  #members(i: number, allEarly: boolean): number {
    const lexer = this.#lexer;
    const bytes = lexer.window.bytes;
    const keys = this.#keys;
    const line = lexer.line;
    this.#next = 0;
    this.#stamp++;
    this.#scratch.length = 0;
    keys.startRecord();
    i = lexer.blanks(i + 1);
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    for (;;) {
      if (bytes[i] !== QUOTE) lexer.fail(i, 'a key in quotes');
      const key = keys.find(i);
      if (key === NONE) this.#refuseKey(i);
      i = keys.value;
      let field = this.#fieldOfKey[key];
      let after = NONE;
      do {
        if (field === this.#next && !allEarly) {
          after = this.#direct(i, field);
        } else if (field === NONE) {
          after = this.#values.skip(i);
        } else {
          if (field < this.#next) {
            lexer.line = line;
            return NONE;
          }
          after = this.#early(i, field);
        }
        field = field === NONE ? NONE : this.#sameKey[field];
      } while (field !== NONE);
      i = after;
      let byte = bytes[i];
      if (byte <= 0x20) byte = bytes[(i = lexer.blanks(i))]!;
      if (byte === CLOSE_OBJECT) return i + 1;
      if (byte !== COMMA) lexer.fail(i, 'a comma or }');
      i++;
      if (bytes[i] <= 0x20) i = lexer.blanks(i);
    }
  }

  /** The field's turn: into `out`, and after it the early ones that follow it. */
  #direct(i: number, field: number): number {
    const { out } = this;
    if (field > 0) out.bytes[out.length++] = this.#separator;
    const after = this.#values.value(i, field, out);
    this.#next = field + 1;
    while (this.#next < this.#fieldCount && this.#stamps[this.#next] === this.#stamp) this.#copyEarly();
    return after;
  }

  #early(i: number, field: number): number {
    const scratch = this.#scratch;
    if (scratch.length === 0) scratch.reserve((this.#lexer.window.end - i) * this.#expansion + 64);
    this.#stamps[field] = this.#stamp;
    this.#starts[field] = scratch.length;
    const after = this.#values.value(i, field, scratch);
    this.#ends[field] = scratch.length;
    return after;
  }

  /** Writes the field `next` from the scratch buffer, or NULL when it is not there. */
  #copyEarly(): void {
    const { out } = this;
    const field = this.#next++;
    if (field > 0) out.bytes[out.length++] = this.#separator;
    if (this.#stamps[field] !== this.#stamp) {
      if (this.#csv) return;
      out.bytes[out.length++] = BACKSLASH;
      out.bytes[out.length++] = LETTER_NULL;
      return;
    }
    const from = this.#scratch.bytes;
    const to = out.bytes;
    let at = out.length;
    for (let k = this.#starts[field]; k < this.#ends[field]; k++) to[at++] = from[k]!;
    out.length = at;
  }

  #finish(): void {
    while (this.#next < this.#fieldCount) this.#copyEarly();
    this.out.bytes[this.out.length++] = LF;
  }

  #refuseKey(i: number): never {
    const { sourceName } = this.#lexer.window.options;
    const key = this.#keys.text(i);
    throw new SluiceError('JSON_UNKNOWN_KEY', { source: sourceName, key, table: this.#binding.table }, this.#lexer.place(i));
  }
}
