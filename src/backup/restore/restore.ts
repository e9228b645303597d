/**
 * Restores a backup into a PostgreSQL database: definitions that rows need, rows and large objects, sequences, then indexes and constraints in parallel, privileges, materialized views, event triggers, statistics.
 *
 * A restore that fails on its way leaves what is done and a ledger of it in the target, and goes on from there. It destroys nothing that was there: without --clean it refuses to begin where something is in the way.
 */
import type { Connection } from '../../connectors/connector.ts';
import { connectorFor } from '../../connectors/registry.ts';
import type { RestoreTarget } from '../../connectors/restore-target.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import type { MissingPart, PlannedTable, Transfer, TransferPlan, TransferResult } from '../../pipeline/transfer.ts';
import { displayName, type TableName } from '../../rows/table-schema.ts';
import type { DumpEntry } from '../pg-dump/dump-archive.ts';
import { entriesByStep, type Step } from './entries.ts';
import { restoreLargeObjects, restoreSequences } from './objects-restore.ts';
import { openRestoreSource } from './open-source.ts';
import type { BackupRestoreOptions } from './options.ts';
import type { RestoreSource, SourceTable } from './restore-source.ts';
import { refreshesOf } from './refreshes.ts';
import { keptState, readState } from './restore-state.ts';
import { planRowsOnly } from './rows-only.ts';
import { RowRestore } from './row-restore.ts';
import { SchemaRestore } from './schema-restore.ts';
import { isChosen, isRelation, selectEntries, type Selection } from './selection.ts';
import { StepTimes } from './step-times.ts';

/** Tables that a plan names. */
const MOST_PLANNED = 500;
const MOST_NAMED = 5;

export async function planBackupRestore(options: BackupRestoreOptions, context: RunContext): Promise<Transfer> {
  context.progress({ type: 'phase', phase: 'planning', at: Date.now() });
  const open: { close(): Promise<void> }[] = [];
  try {
    const missing: MissingPart[] = [];
    const source = await openRestoreSource(options.source, options.skipDamaged === true ? (error) => missing.push({ table: 'lists of the backup', place: 'some entries', reason: error.message }) : undefined);
    open.unshift(source);
    refuseImpossible(options, source);
    if (context.resumed !== undefined && readState(context.resumed).fingerprint !== source.fingerprint) throw new SluiceError('RESUME_REFUSED', { run: context.run, reason: `${source.name} is another than it was` });
    const connection = await (await connectorFor(options.to)).connect(options.to, {
      signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes, applicationName: `sluice restore ${context.run}`, env: context.env, create: false,
    });
    open.unshift(connection);
    const prepared = { options, context, source, connection, missing };
    return await (options.dataOnly === true ? planRowsOnly(prepared) : BackupRestore.prepare(prepared));
  } catch (error) {
    for (const resource of open) await resource.close();
    throw error;
  }
}

/** A restore that was interrupted. @param to the resolved target @throws SluiceError RESUME_REFUSED */
export async function resumeBackupRestore(to: string, context: RunContext): Promise<Transfer> {
  return planBackupRestore({ ...readState(context.resumed).options, to }, context);
}

function refuseImpossible(options: BackupRestoreOptions, source: RestoreSource): void {
  if (options.dataOnly === true && options.schemaOnly === true) throw new SluiceError('USAGE', { what: '--data-only and --schema-only exclude each other' });
  if (options.mapSchemas !== undefined && options.dataOnly !== true) throw new SluiceError('OPTION_UNSUPPORTED', { option: '--map-schema', context: 'without --data-only: definitions name their schemas in their own text. Restore into a database of its own, and rename the schema there' });
  if (options.dataOnly !== true && source.schema === undefined) throw new SluiceError('BACKUP_PART_MISSING', { backup: source.name, what: 'schema', suggestion: 'Make the tables first, then say --data-only.' });
  if (options.schemaOnly !== true && !source.hasData) throw new SluiceError('BACKUP_PART_MISSING', { backup: source.name, what: 'rows', suggestion: 'Say --schema-only.' });
}

interface Prepared {
  readonly options: BackupRestoreOptions;
  readonly context: RunContext;
  readonly source: RestoreSource;
  readonly connection: Connection;
  readonly missing: MissingPart[];
}

class BackupRestore implements Transfer {
  readonly plan: TransferPlan;
  suspended = false;
  readonly #prepared: Prepared;
  readonly #target: RestoreTarget;
  readonly #steps: ReadonlyMap<Step, readonly DumpEntry[]>;
  readonly #selection: Selection;
  readonly #sequences: ReadonlySet<string>;
  readonly #times = new StepTimes();
  readonly #notes: string[] = [];

