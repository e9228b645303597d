/**
 * Writes a table as one Parquet file through the engine, for columns and sources that we do not encode ourselves: encoded rows go through a named pipe into the engine, which tests every value, types it and writes the file under
 * the sink's unfinished name. Without such a name (standard output) it writes a temporary file that is streamed afterwards.
 *
 * Numerics without precision have no Parquet type until all values are known (engine/column-types.ts). A table whose source cannot tell their size is
 * first written with them as text, then measured, then written again with the DECIMAL that holds them exactly; as text when none does.
 *
 * Memory: the engine's limit. A row group is held in memory until it is full, so wide rows get smaller groups.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { engineTypeFor } from '../../engine/column-types.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { DEFAULT_ENGINE_THREADS, openEngine, type Engine } from '../../engine/engine.ts';
import { VARCHAR, type EngineType } from '../../engine/engine-type.ts';
import { feed } from '../../engine/feed.ts';
import { loadSelect } from '../../engine/load-select.ts';
import { fittedType, measureNumerics } from '../../engine/numeric-fit.ts';
import { hasFloat, parquetItems, WITHOUT_DICTIONARIES } from '../../engine/parquet-values.ts';
import { quoteIdentifier, quotePath, quoteString } from '../../engine/quoting.ts';
import { textRelation } from '../../engine/text-relation.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { createFifo } from '../../io/fifo.ts';
import { targetError } from '../../io/system-errors.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import { Handoff } from './handoff.ts';
import { parquetRelation } from './parquet-file.ts';

/** One thread reads a pipe; more would burn time waiting for it (17 against 12 CPU seconds for 5M rows, and not faster). */
const PIPE_THREADS = 1;

const GROUP_ROWS = 122_880;
const SMALLEST_GROUP_ROWS = 2_048;
/** Of the engine's memory for one row group: values, their encoded pages, and the next group being gathered. */
const GROUP_SHARE = 8;

export interface EngineLaneOptions {
  readonly memoryLimitBytes: number;
  readonly compression: string;
}

export class EngineLane {
  readonly #table: TableSchema;
  readonly #encoding: RowEncoding;
  readonly #sink: ByteSink;
  readonly #memoryLimitBytes: number;
  readonly #compression: string;
  readonly #stop = new AbortController();
  #handoff: Handoff | undefined;
  #writing: Promise<number> | undefined;
  #engine: Engine | undefined;
  #connection: EngineConnection | undefined;
  #folder: string | undefined;

  constructor(table: TableSchema, encoding: RowEncoding, sink: ByteSink, options: EngineLaneOptions) {
    this.#table = table;
    this.#encoding = encoding;
    this.#sink = sink;
    this.#memoryLimitBytes = options.memoryLimitBytes;
    this.#compression = options.compression;
  }

  async open(): Promise<void> {
    this.#engine = await openEngine({ path: ':memory:', memoryLimitBytes: this.#memoryLimitBytes, threads: PIPE_THREADS });
    this.#connection = await this.#engine.connect();
  }

  /** The engine takes the bytes apart. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#writing === undefined) this.#start();
    await Promise.race([this.#handoff!.push(chunk), this.#writing!.then(() => undefined)]);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @returns the rows in the file, as its footer says */
  async end(): Promise<number> {
    if (this.#writing === undefined) this.#start();
    this.#handoff!.end();
    const path = await this.#pathToWrite();
    await this.#writing!;
    if (this.#fitted.length > 0) await this.#writeFitted(path);
    return Number(await this.#connection!.value(`SELECT sum(num_rows) FROM parquet_file_metadata(${quotePath(path)})`, { path }));
  }

  /** Hands the file over, where the engine could not write it in its place. */
  async deliver(): Promise<void> {
    await this.close();
    if (this.#sink.partialPath === undefined) await this.#stream(await this.#pathToWrite());
    await this.#removeFolder();
  }

  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.close();
  }

  async abort(): Promise<void> {
    this.#stop.abort(new SluiceError('CANCELLED'));
    this.#handoff?.end();
    await this.#writing?.catch(() => undefined);
    await this.close();
    await this.#removeFolder();
  }

  #failure: SluiceError | undefined;
  /** Positions of the columns whose DECIMAL is found at the end. */
  #fitted: readonly number[] = [];

  #start(): void {
    this.#handoff = new Handoff();
    this.#writing = this.#write(this.#handoff).catch((error: unknown) => {
      this.#failure = toSluiceError(error);
      throw this.#failure;
    });
    this.#writing.catch(() => undefined); // thrown by the call that waits for it
  }

