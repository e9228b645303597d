/**
 * Writes a table as one Parquet file, in one of two lanes. Tables whose columns are all of plain types and whose source sends them in binary are encoded here
 * (byte-lane.ts); all others go as text through the engine (engine-lane.ts). Both write the same columns, types and values.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { DEFAULT_ENGINE_MEMORY_BYTES } from '../../engine/engine.ts';
import { recordLimit } from '../../engine/text-relation.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import type { PartStream } from '../../rows/part.ts';
import { CANONICAL_CSV, type RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import type { FormatWriter, WriteOptions } from '../format.ts';
import { ByteLane } from './byte-lane.ts';
import { EngineLane } from './engine-lane.ts';
import { pageCodec } from './page-codec.ts';
import { isPlain } from './stored-type.ts';

const DEFAULT_COMPRESSION = 'zstd';

export class ParquetWriter implements FormatWriter {
  readonly #sink: ByteSink;
  readonly #memoryLimitBytes: number;
  readonly #compression: string;
  #encoding: RowEncoding | undefined;
  #table: TableSchema | undefined;
  #engineLane: EngineLane | undefined;
  #byteLane: ByteLane | undefined;
  #rowsGiven = 0;

  constructor(sink: ByteSink, options: WriteOptions) {
    if (options.multipleTables) throw severalTables();
    this.#sink = sink;
    this.#memoryLimitBytes = options.engineMemoryBytes ?? DEFAULT_ENGINE_MEMORY_BYTES;
    this.#compression = options.compression ?? DEFAULT_COMPRESSION;
  }

  accepts(table: TableSchema, measurable = false): readonly RowEncoding['kind'][] {
    const isOurs = pageCodec(this.#compression) !== undefined && isPlain(table, measurable);
    return [...(isOurs ? ['copy-binary'] as const : []), 'csv', 'copy-text'];
  }

  /** The engine decides once for the whole file whether floats have dictionaries. */
  wantsMeasured(encoding: RowEncoding['kind']): readonly ('numeric' | 'float')[] {
    return encoding === 'copy-binary' ? ['numeric'] : ['numeric', 'float'];
  }

  /** The engine fills its reading buffer, then takes it apart before it reads on. */
  readAheadBytes(encoding: RowEncoding['kind']): number {
    return encoding === 'copy-binary' ? 0 : recordLimit(this.#memoryLimitBytes);
  }

  async beginTable(table: TableSchema): Promise<void> {
    if (this.#table !== undefined) throw severalTables();
    this.#table = table;
  }

  /** The bytes go on as they are: they are taken apart in order. */
  async *encodePart(_table: TableSchema, part: PartStream, written: (rows: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    this.#encoding ??= part.encoding;
    yield* part.chunks;
    const { read, skipped } = part.counts();
    this.#rowsGiven += read - skipped;
    written(read - skipped);
  }

  async writeEncoded(chunk: Uint8Array, first: boolean): Promise<void> {
    if (this.#byteLane === undefined && this.#engineLane === undefined) await this.#open();
    await (this.#byteLane?.write(chunk, first) ?? this.#engineLane!.write(chunk));
  }

  async endTable(): Promise<void> {
    if (this.#byteLane === undefined && this.#engineLane === undefined) await this.#open();
    const written = await (this.#byteLane?.end() ?? this.#engineLane!.end());
    if (written !== this.#rowsGiven) {
      const table = displayName(this.#table!);
      throw new SluiceError('RECEIPT_UNBALANCED', { table, read: this.#rowsGiven, written, rejected: 0, duplicate: 0, skipped: 0 }, { table });
    }
    await this.#engineLane?.deliver();
  }

  async finish(): Promise<void> {
    await this.#engineLane?.close();
  }

  async abort(): Promise<void> {
    await this.#engineLane?.abort();
  }

  async #open(): Promise<void> {
    const encoding = this.#encoding ?? CANONICAL_CSV;
    const table = this.#table!;
    if (encoding.kind === 'copy-binary') {
      this.#byteLane = new ByteLane(table, encoding, pageCodec(this.#compression)!, this.#sink);
      return;
    }
    this.#engineLane = new EngineLane(table, encoding, this.#sink, { memoryLimitBytes: this.#memoryLimitBytes, compression: this.#compression });
    await this.#engineLane.open();
  }
}

function severalTables(): SluiceError {
  return new SluiceError('OPTION_UNSUPPORTED', { option: 'Several tables in one Parquet file', context: '; name a folder' });
}