  // oxlint-disable-next-line max-params -- one caller
  private constructor(prepared: Prepared, target: RestoreTarget, { steps, selection }: { steps: ReadonlyMap<Step, readonly DumpEntry[]>; selection: Selection }, plan: TransferPlan) {
    this.#prepared = prepared;
    this.#target = target;
    this.#steps = steps;
    this.#selection = selection;
    this.#sequences = new Set(selection.entries.filter(({ description }) => description === 'SEQUENCE').map(({ namespace, tag }) => displayName({ schema: namespace, name: tag })));
    this.plan = plan;
  }

  static async prepare(prepared: Prepared): Promise<BackupRestore> {
    const { options, context, source, connection } = prepared;
    if (connection.openRestore === undefined) throw new SluiceError('OPTION_UNSUPPORTED', { option: `Restoring ${source.name}`, context: `into ${connection.name}: it is a backup of PostgreSQL` });
    const own = source.schema?.entries ?? [];
    const all = source.unfilled === undefined ? own : [...own, ...refreshesOf(own, source.unfilled)];
    const selection = selectEntries(all, { tables: options.tables, exclude: options.exclude });
    const { entries } = selection;
    if (all.length > 0 && entries.length === 0) throw new SluiceError('BACKUP_EMPTY', { source: source.name });
    const steps = entriesByStep(entries, { noPrivileges: options.noPrivileges === true, noComments: options.noComments === true, schemaOnly: options.schemaOnly === true });
    const target = await connection.openRestore({
      run: context.run, signal: context.signal, resumes: context.resumed !== undefined, noOwner: options.noOwner === true, clean: options.clean === true, isDone: context.isDone, unqualified: all.length > 0 && all.every(({ description }) => description !== 'SEARCHPATH'),
    });
    const isNeeded = new Set(selection.needed.map(({ dumpId }) => dumpId));
    const hasBegun = context.resumed !== undefined && await target.hasBegun();
    if (context.resumed !== undefined && !hasBegun) refuseOther(readState(context.resumed).target, target, context.run);
    if (!hasBegun && options.clean === true) await refuseUnfinished(target);
    if (!hasBegun && options.clean !== true) await refuseConflicts(target, steps.get('before')!.filter(({ dumpId }) => !isNeeded.has(dumpId)));
    await refuseMissingExtensions(target, steps.get('before')!);
    return new BackupRestore(prepared, target, { steps, selection }, await describe(prepared, target, steps));
  }

