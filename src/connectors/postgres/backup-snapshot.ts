/** The source of a backup: one snapshot, what is in it, and the ways to read it. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { BackupChoice, BackupSource, BackupTable, LargeObject, PageGroups, SchemaDump, SequenceState, TableStreams } from '../backup-source.ts';
import { findBackupTables, type CatalogBackupTable, type FoundTables } from './backup-catalog.ts';
import { readLargeObjects, refuseUnreadableObjects } from './backup-large-objects.ts';
import { dumpSchema, findDumpProgram, type DumpProgram } from './backup-schema.ts';
import { readSequences, refuseUnreadableSequences } from './backup-sequences.ts';
import { findOwnObjects, type OwnObjects } from './backup-own-objects.ts';
import { refuseRowSecurity, TableStreamsReader } from './backup-tables.ts';
import type { Session } from './driver.ts';
import { Snapshot } from './snapshot.ts';

export interface BackupSourceParts {
  readonly open: () => Promise<Session>;
  readonly jobs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** How often everything begins anew because tables came or went before they were locked. */
const ATTEMPTS = 5;

/** The types of the catalog's answers are to be written with their schemas. */
const EMPTY_SEARCH_PATH = `SELECT pg_catalog.set_config('search_path', '', true)`;

/** @throws SluiceError TABLE_UNKNOWN, PERMISSION_DENIED, ROW_SECURITY, DUMP_PROGRAM_MISSING, DUMP_PROGRAM_TOO_OLD, and those of connecting */
export async function openBackupSource(control: Session, choice: BackupChoice, parts: BackupSourceParts): Promise<BackupSource> {
  const program = choice.schema ? await findDumpProgram(control.version, choice.dumpProgram, parts.env, parts.signal) : undefined;
  for (let attempt = 1; ; attempt++) {
    const before = choice.data ? await findBackupTables(control, choice, parts.signal) : { tables: [], notes: [] };
    refuseRowSecurity(before.tables, control.target.user);
    const snapshot = await takeSnapshot(before.tables, parts, attempt < ATTEMPTS);
    if (snapshot === undefined) continue;
    try {
      const { coordinator } = snapshot;
      await coordinator.query(EMPTY_SEARCH_PATH, { signal: parts.signal });
      const found = choice.data ? await findBackupTables(coordinator, choice, parts.signal) : before;
      if (attempt < ATTEMPTS && hasOthers(found, before)) {
        await snapshot.close();
        continue;
      }
      refuseRowSecurity(found.tables, control.target.user);
      if (choice.data) await refuseUnreadableSequences(coordinator, choice, found.tables, parts.signal);
      if (choice.data && choice.tables.length === 0) await refuseUnreadableObjects(coordinator, parts.signal);
      const encoding = (await coordinator.query('SELECT pg_catalog.getdatabaseencoding()', { signal: parts.signal })).rows[0][0]!;
      return new PostgresBackupSource(snapshot, choice, found, { encoding, program, env: parts.env, own: await findOwnObjects(coordinator, parts.signal), unfilled: await unfilledViews(coordinator, parts.signal) });
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }
}

async function unfilledViews(session: Session, signal: AbortSignal): Promise<BackupSource['unfilled']> {
  const { rows } = await session.query(`SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY 1, 2`, { signal });
  return rows.map(([schema, name]) => ({ schema: schema!, name: name! }));
}

/** Undefined when a table has gone since it was listed. */
async function takeSnapshot(tables: readonly CatalogBackupTable[], { open, jobs, signal }: BackupSourceParts, mayRetry: boolean): Promise<Snapshot | undefined> {
  try {
    return await Snapshot.take(open, jobs, tables.map(({ sqlName }) => `ONLY ${sqlName}`), signal);
  } catch (error) {
    if (mayRetry && error instanceof SluiceError && error.code === 'TABLE_UNKNOWN') return undefined;
    throw error;
  }
}

/** Tables that were not there, and so not locked, when the others were listed. */
function hasOthers(found: FoundTables, before: FoundTables): boolean {
  const known = new Set(before.tables.map(({ oid, sqlName }) => `${oid} ${sqlName}`));
  return found.tables.some(({ oid, sqlName }) => !known.has(`${oid} ${sqlName}`));
}

class PostgresBackupSource implements BackupSource {
  readonly name: string;
  readonly address: string;
  readonly database: string;
  readonly serverVersion: number;
  readonly encoding: string;
  readonly notes: string[];
  readonly tables: readonly CatalogBackupTable[];
  readonly unfilled: BackupSource['unfilled'];
  readonly #snapshot: Snapshot;
  readonly #choice: BackupChoice;
  readonly #streams: TableStreamsReader;
  readonly #program: DumpProgram | undefined;
  readonly #env: NodeJS.ProcessEnv;
  readonly #leftOut: readonly string[];

  constructor(snapshot: Snapshot, choice: BackupChoice, found: FoundTables, facts: { encoding: string; program: DumpProgram | undefined; env: NodeJS.ProcessEnv; own: OwnObjects; unfilled: BackupSource['unfilled'] }) {
    const { target, version } = snapshot.coordinator;
    this.name = target.name;
    this.address = target.address;
    this.database = target.database;
    this.serverVersion = version;
    this.encoding = facts.encoding;
    this.notes = [...found.notes, ...facts.own.notes];
    this.tables = found.tables;
    this.unfilled = facts.unfilled;
    this.#snapshot = snapshot;
    this.#choice = choice;
    this.#streams = new TableStreamsReader(snapshot, found.tables, facts.encoding);
    this.#program = facts.program;
    this.#env = facts.env;
    this.#leftOut = facts.own.dumpOptions;
  }

  get schemaWriter(): string | undefined {
    return this.#program === undefined ? undefined : `pg_dump ${this.#program.versionText}`;
  }

  openTable(table: BackupTable, before: PageGroups | undefined, signal: AbortSignal): Promise<TableStreams> {
    return this.#streams.open(table as CatalogBackupTable, before, signal);
  }

  sequences(signal: AbortSignal): AsyncGenerator<SequenceState, void, undefined> {
    const onGone = ({ schema, name }: { schema: string; name: string }): void => void this.notes.push(`The sequence ${schema}.${name} was dropped during the backup: its state is left out`);
    return readSequences(this.#snapshot.coordinator, this.#choice, this.tables, onGone, signal);
  }

  largeObjects(signal: AbortSignal): AsyncGenerator<LargeObject, void, undefined> {
    return readLargeObjects(this.#snapshot, signal);
  }

  dumpSchema(signal: AbortSignal): SchemaDump {
    if (this.#program === undefined) throw new SluiceError('INTERNAL', { reason: 'a schema was asked for that was not chosen' });
    return dumpSchema(this.#program, { target: this.#snapshot.coordinator.target, snapshot: this.#snapshot.id, isSqlAscii: this.encoding === 'SQL_ASCII', leftOut: this.#leftOut, env: this.#env, signal });
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }
}
