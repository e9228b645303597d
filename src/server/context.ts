import type { LoadedConfiguration } from '../config/configuration.ts';
import type { RunStore } from '../jobs/run-store.ts';
import type { FileAccess } from './file-access.ts';
import type { ConnectionBudget } from './runs/connection-budget.ts';
import type { EventHub } from './runs/event-hub.ts';
import type { TableMemory } from './runs/table-memory.ts';
import type { Looks } from './runs/looks.ts';
import type { ServerRuns } from './runs/server-runs.ts';
import type { Connections } from './store/connections.ts';
import type { Credentials } from './store/credentials.ts';
import type { IdempotencyKeys } from './store/idempotency.ts';
import type { Repositories } from './store/repositories.ts';
import type { StoredSettings } from './store/stored-settings.ts';

/** How long the server waits for its clients. */
export interface Patience {
  /** For the next bytes of an upload, and for a client to take the next bytes of an export. */
  readonly stallMs: number;
  /** For the whole body of any other request. */
  readonly bodyMs: number;
  /** For a database that is looked at. */
  readonly lookMs: number;
}

/** What the routes work with. */
export interface ServerContext {
  readonly workspace: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly configuration: LoadedConfiguration;
  readonly engineMemoryBytes: number;
  /** Runs may read http(s) addresses. */
  readonly urls: boolean;
  readonly files: FileAccess;
  readonly patience: Patience;
  readonly runStore: RunStore;
  readonly credentials: Credentials;
  readonly connections: Connections;
  readonly repositories: Repositories;
  readonly idempotency: IdempotencyKeys;
  readonly settings: StoredSettings;
  readonly budget: ConnectionBudget;
  readonly hub: EventHub;
  readonly runs: ServerRuns;
  readonly looks: Looks;
  readonly tables: TableMemory;
}
