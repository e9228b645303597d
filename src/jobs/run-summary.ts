import type { PartMapData } from '../progress/part-map.ts';
import type { Phase, ProgressEvent } from '../progress/progress-event.ts';

/** How far a run is, in a size that does not grow with tables or time: what the run store keeps while it runs. */
export interface RunSummary {
  readonly phase: Phase | null;
  readonly tablesStarted: number;
  readonly tablesDone: number;
  readonly rows: number;
  readonly bytes: number;
  readonly rssBytes: number;
  /** Null when the run has no parts (yet). */
  readonly parts: PartMapData | null;
}

/** Adds events up to a summary. Of the tables that are on their way only their two counters are kept. */
export class RunSummarizer {
  #phase: Phase | null = null;
  #tablesStarted = 0;
  #tablesDone = 0;
  #rows = 0;
  #bytes = 0;
  #rssBytes = 0;
  #parts: PartMapData | null = null;
  readonly #underway = new Map<string, { rows: number; bytes: number }>();

  add(event: ProgressEvent): void {
    switch (event.type) {
      case 'phase':
        this.#phase = event.phase;
        return;
      case 'resources':
        this.#rssBytes = event.rssBytes;
        return;
      case 'parts': {
        const { type: _type, at: _at, ...parts } = event;
        this.#parts = parts;
        return;
      }
      case 'table-started':
        // A second attempt at a table starts it again.
        if (!this.#underway.has(event.table)) this.#tablesStarted++;
        this.#underway.set(event.table, { rows: 0, bytes: 0 });
        return;
      case 'table-progress':
        this.#underway.set(event.table, { rows: event.rows, bytes: event.bytes });
        return;
      case 'table-done':
        this.#underway.delete(event.table);
        this.#tablesDone++;
        this.#rows += event.rows;
        this.#bytes += event.bytes;
        return;
      default:
    }
  }

  summary(): RunSummary {
    let rows = this.#rows;
    let bytes = this.#bytes;
    for (const table of this.#underway.values()) {
      rows += table.rows;
      bytes += table.bytes;
    }
    return { phase: this.#phase, tablesStarted: this.#tablesStarted, tablesDone: this.#tablesDone, rows, bytes, rssBytes: this.#rssBytes, parts: this.#parts };
  }
}
