/**
 * The quarantine of an import: gives the pipeline its ladder, remembers which parts came from which source, and when all rows are in (or too many were
 * rejected) finds the rejected records again and completes the files.
 */
import type { CommittedParts, LoadMode, RejectedRow } from '../connectors/connector.ts';
import { toSluiceError, type SluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource, InspectedTable, TableBinding, TablePart } from '../formats/format.ts';
import { Ladder, type RejectionStore } from '../pipeline/ladder.ts';
import { assertHeld } from '../pipeline/receipt.ts';
import { RejectionLimit } from '../pipeline/rejection-limit.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { QuarantineLog } from '../quarantine/quarantine-log.ts';
import type { ReplayRecipe, ReplaySource, ReplayTable } from '../quarantine/replay-recipe.ts';
import type { ImportReading } from './import-reading.ts';
import { FoundAhead } from './found-ahead.ts';
import { RejectedRecords, type FoundRecord } from './rejected-records.ts';
import { SourceParts } from './source-parts.ts';
import type { TransferResult } from '../pipeline/transfer.ts';
import type { ImportOptions } from './transfer.ts';

/** How a table was read from one source. */
export interface BoundSource {
  readonly inspected: InspectedSource;
  readonly table: InspectedTable;
  readonly binding: TableBinding;
  readonly mode: LoadMode;
  readonly key: readonly string[];
  /** The load's columns, in the order of the binding's fields. */
  readonly columns: readonly string[];
}

export interface ImportQuarantineParts {
  readonly options: ImportOptions;
  readonly context: RunContext;
  /** The target without secrets. */
  readonly to: string;
  readonly job: 'import' | 'restore';
  /** The run goes on: what it has put aside before stays. */
  readonly resumes: boolean;
  readonly reading: ImportReading;
}

export class ImportQuarantine {
  readonly ladder: Ladder;
  readonly #parts: ImportQuarantineParts;
  readonly #log: QuarantineLog;
  readonly #sources = new Map<string, SourceParts[]>();
  readonly #records: RejectedRecords;
  readonly #ahead: FoundAhead;
  readonly #reconciled = new Set<string>();

