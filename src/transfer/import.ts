import type { Connection, LoadSession, PublishedTable } from '../connectors/connector.ts';
import { connectorFor } from '../connectors/registry.ts';
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource, InspectedTable, ReadOptions, ReadRequest } from '../formats/format.ts';
import { formatOf, IMPORTABLE_ENDINGS, loadFormat } from '../formats/registry.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { openSources, type SourceGroup } from '../io/open-sources.ts';
import { negotiate } from '../pipeline/negotiate.ts';
import type { TableReceipt } from '../pipeline/receipt.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import type { Expected } from '../progress/progress-event.ts';
import { displayName } from '../rows/table-schema.ts';
import { describeImport } from './describe-import.ts';
import { ImportQuarantine, type BoundSource } from './import-quarantine.ts';
import { ImportReading, type BoundTable } from './import-reading.ts';
import { importRules, type Arrangement, type ImportRules } from './import-rules.ts';
import { importState, restoreImport, type ImportState, type RestoredImport } from './import-state.ts';
import { bindFields, groupByTarget, matchFor, planTarget, type ImportTarget, type SourceTable } from './import-target.ts';
import { LoadRun, type RoutedPart } from '../pipeline/load-run.ts';
import type { Transfer, TransferPlan, TransferResult } from '../pipeline/transfer.ts';
import type { ImportOptions } from './transfer.ts';

/**
 * Prepares the import of files (folders, globs, URLs, standard input) into the tables of a database: opens and inspects every source, matches
 * fields to columns and asks the target how it will publish. Nothing is changed before `run`.
 * @throws SluiceError of sources, formats and connectors
 */
export async function planImport(options: ImportOptions, context: RunContext): Promise<Transfer> {
  return planLoad(options, context, importRules(options));
}

/** An import whose tables are named and ordered by these rules: a restore has its own. */
export async function planLoad(options: ImportOptions, context: RunContext, rules: ImportRules): Promise<Transfer> {
  return openLoad(options, context, rules, async (transfer, sources) => transfer.prepare(await inspectAll(sources, options, rules, 'sample', context.signal)));
}

/** An import that was interrupted, as its state says; `to` is the resolved target. @throws SluiceError RESUME_REFUSED */
export async function resumeImport(to: string, context: RunContext): Promise<Transfer> {
  const options: ImportOptions = { ...stateOf(context).options, to };
  return resumeLoad(options, context, importRules(options));
}

export async function resumeLoad(options: ImportOptions, context: RunContext, rules: ImportRules): Promise<Transfer> {
  const state = stateOf(context);
  const { partBytes, engineMemoryBytes } = state;
  // Parts must come as they came: their size is the one of the beginning, whatever is the default now.
  return openLoad(options, { ...context, partBytes, engineMemoryBytes }, rules, async (transfer, sources) => transfer.takeUp(restoreImport(context.run, state, sources)));
}

async function openLoad(options: ImportOptions, context: RunContext, rules: ImportRules, begin: (transfer: ImportTransfer, sources: readonly ByteSource[]) => Promise<void>): Promise<Transfer> {
  context.progress({ type: 'phase', phase: 'inspecting', at: Date.now() });
  // Asking for the process's standard input opens it, so only an import from there asks.
  const stdin = options.sources.includes('-') ? { stdin: context.stdin, ...(context.stdinName === undefined ? {} : { stdinName: context.stdinName }) } : {};
  const groups = await openSources(options.sources, { signal: context.signal, extensions: IMPORTABLE_ENDINGS, ...stdin });
  const sources = groups.flatMap((group) => group.sources);
  let connection: Connection | undefined;
  try {
    refuseFolderForTable(groups, options);
    const connector = await connectorFor(options.to);
    connection = await connector.connect(options.to, {
      signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes,
      applicationName: `sluice ${rules.job} ${context.run}`, create: true, planOnly: context.planOnly, env: context.env,
    });
    const notes = [...rules.notes, ...groups.flatMap((group) => group.leftOut.map((name) => `left out: ${name} (not a known format)`))];
    const transfer = new ImportTransfer(options, context, rules, sources, connection, notes);
    await begin(transfer, sources);
    return transfer;
  } catch (error) {
    await connection?.close();
    await closeAll(sources);
    throw error;
  }
}

