/**
 * The rows that a grid shows, fetched in blocks and kept for a while. What is on screen is asked for first; what went past while it was being fetched is given up. A block that fails is
 * tried again when it is looked at again.
 */
export type Row = readonly (string | null)[];

export interface Block {
  readonly rows: readonly Row[];
  /** `row:column` of values that were cut. */
  readonly cut: ReadonlySet<string>;
}

export type FetchBlock = (at: number, limit: number, signal: AbortSignal) => Promise<Block>;

export const BLOCK_ROWS = 100;
const MOST_KEPT = 120;
const MOST_AT_ONCE = 3;
const RETRY_MS = 3000;
/** While the thumb is dragged every frame wants other rows: so often they are asked for, which the server's limit for each person allows. */
const PAUSE_MS = 90;

export class RowBlocks {
  readonly #fetch: FetchBlock;
  readonly #onChange: () => void;
  /** By number; the newest used last. */
  readonly #kept = new Map<number, Block>();
  readonly #underway = new Map<number, AbortController>();
  readonly #failedAt = new Map<number, number>();
  #wanted: readonly number[] = [];
  #filledAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  error: unknown;

  constructor(fetchBlock: FetchBlock, onChange: () => void) {
    this.#fetch = fetchBlock;
    this.#onChange = onChange;
  }

  row(index: number): Row | undefined {
    return this.#kept.get(Math.floor(index / BLOCK_ROWS))?.rows[index % BLOCK_ROWS];
  }

  isCut(index: number, column: number): boolean {
    return this.#kept.get(Math.floor(index / BLOCK_ROWS))?.cut.has(`${index % BLOCK_ROWS}:${column}`) === true;
  }

  /** What is on screen, and then a little around it. */
  want(first: number, last: number, rows: number): void {
    const highest = Math.max(0, Math.ceil(rows / BLOCK_ROWS) - 1);
    const [from, to] = [Math.floor(first / BLOCK_ROWS), Math.min(highest, Math.floor(last / BLOCK_ROWS))];
    const shown = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    this.#wanted = [...shown, ...[to + 1, from - 1].filter((block) => block >= 0 && block <= highest)];
    for (const [block, controller] of this.#underway) {
      if (this.#wanted.includes(block)) continue;
      controller.abort();
      this.#underway.delete(block);
    }
    for (const block of shown) this.#touch(block);
    this.#fillSoon();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const controller of this.#underway.values()) controller.abort();
    this.#underway.clear();
    this.#kept.clear();
    this.#failedAt.clear();
    this.error = undefined;
  }

  #fillSoon(): void {
    if (this.#timer !== undefined) return;
    const wait = this.#filledAt + PAUSE_MS - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#fillSoon();
      }, wait);
      return;
    }
    this.#filledAt = performance.now();
    this.#fill();
  }

  #fill(): void {
    for (const block of this.#wanted) {
      if (this.#underway.size >= MOST_AT_ONCE) return;
      if (this.#kept.has(block) || this.#underway.has(block) || Date.now() - (this.#failedAt.get(block) ?? 0) < RETRY_MS) continue;
      void this.#load(block);
    }
  }

  async #load(number: number): Promise<void> {
    const controller = new AbortController();
    this.#underway.set(number, controller);
    try {
      const block = await this.#fetch(number * BLOCK_ROWS, BLOCK_ROWS, controller.signal);
      if (controller.signal.aborted) return;
      this.#kept.set(number, block);
      this.#failedAt.delete(number);
      this.error = undefined;
      while (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#failedAt.set(number, Date.now());
      this.error = error;
      setTimeout(() => this.#fill(), RETRY_MS + 50);
    } finally {
      if (this.#underway.get(number) === controller) this.#underway.delete(number);
    }
    this.#onChange();
    this.#fill();
  }

  #touch(number: number): void {
    const block = this.#kept.get(number);
    if (block === undefined) return;
    this.#kept.delete(number);
    this.#kept.set(number, block);
  }
}
