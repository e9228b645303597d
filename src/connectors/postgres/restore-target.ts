/**
 * Restores into a PostgreSQL database: definitions and COPY streams over `jobs` sessions, each piece of work committed together with its entry in the ledger (restore-ledger.ts). Nothing goes through psql, and no text
 * of a backup is cut into statements: a definition is one message, which the server takes as one transaction.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { displayName, type TableName } from '../../rows/table-schema.ts';
import type {
  CopyShape, DefineOptions, Definition, RelationSize, RestoredParts, RestoredTable, RestoreLargeObject, RestorePartStream, RestoreSequence, RestoreTarget, RestoreTargetOptions, WantedTable,
} from '../restore-target.ts';
import type { ConnectionTarget } from './connection-target.ts';
import { Session, settingsSql, type QueryOptions } from './driver.ts';
import { Aside } from './restore-aside.ts';
import { dropCopies, setObjectAside, undoObjects } from './restore-aside-objects.ts';
import { compressAgainSql, leaveUncompressedSql } from './restore-compression.ts';
import { accessMethodSql, canBeAddedUnchecked, definitionSql, entryName, ownerSql, prefixSql, uncheckedSql, usualPath } from './restore-definition.ts';
import { hadDefaultRights, undoDefaultRights } from './restore-default-rights.ts';
import { entryFailure, isMissingRole, isNoRight, isNotFilled, isUnknownObject } from './restore-errors.ts';
import { writeLargeObject } from './restore-large-object.ts';
import { RestoreLedger } from './restore-ledger.ts';
import { findPresent } from './restore-lookup.ts';
import { RestoreNotes } from './restore-notes.ts';
import { copyPart, copyRows, PartTables } from './restore-part.ts';
import { describeTables, existingRelations, findKnownNames, relationSizes, unavailableExtensions, unloggedTables, type KnownNames } from './restore-catalog.ts';
import { undoDefinitions, type Undone, type UndoStep } from './restore-undo.ts';
import { Serial } from './serial.ts';
import { SessionPool } from './session-pool.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';

/** What pg_restore sets, and what a restore can do without until its end. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: '', check_function_bodies: 'off', default_tablespace: '', default_transaction_read_only: 'off', default_transaction_isolation: 'read committed',
  escape_string_warning: 'off', synchronous_commit: 'off', jit: 'off',
};

const DEADLOCK_ATTEMPTS = 5;

/** They may fail for a role or a right that is not there: the object is there all the same, and the receipt says what is missing. */
const PRIVILEGES: ReadonlySet<string> = new Set(['ACL', 'ACL LANGUAGE', 'DEFAULT ACL']);
const REMARKS: ReadonlySet<string> = new Set(['COMMENT', 'SECURITY LABEL']);

export class PostgresRestoreTarget implements RestoreTarget {
  readonly name: string;
  readonly serverVersion: number;
  readonly jobs: number;
  readonly #options: RestoreTargetOptions;
  readonly #control: Session;
  readonly #serial = new Serial();
  readonly #pool: SessionPool;
  readonly #ledger: RestoreLedger;
  readonly #notes = new RestoreNotes();
  readonly #partTables = new PartTables();
  #defined = new Set<number>();
  /** Definitions of objects that were there before: they are taken as they are, and stay when the restore is given up. */
  #kept = new Set<number>();
  #known!: KnownNames;

  private constructor(target: ConnectionTarget, control: Session, jobs: number, options: RestoreTargetOptions) {
    this.name = target.name;
    this.serverVersion = control.version;
    this.jobs = jobs;
    this.#options = options;
    this.#control = control;
    this.#ledger = new RestoreLedger(options.run);
    this.#pool = new SessionPool(jobs, () => openSession(target, jobs, options.signal));
  }

