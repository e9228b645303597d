/**
 * Restores a backup that others made: an import of many tables whose names are resolved against the target in one go. What moves the rows, publishes them in
 * one transaction and accounts for them is the import; here is only which files count, which table each means, and their order.
 */
import type { Connection } from '../connectors/connector.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { FormatName, InspectedSource } from '../formats/format.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { baseName } from '../io/names.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { displayName, type TableName, type TableSchema } from '../rows/table-schema.ts';
import type { Arrangement, ImportRules } from './import-rules.ts';
import { generatedFields, type SourceTable } from './import-target.ts';
import { planLoad, resumeLoad } from './import.ts';
import { chooseBackup, isManifestName } from './restore-folder.ts';
import { foreignKeyOrder } from '../pipeline/foreign-key-order.ts';
import { TableResolver } from './restore-tables.ts';
import type { Transfer } from '../pipeline/transfer.ts';
import type { ImportOptions, RestoreOptions } from './transfer.ts';

/** @throws SluiceError also of the choice of the backup and of names: BACKUP_*, TABLE_AMBIGUOUS, TABLE_TWICE, TABLE_UNKNOWN */
export async function planRestore(options: RestoreOptions, context: RunContext): Promise<Transfer> {
  const { sources, notes } = await chooseBackup(options.source, options.pick);
  const load: ImportOptions = {
    sources, to: options.to, mode: options.mode, read: options.read, ignoreGenerated: true,
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(options.maxErrors === undefined ? {} : { maxErrors: options.maxErrors }),
    ...(options.disableTriggers === undefined ? {} : { disableTriggers: options.disableTriggers }),
    ...(options.reference === undefined ? {} : { reference: options.reference }),
  };
  return planLoad(load, context, new RestoreRules(options, load, notes, context.planOnly));
}

/** A restore that was interrupted. @throws SluiceError RESUME_REFUSED */
export async function resumeRestore(to: string, context: RunContext): Promise<Transfer> {
  const { options, rules } = context.resumed as { options: Omit<ImportOptions, 'to'>; rules: Omit<RestoreOptions, 'to'> };
  const load: ImportOptions = { ...options, to };
  return resumeLoad(load, context, new RestoreRules({ ...rules, to }, load, [], false));
}

class RestoreRules implements ImportRules {
  readonly job = 'restore';
  readonly stored: Omit<RestoreOptions, 'to'>;
  readonly notes: readonly string[];
  readonly #options: RestoreOptions;
  readonly #load: ImportOptions;
  /** Everything must be known before it begins: which tables are emptied, which are asked for, what a plan shows. */
  readonly #wantsAll: boolean;
  readonly #isPlan: boolean;
  readonly #leftOut = new Set<string>();
  #resolver!: TableResolver;

  constructor(options: RestoreOptions, load: ImportOptions, notes: readonly string[], planOnly: boolean) {
    const { to: _to, ...stored } = options;
    this.stored = stored;
    this.#options = options;
    this.#load = load;
    this.notes = notes;
    this.#isPlan = planOnly;
    this.#wantsAll = planOnly || options.mode === 'replace' || [options.tables, options.exclude, options.mapTables].some((named) => named !== undefined);
  }

  async inspect(source: ByteSource, format: FormatName, look: (depth: 'sample' | 'full') => Promise<InspectedSource>, depth: 'sample' | 'full'): Promise<InspectedSource | null> {
    try {
      const found = await look(depth);
      const mayHaveMore = found.depth === 'sample' && found.tables.every((table) => table.name !== undefined) && (format === 'json' || format === 'sql');
      return this.#wantsAll && mayHaveMore ? await look('full') : found;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.code === 'JSON_NOT_RECORDS' && isManifestName(baseName(source.name))) {
        this.#leftOut.add(`left out: ${source.name} (it describes the backup and holds no records)`);
        return null;
      }
      // Lines without a line: a table without a row.
      if (error.code === 'SOURCE_EMPTY' && format === 'ndjson' && source.bytes === 0) return { source, format, tables: [{ columns: [], estimatedRows: 0 }], details: {}, options: this.#options.read, depth: 'full' };
      throw error;
    }
  }

