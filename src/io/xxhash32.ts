/** XXH32 with seed 0, as LZ4 frames have it for checksums. Bytes may come in any pieces. */

const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca77 | 0;
const PRIME_3 = 0xc2b2ae3d | 0;
const PRIME_4 = 0x27d4eb2f | 0;
const PRIME_5 = 0x165667b1 | 0;

const STRIPE_BYTES = 16;

export class XxHash32 {
  readonly #lanes = new Int32Array([PRIME_1 + PRIME_2, PRIME_2, 0, -PRIME_1]);
  readonly #stripe = Buffer.alloc(STRIPE_BYTES);
  #held = 0;
  #total = 0;

  update(bytes: Uint8Array): this {
    this.#total += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(STRIPE_BYTES - this.#held, bytes.length);
      this.#stripe.set(bytes.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < STRIPE_BYTES) return this;
      this.#take(this.#stripe, 0, STRIPE_BYTES);
    }
    const whole = at + ((bytes.length - at) & -STRIPE_BYTES);
    this.#take(bytes, at, whole);
    this.#stripe.set(bytes.subarray(whole));
    this.#held = bytes.length - whole;
    return this;
  }

  /** As an unsigned number; more bytes may follow. */
  digest(): number {
    const [a, b, c, d] = this.#lanes;
    let hash = this.#total >= STRIPE_BYTES ? (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0 : PRIME_5;
    hash = (hash + this.#total) | 0;
    let at = 0;
    for (; at + 4 <= this.#held; at += 4) hash = Math.imul(rotate((hash + Math.imul(this.#stripe.readInt32LE(at), PRIME_3)) | 0, 17), PRIME_4);
    for (; at < this.#held; at++) hash = Math.imul(rotate((hash + Math.imul(this.#stripe[at], PRIME_5)) | 0, 11), PRIME_1);
    hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
    hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    const lanes = this.#lanes;
    let [a, b, c, d] = lanes;
    for (let at = start; at < end; at += STRIPE_BYTES) {
      a = round(a, wordAt(bytes, at));
      b = round(b, wordAt(bytes, at + 4));
      c = round(c, wordAt(bytes, at + 8));
      d = round(d, wordAt(bytes, at + 12));
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
  }
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