  async run(): Promise<TransferResult> {
    const { context, source, options } = this.#prepared;
    context.keep(keptState(options, source, this.#target.name));
    const entries = [...this.#steps.values()].flat();
    const brought = new Set(entries.filter(({ description }) => description === 'ACCESS METHOD').map(({ tag }) => tag));
    await this.#begin({
      owners: distinct(entries.map(({ owner }) => owner)), tablespaces: distinct(entries.map(({ tablespace }) => tablespace)),
      accessMethods: distinct(entries.map(({ accessMethod }) => accessMethod)).filter((name) => !brought.has(name)),
    });
    const tables = await this.#restore();
    await this.#target.finish();
    const missing = this.#prepared.missing.toSorted((a, b) => (a.table === b.table ? a.place.localeCompare(b.place, 'en', { numeric: true }) : a.table < b.table ? -1 : 1));
    return { tables, warnings: [...source.notes, ...this.#notes, ...this.#target.notes()], steps: this.#times.all(), ...(missing.length === 0 ? {} : { missing }), forget: () => this.#target.forget() };
  }

  /** From now on there is something to go on with. */
  async #begin(referenced: Parameters<RestoreTarget['begin']>[0]): Promise<void> {
    try {
      await this.#target.begin(referenced);
      this.suspended = true;
    } catch (error) {
      // Who cannot be asked may have it.
      this.suspended = await this.#target.hasBegun().catch(() => true);
      throw error;
    }
  }

  async giveUp(): Promise<void> {
    const schema = new SchemaRestore(this.#prepared.source.schema!, this.#target, this.#prepared.context.signal);
    await this.#target.begin({ owners: [], tablespaces: [], accessMethods: [] });
    await this.#target.undo(schema.reversed([...this.#steps.values()].flat()));
  }

  async close(): Promise<void> {
    await this.#prepared.connection.close();
    await this.#prepared.source.close();
  }

  async #restore(): Promise<TransferResult['tables']> {
    const { context, source, options } = this.#prepared;
    const schema = new SchemaRestore(source.schema!, this.#target, context.signal);
    if (options.clean === true) await this.#setAside(schema);
    const there = await this.#thereAlready(schema), keys = await this.#keysToOthers(schema);
    const step = (name: Step): readonly DumpEntry[] => this.#steps.get(name)!.filter(({ dumpId }) => !there.has(dumpId));
    const phase = (name: 'moving' | 'publishing', detail: string): void => context.progress({ type: 'phase', phase: name, detail, at: Date.now() });
    const emptied = await this.#target.emptied();
    if (emptied.length > 0) await this.#target.takeOff(schema.inTheWay([...step('after'), ...this.#selection.keysOutside.map(({ key }) => key), ...step('last')], new Set(emptied.map(displayName))));
    phase('moving', 'definitions');
    await this.#times.time('definitions', () => schema.inOrder(step('before')));
    let tables: TransferResult['tables'] = [];
    if (options.schemaOnly !== true) {
      phase('moving', 'rows');
      tables = await this.#times.time('rows', () => this.#rows());
      await restoreSequences(source, this.#target, (name) => this.#wantsSequence(name));
    }
    phase('publishing', 'indexes and constraints');
    const relations = await this.#target.relationSizes();
    await this.#times.time('indexes and constraints', () => schema.inParallel([...step('after'), ...keys], relations));
    await this.#times.time('privileges', () => schema.inOrder(step('privileges')));
    const last = step('last').filter((entry) => this.#isWantedAtLast(entry));
    await this.#times.time('materialized views', () => schema.inParallel(last.filter(({ description }) => description === 'MATERIALIZED VIEW DATA'), relations));
    await schema.inOrder(last.filter(({ description }) => description === 'STATISTICS DATA'));
    if (options.noAnalyze !== true && options.schemaOnly !== true) await this.#times.time('analyze', () => this.#analyze());
    // They would fire on everything above.
    await schema.inOrder(last.filter(({ description }) => description !== 'MATERIALIZED VIEW DATA' && description !== 'STATISTICS DATA'));
    return tables;
  }

  async #setAside(schema: SchemaRestore): Promise<void> {
    const needed = new Set(this.#selection.needed.map(({ dumpId }) => dumpId));
    try {
      await this.#target.setAside(await schema.identities([...this.#steps.values()].flat().filter(({ dumpId }) => !needed.has(dumpId))));
    } catch (error) {
      // Nothing was done, and it would not go better another time.
      if (error instanceof SluiceError && error.code === 'RESTORE_CLEAN_BLOCKED') {
        await this.#target.forget();
        this.suspended = false;
      }
      throw error;
    }
  }

  /** Foreign keys of chosen tables to others: they come where the target has those. */
  async #keysToOthers(schema: SchemaRestore): Promise<DumpEntry[]> {
    const { keysOutside } = this.#selection;
    const there = await this.#target.present(await schema.identities(keysOutside.map(({ parent }) => parent)));
    const isThere = ({ parent: { dumpId } }: { readonly parent: DumpEntry }): boolean => there.has(dumpId) && !this.#target.isDefined(dumpId);
    const left = keysOutside.filter((key) => !isThere(key));
    if (left.length > 0) this.#notes.push(`left out: foreign keys to tables that are not there: ${left.slice(0, MOST_NAMED).map(({ key }) => key.tag).join(', ')}${left.length > MOST_NAMED ? ` and ${left.length - MOST_NAMED} more` : ''}`);
    return keysOutside.filter(isThere).map(({ key }) => key);
  }

  /** What chosen tables need and the target has. */
  async #thereAlready(schema: SchemaRestore): Promise<ReadonlySet<number>> {
    const needed = await schema.identities(this.#selection.needed.filter(({ dumpId }) => !this.#target.isDefined(dumpId)));
    return this.#target.present(needed);
  }

  async #rows(): Promise<TransferResult['tables']> {
    const { context, source, options, missing } = this.#prepared;
    const onDamage = options.skipDamaged === true ? (part: MissingPart): void => void missing.push(part) : undefined;
    const rows = new RowRestore(source, this.#target, context, {
      wants: (table: SourceTable) => this.#wants(table.name), where: options.where, onDamage,
    });
    const tables = await rows.run();
    await this.#target.compressAgain();
    if (options.tables === undefined) await restoreLargeObjects(source, this.#target, { signal: context.signal, noPrivileges: options.noPrivileges === true, noComments: options.noComments === true, onDamage });
    return tables;
  }

  /** Rows of materialized views are no data where none are wanted; statistics are what newer servers take. */
  #isWantedAtLast({ description }: DumpEntry): boolean {
    if (description === 'MATERIALIZED VIEW DATA') return this.#prepared.options.schemaOnly !== true;
    return description !== 'STATISTICS DATA' || this.#target.serverVersion >= 180_000;
  }

  #wants(name: TableName): boolean {
    const { tables, exclude } = this.#prepared.options;
    return isChosen({ tables, exclude }, name);
  }

  /** Of sequences also those that come with their tables. */
  #wantsSequence(sequence: TableName): boolean {
    return this.#sequences.has(displayName(sequence));
  }

