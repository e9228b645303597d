/** `sluice serve`: puts the parts together, listens, and stops in order. The only entry of this folder; it loads the web framework, which nothing else does. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { LoadedConfiguration } from '../config/configuration.ts';
import type { Settings } from '../config/settings.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, thisMachine } from '../jobs/hardware.ts';
import { RunStore } from '../jobs/run-store.ts';
import type { Patience, ServerContext } from './context.ts';
import { ALL_CONTRACTS } from './contracts/all-contracts.ts';
import { FileAccess } from './file-access.ts';
import { createApp, withRawBodies } from './http/app.ts';
import { Gate } from './http/gate.ts';
import { Router } from './http/router.ts';
import { bindConnections } from './routes/connections.ts';
import { bindExport } from './routes/export.ts';
import { bindFiles } from './routes/files.ts';
import { bindImport } from './routes/import.ts';
import { bindMonitor } from './routes/monitor.ts';
import { bindPage, Page } from './routes/page.ts';
import { bindPreview } from './routes/preview.ts';
import { bindQuarantine } from './routes/quarantine.ts';
import { bindRepositories } from './routes/repositories.ts';
import { bindRuns } from './routes/runs.ts';
import { bindSession } from './routes/session.ts';
import { bindSystem } from './routes/system.ts';
import { ConnectionBudget } from './runs/connection-budget.ts';
import { EventHub } from './runs/event-hub.ts';
import { TableMemory } from './runs/table-memory.ts';
import { Looks } from './runs/looks.ts';
import { ServerRuns } from './runs/server-runs.ts';
import { Connections } from './store/connections.ts';
import { Credentials } from './store/credentials.ts';
import { Repositories } from './store/repositories.ts';
import { IdempotencyKeys } from './store/idempotency.ts';
import { Secrets } from './store/secrets.ts';
import { ServerStore } from './store/server-store.ts';
import { StoredSettings } from './store/stored-settings.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly settings: Settings;
  readonly configuration: LoadedConfiguration;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  /** Folders whose files runs may read and write. */
  readonly files: readonly string[];
  readonly cwd: string;
  readonly urls: boolean;
  readonly keyFile: string;
  readonly publicUrl?: URL;
  /** Make a one-time link also when somebody can sign in already. */
  readonly link?: boolean;
  readonly patience?: Partial<Patience>;
  /** Gets a line for each answer, without secrets. */
  readonly log?: (line: string) => void;
}

export interface RunningServer {
  /** Where browsers and clients find it. */
  readonly url: string;
  /** The one-time link of the first start. */
  readonly signInLink: string | undefined;
  /** Accepts nothing more, suspends runs so that they can be resumed, and resolves when everything is closed. */
  close(): Promise<void>;
}

const PATIENCE: Patience = { stallMs: 20_000, bodyMs: 20_000, lookMs: 30_000 };
/** Answers that are being written get so long after the runs have ended. */
const CLOSING_MS = 2000;

/** @throws SluiceError LISTEN_FAILED, USAGE, WORKSPACE_UNUSABLE, WORKSPACE_TOO_NEW */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const store = await ServerStore.open(options.settings.workspace);
  let runStore: RunStore | undefined;
  try {
    runStore = await RunStore.open(options.settings.workspace);
    return await serve(options, store, runStore);
  } catch (error) {
    runStore?.close();
    store.close();
    throw error;
  }
}

async function serve(options: ServerOptions, store: ServerStore, runStore: RunStore): Promise<RunningServer> {
  const { publicUrl, log } = options;
  const context = await contextOf(options, store, runStore);
  let port = options.port;
  const cookieName = (): string => `sluice_${port}`;
  const gate = new Gate({ credentials: context.credentials, isLoopback: isLoopback(options.host), publicUrl, cookieName });
  const app = createApp({
    gate, patience: context.patience, isStopping: () => context.runs.isStopping,
    onAnswer: (method, path, status, milliseconds) => log?.(`${new Date().toISOString()} ${method} ${path} ${status} ${Math.round(milliseconds)}ms`),
    onDefect: (error) => log?.(`${new Date().toISOString()} ${error.code} ${error.message}`),
  });
  const router = new Router(app);
  bindSystem(router, context);
  const page = new Page();
  bindPage(router, page);
  bindSession(router, context, gate, page, { name: cookieName, isSecure: publicUrl?.protocol === 'https:' });
  bindConnections(router, context);
  bindFiles(router, context);
  bindRepositories(router, context);
  bindRuns(router, context);
  bindQuarantine(router, context);
  bindMonitor(router, context);
  bindExport(router, context);
  await withRawBodies(app, (inner) => {
    bindImport(router.within(inner), context);
    bindPreview(router.within(inner), context);
  });
  router.checkComplete(ALL_CONTRACTS);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw new SluiceError('LISTEN_FAILED', { address: `${options.host}:${options.port}`, reason: (error as Error).message }, {}, error);
  }
  ({ port } = app.server.address() as AddressInfo);
  const url = publicUrl?.origin ?? `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const wantsLink = options.link === true || !context.credentials.hasHolders();
  let closing: Promise<void> | undefined;
  return {
    url,
    signInLink: wantsLink ? `${url}/sign-in?code=${context.credentials.createLink('admin')}` : undefined,
    close: () => (closing ??= closeAll(app, context, store)),
  };
}

async function contextOf(options: ServerOptions, store: ServerStore, runStore: RunStore): Promise<ServerContext> {
  const { settings: { workspace, jobs, partBytes, engineMemoryBytes }, env, configuration, version, urls } = options;
  const files = await FileAccess.of(options.files, options.cwd);
  const settings = new StoredSettings(store, thisMachine(), jobs);
  const budget = new ConnectionBudget(() => settings.get());
  const hub = new EventHub();
  const secrets = new Secrets(options.keyFile, workspace);
  const run = { ...(partBytes === undefined ? {} : { partBytes }), ...(engineMemoryBytes === undefined ? {} : { engineMemoryBytes }) };
  const patience = { ...PATIENCE, ...options.patience };
  const memoryBytes = engineMemoryBytes ?? defaultEngineMemoryBytes(thisMachine());
  const looks = new Looks({ budget, lookMs: patience.lookMs, env, engineMemoryBytes: memoryBytes });
  return {
    workspace, version, env, configuration, urls, files, runStore, settings, budget, hub,
    patience, looks, engineMemoryBytes: memoryBytes,
    credentials: new Credentials(store),
    connections: new Connections({ store, secrets, configuration, env, workspace, files }),
    tables: new TableMemory(),
    repositories: new Repositories(store, files),
    idempotency: new IdempotencyKeys(store),
    runs: new ServerRuns({ workspace, env, settings: () => settings.get(), run, budget, hub, makeRoom: () => looks.makeRoom() }),
  };
}

async function closeAll(app: ReturnType<typeof createApp>, { runs, runStore, hub, looks }: ServerContext, store: ServerStore): Promise<void> {
  const closed = once(app.server, 'close');
  app.server.close();
  await runs.stop();
  hub.close();
  app.server.closeIdleConnections();
  const patience = setTimeout(() => app.server.closeAllConnections(), CLOSING_MS);
  await closed;
  clearTimeout(patience);
  await app.close();
  await looks.makeRoom();
  runStore.close();
  store.close();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