  private constructor(parts: ImportQuarantineParts, log: QuarantineLog) {
    this.#parts = parts;
    this.#log = log;
    const { reading, context } = parts;
    this.#records = new RejectedRecords(this.#sources, reading, context.signal);
    const ahead = new FoundAhead((table, part, records) => this.#records.fetch(table, part, records));
    this.#ahead = ahead;
    const store: RejectionStore = {
      beforePublication: () => ahead.begin(),
      begin: (table, part) => {
        const segment = log.begin({ table, part });
        return {
          commit: () => segment.commit(),
          discard: () => segment.discard(),
          append: async (rejections) => {
            await segment.append(rejections);
            ahead.want(table, rejections.map(({ record, ...rejection }) => ({ record, part: part === 'publication' ? (rejection as RejectedRow).part : part })));
          },
        };
      },
      drop: (table, part) => log.drop({ table, part }),
      held: async () => {
        const held = new Map<string, number>();
        for await (const { segment: { table }, rows } of log.segments()) held.set(table, (held.get(table) ?? 0) + rows);
        return held;
      },
    };
    this.ladder = new Ladder(store, new RejectionLimit(parts.options.maxErrors));
  }

  static async open(parts: ImportQuarantineParts): Promise<ImportQuarantine> {
    const { workspace, run } = parts.context;
    const log = await QuarantineLog.open({ workspace, run, job: parts.job, recipe: () => recipeOf(parts) });
    const quarantine = new ImportQuarantine(parts, log);
    // An attempt that was given up has left some. Of a run that goes on, each table's are looked at when it is opened.
    if (!parts.resumes) for await (const { segment } of log.segments()) await log.drop(segment);
    return quarantine;
  }

  /** Forgets what was put aside of parts that were not committed: they come again. */
  async reconcile(table: string, committed: CommittedParts | undefined): Promise<void> {
    if (!this.#parts.resumes || this.#reconciled.has(table)) return;
    this.#reconciled.add(table);
    for await (const { segment, rows } of this.#log.segments()) {
      if (segment.table !== table) continue;
      if (segment.part !== 'publication' && committed?.has(segment.part) === true) this.ladder.countEarlier(rows);
      else await this.#log.drop(segment);
    }
  }

  /** A part of the table comes from this source. */
  note({ table, point }: Pick<TablePart, 'table' | 'point'>, inspected: InspectedSource, index: number): void {
    const sources = this.#sources.get(table) ?? [];
    this.#sources.set(table, sources);
    let last = sources.at(-1);
    if (last?.inspected !== inspected) sources.push(last = new SourceParts(inspected, index));
    last.add(point);
  }

  /**
   * Runs the load and completes the quarantine after it, also when the load failed for too many rejected rows: whoever has to correct them needs to see them.
   * @param isGivenUp after this failure the import will be tried in another way
   */
  async around(load: () => Promise<TransferResult>, isGivenUp: (error: SluiceError) => boolean): Promise<TransferResult> {
    try {
      const result = await load();
      const held = await this.#seal();
      assertHeld(result.tables, held);
      return held.size > 0 ? { ...result, quarantine: this.#log.folder } : result;
    } catch (error) {
      const coded = toSluiceError(error);
      if (coded.code === 'TOO_MANY_REJECTED' && !isGivenUp(coded)) await this.#seal();
      throw coded;
    } finally {
      await this.#ahead.stop();
      await this.#records.close();
    }
  }

  /** The run was published before its process died, and nothing was read since: which parts came from where. */
  async #countParts(): Promise<void> {
    const numbers = new Map<string, number>();
    for (const { inspected, binding: { table } } of this.#parts.reading.bound) {
      for await (const part of this.#parts.reading.again(inspected, table)) {
        const index = numbers.get(table) ?? 0;
        numbers.set(table, index + 1);
        this.note(part, inspected, index);
        part.release?.();
      }
    }
  }

  /** @returns the rows that are in the quarantine now, by table */
  async #seal(): Promise<ReadonlyMap<string, number>> {
    await this.#ahead.stop();
    if (this.#log.count() > 0 && this.#sources.size === 0) await this.#countParts();
    const summary = await this.#log.seal({ tables: [...this.#sources.keys()], fetch: (table, part, wanted) => this.#fetch(table, part, wanted) });
    return new Map(summary.tables.map(({ table, rows }) => [table, rows]));
  }

  async *#fetch(table: string, part: number, wanted: readonly number[]): AsyncGenerator<FoundRecord, void, undefined> {
    yield* this.#ahead.get(table, part, wanted) ?? this.#records.fetch(table, part, wanted);
  }
}

function recipeOf({ reading, options, to }: ImportQuarantineParts): ReplayRecipe {
  const tables = new Map<string, { table: Omit<ReplayTable, 'sources'>; sources: ReplaySource[] }>();
  for (const { inspected, binding, mode, key, columns } of reading.bound) {
    const { table } = binding;
    const entry = tables.get(table) ?? { table: { table, mode: mode === 'replace' ? 'append' : mode, columns, ...(key.length === 0 ? {} : { key }) }, sources: [] };
    tables.set(table, entry);
    entry.sources.push(sourceOf(inspected, binding, columns, options));
  }
  return { version: 1, to, tables: [...tables.values()].map(({ table, sources }) => ({ ...table, sources })) };
}

function sourceOf(inspected: InspectedSource, binding: TableBinding, columns: readonly string[], options: ImportOptions): ReplaySource {
  const { details, format } = inspected;
  const fields = inspected.tables.find((table) => binding.fields.every((field) => field.absent === true || table.columns.some(({ name }) => name === field.source)))?.columns.map(({ name }) => name) ?? binding.fields.map(({ source }) => source);
  const map = Object.fromEntries(binding.fields.flatMap((field, i): [string, string][] => (field.absent === true || field.source === columns[i] ? [] : [[field.source, columns[i]]])));
  const text = (key: string): string => (typeof details[key] === 'string' ? details[key] : '');
  return {
    name: inspected.source.name,
    format,
    fields,
    ...(Object.keys(map).length === 0 ? {} : { map }),
    ...(binding.ignored.length === 0 ? {} : { ignored: binding.ignored }),
    ...(format === 'csv' ? { csv: { delimiter: text('delimiter'), quote: text('quote'), escape: text('escape'), nullText: text('nullText') } } : {}),
    ...(typeof details.charset === 'string' ? { charset: details.charset } : {}),
    ...(options.read.types === undefined ? {} : { types: options.read.types }),
    ...(options.read.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.read.maxRecordBytes }),
  };
}
