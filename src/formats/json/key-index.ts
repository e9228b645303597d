/**
 * Finds which of the known keys a member has, without making a string of it. Records of one table mostly have the same keys in the same order, so
 * the key that followed the last one before is compared first, byte by byte; otherwise a hash of the bytes finds it. Only a key with escapes
 * that it would not need is decoded.
 */
import type { JsonLexer } from './lexer.ts';

const UNKNOWN = -1;

export class KeyIndex {
  readonly #lexer: JsonLexer;
  readonly #names: string[] = [];
  /** Each key as JSON writes it, without the opening and with the closing quote. */
  readonly #keys: Uint8Array[] = [];
  readonly #byName = new Map<string, number>();
  /** Open addressing; index + 1, 0 is free. The size is a power of two and at least twice the keys. */
  #slots = new Int32Array(16);
  /** The key that followed each key in the last record; the last element: the first key of a record. */
  #successors = new Int32Array(9);
  #last = 0;
  /** Position after the closing quote of the key that `find` looked at. */
  end = 0;

  constructor(lexer: JsonLexer, names: readonly string[]) {
    this.#lexer = lexer;
    for (const name of names) this.add(name);
  }

  get size(): number {
    return this.#names.length;
  }

  name(index: number): string {
    return this.#names[index]!;
  }

  /** The index of the name, which is added when it is not there yet. */
  add(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const index = this.#names.length;
    this.#names.push(name);
    this.#keys.push(Buffer.from(JSON.stringify(name).slice(1)));
    this.#byName.set(name, index);
    if (index * 2 >= this.#slots.length) this.#grow();
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

  /** The index of the key at `i` (its opening quote), or -1 when it is not known. `end` is then set. */
  find(i: number): number {
    const bytes = this.#lexer.window.bytes;
    const expected = this.#successors[this.#last]!;
    if (expected < this.#keys.length) {
      const key = this.#keys[expected]!;
      let k = 0;
      while (k < key.length && bytes[i + 1 + k] === key[k]) k++;
      if (k === key.length) {
        this.end = i + 1 + k;
        this.#last = expected;
        return expected;
      }
    }
    const index = this.#lookUp(i);
    if (index !== UNKNOWN) {
      this.#successors[this.#last] = index;
      this.#last = index;
    }
    return index;
  }

  /** The text of the key at `i` that `find` looked at. */
  text(i: number): string {
    return JSON.parse(Buffer.from(this.#lexer.window.bytes.subarray(i, this.end)).toString()) as string;
  }

  #lookUp(i: number): number {
    const bytes = this.#lexer.window.bytes;
    this.end = this.#lexer.string(i);
    const length = this.end - i - 1;
    const mask = this.#slots.length - 1;
    let slot = hash(bytes, i + 1, this.end - 1) & mask;
    for (let index = this.#slots[slot]! - 1; index >= 0; index = this.#slots[slot]! - 1) {
      const key = this.#keys[index]!;
      if (key.length === length && equal(bytes, i + 1, key)) return index;
      slot = (slot + 1) & mask;
    }
    return bytes.subarray(i, this.end).includes(0x5c) ? this.indexOf(this.text(i)) : UNKNOWN;
  }

  #insert(index: number): void {
    const key = this.#keys[index]!;
    const mask = this.#slots.length - 1;
    let slot = hash(key, 0, key.length - 1) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
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

/** FNV-1a over source[start, end). */
function hash(source: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ source[i]!, 0x01000193);
  return value >>> 0;
}

function equal(bytes: Uint8Array, start: number, key: Uint8Array): boolean {
  for (let k = 0; k < key.length; k++) {
    if (bytes[start + k] !== key[k]) return false;
  }
  return true;
}
