/**
 * Progress of the runs of this server, for any number of listeners that come, go and come back. Of each run only the newest event of each kind and table is kept, so that memory does not grow
 * with time: counters are totals, and who was away gets the present state with what is left. Ids grow for ever, also over a restart of the server (they begin at the clock), so that
 * a listener that comes back with the last id that it has seen gets exactly what is newer.
 */
import { redactData } from '../../config/redact.ts';
import type { PartMapData } from '../../progress/part-map.ts';
import { reportError } from '../../jobs/receipt.ts';
import type { ProgressEvent } from '../../progress/progress-event.ts';

export interface HubEvent {
  readonly id: number;
  readonly run: string;
  /** JSON of the event with its run. */
  readonly data: string;
  readonly type: ProgressEvent['type'];
}

const MOST_NOTES = 100;
const MOST_ENDED = 100;
/** Of a run that has ended and was about more tables only its end is kept: the receipt has the rest. */
const MOST_KEPT_AFTER_END = 200;

interface Journal {
  readonly events: Map<string, HubEvent>;
  notes: number;
  isEnded: boolean;
  parts?: PartMapData;
}

export class EventHub {
  readonly #journals = new Map<string, Journal>();
  /** And whose they are. */
  readonly #listeners = new Map<() => void, string>();
  isClosed = false;
  /** Room for 1,000 ids in each millisecond. */
  #lastId = Date.now() * 1000;

  /** Never throws and never blocks. */
  push(run: string, event: ProgressEvent): void {
    const journal = this.#journalOf(run);
    const key = keyOf(event, journal);
    if (event.type === 'table-done') journal.events.delete(`table-progress ${event.table}`);
    // Set anew, so that the order of the map is the order of ids.
    journal.events.delete(key);
    journal.events.set(key, { id: ++this.#lastId, run, type: event.type, data: JSON.stringify(asData(run, event)) });
    if (event.type === 'parts') journal.parts = mapOf(event);
    if (event.type === 'run-ended') this.#end(run, journal);
    this.#wake();
  }

  has(run: string): boolean {
    return this.#journals.has(run);
  }

  isEnded(run: string): boolean {
    return this.#journals.get(run)?.isEnded ?? true;
  }

  /** The map of parts of a run that is under way here; undefined when it has none. */
  latestParts(run: string): PartMapData | undefined {
    return this.#journals.get(run)?.parts;
  }

  /** What is newer than `id`, oldest first; of one run, or of all. */
  since(id: number, run?: string): HubEvent[] {
    const journals = run === undefined ? [...this.#journals.values()] : [this.#journals.get(run)];
    // An id that was never given out, or before the clock was set back: from the beginning.
    const from = id > this.#lastId ? 0 : id;
    const events = journals.flatMap((journal) => (journal === undefined ? [] : newerThan(journal, from)));
    return run === undefined ? events.toSorted((left, right) => left.id - right.id) : events;
  }

  /** @returns how to stop */
  listen(holder: string, listener: () => void): () => void {
    this.#listeners.set(listener, holder);
    return () => void this.#listeners.delete(listener);
  }

  /** Wakes everybody for the last time. */
  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  listenersOf(holder: string): number {
    return this.#listeners.values().filter((one) => one === holder).toArray().length;
  }

  #wake(): void {
    for (const listener of this.#listeners.keys()) listener();
  }

  #journalOf(run: string): Journal {
    let journal = this.#journals.get(run);
    if (journal === undefined || journal.isEnded) {
      // A run that goes on begins a new journal.
      this.#journals.delete(run);
      journal = { events: new Map(), notes: 0, isEnded: false };
      this.#journals.set(run, journal);
    }
    return journal;
  }

  #end(run: string, journal: Journal): void {
    journal.isEnded = true;
    if (journal.events.size > MOST_KEPT_AFTER_END) {
      for (const [key, event] of journal.events) if (event.type !== 'run-ended') journal.events.delete(key);
    }
    // Now the newest of those that have ended.
    this.#journals.delete(run);
    this.#journals.set(run, journal);
    const ended = [...this.#journals].filter(([, one]) => one.isEnded);
    for (const [old] of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) this.#journals.delete(old);
  }
}

function mapOf({ type: _type, at: _at, ...parts }: Extract<ProgressEvent, { type: 'parts' }>): PartMapData {
  return parts;
}

function newerThan(journal: Journal, id: number): HubEvent[] {
  return [...journal.events.values()].filter((event) => event.id > id);
}

function keyOf(event: ProgressEvent, journal: Journal): string {
  switch (event.type) {
    case 'table-started':
    case 'table-progress':
    case 'table-done': return `${event.type} ${event.table}`;
    case 'phase': return `phase ${event.phase}`;
    case 'note': return `note ${journal.notes++ % MOST_NOTES}`;
    default: return event.type;
  }
}

function asData(run: string, event: ProgressEvent): unknown {
  const { error, ...rest } = event as ProgressEvent & { error?: Parameters<typeof reportError>[0] };
  return redactData({ ...rest, run, ...(error === undefined ? {} : { error: reportError(error) }) });
}