  /** Of partitioned tables the root: that reads its partitions, too. */
  async #analyze(): Promise<void> {
    const made = new Set([...this.#steps.get('before')!].filter(({ description }) => description === 'TABLE' || description === 'MATERIALIZED VIEW').map(({ namespace, tag }) => displayName({ schema: namespace, name: tag })));
    const queue = (await this.#target.relationSizes()).filter((relation) => !relation.isPartition && made.has(displayName(relation))).toSorted((a, b) => a.bytes - b.bytes);
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) await this.#target.analyze({ schema: next.schema!, name: next.name });
    };
    const ended = await Promise.allSettled(Array.from({ length: this.#target.jobs }, worker));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }
}

/** Whoever goes on, or gives up, means the database in which the restore was begun. */
// oxlint-disable-next-line max-params -- one caller
function refuseOther(begun: string, target: RestoreTarget, run: string): void {
  if (begun !== target.name) throw new SluiceError('RESUME_REFUSED', { run, reason: `it was begun in ${begun}, and ${target.name} has nothing of it` });
}

/** What is in the way may be its own: whoever says the same command again means to go on. */
async function refuseUnfinished(target: RestoreTarget): Promise<void> {
  const [run, ...more] = await target.unfinished();
  if (run !== undefined) throw new SluiceError('RESTORE_UNFINISHED', { connection: target.name, run, runs: [run, ...more].join(', ') });
}

async function refuseConflicts(target: RestoreTarget, entries: readonly DumpEntry[]): Promise<void> {
  const wanted = entries.filter(isRelation).map(({ namespace, tag }) => ({ schema: namespace, name: tag }));
  const there = await target.existing(wanted);
  if (there.length === 0) return;
  await refuseUnfinished(target);
  const named = there.slice(0, MOST_NAMED).map(displayName).join(', ');
  throw new SluiceError('RESTORE_TARGET_IN_USE', { connection: target.name, objects: there.length > MOST_NAMED ? `${named} and ${there.length - MOST_NAMED} more` : named });
}

async function refuseMissingExtensions(target: RestoreTarget, entries: readonly DumpEntry[]): Promise<void> {
  const missing = await target.unavailableExtensions(entries.filter(({ description }) => description === 'EXTENSION').map(({ tag }) => tag));
  if (missing.length > 0) throw new SluiceError('EXTENSION_UNAVAILABLE', { connection: target.name, names: missing.join(', ') });
}

async function describe({ options, context, source }: Prepared, target: RestoreTarget, steps: ReadonlyMap<Step, readonly DumpEntry[]>): Promise<TransferPlan> {
  const tables: PlannedTable[] = [];
  let more = 0;
  if (options.schemaOnly !== true) {
    for await (const table of source.tables()) {
      if (!isChosen({ tables: options.tables, exclude: options.exclude }, table.name)) continue;
      if (tables.length < MOST_PLANNED) tables.push(plannedTable(table, source));
      else more++;
    }
  }
  const counts = [...steps].map(([step, entries]) => `${entries.length} ${step}`).join(', ');
  return {
    version: 1, job: 'restore', from: source.name, to: target.name, jobs: context.jobs, tables,
    notes: [...(more === 0 ? [] : [`and ${more} more tables`]), ...(source.schema === undefined ? [] : [`definitions: ${counts}`]), ...source.notes],
  };
}

function plannedTable({ name, shape, types, rows, bytes }: SourceTable, source: RestoreSource): PlannedTable {
  return {
    name: displayName(name), from: [source.name], encoding: shape.encoding, creates: true, publication: 'direct', columns: (shape.columns ?? []).map((column, i) => ({ name: column, type: types?.[i] ?? '' })),
    parts: { rule: 'as in the backup', bytes: 2 * 1024 * 1024 }, expected: { ...(rows === undefined ? {} : { rows }), bytes }, statements: [],
  };
}

function distinct(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name): name is string => name !== null && name !== ''))];
}
