/**
 * The job `backup`: opens the source and looks at the repository, so that what cannot work fails before anything is written; then the schema, the rows, large objects, and sequences at the end
 * (their values never lie below the data), and the manifest. Whatever fails before it leaves chunks that the next backup uses.
 */
import type { BackupSource, BackupTable } from '../../connectors/backup-source.ts';
import type { Connection } from '../../connectors/connector.ts';
import { connectorFor } from '../../connectors/registry.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { versionText } from '../../io/version.ts';
import { AbortScope, throwIfAborted } from '../../pipeline/abort-scope.ts';
import type { BackupReceipt, TableReceipt } from '../../pipeline/receipt.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import { createRepository, lookAtRepository } from '../open-repository.ts';
import { BackupWriter } from '../repository/backup-writer.ts';
import { CHUNK_BYTES } from '../repository/content.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { BackupOptions } from './backup-options.ts';
import { keptBackup, type BackupState } from './backup-state.ts';
import { displayName } from '../../rows/table-schema.ts';
import { PreviousGroups } from './previous-groups.ts';
import { backUpSchema } from './schema-backup.ts';
import { TableBackup } from './table-backup.ts';

const SCHEMA_ATTEMPTS = 5;

/** @throws SluiceError of connecting, of the repository, OPTION_UNSUPPORTED for databases that cannot be backed up */
export async function planBackup(options: BackupOptions, context: RunContext): Promise<BackupJob> {
  context.progress({ type: 'phase', phase: 'planning', at: Date.now() });
  await lookAtRepository(options.to);
  const connector = await connectorFor(options.from);
  const connection = await connector.connect(options.from, {
    signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes,
    applicationName: `sluice backup ${context.run}`, create: false, env: context.env,
  });
  try {
    if (connection.openBackup === undefined) throw new SluiceError('OPTION_UNSUPPORTED', { option: `A backup of ${connection.name}`, context: 'here: only PostgreSQL databases can be backed up' });
    const { tables, exclude, schema, data, dumpProgram } = options;
    const open = (): Promise<BackupSource> => connection.openBackup!({ tables, exclude, schema, data, ...(dumpProgram === undefined ? {} : { dumpProgram }) });
    return new BackupJob(options, connection, { open, source: await open() }, context);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A backup that was interrupted. @param from the resolved source */
export function resumeBackup(from: string, context: RunContext): Promise<BackupJob> {
  return planBackup({ ...(context.resumed as BackupState).options, from }, context);
}

class BackupJob {
  readonly plan;
  /** What was stored is found when the same is asked for again. */
  suspended = false;
  readonly #options: BackupOptions;
  readonly #connection: Connection;
  readonly #open: () => Promise<BackupSource>;
  #source: BackupSource;
  readonly #context: RunContext;

  constructor(options: BackupOptions, connection: Connection, { open, source }: { open: () => Promise<BackupSource>; source: BackupSource }, context: RunContext) {
    this.#options = options;
    this.#connection = connection;
    this.#open = open;
    this.#source = source;
    this.#context = context;
    const schema = source.schemaWriter === undefined ? [] : [`The schema is written by ${source.schemaWriter}`];
    this.plan = { version: 1, job: 'backup', from: source.name, to: options.to, jobs: context.jobs, tables: source.tables.map(plannedTable), notes: [...schema, ...source.notes] } as const;
  }

  async run(): Promise<{ tables: readonly TableReceipt[]; warnings: readonly string[]; backup: BackupReceipt }> {
    const { progress, signal } = this.#context;
    progress({ type: 'phase', phase: 'moving', at: Date.now() });
    this.#context.keep(keptBackup(this.#options));
    const repository = await createRepository(this.#options.to);
    const writer = await BackupWriter.begin(repository);
    const scope = new AbortScope(signal);
    try {
      // Not beside each other: pg_dump has memory of its own, and what the schema refuses is known at once.
      const schema = await this.#backUpSchema(writer, scope.signal);
      const tables = await this.#moveTables(repository, writer, scope);
      const largeObjects = await this.#moveLargeObjects(writer);
      const sequences = await this.#readSequences(writer);
      throwIfAborted(signal);
      progress({ type: 'phase', phase: 'publishing', at: Date.now() });
      const { name: _, address, database, serverVersion, encoding, notes } = this.#source;
      const scopeOf = { schema: this.#options.schema, data: this.#options.data, tables: [...this.#options.tables], exclude: [...this.#options.exclude] };
      const manifest = await writer.commit({ writer: `sluice ${versionText()}`, source: { kind: 'postgres', address, database, serverVersion, encoding }, scope: scopeOf, schema, notes: [...notes] });
      const { newChunks, newBytes } = manifest.totals;
      return { tables, warnings: [], backup: { backup: manifest.backup, repository: repository.storage.name, largeObjects, sequences, newChunks, newBytes, notes: manifest.notes } };
    } catch (error) {
      await writer.abort();
      this.suspended = !(error instanceof SluiceError && error.code === 'CANCELLED');
      throw error;
    } finally {
      scope.dispose();
    }
  }

  /** Nothing refers to what it has stored. */
  async giveUp(): Promise<void> {}

  async close(): Promise<void> {
    await this.#source.close();
    await this.#connection.close();
  }

  /** Where definitions change under pg_dump, or somebody waits for a table, with another snapshot: nothing else was read yet. */
  async #backUpSchema(writer: BackupWriter, signal: AbortSignal): Promise<Manifest['schema']> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await backUpSchema(this.#source, writer, this.#options.level, signal);
      } catch (error) {
        if (attempt === SCHEMA_ATTEMPTS || !(error instanceof SluiceError) || error.code !== 'SCHEMA_CHANGED') throw error;
        await this.#source.close();
        this.#source = await this.#open();
      }
    }
  }

  async #moveTables(repository: Repository, writer: BackupWriter, scope: AbortScope): Promise<TableReceipt[]> {
    const previous = await PreviousGroups.of(repository, this.#source);
    return new TableBackup({ source: this.#source, writer, previous, level: this.#options.level, context: this.#context }, scope).run();
  }

  async #moveLargeObjects(writer: BackupWriter): Promise<number> {
    if (!this.#options.data || this.#options.tables.length > 0) return 0;
    const content = writer.content({ level: this.#options.level });
    let count = 0;
    for await (const { content: bytes, ...object } of this.#source.largeObjects(this.#context.signal)) {
      for await (const chunk of bytes) await content.write(chunk);
      await writer.addLargeObject({ ...object, content: await content.end() });
      count++;
    }
    content.release();
    return count;
  }

  async #readSequences(writer: BackupWriter): Promise<number> {
    if (!this.#options.data) return 0;
    let count = 0;
    for await (const sequence of this.#source.sequences(this.#context.signal)) {
      await writer.addSequence(sequence);
      count++;
    }
    return count;
  }
}

function plannedTable({ schema, name, bytes, estimatedRows }: BackupTable): {
  name: string; from: string[]; encoding: string; publication: string; columns: []; parts: { rule: string; bytes: number }; expected: { rows?: number; bytes: number }; statements: [];
} {
  return {
    name: displayName({ schema, name }), from: [displayName({ schema, name })],
    encoding: 'copy-binary or copy-text', publication: 'listed when all is complete', columns: [],
    parts: { rule: 'fixed groups of pages', bytes: CHUNK_BYTES },
    expected: { ...(estimatedRows === undefined ? {} : { rows: estimatedRows }), bytes }, statements: [],
  };
}