  static async open(target: ConnectionTarget, jobs: number, options: RestoreTargetOptions): Promise<PostgresRestoreTarget> {
    const control = await openSession(target, jobs, options.signal);
    const [[isReplica]] = (await control.query('SELECT pg_catalog.pg_is_in_recovery()', { signal: options.signal })).rows;
    if (isReplica !== 't') return new PostgresRestoreTarget(target, control, jobs, options);
    await control.close();
    throw new SluiceError('TARGET_READ_ONLY', { connection: target.name, reason: 'it is a replica' });
  }

  isDefined(id: number): boolean {
    return this.#defined.has(id);
  }

  existing(names: readonly TableName[]): Promise<TableName[]> {
    return this.#withControl((session) => existingRelations(session, names, this.#query));
  }

  present(definitions: readonly Definition[]): Promise<ReadonlySet<number>> {
    return this.#withControl(async (session) => new Set((await findPresent(session, definitions, this.#query)).map(({ id }) => id)));
  }

  unavailableExtensions(names: readonly string[]): Promise<string[]> {
    return this.#withControl((session) => unavailableExtensions(session, names, this.#query));
  }

  hasBegun(): Promise<boolean> {
    return this.#withControl((session) => this.#ledger.exists(session, this.#query));
  }

  async unfinished(): Promise<string[]> {
    const runs = await this.#withControl((session) => RestoreLedger.runs(session, this.#query));
    return runs.filter((run) => run !== this.#options.run && !this.#options.isDone(run));
  }

  async begin(referenced: { readonly owners: readonly string[]; readonly tablespaces: readonly string[]; readonly accessMethods: readonly string[] }): Promise<void> {
    await this.#withControl(async (session) => {
      this.#known = await findKnownNames(session, referenced, this.#query);
      if (this.#options.resumes && await this.#ledger.exists(session, this.#query)) {
        this.#defined = await this.#ledger.done(session, 'definition', this.#query);
        this.#kept = await this.#ledger.kept(session, this.#query);
      } else await this.#ledger.create(session, this.#query);
      await RestoreLedger.dropDone(session, this.#options.isDone, this.#query);
      if (await hadDefaultRights(session, this.#ledger, this.#query)) this.#notes.add(`default privileges of "${session.target.user}" were here before (ALTER DEFAULT PRIVILEGES): what is made gets them where the backup says nothing of its privileges`);
    });
    for (const [kind, names, known] of [['tablespace', referenced.tablespaces, this.#known.tablespaces], ['access method', referenced.accessMethods, this.#known.accessMethods]] as const) {
      for (const name of names) if (!known.has(name)) this.#notes.add(`the ${kind} "${name}" does not exist here: the default is used`);
    }
  }

  async emptied(): Promise<TableName[]> {
    return this.#withControl(async (session) => (this.#options.resumes && await this.#ledger.wasEmptied(session, this.#query) ? unloggedTables(session, this.#query) : []));
  }

  async takeOff(definitions: AsyncIterable<Definition>): Promise<void> {
    for await (const definition of definitions) {
      if (!this.isDefined(definition.id) || this.#kept.has(definition.id)) continue;
      await this.#runRetried(`${prefixSql(definition, this.#known, this.#options.unqualified)}${definition.dropSql}\n${this.#ledger.removeSql('definition', definition.id)}`);
      this.#defined.delete(definition.id);
    }
    await this.#withControl((session) => this.#ledger.setStanding(session, this.#query));
  }

  async setAside(definitions: readonly Definition[]): Promise<void> {
    await this.#withControl(async (session) => {
      if (await this.#ledger.isAside(session, this.#query)) return;
      await new Aside(session, this.#ledger, this.#query).move(definitions);
      this.#kept = await this.#ledger.kept(session, this.#query);
    });
  }

  async define(definition: Definition, options: DefineOptions = {}): Promise<void> {
    if (this.isDefined(definition.id)) return;
    const workers = options.parallelWorkers === undefined ? '' : `SET LOCAL max_parallel_maintenance_workers = ${options.parallelWorkers}; `;
    const prefix = workers + prefixSql(definition, this.#known, this.#options.unqualified);
    const isThere = this.#isThere(definition);
    const text = isThere ? '' : options.notValid === true && canBeAddedUnchecked(definition) ? uncheckedSql(definition.sql) : definitionSql(definition);
    const sql = `${prefix}${text}\n${accessMethodSql(definition, this.#known, this.serverVersion)}${this.#ownerOf(definition)}${isThere && !this.#kept.has(definition.id) ? this.#ledger.entrySql('step', definition.id, 'kept') : ''}${this.#ledger.entrySql('definition', definition.id)}`;
    try {
      await this.#runRetried(sql).catch((error: unknown) => this.#runAsAtHome(definition, sql, error));
    } catch (error) {
      if (!this.#isTolerated(definition, error)) throw entryFailure(error, entryName(definition), text, prefix.length);
      await this.#runRetried(this.#ledger.entrySql('definition', definition.id));
    }
    this.#defined.add(definition.id);
  }

  /**
   * A definition names all by its schema, but a function that it calls may not (an index on `plain(name)`, which calls `unaccent`): at home such names were found on the search path. So what fails for an unknown name is
   * tried once more with the schema of the object and `public` on the path.
   */
  async #runAsAtHome(definition: Definition, sql: string, error: unknown): Promise<void> {
    if (definition.namespace === '' || this.#options.unqualified || !isUnknownObject((error as Error).cause)) throw error;
    try {
      await this.#runRetried(`${usualPath(definition.namespace)}${sql}`);
    } catch {
      throw error;
    }
    this.#notes.add(`${entryName(definition)} was made with ${definition.namespace} and public on the search path: a function that it calls names something without its schema`);
  }

  canAddUnchecked(definition: Definition): boolean {
    return canBeAddedUnchecked(definition);
  }

  async validate(table: TableName, constraint: string, definition: Definition): Promise<void> {
    const sql = `ALTER TABLE ONLY ${qualifiedName(table)} VALIDATE CONSTRAINT ${quoteIdentifier(constraint)}`;
    try {
      // Asked first: for a key that is checked the statement does nothing, but event triggers of the backup, which may be there already, hear of it.
      if (this.#options.resumes && await this.#isChecked(table, constraint)) return;
      await this.#runRetried(sql);
    } catch (error) {
      throw entryFailure(error, entryName(definition), definition.sql, 0);
    }
  }

  async #isChecked(table: TableName, constraint: string): Promise<boolean> {
    const { rows } = await this.#withSession((session) => session.query(`SELECT convalidated FROM pg_catalog.pg_constraint WHERE conrelid = ${quoteLiteral(qualifiedName(table))}::pg_catalog.regclass AND conname = ${quoteLiteral(constraint)}`, this.#query));
    return rows[0]?.[0] === 't';
  }

  describe(tables: readonly WantedTable[]): Promise<(RestoredTable | undefined)[]> {
    return this.#withControl((session) => describeTables(session, tables, this.#query));
  }

  committed(table: RestoredTable): Promise<RestoredParts> {
    return this.#withControl((session) => this.#ledger.committed(session, table.display, table.isUnlogged, this.#query));
  }

  async leaveUncompressed(table: RestoredTable, columns: readonly string[]): Promise<void> {
    const sql = await this.#withControl((session) => leaveUncompressedSql(session, table, columns, this.#ledger, this.#query));
    if (sql !== undefined) await this.#runRetried(sql);
  }

  async compressAgain(): Promise<void> {
    for (const sql of await this.#withControl((session) => compressAgainSql(session, this.#ledger, this.#query))) await this.#runRetried(sql);
  }

  async copy(table: RestoredTable, shape: CopyShape, part: RestorePartStream, progress: (bytes: number) => void): Promise<number> {
    return this.#withSession((session) => copyPart(session, { table, shape, part, progress, signal: this.#options.signal, ledger: this.#ledger, tables: this.#partTables }));
  }

  async inOneTransaction(work: (copy: (table: RestoredTable, shape: CopyShape, part: RestorePartStream) => Promise<number>) => Promise<void>): Promise<void> {
    await this.#withSession(async (session) => {
      const { signal } = this.#options;
      try {
        await session.query('BEGIN', this.#query);
        await work((table, shape, part) => copyRows(session, { table, shape, part, progress: () => {}, signal, tables: this.#partTables }));
        await session.query('COMMIT', this.#query);
      } catch (error) {
        this.#partTables.forget(session);
        if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async largeObjectsDone(): Promise<{ has(oid: number): boolean; count: number }> {
    const done = await this.#withControl((session) => this.#ledger.done(session, 'object', this.#query));
    return { has: (oid) => done.has(oid), count: done.size };
  }

  async writeLargeObject(object: RestoreLargeObject, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { attributes } = object;
    const owner = attributes === undefined ? '' : this.#ownerOf({ description: 'BLOB', tag: String(object.oid), namespace: '', owner: attributes.owner, dropSql: '', sql: '' });
    try {
      const missing = await this.#withSession((session) => writeLargeObject(session, object, { owner, entry: this.#ledger.entrySql('object', object.oid), ...(this.#options.clean ? { setAside: (own: Session, oid: number) => setObjectAside(own, this.#ledger, oid, this.#query) } : {}) }, chunks, this.#query));
      for (const reason of missing) this.#notes.addPrivilege(`LARGE OBJECT ${object.oid}`, reason);
    } catch (error) {
      throw entryFailure(error, `LARGE OBJECT ${object.oid}`, '', 0);
    }
  }

  async setSequences(sequences: readonly RestoreSequence[]): Promise<void> {
    if (sequences.length === 0) return;
    const calls = sequences.map(({ lastValue, isCalled, ...name }) => `pg_catalog.setval(${quoteLiteral(qualifiedName(name))}, ${lastValue}, ${isCalled})`);
    try {
      await this.#withSession((session) => session.query(`SELECT ${calls.join(', ')}`, this.#query));
    } catch (error) {
      throw entryFailure(error, sequences.length === 1 ? `SEQUENCE SET ${displayName(sequences[0])}` : `values of ${sequences.length} sequences from ${displayName(sequences[0])} on`, '', 0);
    }
  }

  relationSizes(): Promise<RelationSize[]> {
    return this.#withControl((session) => relationSizes(session, this.#query));
  }

  async analyze(name: TableName): Promise<void> {
    await this.#withSession(async (session) => {
      try {
        await session.query(`ANALYZE ${qualifiedName(name)}`, { ...this.#query, table: displayName(name) });
      } catch (error) {
        // Of a partition on a server that is not there, for one: everything is restored all the same.
        if (this.#options.signal.aborted || !session.usable) throw error;
        this.#notes.add(`statistics of ${displayName(name)} are not there: ${(error as Error).message}`);
      }
    });
  }

  notes(): string[] {
    return this.#notes.all();
  }

  async finish(): Promise<void> {
    await this.#withControl(async (session) => {
      if (await this.#ledger.isAside(session, this.#query)) {
        // From here on there is no way back.
        await this.#ledger.setReplaced(session, this.#query);
        for (const blocked of await new Aside(session, this.#ledger, this.#query).drop()) this.#notes.add(`what was replaced is still there, in schemas that begin with ${this.#ledger.schema}_: ${blocked}`);
      }
      await dropCopies(session, this.#ledger, this.#query);
      await session.query(this.#ledger.durableSql(), this.#query);
    });
  }

  async forget(): Promise<void> {
    await this.#withControl((session) => this.#ledger.drop(session, {}));
  }

  async undo(made: AsyncIterable<Definition>): Promise<void> {
    if (await this.#withControl((session) => this.#ledger.isReplaced(session, this.#query))) throw new SluiceError('DISCARD_REFUSED', { run: this.#options.run, reason: 'it is complete, and what it has replaced may be dropped already' });
    const left = await undoDefinitions(made, ({ id }) => this.isDefined(id) && !this.#kept.has(id), (step) => this.#undoOne(step));
    for (const { name, error } of left) this.#notes.addUndone(name, error);
    await this.#withControl(async (session) => {
      await undoObjects(session, this.#ledger, this.#query);
      await undoDefaultRights(session, this.#ledger, this.#query);
      if (await this.#ledger.isAside(session, this.#query)) await new Aside(session, this.#ledger, this.#query).moveBack();
    });
    await this.forget();
  }

  /** @returns it, when it is still there */
  async #undoOne(one: UndoStep): Promise<Undone[]> {
    try {
      await this.#withControl((session) => session.query(one.sql, this.#query));
      return [];
    } catch (error) {
      this.#options.signal.throwIfAborted();
      // What belonged to something that is gone already is gone, too.
      return isUnknownObject((error as Error).cause) ? [] : [{ ...one, error }];
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#control.close();
  }

  get #query(): QueryOptions {
    return { signal: this.#options.signal };
  }

  #withControl<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#serial.run(() => work(this.#control));
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#pool.acquire();
    try {
      return await work(session);
    } finally {
      this.#pool.release(session);
    }
  }

  /** Definitions that wait for each other are run again: what lost was rolled back. */
  async #runRetried(sql: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#withSession((session) => session.query(sql, this.#query));
        return;
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'DEADLOCK' || attempt === DEADLOCK_ATTEMPTS) throw error;
      }
    }
  }

  #isThere({ id, description, tag }: Definition): boolean {
    return this.#kept.has(id) || (description === 'SCHEMA' && this.#known.schemas.has(tag)) || (description === 'EXTENSION' && this.#known.extensions.has(tag));
  }

  #ownerOf(definition: Pick<Definition, 'description' | 'tag' | 'namespace' | 'owner' | 'dropSql' | 'sql'>): string {
    if (this.#options.noOwner || definition.owner === '') return '';
    const sql = ownerSql(definition as Definition);
    if (sql === '' || this.#known.roles.has(definition.owner)) return sql;
    this.#notes.addOwner(definition.owner, this.#known.unusableRoles.has(definition.owner));
    return '';
  }

  #isTolerated(definition: Definition, error: unknown): boolean {
    const reason = error instanceof Error ? error.cause : undefined;
    const name = entryName(definition);
    if (PRIVILEGES.has(definition.description) && (isMissingRole(reason) || isNoRight(reason))) this.#notes.addPrivilege(name, (reason as Error).message);
    else if (REMARKS.has(definition.description) && (isNoRight(reason) || definition.description === 'SECURITY LABEL')) this.#notes.add(`${name} was left out: ${(reason as Error).message}`);
    else if (definition.description === 'POLICY' && isMissingRole(reason)) this.#notes.add(`${name} was left out, so the rows that it allows stay hidden: ${(reason as Error).message}`);
    else if (definition.description === 'USER MAPPING' && isMissingRole(reason)) this.#notes.add(`${name} was left out: ${(reason as Error).message}`);
    // It reads another that was left unfilled at the source.
    else if (definition.description === 'MATERIALIZED VIEW DATA' && (isNotFilled(reason) || isNoRight(reason))) this.#notes.add(`${name} was left out: ${(reason as Error).message}`);
    else return false;
    return true;
  }
}

async function openSession(target: ConnectionTarget, jobs: number, signal: AbortSignal): Promise<Session> {
  const session = await Session.open(target, signal);
  try {
    await session.query(settingsSql(SETTINGS, false), { signal });
    // Memory of the server is not ours to know; who set shared_buffers knew it. In kB.
    await session.query(`SELECT pg_catalog.set_config('maintenance_work_mem', GREATEST(m.setting::bigint, LEAST(GREATEST(b.setting::bigint * 8, 262144), 2097152) / ${jobs})::text || 'kB', false)
      FROM pg_catalog.pg_settings m, pg_catalog.pg_settings b WHERE m.name = 'maintenance_work_mem' AND b.name = 'shared_buffers'`, { signal });
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
