/**
 * Finds which of the known keys a member has, without making a string of it. Records of one table mostly have the same keys in the same order, so
 * the key that followed the last one before is compared first, with its quotes and colon, four bytes at a time; otherwise a hash of the bytes finds it.
 * Only a key with escapes that it would not need is decoded.
 */
import type { JsonLexer } from './lexer.ts';

const UNKNOWN = -1;

export class KeyIndex {
  readonly #lexer: JsonLexer;
  readonly #names: string[] = [];
  /** Each key as JSON writes it, with its quotes and a colon, padded to whole words; word `#starts[k]` is the first of key k. */
  #words = new Int32Array(64);
  #starts = new Int32Array(9);
  /** Bytes of each key with quotes and colon, and the mask of those in its last word. */
  #lengths = new Int32Array(8);
  #masks = new Int32Array(8);
  readonly #keys: Uint8Array[] = [];
  readonly #byName = new Map<string, number>();
  /** Open addressing; index + 1, 0 is free. The size is a power of two and at least twice the keys. */
  #slots = new Int32Array(16);
  /** The key that followed each key in the last record; the last element: the first key of a record. */
  #successors = new Int32Array(9);
  #last = 0;
  /** Position after the closing quote of the key that `find` looked at, and of its value. */
  end = 0;
  value = 0;

  constructor(lexer: JsonLexer, names: readonly string[]) {
    this.#lexer = lexer;
    for (const name of names) this.add(name);
  }

  get size(): number {
    return this.#names.length;
  }

  name(index: number): string {
    return this.#names[index];
  }

  /** The index of the name, which is added when it is not there yet. */
  add(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const index = this.#names.length;
    this.#names.push(name);
    this.#keys.push(new Uint8Array(Buffer.from(`${JSON.stringify(name)}:`)));
    this.#byName.set(name, index);
    if (index * 2 >= this.#slots.length) this.#grow();
    this.#addWords(index);
    this.#insert(index);
    return index;
  }

  indexOf(name: string): number {
    return this.#byName.get(name) ?? UNKNOWN;
  }

  /** To be called before the first key of each record. */
  startRecord(): void {
    this.#last = this.#successors.length - 1;
  }

  /** The index of the key at `i` (its opening quote), or -1 when it is not known; `value` is then where its value begins. */
  find(i: number): number {
    const expected = this.#successors[this.#last];
    if (this.#matches(i, expected)) {
      this.#last = expected;
      const at = i + this.#lengths[expected];
      this.end = at - 1;
      this.value = this.#lexer.window.bytes[at] > 0x20 ? at : this.#lexer.blanks(at);
      return expected;
    }
    const index = this.#lookUp(i);
    if (index !== UNKNOWN) {
      this.#successors[this.#last] = index;
      this.#last = index;
    }
    this.value = this.#lexer.colon(this.end);
    return index;
  }

  #matches(i: number, key: number): boolean {
    const { view } = this.#lexer.window;
    const words = this.#words;
    const last = this.#starts[key + 1] - 1;
    if (last < 0) return false; // no keys at all
    let word = this.#starts[key];
    while (word < last) {
      if (view.getInt32(i, true) !== words[word]) return false;
      word++;
      i += 4;
    }
    return ((view.getInt32(i, true) ^ words[last]) & this.#masks[key]) === 0;
  }

  /** The text of the key at `i` that `find` looked at. */
  text(i: number): string {
    return JSON.parse(Buffer.from(this.#lexer.window.bytes.subarray(i, this.end)).toString()) as string;
  }

  #lookUp(i: number): number {
    const bytes = this.#lexer.window.bytes;
    this.end = this.#lexer.string(i);
    const length = this.end - i;
    const mask = this.#slots.length - 1;
    let slot = hash(bytes, i, this.end) & mask;
    for (let index = this.#slots[slot] - 1; index >= 0; index = this.#slots[slot] - 1) {
      const key = this.#keys[index];
      if (key.length === length + 1 && equal(bytes, i, key, length)) return index;
      slot = (slot + 1) & mask;
    }
    return bytes.subarray(i, this.end).includes(0x5c) ? this.indexOf(this.text(i)) : UNKNOWN;
  }

  #insert(index: number): void {
    const key = this.#keys[index];
    const mask = this.#slots.length - 1;
    let slot = hash(key, 0, key.length - 1) & mask; // without the colon
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
  }

  #addWords(index: number): void {
    const key = this.#keys[index];
    const start = this.#starts[index];
    const end = start + Math.ceil(key.length / 4);
    if (end > this.#words.length) this.#words = grown(this.#words, end);
    if (index + 2 > this.#starts.length) this.#starts = grown(this.#starts, index + 2);
    if (index >= this.#lengths.length) {
      this.#lengths = grown(this.#lengths, index + 1);
      this.#masks = grown(this.#masks, index + 1);
    }
    const padded = new DataView(new ArrayBuffer((end - start) * 4));
    key.forEach((byte, at) => padded.setUint8(at, byte));
    for (let word = start; word < end; word++) this.#words[word] = padded.getInt32((word - start) * 4, true);
    this.#starts[index + 1] = end;
    this.#lengths[index] = key.length;
    const rest = key.length % 4;
    this.#masks[index] = rest === 0 ? -1 : (1 << (rest * 8)) - 1;
  }

  #grow(): void {
    const first = this.#successors.at(-1)!;
    this.#slots = new Int32Array(this.#slots.length * 2);
    const successors = new Int32Array(this.#slots.length / 2 + 1);
    successors.set(this.#successors.subarray(0, -1));
    successors[successors.length - 1] = first;
    this.#successors = successors;
    for (let index = 0; index < this.#names.length - 1; index++) this.#insert(index);
  }
}

function grown(array: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(array.length * 2, atLeast));
  larger.set(array);
  return larger;
}

/** FNV-1a over source[start, end). */
function hash(source: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ source[i], 0x01000193);
  return value >>> 0;
}

function equal(bytes: Uint8Array, start: number, key: Uint8Array, length: number): boolean {
  for (let k = 0; k < length; k++) {
    if (bytes[start + k] !== key[k]) return false;
  }
  return true;
}