  async #write(chunks: Handoff): Promise<number> {
    const { columns } = this.#table;
    const types = columns.map((column): EngineType | undefined => engineTypeFor(column.type));
    this.#fitted = types.flatMap((type, i) => (type === undefined ? [i] : []));
    const target = this.#fitted.length > 0 ? await this.#textPath() : await this.#pathToWrite();
    const known = types.map((type) => type ?? VARCHAR);
    const encoding = this.#encoding;
    const { through } = textRelation('', encoding, known, this.#memoryLimitBytes);
    const compression = this.#fitted.length > 0 ? 'lz4_raw' : this.#compression;
    return feed({
      connection: this.#connection!,
      statement: (path) => copyTo(target, this.#selectFrom(path, encoding, known), compression, this.#layout()),
      chunks: through(chunks),
      openPipe: createFifo,
      signal: this.#stop.signal,
      context: { table: displayName(this.#table), path: this.#sink.name },
    });
  }

  #selectFrom(path: string, encoding: RowEncoding, types: readonly EngineType[]): string {
    const { columns } = this.#table;
    const { relation, expressions } = textRelation(path, encoding, types, this.#memoryLimitBytes);
    const loaded = loadSelect(columns.map((column, i) => ({ expression: expressions[i], from: VARCHAR, column: column.name, to: types[i] })), relation, { numbered: false, canonical: true });
    const items = columns.map((column, i) => ({ expression: `l${i}`, name: column.name, type: types[i] }));
    return `SELECT ${parquetItems(items)} FROM (${loaded}) AS loaded(${columns.map((_, i) => `l${i}`).join(', ')})`;
  }

  /** The second pass: from the file with text to the one with decimals. */
  async #writeFitted(path: string): Promise<void> {
    const { columns } = this.#table;
    const names = columns.map((column) => quoteIdentifier(column.name));
    const from = parquetRelation(await this.#textPath());
    const context = { table: displayName(this.#table), path: this.#sink.name, signal: this.#stop.signal };
    await this.#connection!.run(`SET threads = ${DEFAULT_ENGINE_THREADS}`);
    const extents = await measureNumerics(this.#connection!, this.#fitted.map((i) => names[i]), from, context);
    const items = names.map((name, i) => {
      const at = this.#fitted.indexOf(i);
      return at < 0 ? name : `CAST(${name} AS ${fittedType(extents[at]).sql}) AS ${name}`;
    });
    await this.#connection!.run(copyTo(path, `SELECT ${items.join(', ')} FROM ${from}`, this.#compression, this.#layout()), context);
  }

  /** What is said of the file besides its compression. The rows come once: whether one has a negative zero is known only where the source has looked. */
  #layout(): string {
    const floats = this.#table.columns.some((column) => column.noNegativeZero !== true && hasFloat(engineTypeFor(column.type) ?? VARCHAR));
    return `ROW_GROUP_SIZE ${this.#groupRows()}${floats ? WITHOUT_DICTIONARIES : ''}`;
  }

  #groupRows(): number {
    const { estimatedBytes = 0, estimatedRows = 0 } = this.#table;
    if (estimatedBytes <= 0 || estimatedRows <= 0) return GROUP_ROWS;
    const rows = Math.floor(this.#memoryLimitBytes / GROUP_SHARE / (estimatedBytes / estimatedRows));
    return Math.min(GROUP_ROWS, Math.max(SMALLEST_GROUP_ROWS, rows - rows % SMALLEST_GROUP_ROWS));
  }

  async #pathToWrite(): Promise<string> {
    return this.#sink.partialPath ?? join(await this.#temporaryFolder(), 'table.parquet');
  }

  async #textPath(): Promise<string> {
    return join(await this.#temporaryFolder(), 'text.parquet');
  }

  async #temporaryFolder(): Promise<string> {
    const parent = tmpdir();
    this.#folder ??= await mkdtemp(join(parent, 'sluice-parquet-')).catch((error: unknown) => { throw targetError(error, parent); });
    return this.#folder;
  }

  async #removeFolder(): Promise<void> {
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  async #stream(path: string): Promise<void> {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) await this.#sink.write(chunk as Uint8Array);
  }
}

function copyTo(path: string, select: string, compression: string, layout: string): string {
  const codec = compression === 'none' ? 'uncompressed' : compression;
  return `COPY (${select}) TO ${quoteString(path)} (FORMAT parquet, COMPRESSION ${codec}, ${layout}, USE_TMP_FILE false)`;
}
