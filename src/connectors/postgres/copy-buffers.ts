import type { SluiceError } from '../../errors/sluice-error.ts';
import type { CopySink } from './wire.ts';

const CHUNK_BYTES = 256 * 1024;
/** Short rows are copied by words of four bytes, which may reach beyond the row. */
const SLACK_BYTES = 8;

/**
 * What a COPY out writes into: one buffer is filled while the consumer has the other. When both are taken the wire stops. They belong to a session
 * and serve its COPYs one after the other.
 */
export class CopyBuffers implements CopySink {
  readonly room = CHUNK_BYTES;
  bytes: Uint8Array = new Uint8Array(CHUNK_BYTES + SLACK_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  used = 0;
  messages = 0;
  ended = false;
  failure: SluiceError | undefined;
  /** The other buffer: free, or in the consumer's hands. */
  #other: Uint8Array | undefined;
  #isFull = false;
  #wake: (() => void) | undefined;
  readonly #resume: () => void;

  constructor(resume: () => void) {
    this.#resume = resume;
  }

  restart(): void {
    this.used = 0;
    this.messages = 0;
    this.ended = false;
    this.failure = undefined;
    this.#isFull = false;
  }

  full(): void {
    this.#isFull = true;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** The next filled buffer; asking for it gives the last one back. Undefined at the end, after a failure and after an abort. */
  async next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    while (!this.#isFull && !this.ended && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (signal.aborted || this.failure !== undefined || this.used === 0) return undefined;
    const chunk = this.bytes.subarray(0, this.used);
    const free = this.#other ?? new Uint8Array(CHUNK_BYTES + SLACK_BYTES);
    this.#other = this.bytes;
    this.bytes = free;
    this.view = new DataView(free.buffer);
    this.used = 0;
    if (this.#isFull) {
      this.#isFull = false;
      this.#resume();
    }
    return chunk;
  }
}