  async arrange(inspected: readonly InspectedSource[], connection: Connection): Promise<Arrangement> {
    const tables = await connection.listTables();
    this.#resolver = new TableResolver(this.#options, tables, connection.name);
    const found = inspected.flatMap((source) => source.tables.map((table): SourceTable => ({ inspected: source, table })));
    for (const source of found) if (!this.#describes(source)) this.#resolver.resolve(source);
    this.#resolver.requireNamed();
    const wanted = inspected.filter((source) => source.depth === 'sample' || source.tables.some((table) => this.nameOf({ inspected: source, table }) !== null));
    const names = this.#resolver.targets();
    if (wanted.length === 0 || names.length === 0) throw new SluiceError('BACKUP_EMPTY', { source: this.#options.source });
    const { order, cycles } = await orderOf(names, connection);
    const place = (source: InspectedSource): number => Math.min(...source.tables.map((table) => order.get(keyOf(this.nameOf({ inspected: source, table }))) ?? order.size));
    return {
      inspected: wanted.toSorted((a, b) => place(a) - place(b)).map((source) => sorted(source, (table) => order.get(keyOf(this.nameOf({ inspected: source, table }))) ?? order.size)),
      notes: [...this.#leftOut, ...this.#resolver.notes(this.#isPlan), ...cycles, ...this.#notesOfGenerated(found, tables)],
    };
  }

  nameOf(source: SourceTable): TableName | null {
    return this.#leftOut.has(describes(source)) ? null : this.#resolver.resolve(source);
  }

  /** `manifest.json` with a list of files is read as a table of files; it is one only where the target has it. */
  #describes(source: SourceTable): boolean {
    const { inspected, table } = source;
    if (!isManifestName(baseName(inspected.source.name)) || inspected.format !== 'json' || (table.name === undefined && (table.estimatedRows ?? 1) > 0)) return false;
    if (this.#resolver.exists(source)) return false;
    this.#leftOut.add(describes(source));
    return true;
  }

  #notesOfGenerated(found: readonly SourceTable[], tables: readonly TableSchema[]): string[] {
    return found.flatMap((source) => {
      const name = this.nameOf(source);
      const target = name === null ? undefined : tables.find((table) => displayName(table) === displayName(name));
      const fields = generatedFields(source, target, this.#load);
      return fields.length === 0 ? [] : [`left out: ${fields.join(', ')} of ${source.inspected.source.name} (the database computes ${fields.length === 1 ? 'it' : 'them'})`];
    });
  }
}

function describes({ inspected, table }: SourceTable): string {
  return `left out: ${table.name === undefined ? '' : `"${displayName(table.name)}" of `}${inspected.source.name} (it describes the backup)`;
}

function keyOf(name: TableName | null): string {
  return name === null ? '' : displayName(name);
}

function sorted(source: InspectedSource, placeOf: (table: InspectedSource['tables'][number]) => number): InspectedSource {
  return source.tables.length < 2 ? source : { ...source, tables: source.tables.toSorted((a, b) => placeOf(a) - placeOf(b)) };
}

/** Parents before children: the plan reads so, and targets that judge every row at once need it. */
async function orderOf(names: readonly TableName[], connection: Connection): Promise<{ order: ReadonlyMap<string, number>; cycles: string[] }> {
  const references = await connection.listReferences();
  const { tables, cycles } = foreignKeyOrder(names.map(displayName), references.map(({ table, parent }) => [displayName(table), displayName(parent)] as const));
  return { order: new Map(tables.map((table, index) => [table, index])), cycles: cycles.map((cycle) => `${cycle.join(', ')} refer to each other: they are judged together`) };
}