/** Who names one table means one file, or files of one kind: a folder's files have nothing in common but their place. */
function refuseFolderForTable(groups: readonly SourceGroup[], options: ImportOptions): void {
  const folder = options.table === undefined ? undefined : groups.find(({ origin }) => origin === 'folder');
  if (folder !== undefined) throw new SluiceError('SOURCE_IS_DIRECTORY', { path: folder.location }, { file: folder.location });
}

async function inspectAll(sources: readonly ByteSource[], options: ImportOptions, rules: ImportRules, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource[]> {
  const inspected: InspectedSource[] = [];
  const read: ReadOptions = options.onError === 'quarantine' ? { ...options.read, tolerant: true } : options.read;
  for (const source of sources) {
    const format = await loadFormat(options.format ?? await formatOf(source));
    const found = await rules.inspect(source, format.name, (wanted) => format.inspect(source, read, wanted, signal), depth);
    if (found !== null) inspected.push(found);
  }
  return inspected;
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close();
}

/** Errors that a complete look at the source can prevent: a value or key that the sample did not show. */
const SURPRISES: ReadonlySet<string> = new Set(['VALUE_INVALID', 'SCHEMA_SURPRISE', 'JSON_UNKNOWN_KEY', 'COLUMN_UNKNOWN', 'CSV_IRREGULAR']);

/** Of these also where the table exists: a key that the sample did not show may have its column, and there is another way to read the file. */
const FOUND_BY_READING: ReadonlySet<string> = new Set(['JSON_UNKNOWN_KEY', 'CSV_IRREGULAR']);

/** Of these, what a run with a quarantine rejects the record for: a whole column would become text for the sake of one value. */
const OF_ONE_RECORD: ReadonlySet<string> = new Set(['VALUE_INVALID', 'SCHEMA_SURPRISE']);

class ImportTransfer implements Transfer {
  plan!: TransferPlan;
  readonly #options: ImportOptions;
  readonly #context: RunContext;
  readonly #rules: ImportRules;
  readonly #sources: readonly ByteSource[];
  readonly #connection: Connection;
  readonly #notes: string[];
  #inspected: readonly InspectedSource[] = [];
  /** Open and not yet used: handed to the attempt, which publishes or aborts it. */
  #session: LoadSession | undefined;
  #targets = new Map<string, ImportTarget>();
  #arranged: Arrangement = { inspected: [], notes: [] };
  #reading!: ImportReading;
  #resumes = false;
  /** Also of a run that goes on until something of it is taken back, and of one whose rows are published until its quarantine is complete. */
  suspended = false;

  constructor(options: ImportOptions, context: RunContext, rules: ImportRules, sources: readonly ByteSource[], connection: Connection, notes: string[]) {
    this.#options = options;
    this.#context = context;
    this.#rules = rules;
    this.#sources = sources;
    this.#connection = connection;
    this.#notes = notes;
  }

  async prepare(inspected: readonly InspectedSource[]): Promise<void> {
    this.#arranged = await this.#rules.arrange(inspected, this.#connection);
    this.#inspected = this.#arranged.inspected;
    this.#session = await this.#openSession();
    this.#targets = new Map();
    this.#reading = this.#newReading([]);
    const tables = this.#inspected.flatMap((source) => source.tables.map((table): SourceTable => ({ inspected: source, table })));
    for (const { name, sources } of groupByTarget(tables, (source) => this.#rules.nameOf(source)).values()) {
      this.#addTarget(await planTarget(name, sources, this.#options, this.#connection, this.#session));
    }
    await this.#describe();
  }

  /** Goes on with what another process has begun, as it was planned then. */
  async takeUp({ inspected, targets, bound }: RestoredImport): Promise<void> {
    this.#resumes = true;
    this.suspended = true;
    // For tables that show themselves only from here on; what is arranged already stays so.
    this.#arranged = await this.#rules.arrange(inspected, this.#connection);
    this.#inspected = inspected;
    this.#session = await this.#openSession();
    for (const target of targets) this.#addTarget(target);
    this.#reading = this.#newReading(bound);
    await this.#describe();
  }

  #openSession(): Promise<LoadSession> {
    const { onError, disableTriggers } = this.#options;
    const { run, signal, isDone } = this.#context;
    return this.#connection.openLoad({
      run, signal, isDone, resumable: true, resumes: this.#resumes, atOnce: this.#rules.job === 'restore',
      ...(onError === undefined ? {} : { onError }), ...(disableTriggers === undefined ? {} : { disableTriggers }),
    });
  }

  async #describe(): Promise<void> {
    const notes = [...this.#notes, ...this.#arranged.notes];
    this.plan = await describeImport(this.#inspected, [...this.#targets.values()], this.#connection.name, this.#options, this.#context, notes, this.#rules.job);
  }

  async run(): Promise<TransferResult> {
    try {
      return await this.#attempt();
    } catch (error) {
      const coded = toSluiceError(error);
      if (!this.#canLookAgain(coded)) throw coded;
      const message = `${coded.message}; reading the whole of the source to find types that hold every value`;
      this.#context.progress({ type: 'note', message, at: Date.now() });
      await this.#prepareInFull(coded);
      return this.#attempt();
    }
  }

  async giveUp(): Promise<void> {
    const session = this.#session!;
    this.#session = undefined;
    await orLeave(session, async () => {
      if (await session.published?.() !== undefined) throw new SluiceError('DISCARD_REFUSED', { run: this.#context.run, reason: 'its rows are published already' });
      // Each table is opened for what is known of it: which rows are to be taken back.
      for (const { load } of this.#targets.values()) await session.begin(load);
    });
    await session.abort();
  }

  async close(): Promise<void> {
    await this.#session?.abort();
    await this.#connection.close();
    await closeAll(this.#sources);
  }

  async #attempt(): Promise<TransferResult> {
    const session = this.#session!;
    this.#session = undefined;
    const quarantine = this.#options.onError === 'quarantine' ? await orLeave(session, () => this.#openQuarantine()) : undefined;
    const load = async (): Promise<TransferResult> => {
      const published = this.#resumes ? await orLeave(session, async () => session.published?.()) : undefined;
      const tables = published === undefined ? await this.#load(session, quarantine) : receiptsOf(published);
      this.suspended = session.published !== undefined;
      const forget = session.forget === undefined ? {} : { forget: () => session.forget!() };
      return { tables, warnings: [...this.#notes, ...this.#arranged.notes], ...forget };
    };
    const result = quarantine === undefined ? await load() : await quarantine.around(load, (error) => this.#canLookAgain(error));
    this.suspended = false;
    return result;
  }

  async #load(session: LoadSession, quarantine: ImportQuarantine | undefined): Promise<TableReceipt[]> {
    this.#context.progress({ type: 'phase', phase: 'moving', at: Date.now() });
    await orLeave(session, async () => this.#keepState());
    const plans = [...this.#targets.values()].map((target) => target.load);
    const run = new LoadRun(session, plans, this.#context, quarantine?.ladder);
    this.#bindTable = (inspected, table, encodings) => this.#bind({ inspected, table }, encodings, run, session, quarantine);
    // Each table is opened for what is known of it: only then an end on the way can take all of it back.
    if (this.#resumes && session.suspend !== undefined) {
      await orLeave(session, async () => { for (const target of this.#targets.values()) await run.open(target.load, expectedOf(target)); });
    }
    try {
      return await run.move(this.#parts(run, quarantine));
    } finally {
      this.suspended = run.suspended;
    }
  }

  async *#parts(run: LoadRun, quarantine: ImportQuarantine | undefined): AsyncGenerator<RoutedPart, void, undefined> {
    const mayEnd = run.wantsEnds && this.#knowsAllTables();
    if (mayEnd) for (const target of this.#targets.values()) await run.open(target.load, expectedOf(target));
    const unread = new Set(this.#inspected);
    yield* this.#reading.parts(run.sourceSignal, (part, inspected, index) => quarantine?.note(part, inspected, index), (inspected) => {
      unread.delete(inspected);
      if (!mayEnd) return;
      const ended = [...this.#targets.values()].filter(({ sources }) => sources.every((source) => !unread.has(source.inspected) || source.inspected.source.bytes === 0));
      for (const { load } of ended) run.readToEnd(load.table);
    });
    // A table without a part is begun all the same: it is created, or what it had is replaced by nothing.
    for (const target of this.#targets.values()) await run.open(target.load, expectedOf(target));
    // How all tables were read: a run that dies between publication and seal finds its rejected records again by this. Once, because it holds all tables.
    this.#keepState();
  }

  /** Of several tables each can be told when it is complete; a document that was sampled may still bring tables that nobody knows of. */
  #knowsAllTables(): boolean {
    return this.#targets.size > 1 && this.#inspected.every(({ depth, tables }) => depth === 'full' || tables.every((table) => table.name === undefined));
  }

  /** How the attempt that is under way binds tables. */
  #bindTable: ConstructorParameters<typeof ImportReading>[0]['bind'] = () => Promise.reject(new SluiceError('INTERNAL', { reason: 'a table is bound before the load has begun' }));

  #newReading(bound: readonly BoundSource[]): ImportReading {
    return new ImportReading({
      context: this.#context,
      inspected: this.#inspected.filter(({ source }) => source.bytes !== 0),
      tolerant: this.#options.onError === 'quarantine',
      onlyExisting: (inspected) => this.#onlyExisting(inspected),
      bind: (inspected, table, encodings) => this.#bindTable(inspected, table, encodings),
      note: (message) => this.#notes.push(message),
    }, bound);
  }

  #openQuarantine(): Promise<ImportQuarantine> {
    return ImportQuarantine.open({
      options: this.#options, context: this.#context, job: this.#rules.job, to: this.#connection.name, resumes: this.#resumes,
      reading: this.#reading,
    });
  }

  #keepState(): void {
    const { partBytes, engineMemoryBytes } = this.#context;
    this.#context.keep(importState({
      options: this.#options, rules: this.#rules.stored, partBytes, engineMemoryBytes, inspected: this.#inspected, targets: [...this.#targets.values()], bound: this.#reading.bound,
    }));
  }

  // oxlint-disable-next-line max-params -- what one attempt has
  async #bind(source: SourceTable, encodings: Parameters<ReadRequest['bind']>[1], run: LoadRun, session: LoadSession, quarantine: ImportQuarantine | undefined): Promise<BoundTable | null> {
    const known = this.#targets.size;
    const target = await this.#targetOf(source, session);
    if (target === null) return null;
    // Before anything is made for a table that nobody knew of.
    if (this.#targets.size > known) this.#keepState();
    const load = await run.open(target.load, expectedOf(target));
    await quarantine?.reconcile(target.load.table, load.committed);
    const before = this.#reading.bound.find(({ inspected, table }) => inspected === source.inspected && sameTable(table, source.table));
    if (before !== undefined && this.#resumes) return { binding: before.binding, load: target.load };
    const matching = matchFor(source, target.existing, this.#options, target.load.table);
    const fields = bindFields(target, matching, this.#options, load.arrays);
    const encoding = negotiate(encodings(fields.map((field) => field.source)), (offered) => load.accepts(offered), target.load.table);
    return { binding: { table: target.load.table, fields, encoding, ignored: matching.ignored }, load: target.load };
  }

  /** Tables that only showed themselves while the source was read are planned when they are reached. */
  async #targetOf(source: SourceTable, session: LoadSession): Promise<ImportTarget | null> {
    const name = this.#rules.nameOf(source);
    if (name === null) return null;
    const known = this.#targets.get(displayName(name));
    if (known !== undefined) return known;
    const target = await planTarget(name, [source], this.#options, this.#connection, session);
    this.#addTarget(target);
    return target;
  }

  /** The types of an existing table are the user's word, which the database keeps as it sees fit; detected ones are ours to be held to. */
  #onlyExisting(inspected: InspectedSource): boolean {
    const targets = [...this.#targets.values()].filter(({ sources }) => sources.some((source) => source.inspected === inspected));
    return targets.length > 0 && targets.every(({ load }) => !load.creates);
  }

  #addTarget(target: ImportTarget): void {
    this.#targets.set(displayName(target.name), target);
  }

  #canLookAgain(error: SluiceError): boolean {
    // What is loaded already was loaded with the types of the beginning.
    if (this.#resumes || this.suspended) return false;
    if (this.#context.signal.aborted || !SURPRISES.has(error.code)) return false;
    // One odd value is put aside there; only what no single record is at fault for is looked for.
    if (this.#options.onError === 'quarantine' && OF_ONE_RECORD.has(error.code)) return false;
    const target = [...this.#targets.values()].find(({ load }) => load.table === error.at.table);
    // Types of an existing table are not ours to widen; another way to read the same file helps there as well.
    if (target !== undefined && !target.load.creates && !FOUND_BY_READING.has(error.code)) return false;
    return this.#inspected.some((source) => source.depth === 'sample') && this.#sources.every((source) => source.repeatable);
  }

  async #prepareInFull(first: SluiceError): Promise<void> {
    const before = shape(this.#inspected);
    const inspected = await inspectAll(this.#sources, this.#options, this.#rules, 'full', this.#context.signal);
    // Nothing new was learnt: the same load would fail at the same place.
    if (shape(inspected) === before) throw first;
    await this.prepare(inspected);
  }
}

/** Work before anything is moved: when it fails, everything is left as earlier sessions have left it. */
async function orLeave<T>(session: LoadSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await (session.suspend === undefined ? session.abort() : session.suspend());
    throw error;
  }
}

function stateOf({ run, resumed }: RunContext): ImportState {
  const state = resumed as ImportState | undefined;
  if (state?.version === 1) return state;
  throw new SluiceError('RESUME_REFUSED', { run, reason: 'it was begun by another version of Sluice' });
}

function sameTable(a: InspectedTable, b: InspectedTable): boolean {
  return a.name?.name === b.name?.name && a.name?.schema === b.name?.schema;
}

/** Of a run that had published when its process died. */
function receiptsOf(published: ReadonlyMap<string, PublishedTable>): TableReceipt[] {
  return [...published].map(([name, { published: counts, read, rejected, skipped, bytes }]) => ({
    name, read, written: counts.written, rejected: rejected + (counts.rejected ?? 0), duplicate: counts.duplicate, skipped: skipped + counts.skipped, bytes,
    ...(counts.removed === undefined ? {} : { removed: counts.removed }),
  }));
}

/** What decides how a load goes: names, columns and the way of reading, not estimates. */
function shape(inspected: readonly InspectedSource[]): string {
  return JSON.stringify(inspected.map(({ tables, details }) => [details.regular, tables.map(({ name, columns }) => ({ name, columns }))]));
}

function expectedOf(target: ImportTarget): Expected {
  let bytes = 0;
  for (const { inspected } of target.sources) {
    if (inspected.tables.length !== 1 || inspected.source.bytes === undefined) return { exact: false };
    bytes += inspected.source.bytes;
  }
  return { bytes, exact: true };
}
