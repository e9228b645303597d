/**
 * Runs work that depends on other work, several at once: the largest first of what is ready, and never two at once that lock the same table against each other. After a failure nothing new begins; the first failure is
 * thrown when what is under way has ended.
 */
import { toSluiceError, type SluiceError } from '../../errors/sluice-error.ts';

export interface Task {
  readonly id: number;
  /** Ids; those of no task of this schedule are taken as done. */
  readonly after: readonly number[];
  /** Nobody else may hold these while it runs. */
  readonly exclusive: readonly string[];
  /** Nor may anybody hold these exclusively. */
  readonly shared: readonly string[];
  /** Larger goes first. */
  readonly weight: number;
  /** @param ready how many tasks could run now, this one included */
  run(ready: number): Promise<void>;
}

export async function runSchedule(tasks: readonly Task[], jobs: number): Promise<void> {
  await new Schedule(tasks).run(jobs);
}

class Schedule {
  /** Tasks whose dependencies are done; largest first. */
  readonly #ready: Task[] = [];
  readonly #waitsFor = new Map<number, number>();
  readonly #followers = new Map<number, Task[]>();
  readonly #exclusive = new Set<string>();
  readonly #shared = new Map<string, number>();
  #running = 0;
  #failure: SluiceError | undefined;
  #wake: (() => void) | undefined;

  constructor(tasks: readonly Task[]) {
    const ids = new Set(tasks.map(({ id }) => id));
    for (const task of tasks) {
      const after = [...new Set(task.after)].filter((id) => ids.has(id) && id !== task.id);
      this.#waitsFor.set(task.id, after.length);
      for (const id of after) {
        const followers = this.#followers.get(id);
        if (followers === undefined) this.#followers.set(id, [task]);
        else followers.push(task);
      }
      if (after.length === 0) this.#ready.push(task);
    }
    this.#ready.sort((a, b) => b.weight - a.weight);
  }

  async run(jobs: number): Promise<void> {
    let left = this.#waitsFor.size;
    const under = new Set<Promise<void>>();
    while (left > 0 && this.#failure === undefined) {
      const task = this.#running < jobs ? this.#take() : undefined;
      if (task === undefined) {
        // Those that wait for each other wait for ever: run them in their order.
        if (this.#running === 0) this.#breakCircle();
        else await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      left--;
      this.#running++;
      const work: Promise<void> = this.#run(task).finally(() => under.delete(work));
      under.add(work);
    }
    await Promise.all(under);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(task: Task): Promise<void> {
    try {
      await task.run(this.#ready.length + this.#running);
    } catch (error) {
      this.#failure ??= toSluiceError(error);
    } finally {
      this.#running--;
      this.#release(task);
      this.#done(task);
      this.#wake?.();
    }
  }

  #take(): Task | undefined {
    const index = this.#ready.findIndex((task) => task.exclusive.every((name) => !this.#exclusive.has(name) && !this.#shared.has(name)) && task.shared.every((name) => !this.#exclusive.has(name)));
    if (index < 0) return undefined;
    const [task] = this.#ready.splice(index, 1);
    for (const name of task.exclusive) this.#exclusive.add(name);
    for (const name of task.shared) this.#shared.set(name, (this.#shared.get(name) ?? 0) + 1);
    return task;
  }

  #release(task: Task): void {
    for (const name of task.exclusive) this.#exclusive.delete(name);
    for (const name of task.shared) {
      const holders = this.#shared.get(name)! - 1;
      if (holders === 0) this.#shared.delete(name);
      else this.#shared.set(name, holders);
    }
  }

  #done({ id }: Task): void {
    this.#waitsFor.delete(id);
    for (const follower of this.#followers.get(id) ?? []) {
      const waits = (this.#waitsFor.get(follower.id) ?? 0) - 1;
      this.#waitsFor.set(follower.id, waits);
      if (waits === 0) this.#insert(follower);
    }
    this.#followers.delete(id);
  }

  #insert(task: Task): void {
    let low = 0, high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ready[middle].weight >= task.weight) low = middle + 1;
      else high = middle;
    }
    this.#ready.splice(low, 0, task);
  }

  #breakCircle(): void {
    for (const followers of this.#followers.values()) {
      const task = followers.find(({ id }) => (this.#waitsFor.get(id) ?? 0) > 0);
      if (task === undefined) continue;
      this.#waitsFor.set(task.id, 0);
      this.#insert(task);
      return;
    }
  }
}
