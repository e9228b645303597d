/**
 * Work that is done in the background, one piece after the other: syncing files to the disk. One at a time, because the first sync of several files writes most of what the others have, and
 * because a sync keeps a thread of libuv, of which there are few, from compressing. What is under way is bounded; the first failure ends all, and is told to whoever comes next.
 */
export class OneByOne {
  readonly #most: number;
  readonly #underWay = new Map<string, Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when another piece may be added. @throws the first failure */
  async room(): Promise<void> {
    while (this.#underWay.size >= this.#most && this.#failure === undefined) await Promise.race(this.#underWay.values());
    this.#throwFailure();
  }

  /**
   * Resolves or rejects with the work. After a failure of another, `instead` is done in its place, and this rejects with that failure. A rejection need not be handled: `all` and `room` tell it, too.
   */
  add<T>(name: string, work: () => Promise<T>, instead: () => Promise<void>): Promise<T> {
    const done = this.#last.then(async () => {
      if (this.#failure === undefined) return work();
      await instead();
      throw this.#failure.error;
    });
    const settled = this.#settle(done);
    this.#underWay.set(name, settled);
    void settled.then(() => this.#underWay.get(name) === settled && this.#underWay.delete(name));
    this.#last = settled;
    return done;
  }

  async #settle(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** Resolves when nothing of this name is under way; also after its failure. */
  async settled(name: string): Promise<void> {
    await this.#underWay.get(name);
  }

  /** Resolves when nothing is under way. @throws the first failure */
  async all(): Promise<void> {
    await this.#last;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
