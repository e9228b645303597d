import { DEFAULT_TARGETS } from '../../jobs/performance-targets.ts';
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
    this.#defaults = { jobs: jobs ?? defaultJobs(hardware), maxRuns: DEFAULT_RUNS, connectionsPerDatabase: DEFAULT_CONNECTIONS, targets: DEFAULT_TARGETS };
  }

  get(): ServerSettings {
    const rows = this.#store.all<{ name: string; value: string }>('SELECT name, value FROM settings');
    const stored = Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(value) as unknown])) as Partial<ServerSettings>;
    return { ...this.#defaults, ...stored, targets: { ...this.#defaults.targets, ...stored.targets } };
  }

  /** Targets are changed by kind of job. */
  change({ targets, ...values }: { readonly [K in keyof ServerSettings]?: ServerSettings[K] | undefined }): void {
    const all = targets === undefined ? values : { ...values, targets: { ...this.get().targets, ...targets } };
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) this.#store.run('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, JSON.stringify(value));
    }
  }
}
