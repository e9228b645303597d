import { toSluiceError } from '../errors/sluice-error.ts';
import { throwIfAborted } from './abort-scope.ts';
import { PartBuffer } from './part-buffer.ts';

/** One step of a document that is made of parts in a fixed order. */
export interface OrderedTask {
  /** Makes the bytes; runs concurrently with other tasks. Chunks are valid until the next pull. */
  encode(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Takes the bytes; called in task order only, never concurrently. `first` marks the task's first bytes. */
  write(chunk: Uint8Array, first: boolean): Promise<void>;
  /** After the last write of this task, in task order. */
  done(): Promise<void>;
}

/**
 * Encodes tasks with `jobs` workers and writes their bytes in task order.
 *
 * A task whose turn has not come collects its bytes in a buffer of at most `bufferBytes`; when that is full it waits for its turn and then streams.
 * Workers take a buffer before they take a task, so the earliest unfinished task always has one and nothing can lock up. There is
 * one buffer more than there are workers: a worker that finished early goes on with the next task instead of waiting for its turn.
 * Memory: (jobs + 1) × bufferBytes.
 */
export async function runOrdered(tasks: AsyncGenerator<OrderedTask, void, undefined>, jobs: number, bufferBytes: number, signal: AbortSignal): Promise<void> {
  const pipeline = new OrderedPipeline(tasks, jobs, bufferBytes, signal);
  await pipeline.run();
}

class OrderedPipeline {
  readonly #tasks: AsyncGenerator<OrderedTask, void, undefined>;
  readonly #jobs: number;
  readonly #signal: AbortSignal;
  readonly #free: PartBuffer[];
  readonly #waitingForBuffer: (() => void)[] = [];
  readonly #finished = new Map<number, { task: OrderedTask; buffer: PartBuffer }>();
  readonly #waitingForTurn = new Map<number, () => void>();
  #taken = 0;
  #turn = 0;
  #draining = false;
  #failure: { order: number; error: unknown } | undefined;

  constructor(tasks: AsyncGenerator<OrderedTask, void, undefined>, jobs: number, bufferBytes: number, signal: AbortSignal) {
    this.#tasks = tasks;
    this.#jobs = jobs;
    this.#signal = signal;
    this.#free = Array.from({ length: jobs + 1 }, () => new PartBuffer(bufferBytes));
  }

  async run(): Promise<void> {
    const wake = (): void => this.#wakeAll();
    this.#signal.addEventListener('abort', wake, { once: true });
    try {
      await Promise.all(Array.from({ length: this.#jobs }, () => this.#work()));
      if (this.#failure === undefined) await this.#drain();
    } catch (error) {
      this.#fail(this.#taken, error);
    } finally {
      this.#signal.removeEventListener('abort', wake);
      await this.#tasks.return(undefined);
    }
    throwIfAborted(this.#signal);
    if (this.#failure !== undefined) throw toSluiceError(this.#failure.error);
  }

  async #work(): Promise<void> {
    while (!this.#stopped()) {
      const buffer = await this.#takeBuffer();
      if (buffer === undefined) return;
      let order = this.#taken;
      try {
        const next = await this.#tasks.next();
        order = this.#taken;
        if (next.done === true) {
          this.#releaseBuffer(buffer);
          return;
        }
        this.#taken++;
        await this.#encode(next.value, order, buffer);
      } catch (error) {
        this.#fail(order, error);
      }
    }
  }

  async #encode(task: OrderedTask, order: number, buffer: PartBuffer): Promise<void> {
    let streaming = false;
    let first = true;
    for await (const chunk of task.encode()) {
      if (this.#stopped()) return;
      if (!streaming && buffer.add(chunk)) continue;
      if (!streaming) {
        await this.#myTurn(order);
        if (this.#stopped()) return;
        streaming = true;
        first = await flush(task, buffer, first);
      }
      await task.write(chunk, first);
      first = false;
    }
    if (streaming) {
      await task.done();
      this.#releaseBuffer(buffer);
      this.#turn++;
    } else {
      this.#finished.set(order, { task, buffer });
    }
    await this.#drain();
  }

  /** Writes every finished task whose turn it is. One drain at a time: writes are in order and never concurrent. */
  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (;;) {
        const next = this.#finished.get(this.#turn);
        if (next === undefined || this.#stopped()) break;
        this.#finished.delete(this.#turn);
        await flush(next.task, next.buffer, true);
        await next.task.done();
        this.#releaseBuffer(next.buffer);
        this.#turn++;
      }
    } catch (error) {
      this.#fail(this.#turn, error);
    } finally {
      this.#draining = false;
    }
    this.#waitingForTurn.get(this.#turn)?.();
  }

  async #myTurn(order: number): Promise<void> {
    while ((this.#turn !== order || this.#draining) && !this.#stopped()) {
      await new Promise<void>((resolve) => this.#waitingForTurn.set(order, resolve));
      this.#waitingForTurn.delete(order);
    }
  }

  async #takeBuffer(): Promise<PartBuffer | undefined> {
    while (!this.#stopped()) {
      const buffer = this.#free.pop();
      if (buffer !== undefined) return buffer;
      await new Promise<void>((resolve) => this.#waitingForBuffer.push(resolve));
    }
    return undefined;
  }

  #releaseBuffer(buffer: PartBuffer): void {
    buffer.clear();
    this.#free.push(buffer);
    this.#waitingForBuffer.shift()?.();
  }

  #stopped(): boolean {
    return this.#failure !== undefined || this.#signal.aborted;
  }

  #fail(order: number, error: unknown): void {
    if (this.#failure === undefined || order < this.#failure.order) this.#failure = { order, error };
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waitingForBuffer.splice(0)) wake();
    for (const wake of [...this.#waitingForTurn.values()]) wake();
  }
}

/** @returns whether the task's next bytes are still its first */
async function flush(task: OrderedTask, buffer: PartBuffer, first: boolean): Promise<boolean> {
  const bytes = buffer.view();
  if (bytes.length === 0) return first;
  await task.write(bytes, first);
  buffer.clear();
  return false;
}
