/** A set of chunk ids in 32 bytes each (open addressing), with a mark for each: a JavaScript Set of their names would need five times as much. */
const ID_BYTES = 32;
const FIRST_SLOTS = 1024;

export class DigestSet {
  #slots = FIRST_SLOTS;
  #ids = Buffer.alloc(FIRST_SLOTS * ID_BYTES);
  /** 0: free; 1: in the set; 2: and marked. */
  #states = new Uint8Array(FIRST_SLOTS);
  size = 0;

  /** False when it was there. */
  add(id: string): boolean {
    if (this.size * 2 >= this.#slots) this.#grow();
    const digest = Buffer.from(id, 'hex');
    const slot = this.#slotOf(digest);
    if (this.#states[slot] > 0) return false;
    digest.copy(this.#ids, slot * ID_BYTES);
    this.#states[slot] = 1;
    this.size++;
    return true;
  }

  has(id: string): boolean {
    return this.#states[this.#slotOf(Buffer.from(id, 'hex'))] > 0;
  }

  /** False when it is not in the set. */
  mark(id: string): boolean {
    const slot = this.#slotOf(Buffer.from(id, 'hex'));
    if (this.#states[slot] === 0) return false;
    this.#states[slot] = 2;
    return true;
  }

  *unmarked(): Generator<string, void, undefined> {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#states[slot] === 1) yield this.#ids.toString('hex', slot * ID_BYTES, (slot + 1) * ID_BYTES);
    }
  }

  #slotOf(digest: Buffer): number {
    // Ids are hashes already. Not their first bytes: those are alike where the set has a range of ids.
    let slot = digest.readUInt32LE(ID_BYTES - 4) & (this.#slots - 1);
    while (this.#states[slot] > 0 && digest.compare(this.#ids, slot * ID_BYTES, (slot + 1) * ID_BYTES) !== 0) slot = (slot + 1) & (this.#slots - 1);
    return slot;
  }

  #grow(): void {
    const ids = this.#ids, states = this.#states, slots = this.#slots;
    this.#slots = slots * 2;
    this.#ids = Buffer.alloc(this.#slots * ID_BYTES);
    this.#states = new Uint8Array(this.#slots);
    for (let from = 0; from < slots; from++) {
      if (states[from] === 0) continue;
      const digest = ids.subarray(from * ID_BYTES, (from + 1) * ID_BYTES);
      const slot = this.#slotOf(digest);
      digest.copy(this.#ids, slot * ID_BYTES);
      this.#states[slot] = states[from];
    }
  }
}
