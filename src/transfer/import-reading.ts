/**
 * The sources of an import while they are read: their parts, numbered through all sources of a table ("the last row wins" and the ledger need their
 * order), and how each table was read, so that it can be read again in the same way.
 */
import { crc32 } from 'node:zlib';
import type { LoadTablePlan } from '../connectors/connector.ts';
import type { InspectedSource, InspectedTable, ReadingPoint, ReadRequest, RecordLocator, TableBinding, TablePart } from '../formats/format.ts';
import { loadFormat } from '../formats/registry.ts';
import { SpareBuffers } from '../formats/spare-buffers.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import type { PartStream } from '../rows/part.ts';
import { displayName } from '../rows/table-schema.ts';
import type { BoundSource } from './import-quarantine.ts';
import type { RoutedPart } from '../pipeline/load-run.ts';

type Encodings = Parameters<ReadRequest['bind']>[1];

/** A table of a source with what is wanted of it. */
export interface BoundTable {
  readonly binding: TableBinding;
  readonly load: LoadTablePlan;
}

export interface ImportReadingParts {
  readonly context: RunContext;
  readonly inspected: readonly InspectedSource[];
  /** Bad records are left out and accounted for. */
  readonly tolerant: boolean;
  /** All tables of the source were there before: their types are the user's word. */
  readonly onlyExisting: (inspected: InspectedSource) => boolean;
  readonly bind: (inspected: InspectedSource, table: InspectedTable, encodings: Encodings) => Promise<BoundTable | null>;
  readonly note: (message: string) => void;
}

type PartCame = (part: TablePart, inspected: InspectedSource, index: number) => void;
type SourceEnded = (inspected: InspectedSource) => void;

export class ImportReading {
  readonly #parts: ImportReadingParts;
  readonly #bound = new Map<string, BoundSource>();
  /** For reading again, a part at a time. */
  readonly #spareForOne = new SpareBuffers(1);

  /** @param known how tables were read before the run was interrupted */
  constructor(parts: ImportReadingParts, known: readonly BoundSource[] = []) {
    this.#parts = parts;
    for (const one of known) this.#bound.set(keyOf(one.inspected, one.table), one);
  }

  get bound(): readonly BoundSource[] {
    return [...this.#bound.values()];
  }

  /**
   * @param came called for every part before it is handed on
   * @param ended called when all parts of a source have been handed on
   */
  async *parts(signal: AbortSignal, came: PartCame, ended: SourceEnded): AsyncGenerator<RoutedPart, void, undefined> {
    const spareBuffers = new SpareBuffers(this.#parts.context.jobs + 1);
    try {
      yield* this.#allParts(spareBuffers, signal, came, ended);
    } finally {
      // What the target does next takes long, and needs none of them.
      spareBuffers.close();
    }
  }

  // oxlint-disable-next-line max-params -- those of `parts`, and what they are in
  async *#allParts(spareBuffers: SpareBuffers, signal: AbortSignal, came: PartCame, ended: SourceEnded): AsyncGenerator<RoutedPart, void, undefined> {
    const numbers = new Map<string, number>();
    for (const inspected of this.#parts.inspected) {
      const format = await loadFormat(inspected.format);
      const request: ReadRequest = {
        ...this.#settings(inspected, signal),
        spareBuffers,
        bind: (table, encodings) => this.#bind(inspected, table, encodings),
        onSkipped: (table, rows) => this.#parts.note(`left out: ${rows} rows of ${table.name === undefined ? inspected.source.name : displayName(table.name)}`),
      };
      for await (const part of format.read(inspected, request)) {
        const index = numbers.get(part.table) ?? 0;
        numbers.set(part.table, index + 1);
        came(part, inspected, index);
        yield { table: part.table, stream: await numbered(part, index, !inspected.source.repeatable) };
      }
      ended(inspected);
    }
  }

  /** The parts of one table of a source as they came before, all or those `from` a point on; the rest of the source is passed over. */
  async *again(inspected: InspectedSource, wanted: string, from?: ReadingPoint): AsyncGenerator<TablePart, void, undefined> {
    const format = await loadFormat(inspected.format);
    const bind = async (table: InspectedTable): Promise<TableBinding | null> => {
      const binding = this.#bound.get(keyOf(inspected, table))?.binding;
      return binding?.table === wanted ? binding : null;
    };
    yield* format.read(inspected, { ...this.#settings(inspected, this.#parts.context.signal), spareBuffers: this.#spareForOne, bind, ...(from === undefined ? {} : { from }) });
  }

  /** @returns undefined where the part has to be read again for that */
  async locator(inspected: InspectedSource, point: ReadingPoint): Promise<RecordLocator | undefined> {
    const { tolerant, context: { signal } } = this.#parts;
    return (await loadFormat(inspected.format)).locate?.(inspected, point, { tolerant, signal });
  }

  #settings(inspected: InspectedSource, signal: AbortSignal): Omit<ReadRequest, 'bind' | 'spareBuffers'> {
    const { context: { jobs, partBytes, engineMemoryBytes }, tolerant, onlyExisting } = this.#parts;
    return { jobs, partBytes, signal, engineMemoryBytes, trustSampledTypes: onlyExisting(inspected), replayable: true, tolerant };
  }

  async #bind(inspected: InspectedSource, table: InspectedTable, encodings: Encodings): Promise<TableBinding | null> {
    const bound = await this.#parts.bind(inspected, table, encodings);
    if (bound === null) return null;
    const { binding, load } = bound;
    this.#bound.set(keyOf(inspected, table), { inspected, table, binding, mode: load.mode, key: load.key, columns: load.columns.map((column) => column.name) });
    return binding;
  }
}

function keyOf({ source }: InspectedSource, { name }: InspectedTable): string {
  return JSON.stringify([source.name, name?.schema, name?.name]);
}

/** @param mustHash the source cannot be read again: the part's bytes must be known when they are supplied once more */
async function numbered(stream: PartStream, index: number, mustHash: boolean): Promise<PartStream> {
  const { part, encoding, chunks, firstRow, file, replayable, framed, leftOut } = stream;
  const hash = mustHash && replayable === true ? await hashOf(stream) : undefined;
  return {
    part: { ...part, index },
    encoding,
    chunks,
    counts: () => stream.counts(),
    ...(hash === undefined ? {} : { hash }),
    ...(firstRow === undefined ? {} : { firstRow }),
    ...(file === undefined ? {} : { file }),
    ...(replayable === undefined ? {} : { replayable }),
    ...(framed === undefined ? {} : { framed }),
    ...(leftOut === undefined ? {} : { leftOut }),
    ...(stream.release === undefined ? {} : { release: () => stream.release!() }),
    ...(stream.careful === undefined ? {} : { careful: () => stream.careful!() }),
    ...(stream.places === undefined ? {} : { places: (records: readonly number[]) => stream.places!(records) }),
    ...(stream.locate === undefined ? {} : { locate: (line: number) => stream.locate!(line) }),
    ...(stream.locateRow === undefined ? {} : { locateRow: (row: number) => stream.locateRow!(row) }),
  };
}

/** Of bytes that are in memory anyway. */
async function hashOf(stream: PartStream): Promise<number> {
  let hash = 0;
  for await (const chunk of stream.chunks) hash = crc32(chunk, hash);
  return hash;
}
