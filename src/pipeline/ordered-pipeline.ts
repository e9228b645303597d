import { toSluiceError } from '../errors/sluice-error.ts';
import { throwIfAborted } from './abort-scope.ts';
import { BlockPool } from './block-pool.ts';

/** One step of a document that is made of parts in a fixed order. */
export interface OrderedTask {
  /** Makes the bytes; runs concurrently with other tasks. Chunks are valid until the next pull. */
  encode(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Takes the bytes; called in task order only, never concurrently. `first` marks the task's first bytes. The memory is used again after it. */
  write(chunk: Uint8Array, first: boolean): Promise<void>;
  /** After the last write of this task, in task order. */
  done(): Promise<void>;
}

/**
 * Encodes tasks with `jobs` workers while one writer takes their bytes in task order.
 *
 * Encoded bytes are copied into blocks of one pool. Reading goes on while the writer waits for its target, and the target is served from what was read
 * ahead while the next bytes are made: neither end waits for the other as long as the pool has room. The task whose turn it is always gets a block.
 * Memory: `readAheadBytes` and a block.
 */
export async function runOrdered(tasks: AsyncGenerator<OrderedTask, void, undefined>, jobs: number, readAheadBytes: number, signal: AbortSignal): Promise<void> {
  const pipeline = new OrderedPipeline(tasks, jobs, readAheadBytes, signal);
  await pipeline.run();
}

const BLOCK_BYTES = 256 * 1024;
/** Tasks that are finished and wait for their turn, besides those that are worked at: small ones take more room than their bytes say. */
const MOST_WAITING = 64;

interface Block {
  readonly bytes: Uint8Array;
  length: number;
}

interface TaskState {
  readonly task: OrderedTask;
  /** In order; the last one may still be filled. */
  readonly blocks: Block[];
  ended: boolean;
}

class OrderedPipeline {
  readonly #tasks: AsyncGenerator<OrderedTask, void, undefined>;
  readonly #jobs: number;
  readonly #signal: AbortSignal;
  readonly #pool: BlockPool;
  readonly #states = new Map<number, TaskState>();
  #waiting: (() => void)[] = [];
  #taken = 0;
  #turn = 0;
  #workersLeft: number;
  #failure: { order: number; error: unknown } | undefined;

  constructor(tasks: AsyncGenerator<OrderedTask, void, undefined>, jobs: number, readAheadBytes: number, signal: AbortSignal) {
    this.#tasks = tasks;
    this.#jobs = jobs;
    this.#workersLeft = jobs;
    this.#signal = signal;
    this.#pool = new BlockPool(readAheadBytes, BLOCK_BYTES);
  }

  async run(): Promise<void> {
    const wake = (): void => this.#changed();
    this.#signal.addEventListener('abort', wake, { once: true });
    try {
      await Promise.all([this.#writeAll(), ...Array.from({ length: this.#jobs }, () => this.#work())]);
    } finally {
      this.#signal.removeEventListener('abort', wake);
      await this.#tasks.return(undefined);
    }
    throwIfAborted(this.#signal);
    if (this.#failure !== undefined) throw toSluiceError(this.#failure.error);
  }

  async #work(): Promise<void> {
    try {
      while (!this.#isOver) {
        if (this.#taken - this.#turn >= this.#jobs + MOST_WAITING) {
          await this.#change();
          continue;
        }
        const next = await this.#tasks.next();
        if (next.done === true) return;
        await this.#encode(next.value, this.#taken++);
      }
    } catch (error) {
      this.#fail(this.#taken, error);
    } finally {
      this.#workersLeft--;
      this.#changed();
    }
  }

  async #encode(task: OrderedTask, order: number): Promise<void> {
    const state: TaskState = { task, blocks: [], ended: false };
    this.#states.set(order, state);
    try {
      for await (const chunk of task.encode()) {
        if (!(await this.#keep(state, order, chunk))) return;
      }
      state.ended = true;
      this.#changed();
    } catch (error) {
      this.#fail(order, error);
    }
  }

  /** Copies the chunk into blocks, waiting for room; false when the run is over. */
  async #keep(state: TaskState, order: number, chunk: Uint8Array): Promise<boolean> {
    for (let at = 0; at < chunk.length && !this.#isOver;) {
      let block = state.blocks.at(-1);
      if (block === undefined || block.length === block.bytes.length) {
        const bytes = this.#pool.take(order === this.#turn);
        if (bytes === undefined) {
          await this.#change();
          continue;
        }
        block = { bytes, length: 0 };
        state.blocks.push(block);
      }
      const count = Math.min(block.bytes.length - block.length, chunk.length - at);
      block.bytes.set(count === chunk.length ? chunk : chunk.subarray(at, at + count), block.length);
      block.length += count;
      at += count;
      if (order === this.#turn) this.#changed();
    }
    return !this.#isOver;
  }

  async #writeAll(): Promise<void> {
    try {
      while (!this.#isOver) {
        const state = this.#states.get(this.#turn);
        if (state === undefined) {
          if (this.#workersLeft === 0) return;
          await this.#change();
          continue;
        }
        if (!(await this.#writeTask(state))) return;
        this.#states.delete(this.#turn);
        this.#turn++;
        this.#changed();
      }
    } catch (error) {
      this.#fail(this.#turn, error);
    }
  }

  /** False when the run is over before the task. A block that is still being filled is taken as it is, rather than to wait. */
  async #writeTask(state: TaskState): Promise<boolean> {
    for (let first = true; !this.#isOver;) {
      const block = state.blocks.shift();
      if (block !== undefined) {
        await state.task.write(block.bytes.subarray(0, block.length), first);
        first = false;
        this.#pool.release(block.bytes);
        this.#changed();
      } else if (state.ended) {
        await state.task.done();
        return true;
      } else {
        await this.#change();
      }
    }
    return false;
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.#signal.aborted;
  }

  #fail(order: number, error: unknown): void {
    if (this.#failure === undefined || order < this.#failure.order) this.#failure = { order, error };
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
