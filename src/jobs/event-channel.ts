import type { ProgressEvent } from '../progress/progress-event.ts';

/**
 * Hands progress events from the run to one reader, which may be slow or absent. What waits is bounded by what the run is about, not by how long it
 * takes: of events that only say how far something is, the newest replaces the one that waits; start and end of the run and of each table are kept.
 *
 * Replaced events move to the end of the queue, so the order stays the order of time. The queue is a Map (insertion order) by what an event is about.
 */
const MAX_NOTES = 200;

export class EventChannel implements AsyncIterable<ProgressEvent> {
  readonly #waiting = new Map<string, ProgressEvent>();
  #notes = 0;
  #ended = false;
  #discarding = false;
  #taken = false;
  #wake: (() => void) | undefined;

  /** Never throws and never blocks. */
  push(event: ProgressEvent): void {
    if (this.#ended || this.#discarding) return;
    const key = this.#keyOf(event);
    if (event.type === 'table-done') this.#waiting.delete(`table-progress ${event.table}`);
    this.#waiting.delete(key);
    this.#waiting.set(key, event);
    if (event.type === 'run-ended') this.#ended = true;
    this.#wake?.();
  }

  /** How many events wait for the reader. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The events in order, ending after `run-ended`. One reader only: a second one gets nothing that the first has taken. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ProgressEvent, void, undefined> {
    if (this.#taken) return;
    this.#taken = true;
    try {
      for (;;) {
        for (const [key, event] of this.#waiting) {
          this.#waiting.delete(key);
          yield event;
          if (event.type === 'run-ended') return;
        }
        if (this.#waiting.size === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#discarding = true;
      this.#waiting.clear();
    }
  }

  #keyOf(event: ProgressEvent): string {
    switch (event.type) {
      case 'table-started':
      case 'table-progress':
      case 'table-done': return `${event.type} ${event.table}`;
      case 'phase': return `phase ${event.phase}`;
      case 'note': return `note ${this.#notes++ % MAX_NOTES}`;
      case 'run-started':
      case 'run-ended':
      case 'part':
      case 'parts':
      case 'resources': return event.type;
      default: return event satisfies never;
    }
  }
}
