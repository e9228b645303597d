/**
 * The bytes of a part that are kept in memory: pulled once, or (`replayable`) as often as wanted, until they are given back. What is pulled once is given back
 * at its end, and also when the consumer stops before, or before it began: so these are no generators, because one that was never started does not notice its end.
 */
import { SluiceError } from '../errors/sluice-error.ts';

export class KeptChunks implements AsyncIterable<Uint8Array> {
  readonly #pieces: () => Iterator<Uint8Array, void, undefined>;
  readonly #replayable: boolean;
  #giveBack: (() => void) | undefined;

  /** @param giveBack called once, when the bytes are not needed any more */
  constructor(pieces: () => Iterator<Uint8Array, void, undefined>, replayable: boolean, giveBack: () => void) {
    this.#pieces = pieces;
    this.#replayable = replayable;
    this.#giveBack = giveBack;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    if (this.#replayable && this.released) throw releasedPart();
    return new Iteration(this.released ? noPieces() : this.#pieces(), () => {
      if (!this.#replayable) this.release();
    });
  }

  get released(): boolean {
    return this.#giveBack === undefined;
  }

  /** Safe to call twice. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}

/** The caller's mistake, and worse than none if it went unnoticed: the memory is somebody else's by now. */
export function releasedPart(): SluiceError {
  return new SluiceError('INTERNAL', { reason: 'a part is read after it was released' });
}

class Iteration implements AsyncIterableIterator<Uint8Array, void, undefined> {
  readonly #pieces: Iterator<Uint8Array, void, undefined>;
  readonly #end: () => void;
  #ended = false;

  constructor(pieces: Iterator<Uint8Array, void, undefined>, end: () => void) {
    this.#pieces = pieces;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    const next = this.#ended ? undefined : this.#pieces.next();
    return next === undefined || next.done === true ? this.return() : next;
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.#ended = true;
    this.#end();
    return { done: true, value: undefined };
  }
}

function noPieces(): Iterator<Uint8Array, void, undefined> {
  return [][Symbol.iterator]();
}

/** Bytes in pieces of at most `size`. */
export function* slices(bytes: Uint8Array, size: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, Math.min(at + size, bytes.length));
}
