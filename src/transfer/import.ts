import type { Connection, LoadSession } from '../connectors/connector.ts';
import { connectorFor } from '../connectors/registry.ts';
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource, ReadRequest } from '../formats/format.ts';
import { formatOf, IMPORTABLE_ENDINGS, loadFormat } from '../formats/registry.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { openSources, type SourceGroup } from '../io/open-sources.ts';
import { negotiate } from '../pipeline/negotiate.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import type { Expected } from '../progress/progress-event.ts';
import type { PartStream } from '../rows/part.ts';
import { displayName } from '../rows/table-schema.ts';
import { describeImport } from './describe-import.ts';
import { importRules, type Arrangement, type ImportRules } from './import-rules.ts';
import { bindFields, groupByTarget, matchFor, planTarget, type ImportTarget, type SourceTable } from './import-target.ts';
import { LoadRun, type RoutedPart } from './load-run.ts';
import type { ImportOptions, Transfer, TransferPlan, TransferResult } from './transfer.ts';

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
  context.progress({ type: 'phase', phase: 'inspecting', at: Date.now() });
  // Asking for the process's standard input opens it, so only an import from there asks.
  const stdin = options.sources.includes('-') ? { stdin: context.stdin } : {};
  const groups = await openSources(options.sources, { signal: context.signal, extensions: IMPORTABLE_ENDINGS, ...stdin });
  const sources = groups.flatMap((group) => group.sources);
  let connection: Connection | undefined;
  try {
    refuseFolderForTable(groups, options);
    const inspected = await inspectAll(sources, options, rules, 'sample', context.signal);
    const connector = await connectorFor(options.to);
    connection = await connector.connect(options.to, {
      signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes,
      applicationName: `sluice ${rules.job} ${context.run}`, create: true, planOnly: context.planOnly, env: context.env,
    });
    const notes = [...rules.notes, ...groups.flatMap((group) => group.leftOut.map((name) => `left out: ${name} (not a known format)`))];
    const transfer = new ImportTransfer(options, context, rules, sources, connection, notes);
    await transfer.prepare(inspected);
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
  for (const source of sources) {
    const format = await loadFormat(options.format ?? await formatOf(source));
    const found = await rules.inspect(source, format.name, (wanted) => format.inspect(source, options.read, wanted, signal), depth);
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
    const { onError, disableTriggers } = this.#options;
    this.#session = await this.#connection.openLoad({
      run: this.#context.run, signal: this.#context.signal,
      ...(onError === undefined ? {} : { onError }), ...(disableTriggers === undefined ? {} : { disableTriggers }),
    });
    this.#targets = new Map();
    const tables = this.#inspected.flatMap((source) => source.tables.map((table): SourceTable => ({ inspected: source, table })));
    for (const { name, sources } of groupByTarget(tables, (source) => this.#rules.nameOf(source)).values()) {
      this.#addTarget(await planTarget(name, sources, this.#options, this.#connection, this.#session, this.#arranged.replacedAlong));
    }
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

  async close(): Promise<void> {
    await this.#session?.abort();
    await this.#connection.close();
    await closeAll(this.#sources);
  }

  async #attempt(): Promise<TransferResult> {
    const session = this.#session!;
    this.#session = undefined;
    this.#context.progress({ type: 'phase', phase: 'moving', at: Date.now() });
    const plans = [...this.#targets.values()].map((target) => target.load);
    const run = new LoadRun(session, plans, this.#context);
    const receipts = await run.move(this.#parts(run, session));
    return { tables: receipts, warnings: [...this.#notes, ...this.#arranged.notes] };
  }

  async *#parts(run: LoadRun, session: LoadSession): AsyncGenerator<RoutedPart, void, undefined> {
    const numbers = new Map<string, number>();
    for (const inspected of this.#inspected) {
      if (inspected.source.bytes === 0) continue;
      const format = await loadFormat(inspected.format);
      const request: ReadRequest = {
        jobs: this.#context.jobs, partBytes: this.#context.partBytes, signal: run.sourceSignal,
        trustSampledTypes: this.#onlyExisting(inspected), engineMemoryBytes: this.#context.engineMemoryBytes,
        bind: (table, encodings) => this.#bind({ inspected, table }, encodings, run, session),
        onSkipped: (table, rows) => this.#notes.push(`left out: ${rows} rows of ${table.name === undefined ? inspected.source.name : displayName(table.name)}`),
      };
      // Parts are numbered through all sources of a table: "the last row wins" needs their order.
      for await (const part of format.read(inspected, request)) {
        const index = numbers.get(part.table) ?? 0;
        numbers.set(part.table, index + 1);
        yield { table: part.table, stream: numbered(part, index) };
      }
    }
    // A table without a part is begun all the same: it is created, or what it had is replaced by nothing.
    for (const target of this.#targets.values()) await run.open(target.load, expectedOf(target));
  }

  async #bind(source: SourceTable, encodings: Parameters<ReadRequest['bind']>[1], run: LoadRun, session: LoadSession): ReturnType<ReadRequest['bind']> {
    const target = await this.#targetOf(source, session);
    if (target === null) return null;
    const load = await run.open(target.load, expectedOf(target));
    const matching = matchFor(source, target.existing, this.#options, target.load.table);
    const fields = bindFields(target, matching, this.#options, load.arrays);
    const encoding = negotiate(encodings(fields.map((field) => field.source)), (offered) => load.accepts(offered), target.load.table);
    return { table: target.load.table, fields, encoding, ignored: matching.ignored };
  }

  /** Tables that only showed themselves while the source was read are planned when they are reached. */
  async #targetOf(source: SourceTable, session: LoadSession): Promise<ImportTarget | null> {
    const name = this.#rules.nameOf(source);
    if (name === null) return null;
    const known = this.#targets.get(displayName(name));
    if (known !== undefined) return known;
    const target = await planTarget(name, [source], this.#options, this.#connection, session, this.#arranged.replacedAlong);
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
    if (this.#context.signal.aborted || !SURPRISES.has(error.code)) return false;
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

function numbered(stream: PartStream, index: number): PartStream {
  const { part, encoding, chunks, firstRow, file } = stream;
  return {
    part: { ...part, index },
    encoding,
    chunks,
    counts: () => stream.counts(),
    ...(firstRow === undefined ? {} : { firstRow }),
    ...(file === undefined ? {} : { file }),
    ...(stream.locate === undefined ? {} : { locate: (line: number) => stream.locate!(line) }),
    ...(stream.locateRow === undefined ? {} : { locateRow: (row: number) => stream.locateRow!(row) }),
  };
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
