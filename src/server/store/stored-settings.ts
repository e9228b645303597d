import { defaultJobs, type Hardware } from '../../jobs/hardware.ts';
import type { ServerSettings } from '../contracts/system.ts';
import type { ServerStore } from './server-store.ts';

/**
 * A run takes two connections besides one for each of its jobs (control; snapshot or publication). The defaults leave most of PostgreSQL's usual 100 to others, and keep the memory
 * of all uploads together in bounds: each holds a part per job.
 */
const DEFAULT_RUNS = 4;
const DEFAULT_CONNECTIONS = 24;

/** Settings that administrators change while the server runs. */
export class StoredSettings {
  readonly #store: ServerStore;
  readonly #defaults: ServerSettings;

  constructor(store: ServerStore, hardware: Hardware, jobs: number | undefined) {
    this.#store = store;
    this.#defaults = { jobs: jobs ?? defaultJobs(hardware), maxRuns: DEFAULT_RUNS, connectionsPerDatabase: DEFAULT_CONNECTIONS };
  }

  get(): ServerSettings {
    const rows = this.#store.all<{ name: string; value: string }>('SELECT name, value FROM settings');
    return { ...this.#defaults, ...Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(value) as number])) };
  }

  change(values: { readonly [K in keyof ServerSettings]?: number | undefined }): void {
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) this.#store.run('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, JSON.stringify(value));
    }
  }
}
