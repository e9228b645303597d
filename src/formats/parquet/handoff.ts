/** Turns pushed chunks into pulled ones: a push ends when the puller has taken the chunk and come back for the next one. */
export class Handoff implements AsyncIterable<Uint8Array> {
  #offered: { chunk: Uint8Array; taken: () => void } | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /** Resolves when the chunk's memory may be reused; at once when the puller has gone. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((taken) => {
      this.#offered = { chunk, taken };
      this.#wake?.();
    });
  }

  /** No more chunks; frees a push that waits. */
  end(): void {
    this.#ended = true;
    this.#offered?.taken();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const offer = this.#offered;
        if (offer === undefined) {
          if (this.#ended) return;
          await new Promise<void>((wake) => { this.#wake = wake; });
          continue;
        }
        yield offer.chunk;
        this.#offered = undefined;
        offer.taken();
      }
    } finally {
      this.end();
    }
  }
}
