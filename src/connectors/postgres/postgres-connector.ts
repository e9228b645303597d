import { SluiceError } from '../../errors/sluice-error.ts';
import { displayName, type TableName, type TableSchema } from '../../rows/table-schema.ts';
import type { CompareOptions, CompareSource } from '../compare-source.ts';
import type { Connection, Connector, ConnectOptions, LoadOptions, LoadSession, ReadTableRequest, Reference, TablesReader } from '../connector.ts';
import type { RestoreTarget, RestoreTargetOptions } from '../restore-target.ts';
import type { BackupChoice, BackupSource } from '../backup-source.ts';
import { currentSchema, findTables, listTables, type CatalogTable } from './catalog.ts';
import { resolveTarget, type ConnectionTarget } from './connection-target.ts';
import { Session } from './driver.ts';
import { listReferences } from './foreign-keys.ts';
import { Serial } from './serial.ts';

/**
 * PostgreSQL 14 and newer. One session for control (catalog, plans), and up to `jobs` for each of reading and loading, which come and go with
 * their work, plus one that holds the snapshot or publishes. What each of them needs is loaded when it is asked for: a backup needs nothing of a load, which would be 3 MB.
 */
export const postgresConnector: Connector = {
  kind: 'postgres',
  schemes: ['postgres', 'postgresql'],
  async connect(url: string, options: ConnectOptions): Promise<Connection> {
    const target = await resolveTarget(url, options.env, options.applicationName);
    const control = await Session.open(target, options.signal);
    try {
      return new PostgresConnection(target, control, await currentSchema(control, options.signal), options);
    } catch (error) {
      await control.close();
      throw error;
    }
  },
};

class PostgresConnection implements Connection {
  readonly kind = 'postgres';
  readonly name: string;
  readonly serverVersion: string;
  readonly #target: ConnectionTarget;
  readonly #control: Session;
  readonly #defaultSchema: string | undefined;
  readonly #options: ConnectOptions;
  readonly #serial = new Serial();
  /** By name, for the plan that follows. */
  readonly #described = new Map<string, CatalogTable>();
  readonly #open = new Set<{ close(): Promise<void> }>();

  constructor(target: ConnectionTarget, control: Session, defaultSchema: string | undefined, options: ConnectOptions) {
    this.name = target.name;
    this.serverVersion = control.versionText;
    this.#target = target;
    this.#control = control;
    this.#defaultSchema = defaultSchema;
    this.#options = options;
  }

  async listTables(): Promise<TableSchema[]> {
    const tables = await this.#serial.run(() => listTables(this.#control, this.#defaultSchema, this.#options.signal));
    return tables.map((table) => table.schema);
  }

  async describeTable(name: TableName): Promise<TableSchema | undefined> {
    const [table] = await this.#serial.run(() => findTables(this.#control, [name], this.#defaultSchema, this.#options.signal));
    if (table !== undefined) this.#described.set(displayName(name), table);
    return table?.schema;
  }

  listReferences(): Promise<readonly Reference[]> {
    return this.#serial.run(() => listReferences(this.#control, this.#defaultSchema, this.#options.signal));
  }

  async openReader(requests: readonly ReadTableRequest[]): Promise<TablesReader> {
    if (requests.length === 0) throw new SluiceError('INTERNAL', { reason: 'nothing to read was requested' });
    const { openTablesReader } = await import('./reader.ts');
    const reader = await this.#serial.run(() => openTablesReader(requests, {
      control: this.#control,
      open: () => Session.open(this.#target, this.#options.signal),
      jobs: this.#options.jobs,
      defaultSchema: this.#defaultSchema,
      signal: this.#options.signal,
    }));
    this.#open.add(reader);
    return { tables: reader.tables, close: () => reader.close().finally(() => this.#open.delete(reader)) };
  }

  async openBackup(choice: BackupChoice): Promise<BackupSource> {
    const { jobs, env, signal } = this.#options;
    const { openBackupSource } = await import('./backup-snapshot.ts');
    const source = await this.#serial.run(() => openBackupSource(this.#control, choice, { open: () => Session.open(this.#target, signal), jobs, env, signal }));
    this.#open.add(source);
    return source;
  }

  async openCompare(tables: readonly { readonly schema: string; readonly name: string }[], options: CompareOptions): Promise<CompareSource> {
    const { jobs, signal } = this.#options;
    const { openCompareSource } = await import('./compare-source.ts');
    const source = await this.#serial.run(() => openCompareSource(this.#control, tables, options, { open: () => Session.open(this.#target, signal), jobs, signal }));
    this.#open.add(source);
    return source;
  }

  async openLoad(options: LoadOptions): Promise<LoadSession> {
    const { PostgresLoadSession } = await import('./load-session.ts');
    const load = new PostgresLoadSession({
      // Not tied to the run's signal: an aborted run must still be able to clean up.
      open: (signal) => Session.open(this.#target, signal),
      withControl: (work) => this.#serial.run(() => work(this.#control)),
      described: (name) => {
        const table = this.#described.get(displayName(name));
        this.#described.delete(displayName(name));
        return table;
      },
      connection: this.name,
      jobs: this.#options.jobs,
      defaultSchema: this.#defaultSchema,
    }, options);
    this.#open.add(load);
    return load;
  }

  async openRestore(options: RestoreTargetOptions): Promise<RestoreTarget> {
    const { PostgresRestoreTarget } = await import('./restore-target.ts');
    const target = await PostgresRestoreTarget.open(this.#target, this.#options.jobs, options);
    this.#open.add(target);
    return target;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((open) => open.close()));
    await this.#control.close();
  }
}
